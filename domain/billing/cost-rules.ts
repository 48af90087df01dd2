import { Big } from 'big.js';

/** Amount columns that the rules read; blank or missing is null, never zero. */
export const AMOUNT_COLUMNS = [
  'unblendedCost',
  'netUnblendedCost',
  'publicOnDemandCost',
  'reservationEffectiveCost',
  'unusedAmortizedUpfrontFee',
  'unusedRecurringFee',
  'savingsPlanEffectiveCost',
  'totalCommitmentToDate',
  'usedCommitment',
] as const;
export type AmountColumn = (typeof AMOUNT_COLUMNS)[number];

/** A sum of columns. It has a value when `needs` of its columns are not null; null ones then add nothing. */
export interface CostSum {
  plus: AmountColumn[];
  minus: AmountColumn[];
  needs: 'all' | 'any';
}

/** The first term that has a value; the last one always does, as unblended cost is required. */
export type CostFormula = 'zero' | (AmountColumn | CostSum)[];

/** What must hold beside the line item type. */
export type RuleCondition = 'always' | 'has-reservation-arn' | 'savings-plan-upfront-refund';

/** To what a line belongs: its resource, its savings plan or its reservation, each with the next as a fallback. */
export type LineOwner = 'resource' | 'savings-plan' | 'reservation';

/** FOCUS ChargeCategory. */
export type ChargeCategory = 'Usage' | 'Purchase' | 'Tax' | 'Credit' | 'Adjustment';

export interface CostRule {
  types: readonly string[];
  when: RuleCondition;
  owner: LineOwner;
  /** `plan`: the resource shows 0, and the amount stands on the plan's named line. */
  billedOn: 'owner' | 'plan';
  category: ChargeCategory;
  /** FOCUS ChargeClass: empty or `Correction`. */
  class: '' | 'Correction';
  effective: CostFormula;
  contracted: CostFormula;
  list: CostFormula;
  /** Whether the line's usage amount counts. */
  countsUsage: boolean;
}

const U: CostFormula = ['unblendedCost'];
const N: CostFormula = ['netUnblendedCost', 'unblendedCost'];
const P: CostFormula = ['publicOnDemandCost', 'unblendedCost'];
const own = { when: 'always', owner: 'resource', billedOn: 'owner', category: 'Usage', class: '', countsUsage: true } as const;
const purchase = { ...own, category: 'Purchase', contracted: 'zero', list: 'zero' } as const;

/**
 * How each line item type becomes billed, effective, contracted and list cost. Billed cost is
 * always the unblended cost. Read in order: the first rule of the type whose condition holds.
 * Effective cost follows AWS's Cloud Intelligence Dashboards (`summary_view`), categories FOCUS 1.2;
 * docs/adr/0010-cost-rules.md gives the reasons.
 */
export const COST_RULES: readonly CostRule[] = [
  { ...own, types: ['Usage', 'FlatRateSubscription'], effective: U, contracted: N, list: P },
  {
    ...own,
    types: ['SavingsPlanCoveredUsage'],
    billedOn: 'plan',
    effective: ['savingsPlanEffectiveCost', 'unblendedCost'],
    contracted: N,
    list: P,
  },
  {
    ...own,
    types: ['SavingsPlanNegation'],
    owner: 'savings-plan',
    effective: 'zero',
    contracted: 'zero',
    list: 'zero',
    countsUsage: false,
  },
  { ...own, types: ['DiscountedUsage'], effective: ['reservationEffectiveCost', 'unblendedCost'], contracted: P, list: P },
  {
    ...purchase,
    types: ['SavingsPlanRecurringFee'],
    owner: 'savings-plan',
    effective: [{ plus: ['totalCommitmentToDate'], minus: ['usedCommitment'], needs: 'all' }, 'unblendedCost'],
  },
  { ...purchase, types: ['SavingsPlanUpfrontFee'], owner: 'savings-plan', effective: 'zero' },
  {
    ...purchase,
    types: ['RIFee'],
    owner: 'reservation',
    effective: [{ plus: ['unusedAmortizedUpfrontFee', 'unusedRecurringFee'], minus: [], needs: 'any' }, 'unblendedCost'],
  },
  { ...purchase, types: ['Fee'], when: 'has-reservation-arn', owner: 'reservation', effective: 'zero' },
  { ...purchase, types: ['Fee'], effective: U, contracted: U, list: U },
  { ...own, types: ['Tax'], category: 'Tax', effective: U, contracted: U, list: U },
  { ...own, types: ['Credit'], category: 'Credit', effective: U, contracted: U, list: U },
  {
    ...own,
    types: ['Refund'],
    when: 'savings-plan-upfront-refund',
    owner: 'savings-plan',
    category: 'Adjustment',
    class: 'Correction',
    effective: 'zero',
    contracted: U,
    list: U,
  },
  { ...own, types: ['Refund'], category: 'Adjustment', class: 'Correction', effective: U, contracted: U, list: U },
  {
    ...own,
    types: ['EdpDiscount', 'PrivateRateDiscount', 'SppDiscount', 'BundledDiscount', 'RiVolumeDiscount', 'Discount'],
    effective: U,
    contracted: N,
    list: 'zero',
  },
];

/** For a type that no rule names: the line is kept at its unblended cost, and the reading warns. */
export const UNKNOWN_TYPE_RULE: CostRule = { ...own, types: [], effective: U, contracted: U, list: U };

/** The product and the beginning of the description of a returned savings plan's upfront fee. */
export const SAVINGS_PLAN_REFUND = {
  productCode: 'ComputeSavingsPlans',
  descriptionPrefix: 'Refund for one-time fee for Savings Plan ID',
} as const;

/** Operations of split cost allocation rows: they repeat a share of their parent's cost. */
export const SPLIT_OPERATIONS: readonly string[] = ['EKSPod-EC2', 'ECSTask-EC2'];

/**
 * Hours that a capacity reservation allocates; the instances in it report the same hours, so these
 * do not count as usage. Their cost (normally zero) is kept.
 */
export const ALLOCATED_CAPACITY = { usageTypePart: 'Reservation:', resourceIdPart: ':capacity-reservation/cr-' } as const;

/** What the rules read of a line. Amounts are decimal text or null. */
export type RuledLine = { [column in AmountColumn]: string | null } & {
  unblendedCost: string;
  lineItemType: string;
  productCode: string;
  description: string;
  resourceId: string;
  usageType: string;
  usageAmount: string | null;
  reservationArn: string;
  savingsPlanArn: string;
};

export interface LineCosts {
  rule: CostRule;
  /** Null when the line has no usage amount. */
  consumedQuantity: string | null;
  billedCost: string;
  effectiveCost: string;
  contractedCost: string;
  listCost: string;
}

/** The rule of a line. */
export function ruleOf(line: RuledLine): CostRule {
  return COST_RULES.find((rule) => rule.types.includes(line.lineItemType) && holds(rule.when, line)) ?? UNKNOWN_TYPE_RULE;
}

/** The costs of one line, exactly. The SQL that reads whole bills is made from the same table and tested against this. */
export function costsOf(line: RuledLine): LineCosts {
  const rule = ruleOf(line);
  return {
    rule,
    consumedQuantity: quantityOf(rule, line),
    billedCost: new Big(line.unblendedCost).toFixed(),
    effectiveCost: evaluate(rule.effective, line),
    contractedCost: evaluate(rule.contracted, line),
    listCost: evaluate(rule.list, line),
  };
}

function quantityOf(rule: CostRule, line: RuledLine): string | null {
  if (line.usageAmount === null) return null;
  const isAllocated =
    line.usageType.includes(ALLOCATED_CAPACITY.usageTypePart) && line.resourceId.includes(ALLOCATED_CAPACITY.resourceIdPart);
  return rule.countsUsage && !isAllocated ? new Big(line.usageAmount).toFixed() : '0';
}

function holds(condition: RuleCondition, line: RuledLine): boolean {
  if (condition === 'has-reservation-arn') return line.reservationArn !== '';
  if (condition === 'savings-plan-upfront-refund') {
    return (
      line.productCode === SAVINGS_PLAN_REFUND.productCode &&
      line.description.startsWith(SAVINGS_PLAN_REFUND.descriptionPrefix)
    );
  }
  return true;
}

function evaluate(formula: CostFormula, line: RuledLine): string {
  if (formula === 'zero') return '0';
  for (const term of formula) {
    const value = typeof term === 'string' ? line[term] : sumOf(term, line);
    if (value !== null) return new Big(value).toFixed();
  }
  return new Big(line.unblendedCost).toFixed();
}

function sumOf(sum: CostSum, line: RuledLine): string | null {
  const columns = [...sum.plus, ...sum.minus];
  const missing = columns.filter((column) => line[column] === null).length;
  if (sum.needs === 'all' ? missing > 0 : missing === columns.length) return null;
  const plus = sum.plus.reduce((total, column) => total.plus(line[column] ?? '0'), new Big(0));
  return sum.minus.reduce((total, column) => total.minus(line[column] ?? '0'), plus).toFixed();
}
