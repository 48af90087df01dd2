import { routineStep, step, unchanged, type Settled } from '../shared/entity.ts';
import { DomainError, invalidField } from '../shared/errors.ts';
import { laterOf, plusMilliseconds, type Instant } from '../shared/time.ts';
import type { ExactAmounts } from './amounts.ts';

export const ALLOCATION_STATES = ['held', 'committed', 'released'] as const;
export type AllocationState = (typeof ALLOCATION_STATES)[number];

/** Why an allocation ended: asked for, its time ran out, its owner ended without saying so, or its project did. */
export type ReleaseReason = 'requested' | 'expired' | 'owner-ended' | 'project-released';

/** What an allocation is for: a row of the domain that asked, by its registered kind. */
export interface AllocationOwner {
  kind: string;
  id: string;
}

/** A part of a project's quota that something holds (until it starts) or uses (committed). */
export interface Allocation {
  id: string;
  organizationId: string;
  projectId: string;
  owner: AllocationOwner;
  /** For whom. */
  userId: string;
  state: AllocationState;
  amounts: ExactAmounts;
  /** A hold ends then unless it is committed or renewed before; null once it is committed. */
  expiresAt: Instant | null;
  releasedAt: Instant | null;
  releaseReason: ReleaseReason | null;
  version: number;
  createdAt: Instant;
  lastAt: Instant;
}

/** How long a hold may be held without being renewed. */
export const LONGEST_HOLD_MS = 31 * 86_400_000;

/** Refuses an end that is not later than `at` (`quotas.expiry-in-past`) or too late (`quotas.expiry-too-far`). */
export function refuseExpiry(expiresAt: Instant, at: Instant): void {
  if (expiresAt <= at) throw invalidField('quotas.expiry-in-past', 'expires_at', `${expiresAt} has passed; give a later instant`);
  if (expiresAt > plusMilliseconds(at, LONGEST_HOLD_MS)) {
    throw invalidField('quotas.expiry-too-far', 'expires_at', `is more than ${LONGEST_HOLD_MS / 86_400_000} days ahead; hold for less and renew`);
  }
}

/** Whether time has ended a hold that nobody released yet. */
export function hasExpired({ state, expiresAt }: Pick<Allocation, 'state' | 'expiresAt'>, at: Instant): boolean {
  return state === 'held' && expiresAt !== null && expiresAt <= at;
}

/** What was held is used from now on. Committing twice changes nothing; what has ended cannot be committed. */
export function commit(allocation: Allocation, at: Instant): Settled<Allocation> {
  if (allocation.state === 'committed') return unchanged(allocation);
  refuseEnded(allocation, at);
  return step(allocation, { ...allocation, state: 'committed', expiresAt: null }, 'quotas.commit');
}

/** Lets a hold last until a later instant; an earlier one changes nothing, and so does renewing what is committed. */
export function renew(allocation: Allocation, expiresAt: Instant, at: Instant): Settled<Allocation> {
  if (allocation.state === 'committed') return unchanged(allocation);
  refuseEnded(allocation, at);
  refuseExpiry(expiresAt, at);
  const later = laterOf(expiresAt, allocation.expiresAt);
  // Nobody's decision: whoever holds renews again and again.
  return later === allocation.expiresAt ? unchanged(allocation) : routineStep(allocation, { ...allocation, expiresAt: later }, 'quotas.renew');
}

/** Gives it back. Releasing twice changes nothing. */
export function end(allocation: Allocation, reason: ReleaseReason, at: Instant): Settled<Allocation> {
  if (allocation.state === 'released') return unchanged(allocation);
  const dueAt = reason === 'expired' ? allocation.expiresAt : null;
  return step(allocation, { ...allocation, state: 'released', expiresAt: null, releasedAt: at, releaseReason: reason }, 'quotas.release', dueAt);
}

function refuseEnded(allocation: Allocation, at: Instant): void {
  if (hasExpired(allocation, at) || allocation.releaseReason === 'expired') {
    throw new DomainError({
      kind: 'conflict',
      code: 'quotas.hold-expired',
      message: `The hold ${allocation.id} has expired${allocation.expiresAt === null ? '' : ` at ${allocation.expiresAt}`}. Hold anew.`,
      details: { id: allocation.id },
    });
  }
  if (allocation.state === 'released') {
    throw new DomainError({ kind: 'conflict', code: 'quotas.allocation-released', message: `The allocation ${allocation.id} was released at ${allocation.releasedAt}. Hold anew.`, details: { id: allocation.id } });
  }
}
