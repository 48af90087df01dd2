import { NO_FILTERS } from '../../domain/billing/expense-query.ts';
import type { ResourceQuery, ResourceSort } from '../../domain/resources/resource-query.ts';
import type { CurrencyCost } from '../../domain/resources/resource.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { Bindings, costSource, metricColumn, tagCondition } from '../billing/cost-source.ts';
import type { Database } from '../shared/connection.ts';

/** A resource in a list, with what it costs in the list's period. */
export interface ListedResource {
  id: string;
  accountId: string;
  nativeId: string;
  isNamedLine: boolean;
  name: string;
  type: string;
  serviceName: string;
  regionId: string;
  /** By normalised key. */
  tags: Record<string, string>;
  firstSeen: Instant;
  lastSeen: Instant;
  costs: CurrencyCost[];
  /** Where it stands in the order; for the next page. */
  position: [string, string];
}

export interface ResourceList {
  rows: ListedResource[];
  /** How many match, on all pages. */
  total: number;
  /** What all that match cost, by currency. */
  totalCosts: CurrencyCost[];
}

/** What is sorted by, as the position keeps it. By cost: the largest in any one currency, as currencies are never added. */
const SORTS: Record<ResourceSort, { expression: string; type: string }> = {
  cost: { expression: 'c.top_cost', type: 'numeric' },
  name: { expression: 'r.resource_name', type: 'text' },
  last_seen: { expression: 'r.last_seen', type: 'timestamptz' },
};

/**
 * The resources that have costs in a period and pass the filters, one page of them, with the count
 * and cost of all, in one statement. Attributes are the resource's newest.
 */
export async function listResources(
  db: Database,
  organizationId: string,
  query: ResourceQuery,
  page: { limit: number; after: readonly [string, string] | null },
): Promise<ResourceList> {
  const bindings = new Bindings();
  const source = costSource(
    {
      organizationId,
      period: query,
      withPrevious: false,
      source: query.basis === 'billing_period' ? 'resources' : 'days',
      groupBy: [],
      filters: { ...NO_FILTERS, data_source: query.dataSource },
    },
    bindings,
  );
  const { expression, type } = SORTS[query.sort];
  const sort = type === 'text' ? `${expression} collate "C"` : expression;
  const after =
    page.after === null
      ? ''
      : `where (sort, id) ${query.order === 'asc' ? '>' : '<'} (${bindings.add(page.after[0], type)}, ${bindings.add(page.after[1], 'text')})`;
  const sql = `
    with ${source.bills},
    costs as (
      select f.resource_key, ${source.currency} as currency, sum(${metricColumn(query.metric)}) as cost
      ${source.from} group by 1, 2
    ), matching as materialized (
      select c.* from costs c join resources r on r.key = c.resource_key where ${matches(organizationId, query, bindings)}
    ), sorted as materialized (
      select r.key, r.id, ${sort} as sort
      from (select resource_key, max(cost) as top_cost from matching group by resource_key) c join resources r on r.key = c.resource_key
    ), page as (
      select * from sorted ${after} order by sort ${query.order}, id ${query.order} limit ${bindings.add(page.limit, 'bigint')}
    )
    select (select count(*) from sorted) as total,
      (select coalesce(jsonb_agg(jsonb_build_object('currency', currency, 'cost', trim_scale(cost)::text) order by currency), '[]')
       from (select currency, sum(cost) as cost from matching group by currency) t) as total_costs,
      (select coalesce(jsonb_agg(${ROW} order by p.sort ${query.order}, p.id ${query.order}), '[]')
       from page p join resources r on r.key = p.key) as rows`;
  const result = await db.raw<{ rows: { total: number; total_costs: CurrencyCost[]; rows: ListedResource[] }[] }>(
    sql,
    bindings.values as never,
  );
  const found = result.rows[0] as (typeof result.rows)[number];
  return { rows: found.rows.map(withInstants), total: found.total, totalCosts: found.total_costs };
}

const ROW = `jsonb_build_object(
  'id', r.id, 'accountId', r.account_id, 'nativeId', r.native_id, 'isNamedLine', r.is_named_line, 'name', r.resource_name,
  'type', r.resource_type, 'serviceName', r.service_name, 'regionId', r.region_id, 'tags', r.tags,
  'firstSeen', r.first_seen, 'lastSeen', r.last_seen, 'position', jsonb_build_array(p.sort::text, r.id),
  'costs', (select jsonb_agg(jsonb_build_object('currency', m.currency, 'cost', trim_scale(m.cost)::text) order by m.currency)
            from matching m where m.resource_key = r.key))`;

/** Inside JSON, PostgreSQL writes instants its own way. */
function withInstants(row: ListedResource): ListedResource {
  return { ...row, firstSeen: new Date(row.firstSeen).toISOString(), lastSeen: new Date(row.lastSeen).toISOString() };
}

function matches(organizationId: string, query: ResourceQuery, bindings: Bindings): string {
  const conditions = [`r.organization_id = ${bindings.add(organizationId, 'text')}`];
  const columns = { type: 'resource_type', region: 'region_id', service: 'service_name', account: 'account_id' } as const;
  for (const [filter, column] of Object.entries(columns) as [keyof typeof columns, string][]) {
    if (query[filter].length > 0) conditions.push(`r.${column} = any(${bindings.add(query[filter], 'text[]')})`);
  }
  conditions.push(...query.tags.map((tag) => tagCondition('r.tags', tag, bindings)));
  if (query.search !== null) {
    const text = bindings.add(query.search, 'text');
    // position() takes the text as it is: nothing in it is a pattern.
    conditions.push(`(position(lower(${text}) in lower(r.resource_name)) > 0 or position(lower(${text}) in lower(r.native_id)) > 0)`);
  }
  return conditions.join(' and ');
}
