import { recordCalendar } from '../../commands/calendar/record-sync.ts';
import { dueEvents, recordRefused, recordWritten } from '../../db/calendar/event-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { eventOf, extendAt, openEnd } from '../../domain/calendar/booking-event.ts';
import { succeeded } from '../../domain/calendar/calendar.ts';
import { calendarProblemOf, concernsOneEvent } from '../../domain/calendar/calendar-errors.ts';
import { eventIdOf } from '../../domain/calendar/event-id.ts';
import { nextAttemptAt, type EventRow } from '../../domain/calendar/event-row.ts';
import { toErrorRecord } from '../../domain/shared/errors.ts';
import type { Opened } from './opened.ts';
import { writeEvent } from './write-event.ts';

/** Events an act writes: a bounded step, between which a newer wish or a look finds its turn. */
const BATCH = 50;
/** An act that has worked for this long leaves the rest to the next one: a calendar may be slow. */
const LONGEST_MS = 60_000;

/**
 * Writes events that are due, each as its booking wants it now. One that the calendar refuses for its own sake
 * waits by itself; what fails for the whole calendar ends the act.
 */
export async function syncEvents(opened: Opened): Promise<string> {
  const { deps, ref, clock, decision } = opened;
  const until = Date.now() + LONGEST_MS;
  const counts = { written: 0, removed: 0, refused: 0 };
  for (const row of await dueEvents(deps.db, ref, clock.now(), BATCH)) {
    if (Date.now() > until) break;
    counts[await syncEvent(opened, row)] += 1;
  }
  await inTransaction(deps.db, (tx) => recordCalendar(tx, ref, decision(), succeeded));
  return Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(', ');
}

async function syncEvent({ deps, ref, calendar, open, clock, signal }: Opened, row: EventRow): Promise<'written' | 'removed' | 'refused'> {
  const { db, publicUrl } = deps;
  const { booked, wantedVersion, incarnation, syncedVersion } = row;
  const { bookingId } = booked;
  const idOf = (number: number): string => eventIdOf({ bookingId, generation: calendar.generation, incarnation: number });
  const openUntil = openEnd(booked, row.openUntil, clock.now());
  const content = eventOf(booked, { openUntil, note: row.note, publicUrl });
  try {
    if (content === null) {
      await open.remove(idOf(incarnation), signal);
      await recordWritten(db, ref, bookingId, wantedVersion, null);
      return 'removed';
    }
    const written = await writeEvent(open, { idOf, incarnation, isThere: syncedVersion !== null, content }, signal);
    await recordWritten(db, ref, bookingId, wantedVersion, { incarnation: written.incarnation, openUntil, dueAt: extendAt(openUntil) });
    return 'written';
  } catch (error) {
    const problem = calendarProblemOf(error);
    if (problem === null || !concernsOneEvent(problem)) throw error;
    await recordRefused(db, ref, bookingId, wantedVersion, toErrorRecord(error), nextAttemptAt(row.attempts, clock.now()));
    return 'refused';
  }
}
