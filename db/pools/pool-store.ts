import type { Pool } from '../../domain/pools/pool.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { escapeLike } from '../shared/like.ts';

type Row = Record<string, unknown>;

/** A pool with what a list shows beside it. */
export interface ListedPool {
  pool: Pool;
  /** 0 for the root. */
  depth: number;
  ownerName: string | null;
  /** Directly in it. */
  pools: number;
  environments: number;
}

/** The organization's root pool, made with this id and name when there is none yet. */
export async function ensureRootPool(tx: Transaction, root: Pool): Promise<Pool> {
  await tx('pools').insert(toRow(root)).onConflict(tx.raw('(organization_id) where parent_id is null')).ignore();
  const row = await tx('pools').where('organization_id', root.organizationId).whereNull('parent_id').first<Row>();
  return toPool(row);
}

/** Locks the root: changes of the organization's tree come one after the other. */
export async function lockTree(tx: Transaction, organizationId: string): Promise<void> {
  await tx('pools').where('organization_id', organizationId).whereNull('parent_id').forUpdate().select('id');
}

/** Reads and locks a pool: nothing is put in it until the transaction ends. */
export async function lockPool(tx: Transaction, organizationId: string, id: string): Promise<Pool | null> {
  const row = await tx('pools').where({ organization_id: organizationId, id }).forUpdate().first<Row | undefined>();
  return row === undefined ? null : toPool(row);
}

export async function organizationOfPool(db: Database, id: string): Promise<string | null> {
  const row = await db('pools').where({ id }).first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

/** Keeps a pool from being deleted until the transaction ends; false when there is none. */
export async function holdPool(tx: Transaction, organizationId: string, id: string): Promise<boolean> {
  return (await tx('pools').where({ organization_id: organizationId, id }).forKeyShare().select('id')).length > 0;
}

/** The ids from a pool up to the root, itself first; empty when there is none. */
export async function pathUp(tx: Transaction, organizationId: string, id: string): Promise<string[]> {
  const result = await tx.raw<{ rows: { id: string }[] }>(
    `with recursive up as (
       select id, parent_id, 0 as step from pools where organization_id = :organizationId and id = :id
       union all select p.id, p.parent_id, up.step + 1 from pools p join up on p.id = up.parent_id
     ) select id from up order by step`,
    { organizationId, id },
  );
  return result.rows.map((row) => row.id);
}

/** What lies directly in a pool. */
export async function contentsOf(tx: Transaction, organizationId: string, id: string): Promise<{ pools: number; environments: number }> {
  const result = await tx.raw<{ rows: [{ pools: number; environments: number }] }>(
    `select (select count(*) from pools where organization_id = :organizationId and parent_id = :id) as pools,
       (select count(*) from environments where organization_id = :organizationId and pool_id = :id and deleted_at is null) as environments`,
    { organizationId, id },
  );
  return result.rows[0];
}

export async function insertPool(tx: Transaction, pool: Pool): Promise<void> {
  await tx('pools').insert(toRow(pool));
}

export async function savePool(tx: Transaction, pool: Pool): Promise<void> {
  const { id: _id, organization_id: _organization, created_at: _created, ...columns } = toRow(pool);
  await tx('pools').where({ organization_id: pool.organizationId, id: pool.id }).update(columns);
}

/** Deletes an empty pool; environments that were deleted in it move to its parent. */
export async function deletePool(tx: Transaction, { organizationId, id, parentId }: Pool): Promise<void> {
  await tx('environments').where({ organization_id: organizationId, pool_id: id }).update({ pool_id: parentId });
  await tx('pools').where({ organization_id: organizationId, id }).delete();
}

const LISTED = `
  with recursive tree as (
    select p.*, 0 as depth, array[lower(p.name) || ' ' || p.id] as place from pools p
      where p.organization_id = :organizationId and p.parent_id is null
    union all
    select p.*, t.depth + 1, t.place || (lower(p.name) || ' ' || p.id) from pools p join tree t on p.parent_id = t.id
  )
  select t.*, u.display_name as owner_name,
    (select count(*) from pools c where c.parent_id = t.id) as pools,
    (select count(*) from environments e where e.organization_id = t.organization_id and e.pool_id = t.id and e.deleted_at is null) as environments
  from tree t left join users u on u.id = t.owner_user_id
  where (cast(:id as text) is null or t.id = :id) and (cast(:pattern as text) is null or t.name ilike :pattern)`;

/** Pools of an organization, each before those below it, siblings by name. `offset` is how many to leave out. */
export async function listPools(
  db: Database | Transaction,
  organizationId: string,
  filter: { search?: string | undefined },
  page: { limit: number; offset: number },
): Promise<{ rows: ListedPool[]; total: number }> {
  const bindings = { organizationId, id: null, pattern: filter.search === undefined ? null : `%${escapeLike(filter.search)}%` };
  const counted = await db.raw<{ rows: [{ count: number }] }>(`select count(*) from (${LISTED}) as listed`, bindings);
  const found = await db.raw<{ rows: Row[] }>(`${LISTED} order by t.place limit :limit offset :offset`, { ...bindings, ...page });
  return { rows: found.rows.map(toListed), total: counted.rows[0].count };
}

/** One pool as the list shows it, or null. */
export async function getListedPool(db: Database | Transaction, organizationId: string, id: string): Promise<ListedPool | null> {
  const found = await db.raw<{ rows: Row[] }>(LISTED, { organizationId, id, pattern: null });
  return found.rows[0] === undefined ? null : toListed(found.rows[0]);
}

function toListed(row: Row): ListedPool {
  return {
    pool: toPool(row),
    depth: row.depth as number,
    ownerName: row.owner_name as string | null,
    pools: row.pools as number,
    environments: row.environments as number,
  };
}

function toRow(pool: Pool): Row {
  return {
    id: pool.id,
    organization_id: pool.organizationId,
    parent_id: pool.parentId,
    name: pool.name,
    owner_user_id: pool.ownerUserId,
    version: pool.version,
    created_at: pool.createdAt,
    last_at: pool.lastAt,
  };
}

function toPool(row: Row): Pool {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    parentId: row.parent_id as string | null,
    name: row.name as string,
    ownerUserId: row.owner_user_id as string | null,
    version: row.version as number,
    createdAt: row.created_at as string,
    lastAt: row.last_at as string,
  };
}
