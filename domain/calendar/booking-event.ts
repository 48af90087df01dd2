import type { BookingState } from '../bookings/booking.ts';
import { laterOf, plusMilliseconds, toInstant, type Instant } from '../shared/time.ts';
import type { CalendarEvent, EventContent } from './ports.ts';

/** Names of the private properties that mark an event as ours. */
export const MARKS = { organization: 'orreryOrganization', booking: 'orreryBooking', probe: 'orreryProbe' } as const;

/** What an event is made of: a booking, with the names it is shown by. */
export interface BookedTime {
  bookingId: string;
  organizationId: string;
  environmentId: string;
  state: BookingState;
  since: Instant;
  until: Instant | null;
  environmentName: string;
  holderName: string;
}

const DAY_MS = 86_400_000;
const SECOND_MS = 1_000;
/** An open-ended event ends this long ahead … */
export const OPEN_END_AHEAD_MS = 365 * DAY_MS;
/** … and is extended when less than this is left. */
export const OPEN_END_LEFT_MS = 180 * DAY_MS;

/** States in which a booking is shown. An offer is between the waitlist and one person; what never began took no time. */
const SHOWN: readonly BookingState[] = ['reserved', 'active', 'released'];

/** Whether a booking's step is to be seen in a calendar. */
export function showsOtherwise(before: Pick<BookedTime, 'state' | 'since' | 'until'> | null, after: Pick<BookedTime, 'state' | 'since' | 'until'>): boolean {
  const [was, is] = [before !== null && SHOWN.includes(before.state), SHOWN.includes(after.state)];
  return was !== is || (is && (before?.since !== after.since || before.until !== after.until));
}

/** Until when the event of an open end says it lasts: what it says already, while enough of that is left. */
export function openEnd(booked: Pick<BookedTime, 'state' | 'until' | 'since'>, known: Instant | null, at: Instant): Instant | null {
  if (booked.until !== null || !SHOWN.includes(booked.state)) return null;
  if (known !== null && known > plusMilliseconds(at, OPEN_END_LEFT_MS)) return known;
  return wholeSecond(plusMilliseconds(laterOf(at, booked.since), OPEN_END_AHEAD_MS), 'up');
}

/** When an event with this end is to be extended. */
export function extendAt(openUntil: Instant | null): Instant | null {
  return openUntil === null ? null : plusMilliseconds(openUntil, -OPEN_END_LEFT_MS);
}

/**
 * The event that a booking is to have, or null for none. `openUntil` is the end of an open one; `note` says
 * why a change that was asked for in the calendar was refused.
 */
export function eventOf(booked: BookedTime, { openUntil, note, publicUrl }: { openUntil: Instant | null; note: string | null; publicUrl: string }): EventContent | null {
  if (!SHOWN.includes(booked.state)) return null;
  const start = wholeSecond(booked.since, 'down');
  const end = wholeSecond(booked.until ?? openUntil ?? plusMilliseconds(booked.since, OPEN_END_AHEAD_MS), 'up');
  const lines = [
    ...(note === null ? [] : [`Not changed: ${note}`, '']),
    `Booked in Orrery: ${publicUrl}/v1/bookings/${booked.bookingId}`,
    ...(booked.until === null ? ['Booked until it is released; the end shown here is moved on as time goes by.'] : []),
  ];
  return {
    summary: `${booked.environmentName} is booked by ${booked.holderName}`,
    description: lines.join('\n'),
    start,
    end: laterOf(end, plusMilliseconds(start, SECOND_MS)),
    marks: { [MARKS.organization]: booked.organizationId, [MARKS.booking]: booked.bookingId },
  };
}

/** Whether the calendar says what it is to say. */
export function isAsWanted(event: CalendarEvent, wanted: EventContent): boolean {
  return (
    event.status === 'confirmed' &&
    event.summary === wanted.summary &&
    event.description === wanted.description &&
    event.start === wanted.start &&
    event.end === wanted.end &&
    event.isTransparent &&
    !event.isRecurring &&
    Object.entries(wanted.marks).every(([name, value]) => event.marks[name] === value)
  );
}

/** What somebody asks for by changing an event of ours. */
export type RequestedChange =
  | { kind: 'end' }
  | { kind: 'move'; since?: Instant | undefined; until?: Instant | undefined };

/**
 * What a changed event asks of its booking: to end it, or to move it. Null when only its text changed, or it
 * was made one of whole days: that is put back.
 */
export function requestedChange(event: CalendarEvent, wanted: EventContent): RequestedChange | null {
  if (event.status === 'cancelled') return { kind: 'end' };
  if (event.start === null || event.end === null || event.isRecurring) return null;
  if (event.start === wanted.start && event.end === wanted.end) return null;
  return {
    kind: 'move',
    ...(event.start !== wanted.start && { since: event.start }),
    ...(event.end !== wanted.end && { until: event.end }),
  };
}

function wholeSecond(at: Instant, direction: 'up' | 'down'): Instant {
  const seconds = Date.parse(at) / SECOND_MS;
  return toInstant((direction === 'up' ? Math.ceil(seconds) : Math.floor(seconds)) * SECOND_MS);
}
