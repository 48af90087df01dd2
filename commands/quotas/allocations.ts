import { expiredHolds, holdAllocation, lockAllocation, openAllocationOf, openAllocations, saveAllocations, type NewHold } from '../../db/quotas/allocation-store.ts';
import { OWNER_KINDS, stateOfOwner } from '../../db/quotas/owner-kinds.ts';
import { lockQuota } from '../../db/quotas/quota-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { violatedConstraint } from '../../db/shared/transaction.ts';
import type { ActiveMember } from '../../domain/projects/active-member.ts';
import { commit, end, hasExpired, refuseExpiry, renew, type Allocation, type AllocationOwner, type ReleaseReason } from '../../domain/quotas/allocation.ts';
import { describeAmounts, kindsAbove, leftOf, plus, QUOTA_KINDS, readSomething, type ExactAmounts } from '../../domain/quotas/amounts.ts';
import { released, type ProjectQuota } from '../../domain/quotas/grant.ts';
import { unchanged, type Settled, type Transition } from '../../domain/shared/entity.ts';
import { DomainError, invalidField, notFound } from '../../domain/shared/errors.ts';
import { laterOf, type Instant } from '../../domain/shared/time.ts';
import type { Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { recordAllocations } from './record.ts';

export interface Hold {
  /** For whom, and of which project: asked for in this transaction, before anything of quotas is locked. */
  member: ActiveMember;
  /** The row that takes it, of a kind registered in db/quotas/owner-kinds.ts; it must exist in this transaction. */
  owner: AllocationOwner;
  amounts: ExactAmounts;
  /** The hold ends then unless it is committed or renewed before; at most 31 days ahead. */
  expiresAt: Instant;
}

export interface AllocationRef {
  organizationId: string;
  id: string;
}

/** A hold, and who goes on using the project with it: asked for in this transaction, as of a new hold. */
export interface HoldInUse {
  member: ActiveMember;
  id: string;
}

/**
 * Holds a part of a project's quota for its owner; never more than the quota, whoever else asks. What has expired is
 * freed first when it is needed. Repeated for the same owner and amounts it answers with what the owner has, unless that has expired.
 * Refuses: `quotas.not-enough-free` (details: free, asked, kinds), `quotas.no-quota`, `quotas.released`,
 * `quotas.unknown-owner-kind`, `quotas.no-such-owner`, `quotas.owner-ended`, `quotas.already-held` (the owner has other
 * amounts), and what `readSomething` and `refuseExpiry` of the domain refuse.
 */
export async function holdQuota(tx: Transaction, hold: Hold, decision: Decision): Promise<Allocation> {
  const amounts = readSomething(hold.amounts, 'amounts');
  refuseExpiry(hold.expiresAt, decision.at);
  const { organizationId, projectId, userId } = hold.member;
  const wish = { organizationId, projectId, userId, owner: hold.owner, amounts, expiresAt: hold.expiresAt, id: newId('quota-allocation') };
  await requireOwner(tx, wish);
  const known = await heldBy(tx, wish, decision);
  if (known !== null) return sameHold(known, projectId, amounts);
  const held = (await attempt(tx, wish, decision.at)) ?? (await holdWhatExpired(tx, wish, decision));
  await recordAllocations(tx, [{ action: 'quotas.hold', before: null, after: held, dueAt: null }], { at: held.createdAt, by: decision.by });
  return held;
}

/** What the owner has; freed first where its time is up, because nothing could be done with it any more. */
async function heldBy(tx: Transaction, { organizationId, owner }: NewHold, decision: Decision): Promise<Allocation | null> {
  const known = await openAllocationOf(tx, organizationId, owner);
  if (known === null || !hasExpired(known, decision.at)) return known;
  const after = await change(tx, { organizationId, id: known.id }, decision, (one, at) => (hasExpired(one, at) ? end(one, 'expired', at) : unchanged(one)));
  return after.state === 'released' ? null : after;
}

async function attempt(tx: Transaction, wish: NewHold, at: Instant): Promise<Allocation | null> {
  return await holdAllocation(tx, wish, at).catch((error: unknown) => {
    if (violatedConstraint(error) !== 'quota_allocations_owner_once') throw error;
    throw alreadyHeld(wish.owner, null);
  });
}

/** Under the lock of the quota's row: frees what time has ended, tries again, and says what is wrong when it still does not fit. */
async function holdWhatExpired(tx: Transaction, wish: NewHold, decision: Decision): Promise<Allocation> {
  const { organizationId, projectId } = wish;
  const quota = await lockQuota(tx, organizationId, projectId);
  if (quota === null) {
    throw new DomainError({ kind: 'conflict', code: 'quotas.no-quota', message: `Project ${projectId} was granted no quota. Apply for one, or wait until its application is approved.` });
  }
  if (quota.releasedAt !== null) throw released(projectId);
  const at = laterOf(decision.at, quota.lastAt);
  const expired = await expiredHolds(tx, organizationId, projectId, at);
  await write(tx, expired.map((one) => ({ before: one, settled: end(one, 'expired', at) })), { at, by: decision.by });
  const held = await attempt(tx, wish, at);
  if (held === null) throw notEnough(await freshQuota(tx, quota), wish.amounts);
  return held;
}

async function freshQuota(tx: Transaction, { organizationId, projectId }: ProjectQuota): Promise<ProjectQuota> {
  const quota = await lockQuota(tx, organizationId, projectId);
  if (quota === null) throw notFound('quota', projectId);
  return quota;
}

/** What was held is used from now on. Refuses a hold that has expired (`quotas.hold-expired`) or was released; one of another project is not found. */
export async function commitHold(tx: Transaction, hold: HoldInUse, decision: Decision): Promise<Allocation> {
  return await changeInUse(tx, hold, decision, commit);
}

/** Lets a hold last until a later instant: routine, so it is not in the ledger. Refuses as `commitHold` and `refuseExpiry` do. */
export async function renewHold(tx: Transaction, { expiresAt, ...hold }: HoldInUse & { expiresAt: Instant }, decision: Decision): Promise<Allocation> {
  return await changeInUse(tx, hold, decision, (allocation, at) => renew(allocation, expiresAt, at));
}

/** Gives what was held or used back. Repeating it changes nothing. */
export async function releaseAllocation(tx: Transaction, ref: AllocationRef, decision: Decision): Promise<Allocation> {
  return await change(tx, ref, decision, (allocation, at) => end(allocation, 'requested', at));
}

/** Gives all of a project's allocations back, held and used; answers with those it ended. Nothing left: an empty list. */
export async function releaseAllocations(tx: Transaction, organizationId: string, projectId: string, decision: Decision): Promise<{ id: string; owner: AllocationOwner }[]> {
  const ended = await endAllocations(tx, { organizationId, projectId }, decision, () => 'project-released');
  return ended.map(({ id, owner }) => ({ id, owner }));
}

/**
 * Ends the open allocations of a project for which `reasonOf` has a reason, under the lock of its quota's row. The
 * reason is asked for what the row says then, so that a hold renewed meanwhile stays.
 */
export async function endAllocations(
  tx: Transaction,
  { organizationId, projectId }: { organizationId: string; projectId: string },
  decision: Decision,
  reasonOf: (allocation: Allocation, at: Instant) => ReleaseReason | null,
): Promise<Allocation[]> {
  const quota = await lockQuota(tx, organizationId, projectId);
  if (quota === null) return [];
  const at = laterOf(decision.at, quota.lastAt);
  const ending = (await openAllocations(tx, organizationId, projectId)).flatMap((before) => {
    const reason = reasonOf(before, at);
    return reason === null ? [] : [{ before, settled: end(before, reason, at) }];
  });
  return await write(tx, ending, { at, by: decision.by });
}

async function changeInUse(tx: Transaction, { member, id }: HoldInUse, decision: Decision, decide: (allocation: Allocation, at: Instant) => Settled<Allocation>): Promise<Allocation> {
  return await change(tx, { organizationId: member.organizationId, id }, decision, (allocation, at) => {
    if (allocation.projectId !== member.projectId) throw notFound('quota-allocation', id);
    return decide(allocation, at);
  });
}

async function change(tx: Transaction, { organizationId, id }: AllocationRef, decision: Decision, decide: (allocation: Allocation, at: Instant) => Settled<Allocation>): Promise<Allocation> {
  const before = await lockAllocation(tx, organizationId, id);
  if (before === null) throw notFound('quota-allocation', id);
  const at = laterOf(decision.at, before.lastAt);
  const settled = decide(before, at);
  const [after = before] = await write(tx, [{ before, settled }], { at, by: decision.by });
  return after;
}

/** Writes what changed, moves the sums, records the steps; answers with what it wrote. */
async function write(tx: Transaction, changes: readonly { before: Allocation; settled: Settled<Allocation> }[], { at, by }: Pick<Decision, 'at' | 'by'>): Promise<Allocation[]> {
  const real = changes.filter(({ settled }) => settled.transitions.length > 0);
  const written = real.map(({ before, settled }) => {
    const routine = settled.transitions.every((one) => one.routine === true);
    return { before, after: { ...settled.entity, version: routine ? before.version : before.version + 1, lastAt: at } };
  });
  await saveAllocations(tx, written);
  const steps: Transition<Allocation>[] = real.flatMap(({ settled }) => settled.transitions);
  await recordAllocations(tx, steps, { at, by });
  return written.map(({ after }) => after);
}

async function requireOwner(tx: Transaction, { organizationId, owner }: NewHold): Promise<void> {
  const state = await stateOfOwner(tx, organizationId, owner);
  if (state === 'alive') return;
  const named = `${owner.kind} ${owner.id}`;
  if (state === 'unknown-kind') {
    const kinds = [...OWNER_KINDS.keys()].toSorted().join(', ');
    throw invalidField('quotas.unknown-owner-kind', 'owner.kind', `${JSON.stringify(owner.kind)} is no kind of owner that may hold quota (${kinds === '' ? 'there is none yet' : kinds})`);
  }
  if (state === 'absent') throw invalidField('quotas.no-such-owner', 'owner.id', `there is no ${named}; write its row first`);
  throw new DomainError({ kind: 'conflict', code: 'quotas.owner-ended', message: `The ${named} has ended, so it can hold nothing.`, details: { owner } });
}

function sameHold(known: Allocation, projectId: string, amounts: ExactAmounts): Allocation {
  if (known.projectId === projectId && QUOTA_KINDS.every((kind) => known.amounts[kind] === amounts[kind])) return known;
  throw alreadyHeld(known.owner, known);
}

function alreadyHeld(owner: AllocationOwner, known: Allocation | null): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'quotas.already-held',
    message: `The ${owner.kind} ${owner.id} already has ${known === null ? 'quota' : `${describeAmounts(known.amounts)} of project ${known.projectId}`}. Release that first.`,
    details: { owner, ...(known !== null && { id: known.id }) },
  });
}

function notEnough(quota: ProjectQuota, asked: ExactAmounts): DomainError {
  const free = leftOf(quota.amounts, plus(quota.used, quota.held));
  return new DomainError({
    kind: 'limit-exceeded',
    code: 'quotas.not-enough-free',
    message: `${describeAmounts(asked)} is more than is free of project ${quota.projectId}'s quota: ${describeAmounts(free)}. Release something, ask for less, or apply for more.`,
    details: { asked, free, used: quota.used, held: quota.held, kinds: kindsAbove(asked, free) },
  });
}
