import { recordLedgerEntries } from '../../db/audit/ledger-store.ts';
import { deleteMembers, insertMembers, membershipsOf, type ScheduleMember } from '../../db/power-schedules/member-store.ts';
import { scheduleNames } from '../../db/power-schedules/schedule-store.ts';
import { instanceTargets, type InstanceTarget } from '../../db/resources/instance-targets.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { refusalOf } from '../../domain/power/stoppable.ts';
import { wordNow, type PowerSchedule } from '../../domain/power-schedules/power-schedule.ts';
import { unchanged, type Actor } from '../../domain/shared/entity.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { withdrawClaims, type CreatedRun } from '../power/port.ts';
import { newId } from '../shared/new-id.ts';
import { decideOnSchedule, speak, type ScheduleDecision } from './decide-on-schedule.ts';

/** What became of one instance of a bulk request. */
export type MemberOutcome =
  | { resourceId: string; outcome: 'attached' | 'already-attached' | 'detached' | 'not-attached' }
  | { resourceId: string; outcome: 'refused'; error: DomainError };

export interface MembershipChange {
  schedule: PowerSchedule;
  /** In the order asked for. */
  items: MemberOutcome[];
  runs: CreatedRun[];
}

/**
 * Attaches instances to a schedule, each for itself: refused are those that do not exist, are gone,
 * cannot be stopped, or belong to another schedule, which is named. With `applyNow` the schedule's word
 * of this moment counts at once for those attached; otherwise they wait for its next trigger.
 */
export async function attachInstances(
  tx: Transaction,
  ref: EntityRef,
  resourceIds: readonly string[],
  decision: ScheduleDecision & { applyNow: boolean },
): Promise<MembershipChange> {
  const schedule = await decideOnSchedule(tx, ref, decision, unchanged);
  return await attachTo(tx, schedule, resourceIds, { ...decision, attachedBy: 'person' });
}

/** As `attachInstances`, for a schedule that is locked. */
export async function attachTo(
  tx: Transaction,
  schedule: PowerSchedule,
  resourceIds: readonly string[],
  { at, by, applyNow, attachedBy }: { at: Instant; by: Actor; applyNow: boolean; attachedBy: ScheduleMember['attachedBy'] },
): Promise<MembershipChange> {
  const { organizationId } = schedule;
  const ids = [...new Set(resourceIds)];
  const targets = await instanceTargets(tx, organizationId, ids);
  const fit = ids.filter((id) => refusalToAttach(id, targets.get(id)) === null);
  const added = await insertMembers(tx, organizationId, schedule.id, fit, { attachedBy, attachedAt: at });
  const memberships = await membershipsOf(tx, organizationId, ids);
  const names = await scheduleNames(tx, organizationId, [...memberships.values()].map((member) => member.scheduleId));
  const items = ids.map((id) => outcomeOf(schedule, id, { target: targets.get(id), added, membership: memberships.get(id), names }));
  const word = applyNow && added.size > 0 && schedule.enabled ? wordNow(schedule, at) : null;
  const runs = word === null ? [] : await speak(tx, schedule, word, { cause: 'apply-now', at, by, only: added });
  await recordMembers(tx, schedule, 'power-schedules.attach', [...added], { at, by });
  return { schedule, items, runs };
}

function refusalToAttach(resourceId: string, target: InstanceTarget | undefined): DomainError | null {
  if (target === undefined) return notFound('instance', resourceId);
  if (target.isGone) {
    return new DomainError({ kind: 'conflict', code: 'power.instance-gone', message: `${target.name} no longer exists with its cloud.`, details: { resource_id: resourceId } });
  }
  return refusalOf(target);
}

function outcomeOf(
  schedule: PowerSchedule,
  resourceId: string,
  known: {
    target: InstanceTarget | undefined;
    added: ReadonlySet<string>;
    membership: ScheduleMember | undefined;
    names: ReadonlyMap<string, string>;
  },
): MemberOutcome {
  if (known.added.has(resourceId)) return { resourceId, outcome: 'attached' };
  const error = refusalToAttach(resourceId, known.target);
  if (error !== null) return { resourceId, outcome: 'refused', error };
  if (known.membership?.scheduleId === schedule.id) return { resourceId, outcome: 'already-attached' };
  const other = known.membership?.scheduleId ?? null;
  return { resourceId, outcome: 'refused', error: inOther(resourceId, other, other === null ? null : (known.names.get(other) ?? null)) };
}

function inOther(resourceId: string, id: string | null, name: string | null): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'power-schedules.other-schedule',
    message:
      id === null
        ? 'The instance was leaving another power schedule just now. Try again.'
        : `The instance belongs to power schedule ${name} (${id}). An instance has one schedule: detach it there first.`,
    details: { resource_id: resourceId, power_schedule_id: id, power_schedule_name: name },
  });
}

/** Takes instances out of a schedule: what it wanted of them ends at once, and what is next in line applies. */
export async function detachInstances(tx: Transaction, ref: EntityRef, resourceIds: readonly string[], decision: ScheduleDecision): Promise<MembershipChange> {
  const schedule = await decideOnSchedule(tx, ref, decision, unchanged);
  return await detachFrom(tx, schedule, resourceIds, decision);
}

/** As `detachInstances`, for a schedule that is locked. */
export async function detachFrom(tx: Transaction, schedule: PowerSchedule, resourceIds: readonly string[], { at, by }: { at: Instant; by: Actor }): Promise<MembershipChange> {
  const ids = [...new Set(resourceIds)];
  const removed = await deleteMembers(tx, schedule.organizationId, schedule.id, ids);
  const runs = await withdrawClaims(tx, schedule.organizationId, schedule.id, [...removed], { at, by });
  await recordMembers(tx, schedule, 'power-schedules.detach', [...removed], { at, by });
  const items = ids.map((resourceId): MemberOutcome => ({ resourceId, outcome: removed.has(resourceId) ? 'detached' : 'not-attached' }));
  return { schedule, items, runs };
}

async function recordMembers(tx: Transaction, schedule: PowerSchedule, action: string, resourceIds: string[], { at, by }: { at: Instant; by: Actor }): Promise<void> {
  if (resourceIds.length === 0) return;
  const { organizationId, id: subject } = schedule;
  await recordLedgerEntries(tx, [{ id: newId('ledger-entry'), organizationId, at, subject, action, by, before: null, after: { resourceIds } }]);
}
