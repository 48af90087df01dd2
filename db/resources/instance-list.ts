import type { InstanceQuery, InstanceSort } from '../../domain/resources/instance-query.ts';
import type { Cloud, InstanceState } from '../../domain/resources/instance.ts';
import type { Money } from '../../domain/shared/money.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { Bindings } from '../billing/cost-source.ts';
import type { Database, Transaction } from '../shared/connection.ts';

/** An instance as people see it, with what is wanted of it. */
export interface ListedInstance {
  /** The resource's id. */
  id: string;
  organizationId: string;
  dataSourceId: string;
  cloud: Cloud;
  accountId: string;
  nativeId: string;
  name: string;
  instanceType: string;
  regionId: string;
  zone: string | null;
  /** As the cloud writes them. */
  tags: Record<string, string>;
  state: InstanceState;
  stateReason: string | null;
  observedAt: Instant;
  launchedAt: Instant | null;
  canStop: boolean;
  cannotStopReason: string | null;
  cannotStopDetail: string | null;
  discardLocalSsd: boolean;
  hourlyPrice: Money | null;
  firstDiscoveredAt: Instant;
  lastDiscoveredAt: Instant;
  goneAt: Instant | null;
  version: number;
  /** The schedule it belongs to. */
  powerScheduleId: string | null;
  /** What its claims add up to; null while nobody wants anything of it. */
  wanted: 'on' | 'off' | null;
  wantedSince: Instant | null;
  /** Whose claim decides: a hold's, a booking's or a schedule's, and which one. */
  decidedBy: string | null;
  decidedById: string | null;
}

const INSTANCES = `instances i
  left join power_states p on p.resource_id = i.resource_id
  left join power_schedule_members m on m.resource_id = i.resource_id`;

const COLUMNS = `i.*, m.schedule_id, p.wanted, p.wanted_since, p.decided_by, p.decided_by_id`;

type Row = Record<string, unknown>;

function toInstance(row: Row): ListedInstance {
  return {
    id: row.resource_id as string,
    organizationId: row.organization_id as string,
    dataSourceId: row.data_source_id as string,
    cloud: row.cloud as Cloud,
    accountId: row.account_id as string,
    nativeId: row.native_id as string,
    name: row.instance_name as string,
    instanceType: row.instance_type as string,
    regionId: row.region_id as string,
    zone: row.zone as string | null,
    tags: row.tags as Record<string, string>,
    state: row.state as InstanceState,
    stateReason: row.state_reason as string | null,
    observedAt: row.observed_at as string,
    launchedAt: row.launched_at as string | null,
    canStop: row.can_stop as boolean,
    cannotStopReason: row.cannot_stop_reason as string | null,
    cannotStopDetail: row.cannot_stop_detail as string | null,
    discardLocalSsd: row.discard_local_ssd as boolean,
    hourlyPrice: row.price_hourly === null ? null : { amount: row.price_hourly as string, currency: row.price_currency as string },
    firstDiscoveredAt: row.first_discovered_at as string,
    lastDiscoveredAt: row.last_discovered_at as string,
    goneAt: row.gone_at as string | null,
    version: row.version as number,
    powerScheduleId: row.schedule_id as string | null,
    wanted: row.wanted as 'on' | 'off' | null,
    wantedSince: row.wanted === null ? null : (row.wanted_since as string),
    decidedBy: row.decided_by as string | null,
    decidedById: row.decided_by_id as string | null,
  };
}

/** One instance by its resource's id, gone ones included, or null. */
export async function getInstance(db: Database | Transaction, organizationId: string, resourceId: string): Promise<ListedInstance | null> {
  const result = await db.raw<{ rows: Row[] }>(`select ${COLUMNS} from ${INSTANCES} where i.organization_id = ? and i.resource_id = ?`, [organizationId, resourceId]);
  const row = result.rows[0];
  return row === undefined ? null : toInstance(row);
}

/** The organization that owns an instance, or null when there is no such instance. */
export async function organizationOfInstance(db: Database, resourceId: string): Promise<string | null> {
  const row = await db('instances').where('resource_id', resourceId).first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

/** What is sorted by, as a page's position keeps it: text of one sorting. Those that never ran come first by launch. */
const SORTS: Record<InstanceSort, { expression: string; type: string }> = {
  name: { expression: 'i.instance_name', type: 'text' },
  state: { expression: 'i.state', type: 'text' },
  launched: { expression: `coalesce(i.launched_at, '-infinity')`, type: 'timestamptz' },
};

/** Instances of an organization that match; `after` is the position of the last one of the page before. */
export async function listInstances(
  db: Database,
  organizationId: string,
  query: InstanceQuery,
  page: { limit: number; after: [string, string] | null },
): Promise<{ rows: (ListedInstance & { position: [string, string] })[]; total: number }> {
  const bindings = new Bindings();
  const { expression, type } = SORTS[query.sort];
  const sort = type === 'text' ? `${expression} collate "C"` : expression;
  const matching = matches(organizationId, query, bindings);
  const after =
    page.after === null
      ? ''
      : `and (${sort}, i.resource_id) ${query.descending ? '<' : '>'} (${bindings.add(page.after[0], type)}, ${bindings.add(page.after[1], 'text')})`;
  const direction = query.descending ? 'desc' : 'asc';
  const limit = bindings.add(page.limit, 'bigint');
  const result = await db.raw<{ rows: Row[] }>(
    `with counted as (select count(*) as total from instances i where ${matching}),
     page as (
       select i.resource_id, (${sort})::text as position from instances i where ${matching} ${after}
       order by ${sort} ${direction}, i.resource_id ${direction} limit ${limit}
     )
     select c.total, g.position, ${COLUMNS}
     from counted c left join (page g join (${INSTANCES}) on i.resource_id = g.resource_id) on true
     order by ${sort} ${direction}, i.resource_id ${direction}`,
    bindings.values as never,
  );
  const rows = result.rows.filter((row) => row.resource_id !== null);
  return {
    rows: rows.map((row) => ({ ...toInstance(row), position: [row.position as string, row.resource_id as string] })),
    total: (result.rows[0]?.total as number | undefined) ?? 0,
  };
}

function matches(organizationId: string, query: InstanceQuery, bindings: Bindings): string {
  const conditions = [`i.organization_id = ${bindings.add(organizationId, 'text')}`];
  const columns = { dataSource: 'data_source_id', cloud: 'cloud', region: 'region_id', state: 'state', type: 'instance_type' } as const;
  for (const [filter, column] of Object.entries(columns) as [keyof typeof columns, string][]) {
    if (query[filter].length > 0) conditions.push(`i.${column} = any(${bindings.add(query[filter], 'text[]')})`);
  }
  if (query.gone !== 'include') conditions.push(`i.gone_at is ${query.gone === 'only' ? 'not null' : 'null'}`);
  if (query.canStop !== null) conditions.push(query.canStop ? 'i.can_stop' : 'not i.can_stop');
  for (const { key, values } of query.tags) {
    const alternatives = values.map((value) => `i.tags @> ${bindings.add(JSON.stringify({ [key]: value }), 'jsonb')}`);
    conditions.push(`(${alternatives.join(' or ')})`);
  }
  if (query.search !== null) {
    const text = bindings.add(query.search, 'text');
    // position() takes the text as it is: nothing in it is a pattern.
    conditions.push(`(position(lower(${text}) in lower(i.instance_name)) > 0 or position(lower(${text}) in lower(i.native_id)) > 0)`);
  }
  return conditions.join(' and ');
}
