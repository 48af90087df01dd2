import type { BookingPeriod } from '../bookings/booking.ts';
import type { Instant } from '../shared/time.ts';

/** A half-open piece of time with both its ends. */
export interface Window {
  from: Instant;
  to: Instant;
}

/** When somebody may book, and how much of a window that is. */
export interface Availability {
  free: Window[];
  freeSeconds: number;
  bookedSeconds: number;
}

/**
 * What bookings leave free of a window. `bookings` are in the order of their beginnings; touching and
 * overlapping ones are fine.
 */
export function freePeriods(bookings: readonly BookingPeriod[], { from, to }: Window): Availability {
  const free: Window[] = [];
  let cursor = from;
  let freeMs = 0;
  for (const { since, until } of bookings) {
    if (cursor >= to || since >= to) break;
    if (since > cursor) {
      free.push({ from: cursor, to: since });
      freeMs += epochOf(since) - epochOf(cursor);
      cursor = since;
    }
    const end = until === null || until > to ? to : until;
    if (end > cursor) cursor = end;
  }
  if (cursor < to) {
    free.push({ from: cursor, to });
    freeMs += epochOf(to) - epochOf(cursor);
  }
  const wholeMs = epochOf(to) - epochOf(from);
  return { free, freeSeconds: freeMs / 1000, bookedSeconds: (wholeMs - freeMs) / 1000 };
}

/**
 * Milliseconds since 1970. A month of a thousand environments has twenty thousand instants, all of the one form that
 * an Instant has: Date.parse, which knows every form, takes three times as long.
 */
function epochOf(instant: Instant): number {
  const digit = (at: number): number => instant.charCodeAt(at) - 48;
  const two = (at: number): number => digit(at) * 10 + digit(at + 1);
  return Date.UTC(two(0) * 100 + two(2), two(5) - 1, two(8), two(11), two(14), two(17), digit(20) * 100 + two(21));
}
