import type { CostMetric, ExpensePeriod, TagFilter } from '../billing/expense-query.ts';

export const RESOURCE_SORTS = ['cost', 'name', 'last_seen'] as const;
export type ResourceSort = (typeof RESOURCE_SORTS)[number];

/** Which resources to list: those with costs in the period. Values of one filter are alternatives. */
export interface ResourceQuery extends ExpensePeriod {
  metric: CostMetric;
  /** Looked for in name and native id, without case. */
  search: string | null;
  type: string[];
  region: string[];
  service: string[];
  account: string[];
  dataSource: string[];
  tags: TagFilter[];
  sort: ResourceSort;
  order: 'asc' | 'desc';
}
