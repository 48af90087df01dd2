import { invalidField } from '../shared/errors.ts';
import { monthOf, plusDays, plusMonths, type CalendarDate } from '../shared/time.ts';

/**
 * Which month or day a charge counts for. `billing_period`: the month whose bill holds it, so that
 * totals are those of the bills. `usage_date`: the UTC day on which its usage began.
 */
export const EXPENSE_BASES = ['billing_period', 'usage_date'] as const;
export type ExpenseBasis = (typeof EXPENSE_BASES)[number];

/** The costs of FOCUS: billed, effective (amortised), contracted and list. */
export const COST_METRICS = ['billed', 'effective', 'contracted', 'list'] as const;
export type CostMetric = (typeof COST_METRICS)[number];

export const TIME_DIMENSIONS = ['day', 'week', 'month'] as const;
export type TimeDimension = (typeof TIME_DIMENSIONS)[number];

/** What costs can be narrowed to by name. */
export const FILTER_DIMENSIONS = [
  'service',
  'account',
  'region',
  'resource',
  'resource_type',
  'charge_category',
  'data_source',
] as const;
export type FilterDimension = (typeof FILTER_DIMENSIONS)[number];

export type ExpenseDimension =
  | { kind: TimeDimension }
  | { kind: FilterDimension }
  /** `key` is the normalised tag key. */
  | { kind: 'tag'; key: string };

/** Half-open: `end` is the first day that does not count. */
export interface ExpensePeriod {
  start: CalendarDate;
  end: CalendarDate;
  basis: ExpenseBasis;
}

/** Resources whose tag has one of `values`; null stands for resources without the tag. */
export interface TagFilter {
  key: string;
  values: (string | null)[];
}

/** Values of one dimension are alternatives; dimensions narrow one another. An empty list narrows nothing. */
export type ExpenseFilters = Record<FilterDimension, string[]> & { tags: TagFilter[] };

export interface ExpenseQuery extends ExpensePeriod {
  metric: CostMetric;
  /** At most two. */
  groupBy: ExpenseDimension[];
  filters: ExpenseFilters;
}

export const NO_FILTERS: ExpenseFilters = {
  service: [],
  account: [],
  region: [],
  resource: [],
  resource_type: [],
  charge_category: [],
  data_source: [],
  tags: [],
};

/** The longest period that is answered at once. */
export const MAX_PERIOD_MONTHS = 36;

/**
 * Refuses a period that is empty, too long, or does not fit its basis: bills are of whole months, so
 * by billing period both ends are the first day of a month.
 */
export function checkPeriod({ start, end, basis }: ExpensePeriod): void {
  if (start >= end) throw invalidField('billing.empty-period', 'end', `must be later than start, ${start}; it is the first day that does not count`);
  if (end > `${plusMonths(monthOf(start), MAX_PERIOD_MONTHS)}${start.slice(7)}`) {
    throw invalidField('billing.period-too-long', 'end', `must be at most ${MAX_PERIOD_MONTHS} months after start`);
  }
  if (basis !== 'billing_period') return;
  for (const [field, date] of [['start', start], ['end', end]] as const) {
    if (date.endsWith('-01')) continue;
    throw invalidField('billing.period-within-month', field, `must be the first day of a month, as bills are of whole months; use basis=usage_date for other days than ${date.slice(0, 7)}-01`);
  }
}

/** How far the previous period of the same length lies back: in months by billing period, else in days. */
export type PeriodLength = { months: number } | { days: number };

export function lengthOf({ start, end, basis }: ExpensePeriod): PeriodLength {
  if (basis === 'usage_date') return { days: (Date.parse(end) - Date.parse(start)) / 86_400_000 };
  const months = (date: CalendarDate): number => Number(date.slice(0, 4)) * 12 + Number(date.slice(5, 7));
  return { months: months(end) - months(start) };
}

/** The period of the same length that ends where this one starts. */
export function previousPeriod(period: ExpensePeriod): ExpensePeriod {
  const length = lengthOf(period);
  const start = 'days' in length ? plusDays(period.start, -length.days) : `${plusMonths(monthOf(period.start), -length.months)}-01`;
  return { ...period, start, end: period.start };
}

/**
 * Which table answers a query, the smallest that can: `bills` knows whole bills and no
 * resources, `services` days and no resources, `resources` whole bills and nothing of charges, `days` knows everything.
 */
export type ExpenseSource = 'bills' | 'services' | 'resources' | 'days';

export function sourceOf(query: Pick<ExpenseQuery, 'basis' | 'groupBy' | 'filters'>): ExpenseSource {
  const used = new Set<string>(query.groupBy.map((dimension) => dimension.kind));
  for (const dimension of FILTER_DIMENSIONS) if (query.filters[dimension].length > 0) used.add(dimension);
  if (query.filters.tags.length > 0) used.add('tag');
  const asks = (...names: string[]): boolean => names.some((name) => used.has(name));
  const ofWholeBills = query.basis === 'billing_period' && !asks('day', 'week');
  if (!asks('resource', 'resource_type', 'tag')) return ofWholeBills ? 'bills' : 'services';
  return ofWholeBills && !asks('service', 'region', 'charge_category') ? 'resources' : 'days';
}

/** Whether an answer grouped so has a group a resource, which may be too many for one answer. */
export function isPerResource(groupBy: ExpenseDimension[]): boolean {
  return groupBy.some((dimension) => dimension.kind === 'resource');
}
