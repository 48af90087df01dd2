import {
  ALLOCATED_CAPACITY,
  COST_RULES,
  SAVINGS_PLAN_REFUND,
  SPLIT_OPERATIONS,
  UNKNOWN_TYPE_RULE,
} from '../../../domain/billing/cost-rules.ts';
import type { AmountColumn, CostFormula, CostRule, CostSum, RuleCondition } from '../../../domain/billing/cost-rules.ts';
import { NAMED_LINE_PREFIX } from '../../../domain/billing/named-lines.ts';
import {
  NAMED_LINE_TYPE,
  RESOURCE_TYPE_OF_PRODUCT,
  RESOURCE_TYPE_PATTERNS,
} from '../../../domain/billing/resource-types.ts';
import { sqlText } from '../../duckdb/duckdb-process.ts';

/**
 * The domain's rules as DuckDB expressions over columns named like the domain's: amounts are
 * DECIMAL or NULL, texts are NULL where blank. Made from the same tables as `costsOf`,
 * `identifyLine` and `resourceTypeOf`, and tested against them.
 */

/** Number of the rule for types that no rule names. */
const UNKNOWN_RULE = COST_RULES.length;

/** The rule's number. */
export function ruleNumberSql(): string {
  const branches = COST_RULES.map((rule, number) => {
    const types = rule.types.length === 1 ? `lineItemType = ${sqlText(rule.types[0] ?? '')}` : `lineItemType IN (${sqlList(rule.types)})`;
    return `WHEN ${types}${conditionSql(rule.when)} THEN ${number}`;
  });
  return `CAST(CASE ${branches.join(' ')} ELSE ${UNKNOWN_RULE} END AS UTINYINT)`;
}

export const IS_UNKNOWN_RULE_SQL = `rule = ${UNKNOWN_RULE}`;

function conditionSql(condition: RuleCondition): string {
  if (condition === 'has-reservation-arn') return ' AND reservationArn IS NOT NULL';
  if (condition === 'savings-plan-upfront-refund') {
    return ` AND productCode = ${sqlText(SAVINGS_PLAN_REFUND.productCode)} AND starts_with(description, ${sqlText(SAVINGS_PLAN_REFUND.descriptionPrefix)})`;
  }
  return '';
}

/** One cost of a line, in the type that its amounts have. */
export function costSql(metric: 'effective' | 'contracted' | 'list', type: string): string {
  return byRule((rule) => formulaSql(rule[metric], type));
}

function formulaSql(formula: CostFormula, type: string): string {
  if (formula === 'zero') return `CAST(0 AS ${type})`;
  const terms = formula.map((term) => (typeof term === 'string' ? term : sumSql(term, type)));
  return terms.length === 1 ? (terms[0] ?? '') : `coalesce(${terms.join(', ')})`;
}

function sumSql(sum: CostSum, type: string): string {
  const operand = (column: AmountColumn): string => (sum.needs === 'all' ? column : `coalesce(${column}, 0)`);
  const plus = sum.plus.map(operand).join(' + ');
  const minus = sum.minus.map((column) => ` - ${operand(column)}`).join('');
  const present = [...sum.plus, ...sum.minus].map((column) => `${column} IS NOT NULL`).join(' OR ');
  const value = `CAST(${plus}${minus} AS ${type})`;
  return sum.needs === 'all' ? value : `CASE WHEN ${present} THEN ${value} END`;
}

/** The usage that counts, or NULL. */
export function quantitySql(type: string): string {
  const zero = `CAST(0 AS ${type})`;
  const isAllocated =
    `contains(usageType, ${sqlText(ALLOCATED_CAPACITY.usageTypePart)})` +
    ` AND contains(resourceId, ${sqlText(ALLOCATED_CAPACITY.resourceIdPart)})`;
  return byRule((rule) =>
    rule.countsUsage ? `CASE WHEN ${isAllocated} THEN ${zero} ELSE usageAmount END` : `CASE WHEN usageAmount IS NOT NULL THEN ${zero} END`,
  );
}

/** Whether the resource shows billed cost 0 and the amount stands on the plan's line. */
export const IS_BILLED_ON_PLAN_SQL = byRule((rule) => String(rule.billedOn === 'plan'));
export const CATEGORY_SQL = byRule((rule) => sqlText(rule.category));
export const CLASS_SQL = byRule((rule) => sqlText(rule.class));

/** What a line belongs to: its ARN by the rule's owner, its resource id, or NULL for a named line. */
const OWNER_ARN_SQL = byRule((rule) => {
  if (rule.owner === 'savings-plan') return 'savingsPlanArn';
  return rule.owner === 'reservation' ? 'reservationArn' : 'CAST(NULL AS VARCHAR)';
});
const LINE_ID_SQL = `concat(${sqlText(NAMED_LINE_PREFIX)}, lineItemType, ':', productCode)`;
export const NATIVE_ID_SQL = `coalesce(${OWNER_ARN_SQL}, resourceId, ${LINE_ID_SQL})`;
export const IS_NAMED_LINE_SQL = `(${OWNER_ARN_SQL}) IS NOT NULL OR resourceId IS NULL`;
export const PLAN_LINE_ID_SQL = `coalesce(savingsPlanArn, concat(${sqlText(`${NAMED_LINE_PREFIX}SavingsPlanNegation:`)}, productCode))`;
export const IS_SPLIT_SQL = `coalesce(operation IN (${sqlList(SPLIT_OPERATIONS)}), false)`;

/** `service:type` of a resource, over `native_id` and `service_name`. */
export function resourceTypeSql(): string {
  const patterns = RESOURCE_TYPE_PATTERNS.map(
    ({ pattern, type }) =>
      `WHEN regexp_matches(native_id, ${sqlText(pattern)}) THEN regexp_replace(native_id, ${sqlText(pattern)}, ${sqlText(type)})`,
  );
  const products = Object.entries(RESOURCE_TYPE_OF_PRODUCT).map(
    ([product, type]) => `WHEN service_name = ${sqlText(product)} THEN ${sqlText(type)}`,
  );
  return (
    `CASE WHEN starts_with(native_id, ${sqlText(NAMED_LINE_PREFIX)}) THEN ${sqlText(NAMED_LINE_TYPE)} ${patterns.join(' ')} ${products.join(' ')} ` +
    `ELSE lower(regexp_replace(service_name, '^(Amazon|AWS)', '')) END`
  );
}

/** A CASE over `rule`; rules with the same outcome share a branch, and the commonest outcome is the ELSE. */
function byRule(outcome: (rule: CostRule) => string): string {
  const numbers = Map.groupBy([...COST_RULES, UNKNOWN_TYPE_RULE].map((rule, number) => ({ number, sql: outcome(rule) })), ({ sql }) => sql);
  const [usual] = [...numbers].toSorted(([, a], [, b]) => b.length - a.length);
  const elseSql = usual?.[0] ?? 'NULL';
  const branches = [...numbers]
    .filter(([sql]) => sql !== elseSql)
    .map(([sql, same]) => `WHEN ${same.map(({ number }) => `rule = ${number}`).join(' OR ')} THEN ${sql}`);
  return branches.length === 0 ? elseSql : `CASE ${branches.join(' ')} ELSE ${elseSql} END`;
}

function sqlList(values: readonly string[]): string {
  return values.map(sqlText).join(', ');
}
