import { recordLedgerEntries } from '../../db/audit/ledger-store.ts';
import { membersOf } from '../../db/power-schedules/member-store.ts';
import { lockSchedule, saveFired, saveLastRun, saveSchedule } from '../../db/power-schedules/schedule-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { violatedConstraint } from '../../db/shared/transaction.ts';
import { fireDue, type PowerSchedule } from '../../domain/power-schedules/power-schedule.ts';
import type { PowerAction } from '../../domain/power-schedules/schedule-rule.ts';
import { supersededBy, type Fire } from '../../domain/power-schedules/recurrence.ts';
import type { Actor, Settled, Transition } from '../../domain/shared/entity.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import { laterOf, type Instant } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { fireTriggers, type CreatedRun, type TriggerFire } from '../power/port.ts';
import { newId } from '../shared/new-id.ts';

export interface ScheduleDecision {
  at: Instant;
  by: Actor;
  /** Refuses to decide on a row that changed since the caller read it. */
  check?: ((version: number) => void) | undefined;
}

/**
 * One decision on a schedule in the caller's transaction: locks it, lets what is due speak first, then
 * changes it; writes the row and a ledger entry a step. Throws `power-schedule.not-found` and
 * `power-schedules.name-taken`.
 */
export async function decideOnSchedule(
  tx: Transaction,
  ref: EntityRef,
  decision: ScheduleDecision,
  change: (schedule: PowerSchedule, at: Instant) => Settled<PowerSchedule>,
): Promise<PowerSchedule> {
  const row = await lockSchedule(tx, ref.organizationId, ref.id);
  if (row === null) throw notFound('power-schedule', ref.id);
  decision.check?.(row.version);
  const at = laterOf(decision.at, row.lastAt);
  const { entity, transitions } = change(await speakIfDue(tx, row, { ...decision, at }), at);
  if (transitions.length === 0) return entity;
  const after = { ...entity, version: row.version + 1, lastAt: at };
  await saveSchedule(tx, after).catch(refuseTakenName);
  await recordScheduleSteps(tx, transitions, { at, by: decision.by });
  return after;
}

export function refuseTakenName(error: unknown): never {
  if (violatedConstraint(error) !== 'power_schedules_name_once') throw error;
  throw new DomainError({
    kind: 'conflict',
    code: 'power-schedules.name-taken',
    message: 'Another power schedule of the organization has this name. Choose another one.',
    fields: [{ field: 'name', problem: 'is taken by another power schedule of the organization' }],
  });
}

/** A fire that no sweep has taken yet counts before anybody changes the schedule. */
async function speakIfDue(tx: Transaction, schedule: PowerSchedule, { at, by }: { at: Instant; by: Actor }): Promise<PowerSchedule> {
  const due = fireDue(schedule, at);
  if (due.schedule === schedule) return schedule;
  const runs = due.fire === null ? [] : await speak(tx, due.schedule, due.fire, { cause: 'trigger', at, by });
  const moved = { ...due.schedule, lastRunId: runs.at(-1)?.run.id ?? schedule.lastRunId };
  await saveFired(tx, [moved]);
  return moved;
}

/** Lets a schedule say one fire to its instances, or to some of them. */
export async function speak(
  tx: Transaction,
  schedule: PowerSchedule,
  fire: Fire,
  request: { cause: 'trigger' | 'run-now' | 'apply-now'; at: Instant; by: Actor; withOperation?: boolean; only?: ReadonlySet<string> },
): Promise<CreatedRun[]> {
  const members = await membersOf(tx, schedule.organizationId, [schedule.id]);
  const word = wordOf(schedule, fire);
  const fires = members
    .filter(({ resourceId }) => request.only === undefined || request.only.has(resourceId))
    .map(({ resourceId }) => ({ resourceId, ...word }));
  const runs = await fireTriggers(tx, schedule.organizationId, fires, request);
  const newest = runs.at(-1);
  if (newest !== undefined) await saveLastRun(tx, schedule.organizationId, schedule.id, newest.run.id);
  return runs;
}

/** What a schedule says to each of its instances. */
export function wordOf(schedule: PowerSchedule, fire: Fire): Omit<TriggerFire, 'resourceId'> {
  return {
    scheduleId: schedule.id,
    scheduleName: schedule.name,
    wanted: wantedBy(fire.action),
    dueAt: fire.at,
    localTime: fire.localTime,
    moved: fire.moved,
    superseded: supersededBy(schedule.rule, fire).map(({ localTime, action }) => ({ localTime, wanted: wantedBy(action) })),
    until: schedule.rule.validUntil,
  };
}

function wantedBy(action: PowerAction): TriggerFire['wanted'] {
  return action === 'power_on' ? 'on' : 'off';
}

export async function recordScheduleSteps(tx: Transaction, steps: readonly Transition<PowerSchedule>[], { at, by }: { at: Instant; by: Actor }): Promise<void> {
  await recordLedgerEntries(
    tx,
    steps.map(({ action, before, after, dueAt }) => ({
      id: newId('ledger-entry'),
      organizationId: after.organizationId,
      at,
      dueAt,
      subject: after.id,
      action,
      by,
      before: before === null ? null : forLedger(before),
      after: forLedger(after),
    })),
  );
}

export function forLedger({ id, name, description, rule, tagSelector, enabled }: PowerSchedule): unknown {
  return { id, name, description, rule, tagSelector, enabled };
}
