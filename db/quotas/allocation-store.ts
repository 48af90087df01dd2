import type { Allocation } from '../../domain/quotas/allocation.ts';
import { minus, NOTHING, plus, type ExactAmounts } from '../../domain/quotas/amounts.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { ADD_TO_SUMS, toAllocation, type Row } from './rows.ts';

export type NewHold = Pick<Allocation, 'id' | 'organizationId' | 'projectId' | 'owner' | 'userId' | 'amounts'> & { expiresAt: Instant };

/**
 * Holds a part of a project's quota, in one statement: the sum grows and the allocation is written, or neither.
 * Answers null when it does not fit, or the project has no quota or gave it back. Whoever comes second waits for
 * the row and is judged by what the first left.
 */
export async function holdAllocation(tx: Transaction, hold: NewHold, at: Instant): Promise<Allocation | null> {
  const result = await tx.raw<{ rows: Row[] }>(HOLD, {
    id: hold.id,
    organization_id: hold.organizationId,
    project_id: hold.projectId,
    owner_kind: hold.owner.kind,
    owner_id: hold.owner.id,
    user_id: hold.userId,
    gpu: hold.amounts.gpu,
    cpu: hold.amounts.cpu,
    ram_gib: hold.amounts.ram_gib,
    expires_at: hold.expiresAt,
    at,
  });
  const [row] = result.rows;
  return row === undefined ? null : toAllocation(row);
}

const HOLD = `
  with wish as (select cast(:gpu as numeric) as gpu, cast(:cpu as numeric) as cpu, cast(:ram_gib as numeric) as ram_gib, cast(:at as timestamptz) as at),
  room as (
    update project_quotas q
    set held_gpu = q.held_gpu + w.gpu, held_cpu = q.held_cpu + w.cpu, held_ram_gib = q.held_ram_gib + w.ram_gib, last_at = greatest(q.last_at, w.at)
    from wish w
    where q.organization_id = :organization_id and q.project_id = :project_id and q.released_at is null
      and q.held_gpu + q.used_gpu + w.gpu <= q.gpu
      and (q.cpu is null or q.held_cpu + q.used_cpu + w.cpu <= q.cpu)
      and (q.ram_gib is null or q.held_ram_gib + q.used_ram_gib + w.ram_gib <= q.ram_gib)
    returning q.organization_id, q.project_id, q.last_at, w.gpu, w.cpu, w.ram_gib
  )
  insert into quota_allocations (id, organization_id, project_id, owner_kind, owner_id, user_id, state, gpu, cpu, ram_gib, expires_at, created_at, last_at)
  select :id, organization_id, project_id, :owner_kind, :owner_id, :user_id, 'held', gpu, cpu, ram_gib, :expires_at, last_at, last_at from room
  returning *`;

/** The allocation that has not ended of this owner, or null. */
export async function openAllocationOf(tx: Transaction, organizationId: string, owner: Allocation['owner']): Promise<Allocation | null> {
  const row = await tx('quota_allocations')
    .where({ organization_id: organizationId, owner_kind: owner.kind, owner_id: owner.id })
    .whereNot('state', 'released')
    .first<Row | undefined>();
  return row === undefined ? null : toAllocation(row);
}

/** Reads and locks an allocation, after the quota it belongs to; null when there is none. */
export async function lockAllocation(tx: Transaction, organizationId: string, id: string): Promise<Allocation | null> {
  await tx.raw(
    `select from project_quotas where (organization_id, project_id) in (select organization_id, project_id from quota_allocations where organization_id = ? and id = ?) for update`,
    [organizationId, id],
  );
  const row = await tx('quota_allocations').where({ organization_id: organizationId, id }).forUpdate().first<Row | undefined>();
  return row === undefined ? null : toAllocation(row);
}

/** The allocations of a project that have not ended, by their beginning; its quota's row must be locked to decide on them. */
export async function openAllocations(tx: Transaction, organizationId: string, projectId: string): Promise<Allocation[]> {
  const rows = await tx('quota_allocations')
    .where({ organization_id: organizationId, project_id: projectId })
    .whereNot('state', 'released')
    .orderBy('id')
    .select<Row[]>('*');
  return rows.map(toAllocation);
}

/** The holds of a project that have expired at `at`; its quota's row must be locked to decide on them. */
export async function expiredHolds(tx: Transaction, organizationId: string, projectId: string, at: Instant): Promise<Allocation[]> {
  const rows = await tx('quota_allocations')
    .where({ organization_id: organizationId, project_id: projectId, state: 'held' })
    .where('expires_at', '<=', at)
    .orderBy('id')
    .select<Row[]>('*');
  return rows.map(toAllocation);
}

/** Writes allocations of one project that changed, and moves its sums by the difference. Its quota's row must be locked. */
export async function saveAllocations(tx: Transaction, changes: readonly { before: Allocation; after: Allocation }[]): Promise<void> {
  const [first] = changes;
  if (first === undefined) return;
  const rows = changes.map(({ after: { id, state, expiresAt, releasedAt, releaseReason, version, lastAt } }) => (
    { id, state, expires_at: expiresAt, released_at: releasedAt, release_reason: releaseReason, version, last_at: lastAt }
  ));
  await tx.raw(
    `update quota_allocations a
     set state = c.state, expires_at = c.expires_at, released_at = c.released_at, release_reason = c.release_reason, version = c.version, last_at = c.last_at
     from jsonb_to_recordset(cast(? as jsonb))
       as c (id text, state text, expires_at timestamptz, released_at timestamptz, release_reason text, version integer, last_at timestamptz)
     where a.organization_id = ? and a.id = c.id`,
    [JSON.stringify(rows), first.after.organizationId],
  );
  const { organizationId, projectId } = first.after;
  const [heldBefore, usedBefore] = sums(changes.map(({ before }) => before));
  const [heldAfter, usedAfter] = sums(changes.map(({ after }) => after));
  await tx.raw(`update project_quotas set ${ADD_TO_SUMS}, last_at = greatest(last_at, cast(:at as timestamptz)) where organization_id = :organizationId and project_id = :projectId`, {
    organizationId,
    projectId,
    at: first.after.lastAt,
    ...prefixed('held', minus(heldAfter, heldBefore)),
    ...prefixed('used', minus(usedAfter, usedBefore)),
  });
}

function sums(allocations: readonly Allocation[]): [held: ExactAmounts, used: ExactAmounts] {
  const of = (state: Allocation['state']) => allocations.filter((one) => one.state === state).reduce((sum, { amounts }) => plus(sum, amounts), NOTHING);
  return [of('held'), of('committed')];
}

function prefixed(prefix: string, amounts: ExactAmounts): Record<string, string> {
  return { [`${prefix}_gpu`]: amounts.gpu, [`${prefix}_cpu`]: amounts.cpu, [`${prefix}_ram_gib`]: amounts.ram_gib };
}

/** Projects in which a hold has expired at `at`, up to `limit`. */
export async function projectsWithExpiredHolds(db: Database, at: Instant, limit: number): Promise<{ organizationId: string; projectId: string }[]> {
  const rows = await db('quota_allocations')
    .where('state', 'held')
    .where('expires_at', '<=', at)
    .distinct<Row[]>('organization_id', 'project_id')
    .orderBy('project_id')
    .limit(limit);
  return rows.map((row) => ({ organizationId: row.organization_id as string, projectId: row.project_id as string }));
}

/** Deletes up to `limit` allocations that ended before `before`; the ledger keeps what became of them. Answers how many. */
export async function deleteEndedAllocations(db: Database, before: Instant, limit: number): Promise<number> {
  return await db('quota_allocations').whereIn('id', db('quota_allocations').select('id').where('released_at', '<', before).limit(limit)).delete();
}

/** Ids of the allocations that went because their project was released, in their order. */
export async function releasedWithProject(db: Database, organizationId: string, projectId: string): Promise<string[]> {
  return await db('quota_allocations').where({ organization_id: organizationId, project_id: projectId, release_reason: 'project-released' }).orderBy('id').pluck<string[]>('id');
}

/** When the next hold ends unless it is committed or renewed, anywhere; null when nothing is held. */
export async function nextHoldExpiry(db: Database): Promise<Instant | null> {
  const [row] = await db('quota_allocations').where('state', 'held').min<{ at: Instant | null }[]>('expires_at as at');
  return row?.at ?? null;
}
