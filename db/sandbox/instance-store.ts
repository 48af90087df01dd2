import type { SandboxAccountKey } from '../../domain/sandbox/account.ts';
import type { SandboxInstance } from '../../domain/sandbox/instance.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { escapeLike } from '../shared/like.ts';
import { columnsOf } from './account-store.ts';
import { INSTANCE_COLUMNS, INSTANCE_FROM, toCourse, toInstance, toSettings, type Row } from './rows.ts';

/** Rows a single statement inserts. */
const INSERTED_AT_ONCE = 2_000;

/** Adds instances, thousands at a time. */
export async function insertSandboxInstances(tx: Transaction, instances: readonly SandboxInstance[]): Promise<void> {
  for (let from = 0; from < instances.length; from += INSERTED_AT_ONCE) {
    const rows = instances.slice(from, from + INSERTED_AT_ONCE).map(toRow);
    await tx.raw(`insert into sandbox_instances select * from jsonb_populate_recordset(null::sandbox_instances, ?::jsonb)`, [JSON.stringify(rows)]);
  }
}

function toRow(instance: SandboxInstance): Row {
  return {
    id: instance.id,
    ...columnsOf(instance),
    region_id: instance.regionId,
    zone: instance.zone,
    version: instance.version,
    created_at: instance.createdAt,
    ...toSettings(instance),
    ...toCourse(instance),
  };
}

/** Some instances of an account by their ids, in the order of ids; locked in that order when asked. */
export async function readInstances(
  db: Database | Transaction,
  key: SandboxAccountKey,
  ids: readonly string[],
  lock: boolean,
): Promise<SandboxInstance[]> {
  if (ids.length === 0) return [];
  const result = await db.raw<{ rows: Row[] }>(
    `select ${INSTANCE_COLUMNS} from ${INSTANCE_FROM}
     where i.id = any(?) and i.organization_id = ? and i.account_id = ? order by i.id ${lock ? 'for update of i' : ''}`,
    [ids as string[], key.organizationId, key.accountId],
  );
  return result.rows.map(toInstance);
}

/** A page of a region in the order of ids. */
export async function readRegion(
  db: Database | Transaction,
  key: SandboxAccountKey,
  page: { regionId: string; after: string | null; limit: number },
): Promise<SandboxInstance[]> {
  const result = await db.raw<{ rows: Row[] }>(
    `select ${INSTANCE_COLUMNS} from ${INSTANCE_FROM}
     where i.organization_id = ? and i.account_id = ? and i.region_id = ? and i.id > ? order by i.id limit ?`,
    [key.organizationId, key.accountId, page.regionId, page.after ?? '', page.limit],
  );
  return result.rows.map(toInstance);
}

/** Every member of the account's scaling groups, locked in the order of ids. */
export async function lockMembers(tx: Transaction, key: SandboxAccountKey): Promise<SandboxInstance[]> {
  const result = await tx.raw<{ rows: Row[] }>(
    `select i.*, g.replaced_after_seconds from sandbox_instances i join sandbox_scaling_groups g on g.id = i.scaling_group_id
     where g.organization_id = ? and g.account_id = ? order by i.id for update of i`,
    [key.organizationId, key.accountId],
  );
  return result.rows.map(toInstance);
}

/** One instance with its organization checked, locked when in a transaction that asks for it. */
export async function getSandboxInstance(
  db: Database | Transaction,
  organizationId: string,
  id: string,
  { lock = false } = {},
): Promise<SandboxInstance | null> {
  const result = await db.raw<{ rows: Row[] }>(
    `select ${INSTANCE_COLUMNS} from ${INSTANCE_FROM} where i.id = ? and i.organization_id = ? ${lock ? 'for update of i' : ''}`,
    [id, organizationId],
  );
  const [row] = result.rows;
  return row === undefined ? null : toInstance(row);
}

export async function organizationOfSandboxInstance(db: Database, id: string): Promise<string | null> {
  const row = await db('sandbox_instances').where({ id }).first<Row>('organization_id');
  return (row?.organization_id as string | undefined) ?? null;
}

/** Writes everything that may change of a locked instance; its version grows by one. */
export async function saveSandboxInstance(tx: Transaction, instance: SandboxInstance): Promise<void> {
  const { tags, ...settings } = toSettings(instance);
  await tx('sandbox_instances')
    .where({ organization_id: instance.organizationId, id: instance.id })
    .update({ ...settings, tags: JSON.stringify(tags), ...toCourse(instance), version: instance.version + 1 });
}

export async function deleteSandboxInstances(tx: Transaction, organizationId: string, ids: readonly string[]): Promise<void> {
  await tx('sandbox_instances').where({ organization_id: organizationId }).whereIn('id', [...ids]).delete();
}

export interface InstanceFilter {
  search?: string | undefined;
  state?: string | undefined;
  region_id?: string | undefined;
  instance_type?: string | undefined;
  scaling_group_id?: string | undefined;
}

/** What time has made of the state: as `settle` says, for members too once their group has replaced them. */
const STATE_AT = `case when i.next_at <= ? then i.next_state else i.state end`;

/** Instances of an account in the order of ids, which is that of their making. */
export async function listSandboxInstances(
  db: Database | Transaction,
  key: SandboxAccountKey,
  filter: InstanceFilter,
  page: { at: Instant; limit: number; after: string | null },
): Promise<{ rows: SandboxInstance[]; total: number }> {
  const matching = db('sandbox_instances as i').where({ 'i.organization_id': key.organizationId, 'i.account_id': key.accountId });
  for (const column of ['region_id', 'instance_type', 'scaling_group_id'] as const) {
    const value = filter[column];
    if (value !== undefined) void matching.where(`i.${column}`, value);
  }
  if (filter.state !== undefined) void matching.whereRaw(`${STATE_AT} = ?`, [page.at, filter.state]);
  if (filter.search !== undefined) {
    const pattern = `%${escapeLike(filter.search)}%`;
    void matching.where((either) => void either.whereILike('i.name', pattern).orWhereILike('i.id', pattern));
  }
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.after !== null) void matching.where('i.id', '>', page.after);
  const rows = await matching
    .leftJoin('sandbox_scaling_groups as g', 'g.id', 'i.scaling_group_id')
    .orderBy('i.id')
    .limit(page.limit)
    .select<Row[]>('i.*', 'g.replaced_after_seconds');
  return { rows: rows.map(toInstance), total: counted?.count ?? 0 };
}

/** How many instances are in each state. */
export async function countSandboxInstances(db: Database, key: SandboxAccountKey, at: Instant): Promise<Record<string, number>> {
  const result = await db.raw<{ rows: { state: string; count: number }[] }>(
    `select ${STATE_AT} as state, count(*) from sandbox_instances i where i.organization_id = ? and i.account_id = ? group by 1`,
    [at, key.organizationId, key.accountId],
  );
  return Object.fromEntries(result.rows.map(({ state, count }) => [state, count]));
}
