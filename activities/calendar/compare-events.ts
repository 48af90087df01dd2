import { requestFromCalendar } from '../../commands/bookings/request-from-calendar.ts';
import { recordStrayLeft } from '../../commands/calendar/record-sync.ts';
import { eventsOf, writeAgain } from '../../db/calendar/event-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { eventOf, isAsWanted, MARKS, requestedChange } from '../../domain/calendar/booking-event.ts';
import { calendarProblemOf, refusesEvent } from '../../domain/calendar/calendar-errors.ts';
import { eventIdOf, partsOfEventId } from '../../domain/calendar/event-id.ts';
import type { EventRow } from '../../domain/calendar/event-row.ts';
import type { CalendarEvent } from '../../domain/calendar/ports.ts';
import { entityWorkflowId } from '../../workflows/messages.ts';
import { CALENDAR } from '../../workflows/calendar/messages.ts';
import type { Opened } from './opened.ts';

/** What a comparison did. */
export interface Compared {
  /** Bookings whose events were there. */
  seen: Set<string>;
  /** `left`: strays that the calendar does not let go. */
  counts: { restored: number; strays: number; left: number; accepted: number; refused: number };
}

/**
 * Compares events of a calendar with what their bookings want. What is not ours is not looked at. Ours that
 * nothing stands behind, and doubles, are removed. One that says something else is written again; with two
 * ways the change is asked for first. One that waits to be written is left to that: what is decided here wins.
 */
export async function compareEvents(opened: Opened, events: readonly CalendarEvent[], compared: Compared): Promise<void> {
  const { deps, ref, calendar, clock } = opened;
  const ours = events.flatMap((event) => {
    const bookingId = bookingOf(event, ref.organizationId);
    return bookingId === null ? [] : [{ event, bookingId }];
  });
  if (ours.length === 0) return;
  const rows = await eventsOf(deps.db, ref, ours.map(({ bookingId }) => bookingId));
  const changed: string[] = [];
  for (const { event, bookingId } of ours) {
    const row = rows.get(bookingId);
    const isIts = row !== undefined && event.id === eventIdOf({ bookingId, generation: calendar.generation, incarnation: row.incarnation });
    if (!isIts) {
      // Only what carries our mark is ours to delete; another organization's looks the same but for it.
      if (event.status === 'cancelled' || event.marks[MARKS.organization] !== ref.organizationId) continue;
      compared.counts[(await removeStray(opened, event)) ? 'strays' : 'left'] += 1;
      continue;
    }
    if (event.status !== 'cancelled') compared.seen.add(bookingId);
    if (row.waitingSince !== null) continue;
    const outcome = await bringBack(opened, row, event);
    if (outcome === 'differs') changed.push(bookingId);
    else if (outcome !== 'equal') compared.counts[outcome] += 1;
  }
  await writeAgain(deps.db, ref, changed, clock.now());
  compared.counts.restored += changed.length;
}

/**
 * Takes out an event of ours that nothing stands behind. One that the calendar does not let go is recorded, once, and passed
 * over: the others are none of its business. Answers whether it went.
 */
async function removeStray({ deps, ref, open, signal, decision }: Opened, event: CalendarEvent): Promise<boolean> {
  try {
    await open.remove(event.id, signal);
    return true;
  } catch (error) {
    const problem = calendarProblemOf(error);
    if (problem === null || !refusesEvent(problem)) throw error;
    await inTransaction(deps.db, (tx) => recordStrayLeft(tx, ref, event.id, problem, decision()));
    return false;
  }
}

/** Whose event it is: a mark of ours says it, or, of a deleted one of which nothing but the id is told, the id. */
function bookingOf(event: CalendarEvent, organizationId: string): string | null {
  const marked = event.marks[MARKS.organization] === organizationId;
  if (marked) return event.marks[MARKS.booking] ?? event.marks[MARKS.probe] ?? event.id;
  return partsOfEventId(event.id)?.bookingId ?? null;
}

/** What becomes of an event that is its booking's: nothing, it is written again, or the change is asked for. */
export async function bringBack({ deps, ref, calendar, clock }: Opened, row: EventRow, event: CalendarEvent): Promise<'equal' | 'differs' | 'accepted' | 'refused'> {
  const { booked, openUntil, note } = row;
  const wanted = eventOf(booked, { openUntil, note, publicUrl: deps.publicUrl });
  if (wanted === null) return 'differs';
  if (isAsWanted(event, wanted)) return 'equal';
  const change = calendar.twoWay ? requestedChange(event, wanted) : null;
  if (change === null) return 'differs';
  const { bookingId } = booked;
  // Whatever was decided here since the row was read wins, and is written.
  const stands = async (tx: Transaction): Promise<boolean> => (await eventsOf(tx, ref, [bookingId])).get(bookingId)?.wantedVersion === row.wantedVersion;
  const request = { organizationId: ref.organizationId, bookingId, change, stands };
  return await inTransaction(deps.db, async (tx) => {
    const refusal = await requestFromCalendar(tx, request, { at: clock.now(), workflowId: entityWorkflowId(CALENDAR, ref.id) });
    if (refusal === 'overtaken') return 'equal' as const;
    // Also a change that was granted is written again: the event's text, or what a rule made of it, follows.
    await writeAgain(tx, ref, [bookingId], clock.now(), refusal?.message);
    return refusal === null ? ('accepted' as const) : ('refused' as const);
  });
}
