import { calendarError, calendarProblemOf, type CalendarProblem } from '../../domain/calendar/calendar-errors.ts';
import type { CalendarEvent, EventContent, OpenCalendar } from '../../domain/calendar/ports.ts';

/** An event where it is to be, and under which of its ids. */
export interface Written {
  incarnation: number;
  event: CalendarEvent;
}

/** Insert, find it taken, patch, find it gone for good, and the same once more under the next id. */
const MOST_STEPS = 6;

/**
 * Puts an event in place, whatever is there: made, changed, or brought back from the dead. The id is ours, so
 * a repeat after a lost answer meets the same event. One that the calendar has forgotten while its id stays
 * taken gets the next id.
 */
export async function writeEvent(
  open: OpenCalendar,
  wish: { idOf(incarnation: number): string; incarnation: number; isThere: boolean; content: EventContent },
  signal: AbortSignal,
): Promise<Written> {
  let { incarnation, isThere } = wish;
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const id = wish.idOf(incarnation);
    if (isThere) {
      const event = await unless('event-gone', open.patch(id, wish.content, signal));
      if (event !== null && event.status !== 'cancelled') return { incarnation, event };
      isThere = false;
      // It says that it is there and does not come back: only another id helps.
      if (event !== null) incarnation += 1;
      continue;
    }
    const event = await unless('event-exists', open.insert(id, wish.content, signal));
    if (event !== null) return { incarnation, event };
    if ((await open.get(id, signal)) === null) incarnation += 1;
    else isThere = true;
  }
  throw calendarError('rejected', { call: 'calendar.events.insert', reason: 'neither made nor found' });
}

/** Null where the call failed with this problem. */
async function unless<T>(problem: CalendarProblem, call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (calendarProblemOf(error) === problem) return null;
    throw error;
  }
}
