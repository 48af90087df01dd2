import { Big } from 'big.js';
import { step, unchanged, type Settled } from '../shared/entity.ts';
import { DomainError } from '../shared/errors.ts';
import type { Instant } from '../shared/time.ts';
import { describeAmounts, fromMillionths, kindsAbove, QUOTA_KINDS, readAmounts, type CapacityAmounts, type QuotaKind } from './amounts.ts';
import { computeSteps, conflictsIn, endOf, type PlannedGrant, type Step } from './plan.ts';
import { readPrices, samePrices, type QuotaPrices } from './prices.ts';

/** How much an organization has to share out among its projects. Unlimited until a manager states it. */
export interface Capacity {
  organizationId: string;
  amounts: CapacityAmounts;
  /** What an hour of one of each costs; null when nobody stated it. */
  prices: QuotaPrices | null;
  version: number;
  lastAt: Instant;
}

export interface CapacityEdit {
  amounts: CapacityAmounts;
  prices: QuotaPrices | null;
}

/** A time at which more is granted than there would be. */
export interface Overcommitment {
  from: Instant;
  /** Exclusive. */
  to: Instant;
  kinds: QuotaKind[];
  /** What is granted of those kinds; `unlimited` where a project has no limit. */
  granted: Partial<Record<QuotaKind, string>>;
  project_ids: string[];
}

/** How many of them an answer names. */
const MOST_NAMED = 20;

/**
 * States the capacity anew. Lowering it below what is granted at any instant from `at` on is refused
 * (`quotas.capacity-below-granted`), with `details.overcommitted`: when, and by which projects. Throws
 * `readAmounts`' and `readPrices`' errors for what is malformed.
 *
 * @param grants every unreleased grant of the organization.
 */
export function editCapacity(capacity: Capacity, edit: CapacityEdit, grants: readonly PlannedGrant[], at: Instant): Settled<Capacity> {
  const after: Capacity = { ...capacity, amounts: readAmounts(edit.amounts), prices: edit.prices === null ? null : readPrices(edit.prices) };
  const lowered = kindsAbove(capacity.amounts, after.amounts).filter((kind) => isLower(capacity.amounts[kind], after.amounts[kind]));
  const over = overcommitments(after.amounts, lowered, grants, at);
  if (over.length > 0) throw belowGranted(after.amounts, over);
  const same = QUOTA_KINDS.every((kind) => capacity.amounts[kind] === after.amounts[kind]) && samePrices(capacity.prices, after.prices);
  return same ? unchanged(capacity) : step(capacity, after, 'quotas.edit-capacity');
}

function isLower(before: string | null, after: string | null): boolean {
  return after !== null && (before === null || new Big(after).lt(before));
}

function overcommitments(capacity: CapacityAmounts, kinds: readonly QuotaKind[], grants: readonly PlannedGrant[], at: Instant): Overcommitment[] {
  if (kinds.length === 0) return [];
  const last = grants.reduce((latest, grant) => (endOf(grant, at) > latest ? endOf(grant, at) : latest), at);
  const steps = computeSteps(grants, { from: at, to: last }, at);
  const exceeded = conflictsIn(steps, capacity, { gpu: '0', cpu: '0', ram_gib: '0' }, (kind) => kinds.includes(kind));
  const sums = exceeded.slice(0, MOST_NAMED).map(({ from, to, kinds }): Overcommitment => ({
    from,
    to,
    kinds,
    granted: Object.fromEntries(kinds.map((kind) => [kind, highest(steps, kind, from, to)])),
    project_ids: grants.filter((grant) => grant.since < to && endOf(grant, at) > from && kinds.some((kind) => grant.amounts[kind] !== '0')).map(({ projectId }) => projectId),
  }));
  return [...unlimited(kinds, grants, at), ...sums].slice(0, MOST_NAMED);
}

/** A project without limit of a kind cannot stay where the kind gets one. */
function unlimited(kinds: readonly QuotaKind[], grants: readonly PlannedGrant[], at: Instant): Overcommitment[] {
  return kinds.flatMap((kind) =>
    grants
      .filter((grant) => grant.amounts[kind] === null)
      .map((grant) => ({ from: grant.since > at ? grant.since : at, to: endOf(grant, at), kinds: [kind], granted: { [kind]: 'unlimited' }, project_ids: [grant.projectId] })),
  );
}

function highest(steps: readonly Step[], kind: QuotaKind, from: Instant, to: Instant): string {
  const most = steps.filter((one) => one.from < to && one.to > from).reduce((sum, { sums }) => (sums[kind] > sum ? sums[kind] : sum), 0n);
  return fromMillionths(most);
}

function belowGranted(wanted: CapacityAmounts, over: readonly Overcommitment[]): DomainError {
  const [first] = over;
  const projects = [...new Set(over.flatMap(({ project_ids }) => project_ids))];
  return new DomainError({
    kind: 'conflict',
    code: 'quotas.capacity-below-granted',
    message:
      `${describeAmounts(wanted)} is less than what is granted from ${first?.from} on, to ${projects.slice(0, 5).join(', ')}` +
      `${projects.length > 5 ? ` and ${projects.length - 5} more` : ''}. Lower or end these projects first, or state more.`,
    details: { overcommitted: over },
  });
}
