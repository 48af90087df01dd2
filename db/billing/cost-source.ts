import {
  lengthOf,
  previousPeriod,
  type CostMetric,
  type ExpenseDimension,
  type ExpenseFilters,
  type ExpensePeriod,
  type ExpenseSource,
  type FilterDimension,
} from '../../domain/billing/expense-query.ts';

/** Collects the values of a statement's named bindings. */
export class Bindings {
  readonly values: Record<string, unknown> = {};

  /** Adds a value and answers with its placeholder, cast to `type` so that its type is never guessed. */
  add(value: unknown, type: string): string {
    const name = `p${Object.keys(this.values).length}`;
    this.values[name] = value;
    return `cast(:${name} as ${type})`;
  }
}

const METRIC_COLUMNS: Record<CostMetric, string> = {
  billed: 'billed_cost',
  effective: 'effective_cost',
  contracted: 'contracted_cost',
  list: 'list_cost',
};

/** The column of a metric, in every cost table. */
export function metricColumn(metric: CostMetric): string {
  return `f.${METRIC_COLUMNS[metric]}`;
}

export interface CostSourceRequest {
  organizationId: string;
  period: ExpensePeriod;
  /** Rows of the previous period of the same length come too. */
  withPrevious: boolean;
  source: ExpenseSource;
  groupBy: ExpenseDimension[];
  filters: ExpenseFilters;
}

/** A FROM and WHERE over one of the cost tables, and the expressions that fit it. */
export interface CostSource {
  /** `bills as (…)`, to stand in the statement's WITH. */
  bills: string;
  /** `from … where …`; the cost rows are `f`, their bill `b`. */
  from: string;
  currency: string;
  /** Whether a row belongs to the period itself and not to the previous one. */
  isCurrent: string;
  /** What the dimensions read, in order. Rows of the previous period are moved into the period. */
  groups: string[];
}

const TABLES: Record<ExpenseSource, string> = {
  services: 'daily_service_costs f join bills b on b.key = f.bill_key join charge_kinds k on k.key = f.kind_key',
  days: 'daily_cost_facts f join bills b on b.key = f.bill_key join charge_kinds k on k.key = f.kind_key',
  // Whole bills only.
  bills: 'monthly_service_costs f join bills b on b.key = f.bill_key join charge_kinds k on k.key = f.kind_key',
  resources: 'monthly_resource_costs f join bills b on b.key = f.bill_key',
};

/**
 * Builds the source of a cost question. Bills are chosen first, by organization and period, so that
 * each table is read along its primary key; a data source being deleted is out at once, however
 * much of it is left.
 */
export function costSource(request: CostSourceRequest, bindings: Bindings): CostSource {
  const { period, source } = request;
  const from = request.withPrevious ? previousPeriod(period).start : period.start;
  const range = { from: bindings.add(from, 'date'), start: bindings.add(period.start, 'date'), end: bindings.add(period.end, 'date') };
  const byBill = period.basis === 'billing_period';
  const date = byBill ? 'b.billing_period' : 'f.charge_date';
  const conditions = [`f.organization_id = ${bindings.add(request.organizationId, 'text')}`];
  if (!byBill) conditions.push(`f.charge_date >= ${range.from} and f.charge_date < ${range.end}`);
  conditions.push(...filterConditions(request, bindings));
  const isCurrent = `${date} >= ${range.start}`;
  const shifted = (column: string): string =>
    request.withPrevious ? `(case when ${isCurrent} then ${column} else cast(${column} + ${lengthInterval(period)} as date) end)` : column;
  return {
    bills: billsOf(request, range, bindings),
    from: `from ${TABLES[source]}${joinsOf(request)} where ${conditions.join(' and ')}`,
    currency: source === 'resources' ? 'f.billing_currency' : 'k.billing_currency',
    isCurrent,
    groups: request.groupBy.map((dimension) => groupExpression(dimension, source, date, shifted, bindings)),
  };
}

function billsOf(request: CostSourceRequest, range: { from: string; end: string }, bindings: Bindings): string {
  const inRange =
    request.period.basis === 'billing_period'
      ? `b.billing_period >= ${range.from} and b.billing_period < ${range.end}`
      : `b.last_charge_date >= ${range.from} and b.first_charge_date < ${range.end}`;
  const dataSources = request.filters.data_source;
  const chosen = dataSources.length > 0 ? `and b.data_source_id = any(${bindings.add(dataSources, 'text[]')})` : '';
  return `bills as (
    select b.key, b.data_source_id, b.billing_period from billing_periods b
    join data_sources s on s.organization_id = b.organization_id and s.id = b.data_source_id
    where b.organization_id = ${bindings.add(request.organizationId, 'text')} and ${inRange} ${chosen}
      and s.state not in ('deleting', 'deleted'))`;
}

function lengthInterval(period: ExpensePeriod): string {
  const length = lengthOf(period);
  return 'days' in length ? `interval '${length.days} days'` : `interval '${length.months} months'`;
}

/** Attributes and tags are those of the row's own bill: a closed month does not change when a resource is tagged anew. */
function joinsOf({ source, groupBy, filters }: CostSourceRequest): string {
  const groups = (kind: ExpenseDimension['kind']): boolean => groupBy.some((dimension) => dimension.kind === kind);
  const ofBill = groups('tag') || groups('resource_type') || filters.tags.length > 0 || filters.resource_type.length > 0;
  const ofResource = groups('resource');
  const ofAccount = !isByAccount(source) && (groups('account') || filters.account.length > 0);
  const periods = ' join resource_periods p on p.bill_key = f.bill_key and p.resource_key = f.resource_key';
  const resources = ' join resources r on r.key = f.resource_key';
  return `${ofBill ? periods : ''}${ofResource || ofAccount ? resources : ''}`;
}

/** Whether the rows of a table name the account themselves. */
function isByAccount(source: ExpenseSource): boolean {
  return source === 'services' || source === 'bills';
}

function columnOf(dimension: FilterDimension, source: ExpenseSource): string {
  const columns: Record<FilterDimension, string> = {
    service: 'k.service_name',
    region: 'k.region_id',
    charge_category: 'k.charge_category',
    account: isByAccount(source) ? 'f.sub_account_id' : 'r.account_id',
    resource: 'r.id',
    resource_type: 'p.resource_type',
    data_source: 'b.data_source_id',
  };
  return columns[dimension];
}

function groupExpression(
  dimension: ExpenseDimension,
  source: ExpenseSource,
  date: string,
  shifted: (column: string) => string,
  bindings: Bindings,
): string {
  switch (dimension.kind) {
    case 'day':
      return `${shifted('f.charge_date')}::text`;
    case 'week':
      return `date_trunc('week', ${shifted('f.charge_date')})::date::text`;
    case 'month':
      return `date_trunc('month', ${shifted(date)})::date::text`;
    case 'tag':
      return `p.tags ->> ${bindings.add(dimension.key, 'text')}`;
    default:
      return columnOf(dimension.kind, source);
  }
}

function filterConditions({ organizationId, filters, source }: CostSourceRequest, bindings: Bindings): string[] {
  const { tags, data_source: _inBills, resource, ...named } = filters;
  const conditions = Object.entries(named)
    .filter(([, values]) => values.length > 0)
    .map(([dimension, values]) => `${columnOf(dimension as FilterDimension, source)} = any(${bindings.add(values, 'text[]')})`);
  if (resource.length > 0) {
    // Keys known before the cost rows are read go along the primary key; a join would read whole bills.
    conditions.push(`f.resource_key = any(array(select key from resources
      where organization_id = ${bindings.add(organizationId, 'text')} and id = any(${bindings.add(resource, 'text[]')})))`);
  }
  return [...conditions, ...tags.map((tag) => tagCondition('p.tags', tag, bindings))];
}

/** Whether a jsonb of tags passes a filter. */
export function tagCondition(tags: string, filter: ExpenseFilters['tags'][number], bindings: Bindings): string {
  const value = `${tags} ->> ${bindings.add(filter.key, 'text')}`;
  const named = filter.values.filter((one) => one !== null);
  const alternatives = named.length > 0 ? [`${value} = any(${bindings.add(named, 'text[]')})`] : [];
  if (filter.values.includes(null)) alternatives.push(`${value} is null`);
  return `(${alternatives.join(' or ')})`;
}
