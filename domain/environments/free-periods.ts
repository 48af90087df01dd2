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
      freeMs += Date.parse(since) - Date.parse(cursor);
      cursor = since;
    }
    const end = until === null || until > to ? to : until;
    if (end > cursor) cursor = end;
  }
  if (cursor < to) {
    free.push({ from: cursor, to });
    freeMs += Date.parse(to) - Date.parse(cursor);
  }
  const wholeMs = Date.parse(to) - Date.parse(from);
  return { free, freeSeconds: freeMs / 1000, bookedSeconds: (wholeMs - freeMs) / 1000 };
}
