import type { BillCase, ImportedMonth } from './bill-case.ts';
import type { BillLine } from './bill-lines.ts';
import { ACCOUNT, billLine, legacyCsv, PLAN_ARN, RESERVATION_ARN } from './bill-lines.ts';
import { MARCH } from './export-directory.ts';

function bill(title: string, lines: BillLine[], outcome: ImportedMonth): BillCase {
  return { title, write: async (directory) => void (await directory.write(`${MARCH}/acme-00001.csv`, legacyCsv(lines))), months: { '2026-03': outcome } };
}

const covered = { lineItemType: 'SavingsPlanCoveredUsage', savingsPlanArn: PLAN_ARN, savingsPlanEffectiveCost: '0.06' };
const negation: BillLine = { lineItemType: 'SavingsPlanNegation', savingsPlanArn: PLAN_ARN, resourceId: '', unblendedCost: '-0.1920000000', usageAmount: '2', publicOnDemandCost: '0' };
const recurring: BillLine = {
  lineItemType: 'SavingsPlanRecurringFee', productCode: 'ComputeSavingsPlans', savingsPlanArn: PLAN_ARN, resourceId: '', regionCode: '',
  unblendedCost: '0.5', totalCommitmentToDate: '0.5', usedCommitment: '0.12', publicOnDemandCost: '', availabilityZone: '',
};
const noResource: BillLine = { resourceId: '', regionCode: '', availabilityZone: '', usageType: '', publicOnDemandCost: '' };

function cell(rows: Record<string, string>[], nativeId: string, column: string): string | undefined {
  return rows.find((row) => row['native_id'] === nativeId)?.[column];
}

/** What lines mean: savings plans, reservations, tax, credits, refunds and the rest. */
export const COST_CASES: BillCase[] = [
  bill('a savings plan moves its covered cost to its own line and stays exact', [billLine(covered), billLine({ ...covered, resourceId: 'i-2' }), billLine(negation), billLine(recurring)], {
    billed: { USD: '0.5' },
    effective: { USD: '0.5' },
    nativeIds: [PLAN_ARN, 'i-0123456789abcdef0', 'i-2'],
    check: (_, { costs }) => {
      const resource = cell(costs, 'i-2', 'billed_cost') === '0' && cell(costs, 'i-2', 'effective_cost') === '0.06' && cell(costs, 'i-2', 'list_cost') === '0.096';
      const plan = costs.filter((row) => row['native_id'] === PLAN_ARN).map((row) => `${row['charge_category']} ${row['billed_cost']} ${row['consumed_quantity']}`);
      return resource && plan.join() === 'Purchase 0.5 1,Usage 0 0' ? null : `wrong: ${plan.join()}`;
    },
  }),
  bill(
    'a reservation shows its unused part on its own line',
    [
      billLine({ lineItemType: 'DiscountedUsage', unblendedCost: '0', reservationArn: RESERVATION_ARN, reservationEffectiveCost: '0.05' }),
      billLine({ ...noResource, lineItemType: 'RIFee', reservationArn: RESERVATION_ARN, unblendedCost: '37.2', unusedRecurringFee: '2.2', unusedAmortizedUpfrontFee: '1' }),
      billLine({ ...noResource, lineItemType: 'Fee', reservationArn: RESERVATION_ARN, unblendedCost: '100' }),
    ],
    { billed: { USD: '137.2' }, effective: { USD: '3.25' }, nativeIds: [RESERVATION_ARN, 'i-0123456789abcdef0'] },
  ),
  bill(
    'tax without cost and a credit without amount are kept on named lines',
    [
      billLine({ ...noResource, lineItemType: 'Tax', unblendedCost: '0', usageStart: '2026-03-01T00:00:00Z', usageEnd: '2026-04-01T00:00:00Z' }),
      billLine({ ...noResource, lineItemType: 'Credit', unblendedCost: '-35.576771', usageAmount: '0' }),
      billLine({ ...noResource, lineItemType: 'Refund', unblendedCost: '-1' }),
      billLine({ ...noResource, lineItemType: 'Fee', productCode: 'AWSSupportBusiness', unblendedCost: '29' }),
    ],
    {
      billed: { USD: '-7.576771' },
      effective: { USD: '-7.576771' },
      nativeIds: ['line:Credit:AmazonEC2', 'line:Fee:AWSSupportBusiness', 'line:Refund:AmazonEC2', 'line:Tax:AmazonEC2'],
      check: (_, { costs }) => {
        const categories = costs.map((row) => `${row['charge_category']}${row['charge_class']}`).join();
        return categories === 'Credit,Purchase,AdjustmentCorrection,Tax' ? null : categories;
      },
    },
  ),
  bill(
    'a returned savings plan does not make the effective cost negative',
    [billLine({ ...noResource, lineItemType: 'Refund', productCode: 'ComputeSavingsPlans', description: 'Refund for one-time fee for Savings Plan ID: 1', unblendedCost: '-400' })],
    { billed: { USD: '-400' }, effective: { USD: '0' } },
  ),
  bill('an upfront fee is billed and not effective', [billLine({ ...noResource, lineItemType: 'SavingsPlanUpfrontFee', savingsPlanArn: PLAN_ARN, unblendedCost: '400' })], {
    billed: { USD: '400' },
    effective: { USD: '0' },
    nativeIds: [PLAN_ARN],
  }),
  bill('discount lines are usage at their negative cost and have no list cost', [billLine(), billLine({ lineItemType: 'EdpDiscount', unblendedCost: '-0.01', publicOnDemandCost: '' })], {
    billed: { USD: '0.086' },
    effective: { USD: '0.086' },
    check: (_, { costs }) => (costs.length === 1 && costs[0]?.['list_cost'] === '0.096' ? null : JSON.stringify(costs)),
  }),
  bill('split cost lines repeat their parent and stay out of the sums', [billLine({ unblendedCost: '4' }), billLine({ operation: 'EKSPod-EC2', unblendedCost: '3', resourceId: 'pod' }), billLine({ operation: 'ECSTask-EC2', unblendedCost: '1' })], {
    billed: { USD: '4' },
    rows: 3,
    splitRows: 2,
    nativeIds: ['i-0123456789abcdef0'],
  }),
  bill('a line of an unknown type is kept at its unblended cost with a warning', [billLine({ lineItemType: 'FlexsaveNegation', unblendedCost: '-3' })], {
    billed: { USD: '-3' },
    effective: { USD: '-3' },
    warnings: [/FlexsaveNegation/],
  }),
  bill(
    'hours that a capacity reservation allocates are not usage',
    [billLine(), billLine({ usageType: 'USE1-Reservation:m5.large', resourceId: `arn:aws:ec2:us-east-1:${ACCOUNT}:capacity-reservation/cr-1`, unblendedCost: '0', publicOnDemandCost: '0', usageAmount: '24' })],
    { billed: { USD: '0.096' }, check: (_, { costs }) => (costs.map((row) => row['consumed_quantity']).join() === '0,1' ? null : 'usage was counted') },
  ),
  bill('a marketplace product is known by its name', [billLine({ billingEntity: 'AWS Marketplace', productCode: 'a1b2c3', productName: 'Security, Inc. Scanner', publicOnDemandCost: '' })], {
    billed: { USD: '0.096' },
    check: (_, { costs }) => (costs[0]?.['service_name'] === 'Security, Inc. Scanner' && costs[0]?.['list_cost'] === '0.096' ? null : JSON.stringify(costs)),
  }),
  bill('one line without an invoice keeps the bill open', [billLine({ invoiceId: '123' }), billLine()], { billed: { USD: '0.192' }, isFinal: false }),
  bill('a bill with an invoice on every chargeable line is final', [billLine({ invoiceId: '123' }), billLine({ unblendedCost: '0' })], { billed: { USD: '0.096' }, isFinal: true }),
  bill('ARNs that differ behind a slash stay apart', [billLine({ resourceId: 'arn:aws:ecs:us-east-1:1:service/a/x' }), billLine({ resourceId: 'arn:aws:ecs:us-east-1:1:service/a/y' })], {
    billed: { USD: '0.192' },
    resources: 2,
    check: (_, { resources }) => (resources.map((row) => `${row['resource_name']} ${row['resource_type']}`).join() === 'x ecs:service,y ecs:service' ? null : 'wrong names'),
  }),
];
