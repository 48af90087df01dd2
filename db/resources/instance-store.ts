import type { DiscoveredInstance, InstanceState } from '../../domain/resources/instance.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Transaction } from '../shared/connection.ts';

/** A page of what a discovery saw, all of one scope, without repeats. */
export interface SeenInstances {
  organizationId: string;
  dataSourceId: string;
  cloud: string;
  scope: string;
  /** Of the discovery's attempt. */
  fence: number;
  /** When the cloud listed them. */
  at: Instant;
  instances: readonly SeenInstance[];
}

export interface SeenInstance extends DiscoveredInstance {
  /** `tags` under the keys of bills. */
  resourceTags: Record<string, string>;
}

/** An instance's state before and after a write. */
export interface StateChange {
  resourceId: string;
  before: InstanceState;
  after: InstanceState;
  /** The cloud's word for why it is so. */
  reason: string | null;
}

/** What a write made of an instance that was known before. */
export interface InstanceChange extends StateChange {
  /** Name, tags, type or whether it can be stopped are others than before. */
  attributesChanged: boolean;
  returned: boolean;
}

const SEEN = `jsonb_to_recordset(cast(:seen as jsonb)) as s ("nativeId" text, "accountId" text, "regionId" text, zone text,
  handle jsonb, name text, "instanceType" text, state text, "stateReason" text, tags jsonb, "resourceTags" jsonb,
  "launchedAt" timestamptz, "canStop" boolean, "cannotStopReason" text, "cannotStopDetail" text, price numeric, currency text)`;

/** Whether a row of instances or resources is the seen one. */
const isSeen = (alias: string): string =>
  `${alias}.organization_id = :organizationId and ${alias}.cloud = :cloud and ${alias}.account_id = s."accountId" and ${alias}.native_id = s."nativeId"`;

/** Columns that say what an instance is, beside the one of SEEN that fills them. */
const ATTRIBUTES: readonly [string, string][] = [
  ['instance_name', 's.name'],
  ['instance_type', 's."instanceType"'],
  ['region_id', 's."regionId"'],
  ['zone', 's.zone'],
  ['handle', 's.handle'],
  ['tags', 's.tags'],
  ['resource_tags', 's."resourceTags"'],
  ['launched_at', 's."launchedAt"'],
  // A person's choice stands before what the cloud says of local disks.
  ['can_stop', `s."canStop" or (s."cannotStopReason" = 'local-ssd' and old.discard_local_ssd)`],
  ['cannot_stop_reason', 's."cannotStopReason"'],
  ['cannot_stop_detail', 's."cannotStopDetail"'],
  ['price_hourly', 's.price'],
  ['price_currency', 's.currency'],
];
const COLUMNS = ATTRIBUTES.map(([column]) => column);

function bindingsOf({ organizationId, dataSourceId, cloud, scope, fence, at, instances }: SeenInstances): never {
  const seen = instances.map(({ canStop, hourlyPrice, ...instance }) => ({
    ...instance,
    canStop: canStop.allowed,
    cannotStopReason: canStop.allowed ? null : canStop.reason,
    cannotStopDetail: canStop.allowed ? null : canStop.detail,
    price: hourlyPrice?.amount ?? null,
    currency: hourlyPrice?.currency ?? null,
  }));
  return { organizationId, dataSourceId, cloud, scope, fence, at, seen: JSON.stringify(seen) } as never;
}

/**
 * Brings the known instances of a page up to date in one statement and answers with each; those that
 * stay the same are only stamped. A state that was observed later than the page stays. Rows are
 * locked by ascending resource id.
 */
export async function refreshKnown(tx: Transaction, page: SeenInstances): Promise<InstanceChange[]> {
  const bindings = bindingsOf(page);
  await tx.raw(`select i.resource_id from ${SEEN} join instances i on ${isSeen('i')} order by i.resource_id for no key update of i`, bindings);
  const result = await tx.raw<{ rows: InstanceChange[] }>(
    `update instances i set ${ATTRIBUTES.map(([column, value]) => `${column} = ${value}`).join(', ')},
       data_source_id = :dataSourceId, scope = :scope, seen_fence = :fence, last_discovered_at = greatest(i.last_discovered_at, :at),
       state = case when old.observed_at <= :at then s.state else old.state end,
       state_reason = case when old.observed_at <= :at then s."stateReason" else i.state_reason end,
       observed_at = greatest(old.observed_at, :at),
       gone_at = case when old.observed_at > :at then old.gone_at when s.state = 'terminated' then coalesce(old.gone_at, :at) end
     from ${SEEN} join instances old on ${isSeen('old')}
     where i.resource_id = old.resource_id
     returning i.resource_id as "resourceId", old.state as before, i.state as after, i.state_reason as reason,
       (${COLUMNS.map((column) => `old.${column}`).join(', ')}) is distinct from (${COLUMNS.map((column) => `i.${column}`).join(', ')})
         as "attributesChanged",
       old.gone_at is not null and i.gone_at is null as returned`,
    bindings,
  );
  return result.rows;
}

/** What of a page still has to be written under the lock of billing merges: see `writeResources`. */
export async function countUnwritten(tx: Transaction, page: SeenInstances, types: ResourceAttributes): Promise<number> {
  const result = await tx.raw<{ rows: { count: number }[] }>(
    `select count(*) from ${SEEN} left join instances i on ${isSeen('i')} left join resources r on r.id = i.resource_id
     where (i.resource_id is null and s.state <> 'terminated') or (${WITHOUT_BILLS} and ${DIFFERS})`,
    { ...(bindingsOf(page) as object), ...types } as never,
  );
  return result.rows[0]?.count ?? 0;
}

/** How discovery names a resource that no bill does. */
export interface ResourceAttributes {
  resourceType: string;
  serviceName: string;
}

const WITHOUT_BILLS = `r.key is not null and not exists (select from resource_periods p where p.resource_key = r.key)`;
const DIFFERS = `(r.resource_name, r.resource_type, r.service_name, r.region_id, r.tags) is distinct from
  (i.instance_name, cast(:resourceType as text), cast(:serviceName as text), i.region_id, i.resource_tags)`;

/**
 * Gives each new instance of a page its row, and a resource where no bill has named it yet; and brings
 * resources that no bill names up to date. An instance that is seen for the first time when it is
 * terminated already is left out. Answers with the new ones. The caller holds the lock of billing merges.
 */
export async function writeResources(
  tx: Transaction,
  page: SeenInstances,
  types: ResourceAttributes,
  newResourceIds: (count: number) => string[],
): Promise<{ resourceId: string; state: InstanceState }[]> {
  const bindings = { ...(bindingsOf(page) as object), ...types };
  const ids = newResourceIds(page.instances.length);
  await tx.raw(
    `insert into resources (id, organization_id, cloud, account_id, native_id, is_named_line, resource_name, resource_type,
       service_name, region_id, tags, first_seen, last_seen)
     select n.id, :organizationId, :cloud, s."accountId", s."nativeId", false, s.name, :resourceType, :serviceName, s."regionId",
       s."resourceTags", :at, :at
     from (select *, row_number() over (order by "accountId", "nativeId") as position from ${SEEN} where s.state <> 'terminated'
       and not exists (select from resources r where ${isSeen('r')})) s
     join unnest(cast(:ids as text[])) with ordinality n (id, position) using (position)
     order by position`,
    { ...bindings, ids } as never,
  );
  const inserted = await tx.raw<{ rows: { resourceId: string; state: InstanceState }[] }>(
    `insert into instances (resource_id, organization_id, data_source_id, cloud, account_id, native_id, scope, state, state_reason,
       observed_at, first_discovered_at, last_discovered_at, seen_fence, ${COLUMNS.join(', ')})
     select r.id, :organizationId, :dataSourceId, :cloud, s."accountId", s."nativeId", :scope, s.state, s."stateReason",
       :at, :at, :at, :fence, ${ATTRIBUTES.map(([, value]) => value).join(', ')}
     from ${SEEN} join resources r on ${isSeen('r')} cross join (select false as discard_local_ssd) old
     where s.state <> 'terminated' and not exists (select from instances i where i.resource_id = r.id)
     order by r.id
     returning resource_id as "resourceId", state`,
    bindings as never,
  );
  await tx.raw(
    `update resources r set resource_name = i.instance_name, resource_type = :resourceType, service_name = :serviceName,
       region_id = i.region_id, tags = i.resource_tags
     from ${SEEN} join instances i on ${isSeen('i')}
     where r.id = i.resource_id and ${WITHOUT_BILLS} and ${DIFFERS}`,
    bindings as never,
  );
  return inserted.rows;
}

/** What a scope that was listed whole did not show. */
export interface UnseenInstances {
  organizationId: string;
  dataSourceId: string;
  scope: string;
  fence: number;
  /** When the listing ended. */
  at: Instant;
  limit: number;
}

/**
 * Marks instances of a scope gone that the listing under this fence did not show, at most `limit` of
 * them; one that was observed later than the listing stays. Answers with those it marked.
 */
export async function markUnseenGone(tx: Transaction, unseen: UnseenInstances): Promise<StateChange[]> {
  const result = await tx.raw<{ rows: StateChange[] }>(
    `update instances i set gone_at = :at, state = 'terminated', state_reason = 'The cloud lists it no more.', observed_at = :at
     from (
       select resource_id, state from instances
       where organization_id = :organizationId and data_source_id = :dataSourceId and scope = :scope and gone_at is null
         and seen_fence <> :fence and observed_at <= :at
       order by resource_id limit :limit for no key update
     ) unseen
     where i.resource_id = unseen.resource_id
     returning i.resource_id as "resourceId", unseen.state as before, i.state as after, i.state_reason as reason`,
    { ...unseen } as never,
  );
  return result.rows;
}

/** How many instances of a scope are known and not gone. */
export async function countInScope(tx: Transaction, organizationId: string, dataSourceId: string, scope: string): Promise<number> {
  const [row] = await tx('instances')
    .where({ organization_id: organizationId, data_source_id: dataSourceId, scope })
    .whereNull('gone_at')
    .count<{ count: number }[]>('* as count');
  return row?.count ?? 0;
}

/** Some instances of a data source that is being deleted, for its purge; locked. */
export async function lockSomeInstances(tx: Transaction, organizationId: string, dataSourceId: string, limit: number): Promise<string[]> {
  const rows = await tx('instances')
    .where({ organization_id: organizationId, data_source_id: dataSourceId })
    .orderBy('resource_id')
    .limit(limit)
    .forUpdate()
    .select<{ resource_id: string }[]>('resource_id');
  return rows.map((row) => row.resource_id);
}

/** Deletes instances, and their resources where no bill names them. The caller holds the lock of billing merges. */
export async function deleteInstances(tx: Transaction, organizationId: string, resourceIds: readonly string[]): Promise<void> {
  const mine = () => ({ organizationId, ids: resourceIds as string[] });
  await tx.raw(`delete from instances where organization_id = :organizationId and resource_id = any(:ids)`, mine() as never);
  await tx.raw(
    `delete from resources r where organization_id = :organizationId and id = any(:ids)
       and not exists (select from resource_periods p where p.resource_key = r.key)`,
    mine() as never,
  );
}

/** Keeps a person's choice that stopping may empty an instance's local disks. */
export async function saveDiscardLocalSsd(tx: Transaction, organizationId: string, resourceId: string, discard: boolean): Promise<void> {
  await tx('instances')
    .where({ organization_id: organizationId, resource_id: resourceId })
    .update({
      discard_local_ssd: discard,
      can_stop: tx.raw(`case when cannot_stop_reason = 'local-ssd' then cast(? as boolean) else can_stop end`, [discard]),
      version: tx.raw('version + 1'),
    });
}

/** The version of an instance and the choices people made for it; locked. */
export async function lockInstance(
  tx: Transaction,
  organizationId: string,
  resourceId: string,
): Promise<{ version: number; discardLocalSsd: boolean } | null> {
  const row = await tx('instances')
    .where({ organization_id: organizationId, resource_id: resourceId })
    .forUpdate()
    .first<{ version: number; discard_local_ssd: boolean } | undefined>('version', 'discard_local_ssd');
  return row === undefined ? null : { version: row.version, discardLocalSsd: row.discard_local_ssd };
}

const MERGE_LOCK = `hashtextextended('billing-merge/' || ?, 0)`;

/**
 * Tries the lock that billing merges take before they write resources; false when another holds it.
 * Discovery tries instead of waiting, so that it holds nothing meanwhile that others need.
 */
export async function tryMergeLock(tx: Transaction, organizationId: string): Promise<boolean> {
  const result = await tx.raw<{ rows: { taken: boolean }[] }>(`select pg_try_advisory_xact_lock(${MERGE_LOCK}) as taken`, [organizationId]);
  return result.rows[0]?.taken === true;
}

/** Waits for the same lock. */
export async function lockMerges(tx: Transaction, organizationId: string): Promise<void> {
  await tx.raw(`select pg_advisory_xact_lock(${MERGE_LOCK})`, [organizationId]);
}
