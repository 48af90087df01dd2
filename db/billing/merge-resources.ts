import type { TagKey } from '../../domain/billing/tag-keys.ts';
import { restoreDiscovered } from '../resources/restore-discovered.ts';
import type { Transaction } from '../shared/connection.ts';

export interface ResourceChanges {
  added: number;
  changed: number;
  removed: number;
}

export interface MergeResourcesInput {
  organizationId: string;
  cloud: string;
  newResourceIds(count: number): string[];
}

/**
 * Gives every staged resource its row, and makes `staged_resource_keys`: the key by number, its
 * account, and whether the row is new. A resource is known by (organization, cloud, account, native
 * id), whatever data source reports it.
 */
export async function identifyResources(tx: Transaction, input: MergeResourcesInput): Promise<void> {
  const scope = { organizationId: input.organizationId, cloud: input.cloud };
  await tx.raw(
    `create temp table staged_resource_keys on commit drop as
     select s.resource_number, s.sub_account_id, r.key as resource_key, r.key is null as is_new
     from staged_resources s left join resources r on r.organization_id = :organizationId and r.cloud = :cloud
       and r.account_id = s.sub_account_id and r.native_id = s.native_id`,
    scope,
  );
  const counted = await tx.raw<{ rows: { count: number }[] }>(`select count(*) from staged_resource_keys where is_new`);
  const count = counted.rows[0]?.count ?? 0;
  if (count > 0) await insertResources(tx, input, count);
  await tx.raw(`analyze staged_resource_keys`);
}

async function insertResources(tx: Transaction, input: MergeResourcesInput, count: number): Promise<void> {
  await tx.raw(
    `with inserted as (
       insert into resources (id, organization_id, cloud, account_id, native_id, is_named_line, resource_name, resource_type,
         service_name, region_id, tags, first_seen, last_seen)
       select i.id, :organizationId, :cloud, m.sub_account_id, m.native_id, m.is_named_line, m.resource_name,
         m.resource_type, m.service_name, m.region_id, m.tags, m.first_seen, m.last_seen
       from (select s.*, row_number() over (order by s.resource_number) as n
             from staged_resources s join staged_resource_keys k using (resource_number) where k.is_new) m
       join unnest(cast(:ids as text[])) with ordinality i (id, n) on i.n = m.n
       order by m.n
       returning key, account_id, native_id
     )
     update staged_resource_keys k set resource_key = i.key
     from inserted i join staged_resources s on s.sub_account_id = i.account_id and s.native_id = i.native_id
     where k.resource_number = s.resource_number`,
    { organizationId: input.organizationId, cloud: input.cloud, ids: input.newResourceIds(count) },
  );
  // Foreign keys to resources are checked by plans that the session keeps: one made when the table was small would read
  // all of it for each row that follows.
  await tx.raw(`discard plans`);
}

const ATTRIBUTES = ['resource_name', 'resource_type', 'service_name', 'region_id', 'tags', 'first_seen', 'last_seen'];
const attributesOf = (alias: string): string => ATTRIBUTES.map((column) => `${alias}.${column}`).join(', ');
const setAttributes = (alias: string): string => ATTRIBUTES.map((column) => `${column} = ${alias}.${column}`).join(', ');

/**
 * Merges what the bill says of its resources, then brings the resources themselves up to date:
 * attributes of the newest bill that knows them, first and last seen over all, and gone with their
 * last bill. Touches no row that stays the same.
 */
export async function mergeResources(tx: Transaction, organizationId: string, billKey: number): Promise<ResourceChanges> {
  const scope = { organizationId, billKey };
  await tx.raw(`create temp table touched_resources (resource_key bigint primary key) on commit drop`);
  const removed = await touch(
    tx,
    `delete from resource_periods p where p.bill_key = :billKey
       and not exists (select from staged_resource_keys k where k.resource_key = p.resource_key) returning p.resource_key`,
    scope,
  );
  const changed = await touch(
    tx,
    `update resource_periods p set ${setAttributes('s')}
     from staged_resource_keys k join staged_resources s using (resource_number)
     where p.bill_key = :billKey and p.resource_key = k.resource_key
       and (${attributesOf('p')}) is distinct from (${attributesOf('s')}) returning p.resource_key`,
    scope,
  );
  // What a new resource shows is what this bill says of it already.
  const inserted = await tx.raw<{ rows: { count: number }[] }>(
    `with inserted as (
       insert into resource_periods (organization_id, bill_key, resource_key, ${ATTRIBUTES.join(', ')})
       select :organizationId, cast(:billKey as integer), k.resource_key, ${attributesOf('s')}
       from staged_resource_keys k join staged_resources s using (resource_number)
       where not exists (select from resource_periods p where p.bill_key = :billKey and p.resource_key = k.resource_key)
       order by k.resource_key returning resource_key
     ), known as (
       insert into touched_resources select resource_key from inserted join staged_resource_keys using (resource_key) where not is_new
     )
     select count(*) from inserted`,
    scope,
  );
  const added = inserted.rows[0]?.count ?? 0;
  if (added + changed + removed > 0) await refreshTouchedResources(tx);
  return { added, changed, removed };
}

async function touch(tx: Transaction, change: string, bindings: Record<string, unknown>): Promise<number> {
  const sql = `with changed as (${change}) insert into touched_resources select resource_key from changed`;
  const result = await tx.raw<{ rowCount: number }>(sql, bindings as never);
  return result.rowCount;
}

/**
 * Recomputes the resources in the temporary table `touched_resources` from the bills that know
 * them, or else from discovery. The result does not depend on the order in which bills were imported: the newest billing
 * period wins, then the later last seen, then the data source's id.
 */
export async function refreshTouchedResources(tx: Transaction): Promise<void> {
  await tx.raw(`analyze touched_resources`);
  await tx.raw(
    `update resources r set ${setAttributes('n')}
     from (
       select distinct on (p.resource_key) p.resource_key, p.resource_name, p.resource_type, p.service_name, p.region_id,
         p.tags, min(p.first_seen) over seen as first_seen, max(p.last_seen) over seen as last_seen
       from touched_resources t
       join resource_periods p on p.resource_key = t.resource_key
       join billing_periods b on b.key = p.bill_key
       window seen as (partition by p.resource_key)
       order by p.resource_key, b.billing_period desc, p.last_seen desc, b.data_source_id desc
     ) n
     where r.key = n.resource_key and (${attributesOf('r')}) is distinct from (${attributesOf('n')})`,
  );
  await restoreDiscovered(tx);
  await tx.raw(
    `delete from resources r using touched_resources t where r.key = t.resource_key
       and not exists (select from resource_periods p where p.resource_key = r.key)
       and not exists (select from instances i where i.resource_id = r.id)
       -- What an environment was made of stays, as the environment does.
       and not exists (select from environments e where e.organization_id = r.organization_id and e.resource_id = r.id)`,
  );
}

/** Remembers how bills write tag keys. */
export async function keepTagKeys(tx: Transaction, organizationId: string, tagKeys: TagKey[]): Promise<void> {
  if (tagKeys.length === 0) return;
  await tx.raw(
    `insert into tag_keys (organization_id, normalised_key, source_key)
     select :organizationId, t.normalised_key, t.source_key
     from (select distinct * from unnest(cast(:normalised as text[]), cast(:source as text[])) t (normalised_key, source_key)) t
     where not exists (select from tag_keys k where k.organization_id = :organizationId
       and k.normalised_key = t.normalised_key and k.source_key = t.source_key)`,
    {
      organizationId,
      normalised: tagKeys.map((key) => key.normalisedKey),
      source: tagKeys.map((key) => key.sourceKey),
    } as never,
  );
}
