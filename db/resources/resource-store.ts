import type { CostMetric, ExpensePeriod } from '../../domain/billing/expense-query.ts';
import { NO_FILTERS } from '../../domain/billing/expense-query.ts';
import type { CurrencyCost, DailyCost, Resource, ResourceTag } from '../../domain/resources/resource.ts';
import { Bindings, costSource, metricColumn } from '../billing/cost-source.ts';
import type { Database } from '../shared/connection.ts';

type Row = Record<string, unknown>;

/** The organization that owns a resource, or null when there is no such resource. */
export async function organizationOfResource(db: Database, id: string): Promise<string | null> {
  const row = await db('resources').where({ id }).first<{ organization_id: string }>('organization_id');
  return row?.organization_id ?? null;
}

/** Those of these ids that are resources of the organization. */
export async function resourcesAmong(db: Database, organizationId: string, ids: readonly string[]): Promise<Set<string>> {
  const found = await db('resources').where('organization_id', organizationId).whereRaw('id = any(?)', [ids as string[]]).pluck<string[]>('id');
  return new Set(found);
}

/** A resource with its tags and the bills it is on, or null. */
export async function getResource(db: Database, organizationId: string, id: string): Promise<Resource | null> {
  const result = await db.raw<{ rows: Row[] }>(
    `select r.*, ${TAGS} as resource_tags, ${BILLS} as bills, i.first_discovered_at, i.last_discovered_at
     from resources r left join instances i on i.resource_id = r.id where r.organization_id = ? and r.id = ?`,
    [organizationId, id],
  );
  const row = result.rows[0];
  if (row === undefined) return null;
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    cloud: row.cloud as string,
    accountId: row.account_id as string,
    nativeId: row.native_id as string,
    isNamedLine: row.is_named_line as boolean,
    name: row.resource_name as string,
    type: row.resource_type as string,
    serviceName: row.service_name as string,
    regionId: row.region_id as string,
    tags: row.resource_tags as ResourceTag[],
    ...seenOf(row),
    bills: row.bills as Resource['bills'],
  };
}

/** Bills say when a resource was seen; of one that is on none, discovery does. */
function seenOf(row: Row): Pick<Resource, 'firstSeen' | 'lastSeen'> {
  const byDiscovery = (row.bills as Resource['bills']).length === 0 && row.last_discovered_at !== null;
  return {
    firstSeen: (byDiscovery ? row.first_discovered_at : row.first_seen) as string,
    lastSeen: (byDiscovery ? row.last_discovered_at : row.last_seen) as string,
  };
}

const TAGS = `(
  select coalesce(jsonb_agg(jsonb_build_object('key', t.key, 'value', t.value, 'sourceKeys', (
    select coalesce(jsonb_agg(k.source_key order by k.source_key), '[]') from tag_keys k
    where k.organization_id = r.organization_id and k.normalised_key = t.key)) order by t.key), '[]')
  from jsonb_each_text(r.tags) t)`;

const BILLS = `(
  select coalesce(jsonb_agg(jsonb_build_object('billingPeriod', b.billing_period, 'dataSourceId', b.data_source_id)
    order by b.billing_period desc, b.data_source_id), '[]')
  from resource_periods p join billing_periods b on b.key = p.bill_key where p.resource_key = r.key)`;

export interface ResourceCosts {
  /** One a currency; the days of each add up to it exactly. */
  totals: CurrencyCost[];
  /** One a day and currency with costs, in order. */
  days: DailyCost[];
}

/** What a resource costs in a period, day by day, over all data sources that report it. */
export async function readResourceCosts(
  db: Database,
  organizationId: string,
  resourceId: string,
  period: ExpensePeriod & { metric: CostMetric },
): Promise<ResourceCosts> {
  const bindings = new Bindings();
  const source = costSource(
    { organizationId, period, withPrevious: false, source: 'days', groupBy: [], filters: { ...NO_FILTERS, resource: [resourceId] } },
    bindings,
  );
  const result = await db.raw<{ rows: { totals: CurrencyCost[]; days: DailyCost[] }[] }>(
    `with ${source.bills},
     days as materialized (
       select f.charge_date as date, ${source.currency} as currency, sum(${metricColumn(period.metric)}) as cost
       ${source.from} group by 1, 2
     )
     select (select coalesce(jsonb_agg(jsonb_build_object('currency', currency, 'cost', trim_scale(cost)::text) order by currency), '[]')
             from (select currency, sum(cost) as cost from days group by currency) t) as totals,
       (select coalesce(jsonb_agg(jsonb_build_object('date', date, 'currency', currency, 'cost', trim_scale(cost)::text)
               order by date, currency), '[]') from days) as days`,
    bindings.values as never,
  );
  return result.rows[0] as ResourceCosts;
}
