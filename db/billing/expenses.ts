import { labelOf } from '../../domain/billing/expense-dimension.ts';
import { isPerResource, sourceOf, TIME_DIMENSIONS, type ExpenseQuery } from '../../domain/billing/expense-query.ts';
import { FORECAST_LOOKBACK_DAYS, type DayCost } from '../../domain/billing/forecast.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { firstDayOf, plusDays, plusMonths, type CalendarDate, type Month } from '../../domain/shared/time.ts';
import type { Database } from '../shared/connection.ts';
import { Bindings, costSource, metricColumn } from './cost-source.ts';

/** A cost and that of the previous period, exact decimal text, in one currency. */
export interface CostBeside {
  currency: string;
  cost: string;
  previousCost: string;
}

export interface ExpenseGroup extends CostBeside {
  /** One value a dimension, in the order asked for; null stands for resources without the tag. */
  values: (string | null)[];
  /** What people call a value that is an id: the name of a resource or data source. */
  names: (string | null)[];
  /** Where the group stands in the order; for the next page. */
  position: [string, string, string];
}

export interface Expenses {
  /** One a currency. Sums over groups of each currency equal them exactly, on all pages together. */
  totals: CostBeside[];
  groups: ExpenseGroup[];
  /** How many groups there are on all pages. */
  groupCount: number;
}

/** More groups than this are no answer to a person; grouping by resource is paged instead. */
export const MAX_GROUPS = 10_000;

export interface ExpensePage {
  limit: number;
  after: readonly [string, string, string] | null;
}

/**
 * Answers a cost question in one statement, so that totals and groups are of the same moment.
 * Groups are in order of time where grouped by time, then dearest first. A group that has costs only
 * in the previous period is there with cost 0. Fails with `billing.too-many-groups`.
 *
 * @param page for groupings by resource; null for all groups.
 */
export async function readExpenses(
  db: Database,
  organizationId: string,
  query: ExpenseQuery,
  page: ExpensePage | null,
): Promise<Expenses> {
  const bindings = new Bindings();
  const source = costSource(
    { organizationId, period: query, withPrevious: true, source: sourceOf(query), groupBy: query.groupBy, filters: query.filters },
    bindings,
  );
  const values = query.groupBy.map((_, index) => `g${index}`);
  const cost = metricColumn(query.metric);
  const sql = `
    with ${source.bills},
    groups as materialized (
      select ${[...source.groups.map((group, index) => `${group} as g${index},`), `${source.currency} as currency,`].join(' ')}
        coalesce(sum(${cost}) filter (where ${source.isCurrent}), 0) as cost,
        coalesce(sum(${cost}) filter (where not ${source.isCurrent}), 0) as previous_cost
      ${source.from}
      group by ${[...values, 'currency'].join(', ')}
    ), placed as (
      select *, ${timeOf(query)} as time, jsonb_build_array(${[...values, 'currency'].join(', ')})::text collate "C" as name from groups
    ), page as (
      select * from placed ${afterOf(page, bindings)} order by time, cost desc, name limit ${bindings.add(page?.limit ?? MAX_GROUPS + 1, 'bigint')}
    )
    select (select count(*) from groups) as group_count, ${TOTALS} as totals, ${pageOf(query)} as groups`;
  const result = await db.raw<{ rows: { group_count: number; totals: CostBeside[]; groups: ExpenseGroup[] }[] }>(
    sql,
    bindings.values as never,
  );
  const row = result.rows[0] as (typeof result.rows)[number];
  if (page === null && row.groups.length > MAX_GROUPS) throw tooManyGroups(row.group_count);
  return { totals: row.totals, groups: query.groupBy.length === 0 ? [] : row.groups, groupCount: row.group_count };
}

const TOTALS = `(
  select coalesce(jsonb_agg(jsonb_build_object('currency', currency, 'cost', trim_scale(cost)::text,
    'previousCost', trim_scale(previous_cost)::text) order by currency), '[]')
  from (select currency, sum(cost) as cost, sum(previous_cost) as previous_cost from groups group by currency) t)`;

function timeOf({ groupBy }: ExpenseQuery): string {
  const index = groupBy.findIndex((dimension) => TIME_DIMENSIONS.some((time) => time === dimension.kind));
  return `${index < 0 ? `''` : `g${index}`}::text collate "C"`;
}

function afterOf(page: ExpensePage | null, bindings: Bindings): string {
  if (page?.after === null || page === null) return '';
  const [time, cost, name] = page.after;
  return `where (time, -cost, name) > (${bindings.add(time, 'text')}, -${bindings.add(cost, 'numeric')}, ${bindings.add(name, 'text')})`;
}

function pageOf({ groupBy }: ExpenseQuery): string {
  const names = groupBy.map((dimension, index) => {
    if (dimension.kind === 'resource') return `(select resource_name from resources r where r.id = g${index})`;
    if (dimension.kind === 'data_source') return `(select name from data_sources s where s.id = g${index})`;
    return 'null::text';
  });
  const values = groupBy.map((_, index) => `g${index}`);
  return `(
    select coalesce(jsonb_agg(jsonb_build_object('values', jsonb_build_array(${values.join(', ')}),
      'names', jsonb_build_array(${names.join(', ')}), 'currency', currency, 'cost', trim_scale(cost)::text,
      'previousCost', trim_scale(previous_cost)::text, 'position', jsonb_build_array(time, cost::text, name))
      order by time, cost desc, name), '[]')
    from page)`;
}

function tooManyGroups(count: number): DomainError {
  return new DomainError({
    kind: 'limit-exceeded',
    code: 'billing.too-many-groups',
    message: `This grouping has ${count} groups, more than ${MAX_GROUPS}. Shorten the period, filter, or group by fewer dimensions.`,
    details: { groups: count, limit: MAX_GROUPS },
  });
}

/** Whether an answer to this query comes in pages. */
export function isPaged(query: ExpenseQuery): boolean {
  return isPerResource(query.groupBy);
}

/** The dimensions of a query as its caller writes them. */
export function groupLabels(query: ExpenseQuery): string[] {
  return query.groupBy.map(labelOf);
}

/**
 * What a month's forecast is made of: the month's costs and those of the days before `today`, a row
 * a day, currency, and usage or not. Same filters, basis and metric as the query.
 */
export async function readForecastDays(
  db: Database,
  organizationId: string,
  query: Pick<ExpenseQuery, 'basis' | 'metric' | 'filters'>,
  month: Month,
  today: CalendarDate,
): Promise<DayCost[]> {
  const start = firstDayOf(month);
  const end = firstDayOf(plusMonths(month, 1));
  const lookback = plusDays(today, -FORECAST_LOOKBACK_DAYS);
  const bindings = new Bindings();
  // By billing period, bills from one before the lookback on: usage may be billed a month late.
  const first = firstDayOf(plusMonths(lookback.slice(0, 7), -1));
  const byBill = query.basis === 'billing_period';
  const source = costSource(
    {
      organizationId,
      period: { start: byBill ? first : [lookback, start].sort()[0] as CalendarDate, end, basis: query.basis },
      withPrevious: false,
      source: sourceOf({ ...query, groupBy: [{ kind: 'day' }] }),
      groupBy: [],
      filters: query.filters,
    },
    bindings,
  );
  const inMonth = byBill ? `b.billing_period = ${bindings.add(start, 'date')}` : `f.charge_date >= ${bindings.add(start, 'date')}`;
  const result = await db.raw<{ rows: DayCost[] }>(
    `with ${source.bills}
     select f.charge_date as date, ${source.currency} as currency, k.charge_category = 'Usage' as "isUsage",
       ${inMonth} as "inMonth", sum(${metricColumn(query.metric)})::text as cost
     ${source.from} and (${inMonth} or f.charge_date >= ${bindings.add(lookback, 'date')})
     group by 1, 2, 3, 4`,
    bindings.values as never,
  );
  return result.rows;
}
