import { recordLedgerEntries } from '../../db/audit/ledger-store.ts';
import { deleteSchedule as deleteRow, insertSchedule } from '../../db/power-schedules/schedule-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import {
  activate,
  deactivate,
  editSchedule as edit,
  newPowerSchedule,
  wordNow,
  type PowerSchedule,
  type ScheduleEdit,
} from '../../domain/power-schedules/power-schedule.ts';
import { unchanged } from '../../domain/shared/entity.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { withdrawClaims, type CreatedRun } from '../power/port.ts';
import { newId } from '../shared/new-id.ts';
import { attachTo, type MemberOutcome } from './attach-instances.ts';
import { decideOnSchedule, forLedger, recordScheduleSteps, refuseTakenName, speak, type ScheduleDecision } from './decide-on-schedule.ts';
import { reselectFor } from './reselect.ts';

export type NewSchedule = Pick<PowerSchedule, 'organizationId' | 'name' | 'description' | 'rule' | 'tagSelector' | 'enabled'> & {
  /** Instances to attach right away. */
  resourceIds: readonly string[];
  applyNow: boolean;
};

export interface ChangedSchedule {
  schedule: PowerSchedule;
  items: MemberOutcome[];
  runs: CreatedRun[];
}

/** Creates a schedule, attaches what was named, each instance for itself, and what its selector matches. Throws `power-schedules.name-taken`. */
export async function createSchedule(tx: Transaction, wish: NewSchedule, { at, by }: ScheduleDecision): Promise<ChangedSchedule> {
  const { resourceIds, applyNow, ...fields } = wish;
  const schedule = newPowerSchedule({ ...fields, id: newId('power-schedule'), createdBy: by }, at);
  await insertSchedule(tx, schedule).catch(refuseTakenName);
  await recordScheduleSteps(tx, [{ action: 'power-schedules.create', before: null, after: schedule, dueAt: null }], { at, by });
  const named = await attachTo(tx, schedule, resourceIds, { at, by, applyNow, attachedBy: 'person' });
  const selected = await reselectFor(tx, schedule, 'all', { at, by, applyNow });
  return { schedule, items: named.items, runs: [...named.runs, ...selected] };
}

/** Changes a schedule; its new rule counts from now on. A changed selector is looked at right away. */
export async function editSchedule(tx: Transaction, ref: EntityRef, changes: ScheduleEdit, decision: ScheduleDecision): Promise<PowerSchedule> {
  const schedule = await decideOnSchedule(tx, ref, decision, (current, at) => edit(current, changes, at));
  if (changes.tagSelector !== undefined) await reselectFor(tx, schedule, 'all', { ...decision, applyNow: false });
  return schedule;
}

/** Lets a schedule act again, from its next trigger on, or with `applyNow` from its word of this moment. */
export async function activateSchedule(
  tx: Transaction,
  ref: EntityRef,
  decision: ScheduleDecision & { applyNow: boolean },
): Promise<Pick<ChangedSchedule, 'schedule' | 'runs'>> {
  const schedule = await decideOnSchedule(tx, ref, decision, activate);
  const word = decision.applyNow ? wordNow(schedule, decision.at) : null;
  const runs = word === null ? [] : await speak(tx, schedule, word, { cause: 'apply-now', at: decision.at, by: decision.by });
  return { schedule, runs };
}

/** A schedule acts no more, at once: what it wanted ends, what is next in line applies, its instances stay attached. */
export async function deactivateSchedule(tx: Transaction, ref: EntityRef, decision: ScheduleDecision): Promise<Pick<ChangedSchedule, 'schedule' | 'runs'>> {
  const schedule = await decideOnSchedule(tx, ref, decision, deactivate);
  return { schedule, runs: await withdrawClaims(tx, ref.organizationId, ref.id, 'all', decision) };
}

/** Deletes a schedule at once; runs and ledger keep what it did. */
export async function deleteSchedule(tx: Transaction, ref: EntityRef, decision: ScheduleDecision): Promise<void> {
  const schedule = await decideOnSchedule(tx, ref, decision, unchanged);
  await withdrawClaims(tx, ref.organizationId, ref.id, 'all', decision);
  await deleteRow(tx, ref.organizationId, ref.id);
  const { at, by } = decision;
  const entry = { id: newId('ledger-entry'), organizationId: ref.organizationId, at, subject: ref.id, action: 'power-schedules.delete', by };
  await recordLedgerEntries(tx, [{ ...entry, before: forLedger(schedule), after: null }]);
}

/** Applies what a schedule says at this moment to all its instances, whether or not they are there already. */
export async function runSchedule(tx: Transaction, ref: EntityRef, decision: ScheduleDecision): Promise<Pick<ChangedSchedule, 'schedule' | 'runs'>> {
  const { at, by } = decision;
  const schedule = await decideOnSchedule(tx, ref, decision, unchanged);
  if (!schedule.enabled) throw refused('power-schedules.inactive', `${schedule.name} is not active. Activate it first.`);
  const word = wordNow(schedule, at);
  if (word === null) {
    throw refused('power-schedules.says-nothing', `${schedule.name} says nothing at ${at}: it is outside its validity, or none of its triggers has been reached yet.`);
  }
  return { schedule, runs: await speak(tx, schedule, word, { cause: 'run-now', at, by, withOperation: true }) };
}

function refused(code: string, message: string): DomainError {
  return new DomainError({ kind: 'conflict', code, message });
}
