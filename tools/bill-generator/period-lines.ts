import type { Account, Chargeable } from './catalogue.ts';
import type { Commitment, Commitments, Covered } from './commitments.ts';
import { NO_RESERVATION, NO_SAVINGS_PLAN } from './line-item.ts';
import type { LineItem } from './line-item.ts';
import { toUnits, UNITS_PER_ONE } from './units.ts';
import type { Units } from './units.ts';

/** Where a row stands in time and in the files. */
export type When = Pick<LineItem, 'month' | 'file' | 'day' | 'startText' | 'endText'>;

/** What a row says; the rest comes from what it is of. */
export type LineParts = Omit<LineItem, keyof When | 'id' | 'of' | 'taxType' | 'reservation' | 'savingsPlan'> &
  Partial<Pick<LineItem, 'taxType' | 'reservation' | 'savingsPlan'>>;

export interface LineMaker {
  payer(): Account;
  line(when: When, of: Chargeable, parts: LineParts): LineItem;
}

const NOWHERE = { id: '', usagePrefix: '', location: '' };

function service(account: Account, productCode: string, productName: string): Chargeable {
  return {
    resourceId: '', account, region: NOWHERE, zone: '', productCode, productName, serviceCode: productCode, instanceType: '',
    coverage: 'on-demand', tags: {}, costCategories: { 'Charge type': 'Fees and taxes' }, meters: [],
  };
}

const PLANS = ['ComputeSavingsPlans', 'Savings Plans for AWS Compute usage'] as const;
const EC2 = ['AmazonEC2', 'Amazon Elastic Compute Cloud'] as const;
const S3 = ['AmazonS3', 'Amazon Simple Storage Service'] as const;

function charge(type: string, amount: Units, description: string): LineParts {
  return {
    type, usageType: '', operation: '', unit: '', family: '', description, usage: 0, rate: '', unblended: amount, publicCost: null,
  };
}

/** A whole month's interval, as AWS dates fees, taxes and credits. */
function wholeMonth(when: When): When {
  const { startText, endText } = when.month;
  return { ...when, day: startText.slice(0, 10), startText, endText };
}

/** Takes back the on-demand value a plan covered; AWS repeats the usage and names no resource. */
export function negation(maker: LineMaker, covered: Covered, when: When): LineItem {
  const { plan, like, usageType, operation, usage, unblended } = covered;
  return maker.line(when, { ...like, resourceId: '', tags: {}, costCategories: {}, instanceType: '' }, {
    ...charge('SavingsPlanNegation', -unblended, `SavingsPlanNegation used by AccountId : ${like.account.id} and UsageSku : ${usageType}`),
    usageType, operation, unit: 'Hrs', usage, savingsPlan: { arn: plan.arn, offering: plan.offering, ...NO_SAVINGS_PLAN },
  });
}

/** A plan's commitment of one day: 8 % above what was used of it. */
export function recurringFee(maker: LineMaker, plan: Commitment, used: Units, when: When): LineItem {
  const totalCommitment = Math.round(used * 1.08);
  const upfrontForPeriod = Math.round(totalCommitment * plan.upfrontShare);
  const recurringForPeriod = totalCommitment - upfrontForPeriod;
  const day = { ...when, startText: `${when.day}T00:00:00Z`, endText: `${when.day}T23:59:59Z` };
  return maker.line(day, service(maker.payer(), ...PLANS), {
    ...charge('SavingsPlanRecurringFee', recurringForPeriod, `1 year ${plan.upfrontShare === 0 ? 'No' : 'Partial'} Upfront ${plan.offering} Savings Plan`),
    usageType: 'ComputeSP:1yr', unit: 'Hrs', usage: 24 * UNITS_PER_ONE,
    savingsPlan: {
      arn: plan.arn, offering: plan.offering, ...NO_SAVINGS_PLAN, totalCommitment, usedCommitment: used, upfrontForPeriod, recurringForPeriod,
    },
  });
}

/** Purchases and subscriptions, dated on the first. */
export function* monthOpening(maker: LineMaker, commitments: Commitments, at: When): Generator<LineItem, void, void> {
  const when = wholeMonth(at);
  const payer = maker.payer();
  const [, partlyUpfront] = commitments.savingsPlans;
  const rds = service(payer, 'AmazonRDS', 'Amazon Relational Database Service');
  const reserved = { compute: service(payer, ...EC2), database: rds } as const;
  if (when.month.index === 0) {
    yield maker.line(when, service(payer, ...PLANS), {
      ...charge('SavingsPlanUpfrontFee', toUnits(4380.5), '1 year Partial Upfront EC2 Instance Savings Plan, upfront fee'),
      savingsPlan: { arn: partlyUpfront.arn, offering: partlyUpfront.offering, ...NO_SAVINGS_PLAN },
    });
    yield maker.line(when, reserved.compute, {
      ...charge('Fee', toUnits(2190), 'Sign up charge for subscription: 8861234, "Linux/UNIX", m5.large'),
      usageType: 'HeavyUsage:m5.large', reservation: { arn: commitments.compute.arn, ...NO_RESERVATION },
    });
  }
  for (const name of ['compute', 'database'] as const) {
    const { arn } = commitments[name];
    yield maker.line(when, reserved[name], {
      ...charge('RIFee', toUnits(438.1234567), `USD 0.060 hourly fee per Linux/UNIX (${name}), reserved instance`),
      usageType: `HeavyUsage:${name}`, operation: 'RunInstances', unit: 'Hrs', usage: 744 * UNITS_PER_ONE,
      reservation: {
        arn, ...NO_RESERVATION, unusedUpfront: toUnits(3.0000000001), unusedRecurring: toUnits(11.25), upfrontForPeriod: toUnits(182.5),
      },
    });
  }
  yield maker.line(when, service(payer, 'AWSSupportBusiness', 'AWS Support (Business)'),
    charge('Fee', toUnits(321.05), 'AWS Support (Business)\nmonthly fee, "greater of" rule'));
  yield maker.line(when, service(payer, 'AmazonCloudFront', 'Amazon CloudFront'),
    charge('FlatRateSubscription', toUnits(15), 'CloudFront flat-rate plan "Pro"'));
}

/** What AWS adds to a month: discounts, credits, refunds and taxes, dated on the first. */
export function* monthClosing(maker: LineMaker, spent: Map<Account, number>, at: When): Generator<LineItem, void, void> {
  const when = wholeMonth(at);
  const payer = maker.payer();
  const ofPayer = spent.get(payer) ?? 0;
  yield maker.line(when, service(payer, ...EC2), charge('EdpDiscount', -taxed(ofPayer, 0.03), 'Enterprise discount, 3% of usage'));
  yield maker.line(when, service(payer, ...EC2), charge('Credit', toUnits(-35.576771), 'AWS Activate credit, "startup" programme'));
  yield maker.line(when, service(payer, ...S3), charge('Refund', toUnits(-1.2345678901), 'Refund for requests, charged twice'));
  if (when.month.index === 1) {
    yield maker.line(when, service(payer, ...PLANS), charge('Refund', toUnits(-99.99), 'Refund for one-time fee for Savings Plan ID : sp-0001'));
  }
  for (const [account, units] of spent) {
    yield maker.line(when, service(account, ...EC2), {
      ...charge('Tax', taxed(units, 0.19), 'Tax for product code AmazonEC2, 19% VAT'), usage: UNITS_PER_ONE, taxType: 'VAT',
    });
  }
  yield maker.line(when, service(payer, 'AWSLambda', 'AWS Lambda'), {
    ...charge('Tax', 0, 'Tax for product code AWSLambda'), usage: UNITS_PER_ONE, taxType: 'VAT',
  });
}

function taxed(units: number, share: number): Units {
  const tax = Math.round(units * share);
  if (!Number.isSafeInteger(tax)) throw new RangeError('the bill is too large for exact amounts: use fewer resources or days');
  return tax;
}
