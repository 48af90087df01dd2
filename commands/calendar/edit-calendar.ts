import { dueNow } from '../../db/calendar/event-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { requestWakeUp } from '../../db/shared/wake-up-store.ts';
import { disconnectCalendar as disconnect, editCalendar as edit, lookNow, retryCalendar as retry, type Calendar, type CalendarEdit } from '../../domain/calendar/calendar.ts';
import { CALENDAR } from '../../workflows/calendar/messages.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { decide, type Decision } from '../shared/entity-commands.ts';
import { calendarEntity } from './calendar-entity.ts';

/** Switches a calendar between one way and two, or off and on. What was booked while it was off follows then. */
export async function editCalendar(tx: Transaction, ref: EntityRef, changes: CalendarEdit, decision: Decision): Promise<Calendar> {
  return await decide(tx, calendarEntity, ref, decision, (calendar, at) => edit(calendar, changes, at));
}

/** Tries now what waits, whatever was to be waited for. */
export async function retryCalendar(tx: Transaction, ref: EntityRef, decision: Decision): Promise<Calendar> {
  await dueNow(tx, ref, decision.at);
  const retried = await decide(tx, calendarEntity, ref, decision, (calendar, at) => retry(calendar, at));
  await requestWakeUp(tx, { kind: CALENDAR, entityId: ref.id, organizationId: ref.organizationId }, decision.at);
  return retried;
}

/** The provider says that something changed: it is looked at now. */
export async function lookAtCalendarNow(tx: Transaction, ref: EntityRef, decision: Decision): Promise<void> {
  await decide(tx, calendarEntity, ref, decision, (calendar, at) => lookNow(calendar, at));
}

/** Begins to take leave: a workflow removes the events, then the row goes. With `leaveEvents` they stay, and the row goes at once. */
export async function disconnectCalendar(tx: Transaction, ref: EntityRef, leaveEvents: boolean, decision: Decision): Promise<Calendar> {
  return await decide(tx, calendarEntity, ref, decision, (calendar) => disconnect(calendar, leaveEvents));
}
