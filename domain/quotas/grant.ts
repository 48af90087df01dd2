import { step, unchanged, type Settled } from '../shared/entity.ts';
import { DomainError, invalidField } from '../shared/errors.ts';
import { laterOf, type Instant } from '../shared/time.ts';
import { areWithin, describeAmounts, kindsAbove, plus, QUOTA_KINDS, type CapacityAmounts, type ExactAmounts, type QuotaAmounts } from './amounts.ts';
import { planGrant, type NextPeriod, type PlannedGrant } from './plan.ts';

/** A project's quota: what it was granted of the organization's capacity, and what of it is taken. */
export interface ProjectQuota extends PlannedGrant {
  organizationId: string;
  /** Reserved for something that has not started yet. */
  held: ExactAmounts;
  /** Taken by what has started. */
  used: ExactAmounts;
  version: number;
  createdAt: Instant;
  lastAt: Instant;
}

export interface GrantTerms {
  amounts: QuotaAmounts;
  from: Instant;
  /** Planned end and buffer, exclusive. */
  until: Instant;
}

/** What is there to grant from: the capacity, and the unreleased grants of all other projects. */
export interface Room {
  capacity: CapacityAmounts;
  others: readonly PlannedGrant[];
}

/** How many conflicts an error names. */
const MOST_NAMED = 20;

/**
 * The quota of a project under new terms, or its first one. A grant begins when it is made at the earliest, and
 * one that has begun keeps its beginning. Refuses:
 * - `quotas.empty-period`, `quotas.period-over`: the period is none, or over;
 * - `quotas.released`: the project is over;
 * - `quotas.below-use`: less than what is used and held;
 * - `quotas.above-capacity`: more than there is at all, or no limit where the capacity has one;
 * - `quotas.no-room`: at some instant not enough is left. `details.first_fit` is the first instant from which the
 *   whole period fits or null, `details.fits_until` until when it would fit beginning as wished, `details.conflicts`
 *   when which kinds are short.
 *
 * @param nextPeriod the period the project would have if it began at or after an instant, for `first_fit`: whoever
 *   begins at local midnights gives it. By default the same length from that instant on.
 */
export function grant(current: ProjectQuota | null, fresh: Pick<ProjectQuota, 'organizationId' | 'projectId'>, terms: GrantTerms, room: Room, at: Instant, nextPeriod?: NextPeriod): Settled<ProjectQuota> {
  if (terms.until <= terms.from) throw invalidField('quotas.empty-period', 'until', 'must be later than from');
  if (terms.until <= at) throw invalidField('quotas.period-over', 'until', `${terms.until} has passed; give a later one`);
  if (current !== null && current.releasedAt !== null) throw released(current.projectId);
  const { amounts } = terms;
  if (current !== null) refuseBelowUse(current, amounts);
  const since = current !== null && current.since <= at ? current.since : laterOf(terms.from, at);
  const above = newlyAbove(amounts, room.capacity, current);
  if (above.length > 0) throw aboveCapacity(amounts, room.capacity, above);
  const fitting = planGrant(room.others, room.capacity, { amounts, from: since, to: terms.until, instead: current }, at, nextPeriod);
  if (!fitting.fits) throw noRoom(amounts, fitting);
  if (current === null) {
    const made = { ...newQuota(fresh, at), amounts, since, until: terms.until };
    return { entity: made, transitions: [{ action: 'quotas.grant', before: null, after: made, dueAt: null }] };
  }
  const same = current.since === since && current.until === terms.until && QUOTA_KINDS.every((kind) => current.amounts[kind] === amounts[kind]);
  return same ? unchanged(current) : step(current, { ...current, amounts, since, until: terms.until }, 'quotas.change-grant');
}

/** Gives a project's quota back. Refused while something holds or uses a part of it (`quotas.allocations-open`). */
export function release(quota: ProjectQuota, openAllocations: readonly string[], at: Instant): Settled<ProjectQuota> {
  if (quota.releasedAt !== null) return unchanged(quota);
  if (openAllocations.length > 0) {
    throw new DomainError({
      kind: 'conflict',
      code: 'quotas.allocations-open',
      message: `Project ${quota.projectId} still has ${openAllocations.length} allocations of its quota. Release them first.`,
      details: { allocations: openAllocations.slice(0, MOST_NAMED) },
    });
  }
  return step(quota, { ...quota, releasedAt: at }, 'quotas.release-grant');
}

export function released(projectId: string): DomainError {
  return new DomainError({ kind: 'conflict', code: 'quotas.released', message: `The quota of project ${projectId} was given back when the project ended. Apply for a new project.` });
}

function newQuota(fresh: Pick<ProjectQuota, 'organizationId' | 'projectId'>, at: Instant): Omit<ProjectQuota, 'amounts' | 'since' | 'until'> {
  const { organizationId, projectId } = fresh;
  const nothing = { gpu: '0', cpu: '0', ram_gib: '0' };
  return { organizationId, projectId, releasedAt: null, held: nothing, used: nothing, version: 1, createdAt: at, lastAt: at };
}

function refuseBelowUse(quota: ProjectQuota, amounts: QuotaAmounts): void {
  const taken = plus(quota.used, quota.held);
  if (areWithin(taken, amounts)) return;
  throw new DomainError({
    kind: 'conflict',
    code: 'quotas.below-use',
    message: `Project ${quota.projectId} uses ${describeAmounts(quota.used)} and holds ${describeAmounts(quota.held)}; ${describeAmounts(amounts)} is less. Release something first, or ask for no less than that.`,
    details: { used: quota.used, held: quota.held, asked: amounts, kinds: kindsAbove(taken, amounts) },
  });
}

/** What a project already has it keeps, also where the capacity shrank since. */
function newlyAbove(amounts: QuotaAmounts, capacity: CapacityAmounts, current: ProjectQuota | null) {
  return kindsAbove(amounts, capacity).filter((kind) => current === null || amounts[kind] !== current.amounts[kind]);
}

function aboveCapacity(amounts: QuotaAmounts, capacity: CapacityAmounts, kinds: readonly string[]): DomainError {
  return new DomainError({
    kind: 'limit-exceeded',
    code: 'quotas.above-capacity',
    message: `${describeAmounts(amounts)} is more than the organization has: ${describeAmounts(capacity)}. Ask for less, or ask a manager to raise its capacity.`,
    details: { asked: amounts, capacity, kinds },
  });
}

function noRoom(amounts: QuotaAmounts, fitting: Extract<ReturnType<typeof planGrant>, { fits: false }>): DomainError {
  const { firstFit, fitsUntil, conflicts } = fitting;
  const [first] = conflicts;
  const remedy = firstFit === null ? 'No later start fits either: ask for less.' : `It fits from ${firstFit} on.`;
  return new DomainError({
    kind: 'limit-exceeded',
    code: 'quotas.no-room',
    message: `${describeAmounts(amounts)} is not free in the organization from ${first?.from} to ${first?.to} (short of ${first?.kinds.join(', ')}). ${remedy}`,
    details: { asked: amounts, first_fit: firstFit, fits_until: fitsUntil, conflicts: conflicts.slice(0, MOST_NAMED) },
  });
}
