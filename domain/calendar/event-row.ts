import type { ErrorRecord } from '../shared/errors.ts';
import { plusMilliseconds, type Instant } from '../shared/time.ts';
import type { BookedTime } from './booking-event.ts';

/** How a booking's event stands in its calendar. */
export interface EventRowState {
  /** Grows with each change to show. */
  wantedVersion: number;
  /** What the calendar has; null for nothing. */
  syncedVersion: number | null;
  /** Since when it is not as wanted; null while it is. */
  waitingSince: Instant | null;
  incarnation: number;
  /** The end that the event of an open-ended booking shows. */
  openUntil: Instant | null;
  /** Why a change asked for in the calendar was refused. */
  note: string | null;
  /** When it is to be written, tried again or extended. */
  dueAt: Instant | null;
  /** Failures in a row that were its own, not the whole calendar's. */
  attempts: number;
  lastError: ErrorRecord | null;
}

/** The row of an event with its booking as it is now. */
export interface EventRow extends EventRowState {
  booked: BookedTime;
}

const FIRST_MS = 60_000;
const LONGEST_MS = 6 * 3_600_000;

/** When an event that the calendar refused for its own sake is tried again. */
export function nextAttemptAt(attempts: number, at: Instant): Instant {
  return plusMilliseconds(at, Math.min(FIRST_MS * 2 ** Math.min(attempts, 20), LONGEST_MS));
}
