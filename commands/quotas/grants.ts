import { openAllocations } from '../../db/quotas/allocation-store.ts';
import { lockCapacityRow } from '../../db/quotas/capacity-store.ts';
import { grantedBefore, insertQuota, lockQuota, overranBefore, saveQuota, unreleasedGrants } from '../../db/quotas/quota-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { areWithin, counted, plus, QUOTA_KINDS, readSomething, type QuotaAmounts } from '../../domain/quotas/amounts.ts';
import type { Capacity } from '../../domain/quotas/capacity.ts';
import { grant, release, type ProjectQuota } from '../../domain/quotas/grant.ts';
import type { NextPeriod } from '../../domain/quotas/plan.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { laterOf, type Instant } from '../../domain/shared/time.ts';
import type { Decision } from '../shared/entity-commands.ts';
import { recordGrant } from './record.ts';

/**
 * Locks the organization's capacity until the transaction ends: grants are decided one after the other. The first
 * lock of all: before projects, applications, environments, bookings, resources. Unlimited until a manager states
 * it. Throws `organization.not-found`.
 */
export async function lockCapacity(tx: Transaction, organizationId: string): Promise<Capacity> {
  const capacity = await lockCapacityRow(tx, organizationId);
  if (capacity === null) throw notFound('organization', organizationId);
  return capacity;
}

export interface QuotaGrant {
  organizationId: string;
  projectId: string;
  amounts: QuotaAmounts;
  /** Start of the project. What lies before the decision is not granted: a grant begins when it is made at the earliest. */
  from: Instant;
  /** Planned end and buffer, exclusive. */
  until: Instant;
  /** The period the project would have if it began at or after an instant, for `details.first_fit`; by default as long as this one. */
  nextPeriod?: NextPeriod | undefined;
}

/**
 * Writes or changes the one grant of a project, under the organization's capacity (which it locks). At every
 * instant from now on what is granted stays within the capacity; a change is refused only for what it asks for
 * beyond what the project has. The same terms again change nothing. Throws what `readSomething` and `grant` of
 * the domain throw: among them `quotas.above-capacity`, `quotas.no-room` (with `details.first_fit`) and
 * `quotas.below-use`; then nothing is written.
 */
export async function grantQuota(tx: Transaction, wish: QuotaGrant, decision: Decision): Promise<ProjectQuota> {
  const { organizationId, projectId } = wish;
  const amounts = readSomething(wish.amounts, 'quota');
  const capacity = await lockCapacity(tx, organizationId);
  const current = await lockQuota(tx, organizationId, projectId);
  const at = laterOf(decision.at, current?.lastAt);
  const others = await othersOf(tx, capacity, projectId);
  const terms = { amounts, from: wish.from, until: wish.until };
  const { entity, transitions } = grant(current, { organizationId, projectId }, terms, { capacity: capacity.amounts, others }, at, wish.nextPeriod);
  if (transitions.length === 0) return entity;
  const after = current === null ? entity : { ...entity, version: current.version + 1, lastAt: at };
  await (current === null ? insertQuota(tx, after) : saveQuota(tx, after));
  await recordGrant(tx, transitions, { at, by: decision.by });
  return after;
}

/** Where nothing is limited nobody else matters. */
async function othersOf(tx: Transaction, capacity: Capacity, projectId: string) {
  if (QUOTA_KINDS.every((kind) => capacity.amounts[kind] === null)) return [];
  return (await unreleasedGrants(tx, capacity.organizationId)).filter((one) => one.projectId !== projectId);
}

/**
 * Whether a scheduled project may start: all that was to begin before it, and it, are within the capacity. They are
 * unless somebody's quota outlived its planned end; `held_by` names those projects. Of two that wait for the same,
 * the one that was to begin first goes first. Locks the capacity. Throws `quota.not-found` when it was granted none.
 */
export async function roomToStart(tx: Transaction, organizationId: string, projectId: string): Promise<{ fits: boolean; held_by: string[] }> {
  const capacity = await lockCapacity(tx, organizationId);
  const quota = await lockQuota(tx, organizationId, projectId);
  if (quota === null || quota.releasedAt !== null) throw notFound('quota', projectId);
  if (QUOTA_KINDS.every((kind) => capacity.amounts[kind] === null)) return { fits: true, held_by: [] };
  const late = await overranBefore(tx, quota);
  if (late.length === 0) return { fits: true, held_by: [] };
  const fits = areWithin(plus(await grantedBefore(tx, quota), counted(quota.amounts)), capacity.amounts);
  return { fits, held_by: fits ? [] : late };
}

/**
 * Gives a project's quota back, when the project is Released or Deleted. Refuses while a part of it is held or used
 * (`quotas.allocations-open`). Repeating it changes nothing; a project that was granted none has nothing to give.
 * Whoever waits for capacity may be woken after it.
 */
export async function releaseGrant(tx: Transaction, organizationId: string, projectId: string, decision: Decision): Promise<void> {
  await lockCapacity(tx, organizationId);
  const quota = await lockQuota(tx, organizationId, projectId);
  if (quota === null) return;
  const open = await openAllocations(tx, organizationId, projectId);
  const at = laterOf(decision.at, quota.lastAt);
  const { entity, transitions } = release(quota, open.map(({ id }) => id), at);
  if (transitions.length === 0) return;
  await saveQuota(tx, { ...entity, version: quota.version + 1, lastAt: at });
  await recordGrant(tx, transitions, { at, by: decision.by });
}
