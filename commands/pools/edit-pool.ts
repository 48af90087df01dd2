import { recordLedgerEntries } from '../../db/audit/ledger-store.ts';
import { contentsOf, deletePool as deleteRow, insertPool, lockPool, lockTree, pathUp, savePool } from '../../db/pools/pool-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { violatedConstraint } from '../../db/shared/transaction.ts';
import { editPool as edit, newPool, refuseDeletion, refuseTooDeep, type Pool, type PoolEdit } from '../../domain/pools/pool.ts';
import { DomainError, invalidField, notFound } from '../../domain/shared/errors.ts';
import { laterOf } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { requireOwnerIsMember } from '../organizations/require-member.ts';
import type { Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { rootPool } from './root-pool.ts';

export interface NewPool {
  organizationId: string;
  name: string;
  /** The root when null. */
  parentId: string | null;
  ownerUserId: string | null;
}

/** Makes a pool below another one. Throws `pools.name-taken` among siblings, and refuses an unknown parent or owner by field. */
export async function createPool(tx: Transaction, wish: NewPool, { at, by }: Decision): Promise<Pool> {
  const { organizationId, name, ownerUserId } = wish;
  const root = await rootPool(tx, { id: organizationId }, at);
  await lockTree(tx, organizationId);
  const parentId = wish.parentId ?? root.id;
  refuseTooDeep(await pathTo(tx, organizationId, parentId));
  await requireOwnerIsMember(tx, organizationId, ownerUserId);
  const pool = newPool({ id: newId('pool'), organizationId, parentId, name, ownerUserId }, at);
  await insertPool(tx, pool).catch(refuseTakenName);
  await record(tx, 'pools.create', null, pool, { at, by });
  return pool;
}

/** Renames or moves a pool, or gives it another owner. No pool comes to lie below itself. */
export async function editPool(tx: Transaction, ref: EntityRef, changes: PoolEdit, decision: Decision): Promise<Pool> {
  const { organizationId } = ref;
  const pool = await lock(tx, ref, decision);
  await requireOwnerIsMember(tx, organizationId, changes.ownerUserId);
  const above = changes.parentId === undefined ? [] : await pathTo(tx, organizationId, changes.parentId);
  const { entity, transitions } = edit(pool, changes, above);
  if (transitions.length === 0) return pool;
  const at = laterOf(decision.at, pool.lastAt);
  const after = { ...entity, version: pool.version + 1, lastAt: at };
  await savePool(tx, after).catch(refuseTakenName);
  await record(tx, 'pools.edit', pool, after, { at, by: decision.by });
  return after;
}

/** Deletes a pool that holds nothing. Throws `pools.not-empty` and `pools.root`. */
export async function deletePool(tx: Transaction, ref: EntityRef, decision: Decision): Promise<void> {
  const pool = await lock(tx, ref, decision);
  refuseDeletion(pool, await contentsOf(tx, ref.organizationId, ref.id));
  await deleteRow(tx, pool);
  await record(tx, 'pools.delete', pool, null, decision);
}

async function lock(tx: Transaction, { organizationId, id }: EntityRef, decision: Decision): Promise<Pool> {
  await lockTree(tx, organizationId);
  const pool = await lockPool(tx, organizationId, id);
  if (pool === null) throw notFound('pool', id);
  decision.check?.(pool.version);
  return pool;
}

async function pathTo(tx: Transaction, organizationId: string, parentId: string): Promise<string[]> {
  const path = await pathUp(tx, organizationId, parentId);
  if (path.length === 0) throw invalidField('pools.no-such-parent', 'parent_id', 'is no pool of the organization; list its pools');
  return path;
}

function refuseTakenName(error: unknown): never {
  if (violatedConstraint(error) !== 'pools_name_once') throw error;
  throw new DomainError({
    kind: 'conflict',
    code: 'pools.name-taken',
    message: 'Another pool below the same one has this name. Choose another name.',
    fields: [{ field: 'name', problem: 'is taken by another pool below the same one' }],
  });
}

async function record(tx: Transaction, action: string, before: Pool | null, after: Pool | null, { at, by }: Pick<Decision, 'at' | 'by'>): Promise<void> {
  const pool = after ?? before;
  if (pool === null) return;
  await recordLedgerEntries(tx, [
    { id: newId('ledger-entry'), organizationId: pool.organizationId, at, subject: pool.id, action, by, before: forLedger(before), after: forLedger(after) },
  ]);
}

function forLedger(pool: Pool | null): unknown {
  if (pool === null) return null;
  const { id, name, parentId, ownerUserId } = pool;
  return { id, name, parentId, ownerUserId };
}
