import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { failed, type Calendar } from '../../domain/calendar/calendar.ts';
import type { CalendarProblem } from '../../domain/calendar/calendar-errors.ts';
import type { Settled } from '../../domain/shared/entity.ts';
import { toErrorRecord, type DomainError } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { decide, type Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { calendarEntity } from './calendar-entity.ts';

/** Records what an act came to. A row that is gone meanwhile is left in peace. */
export async function recordCalendar(tx: Transaction, ref: EntityRef, decision: Decision, change: (calendar: Calendar, at: Instant) => Settled<Calendar>): Promise<void> {
  if ((await calendarEntity.lock(tx, ref.organizationId, ref.id)) === null) return;
  await decide(tx, calendarEntity, ref, decision, change);
}

/** Records that the calendar failed an act: when it is tried again, and whether people have to do something. */
export async function recordFailure(tx: Transaction, ref: EntityRef, problem: CalendarProblem, error: DomainError, decision: Decision): Promise<void> {
  const record = { ...toErrorRecord(error), retryAfterSeconds: error.retryAfterSeconds };
  await recordCalendar(tx, ref, decision, (calendar, at) => failed(calendar, problem, record, at));
}

/** Notes in the ledger that an event of ours which nothing stands behind could not be taken out; once an event. */
export async function recordStrayLeft(tx: Transaction, { organizationId, id }: EntityRef, eventId: string, problem: CalendarProblem, { at, by }: Decision): Promise<void> {
  const entry = { id: newId('ledger-entry'), organizationId, at, subject: id, action: 'calendar.leave-stray', by };
  await recordLedgerEntry(tx, { ...entry, before: null, after: { event_id: eventId, problem: `calendar.${problem}` }, outcomeKey: `${id}/leave-stray/${eventId}` });
}
