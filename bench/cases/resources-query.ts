import type { ResourceQuery } from '../../domain/resources/resource-query.ts';

/** The month that is asked about: the sixth of the bill's, so that there is one before and one after. */
export const ASKED_MONTH = { start: '2026-06-01', end: '2026-07-01' } as const;

/** What `/resources` asks the store without any filter; one row more than a page tells whether there is another. */
export const FIRST_PAGE: { query: ResourceQuery; page: { limit: number; after: null } } = {
  query: {
    ...ASKED_MONTH, basis: 'billing_period', metric: 'billed', search: null, type: [], region: [], service: [], account: [], dataSource: [], tags: [],
    sort: 'cost', order: 'desc',
  },
  page: { limit: 51, after: null },
};
