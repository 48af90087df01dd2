import { andThen, step, unchanged, type Actor, type EntityRow, type Settled } from '../shared/entity.ts';
import { DomainError, invalidField } from '../shared/errors.ts';
import type { Instant } from '../shared/time.ts';

/**
 * `offered`: held for somebody on the waitlist until the offer expires. `reserved`: it begins later.
 * `released`: it ended, by time or by hand. `cancelled`: it never began. `expired`: an offer nobody took.
 */
export const BOOKING_STATES = ['offered', 'reserved', 'active', 'released', 'cancelled', 'expired'] as const;
export type BookingState = (typeof BOOKING_STATES)[number];

/** States in which a booking takes its period from everybody else. */
export const TAKING: readonly BookingState[] = ['offered', 'reserved', 'active'];

export const END_REASONS = ['ended', 'released', 'cancelled', 'environment-gone', 'environment-inactive', 'holder-left', 'project-ended', 'declined', 'expired'] as const;
export type EndReason = (typeof END_REASONS)[number];

/** Half-open: at `until` the environment is free again. Null: until somebody releases it. */
export interface BookingPeriod {
  since: Instant;
  until: Instant | null;
}

/** A person's exclusive time with a shared environment. `booking/<id>` waits for its start and end. */
export interface Booking extends EntityRow, BookingPeriod {
  environmentId: string;
  /** The environment's number, for the exclusion constraint. */
  environmentKey: number;
  holderUserId: string;
  bookedBy: Actor;
  state: BookingState;
  note: string;
  sshKeyId: string | null;
  /** The key as it was when the booking was made. */
  sshPublicKey: string | null;
  projectId: string | null;
  /** Of a recurring booking: what its weeks have in common. */
  seriesId: string | null;
  waitlistEntryId: string | null;
  offerExpiresAt: Instant | null;
  endedAt: Instant | null;
  endReason: EndReason | null;
  createdAt: Instant;
  /** Since when its project may not be used any more: read under the lock, null elsewhere and while it may be used. Never stored. */
  projectEndedAt: Instant | null;
}

export type NewBooking = Pick<
  Booking,
  'id' | 'organizationId' | 'environmentId' | 'environmentKey' | 'holderUserId' | 'bookedBy' | 'since' | 'until' | 'note' | 'sshKeyId' | 'sshPublicKey' | 'projectId' | 'seriesId'
>;

/** A booking as it is made: what is due already is applied by `settle`. */
export function newBooking(booking: NewBooking, at: Instant): Booking {
  refuseEmptyPeriod(booking);
  return withDeadline({
    ...booking,
    version: 1,
    lastAt: at,
    nextDueAt: null,
    state: 'reserved',
    waitlistEntryId: null,
    offerExpiresAt: null,
    endedAt: null,
    endReason: null,
    createdAt: at,
    projectEndedAt: null,
  });
}

/** A period held for somebody on the waitlist. */
export function newOffer(booking: NewBooking & { waitlistEntryId: string; offerExpiresAt: Instant }, at: Instant): Booking {
  const { waitlistEntryId, offerExpiresAt } = booking;
  return withDeadline({ ...newBooking(booking, at), state: 'offered', waitlistEntryId, offerExpiresAt });
}

/** Refuses a period without length. Equal instants are no period. */
export function refuseEmptyPeriod({ since, until }: BookingPeriod): void {
  if (until !== null && until <= since) {
    throw invalidField('bookings.empty-period', 'until', `${until} is not after since, ${since}; give a later end, or null for an open one`);
  }
}

/**
 * Applies every transition due at or before `at`, oldest first. Repeating it changes nothing. The end of its project is one of
 * them: whoever looks at the booking after that ends it as of that instant, so it neither begins nor goes on.
 */
export function settleBooking(booking: Booking, at: Instant): Settled<Booking> {
  const { projectEndedAt } = booking;
  if (projectEndedAt === null || at < projectEndedAt) return settleByTime(booking, at);
  return andThen(settleByTime(booking, projectEndedAt), (left) => endBooking(left, 'project-ended', projectEndedAt, projectEndedAt));
}

function settleByTime(booking: Booking, at: Instant): Settled<Booking> {
  const { state, since, until, offerExpiresAt } = booking;
  if (state === 'offered' && offerExpiresAt !== null && at >= offerExpiresAt) {
    return step(booking, ended(booking, 'expired', 'expired', offerExpiresAt), 'bookings.expire-offer', offerExpiresAt);
  }
  if (state === 'reserved' && at >= since) {
    const begun = step(booking, withDeadline({ ...booking, state: 'active' }), 'bookings.start', since);
    const rest = settleByTime(begun.entity, at);
    return { entity: rest.entity, transitions: [...begun.transitions, ...rest.transitions] };
  }
  if (state === 'active' && until !== null && at >= until) {
    return step(booking, ended(booking, 'released', 'ended', until), 'bookings.end', until);
  }
  return unchanged(booking);
}

/** Ends a booking at `at`: an active one is released, one that has not begun is cancelled. One that has ended stays. `dueAt` where time does it. */
export function endBooking(booking: Booking, reason: Exclude<EndReason, 'ended' | 'expired'>, at: Instant, dueAt: Instant | null = null): Settled<Booking> {
  if (!TAKING.includes(booking.state)) return unchanged(booking);
  const active = booking.state === 'active';
  const state: BookingState = active ? 'released' : booking.state === 'offered' ? 'expired' : 'cancelled';
  // From now on the environment is free: the row keeps the time that was really used.
  const period = active ? { until: laterThan(booking.since, at) } : {};
  return step(booking, { ...ended(booking, state, reason, at), ...period }, active ? 'bookings.release' : 'bookings.cancel', dueAt);
}

/** Somebody on the waitlist takes what was offered. */
export function acceptOffer(booking: Booking): Settled<Booking> {
  if (booking.state !== 'offered') throw noOffer(booking);
  return step(booking, withDeadline({ ...booking, state: 'reserved', offerExpiresAt: null }), 'bookings.accept-offer');
}

export interface BookingEdit {
  since?: Instant | undefined;
  until?: Instant | null | undefined;
  note?: string | undefined;
}

/**
 * Moves, extends or shortens a booking, or changes its note. One that has begun keeps its beginning;
 * its end may not lie in the past: that is what release is for.
 */
export function editBooking(booking: Booking, changes: BookingEdit, at: Instant): Settled<Booking> {
  if (booking.state !== 'reserved' && booking.state !== 'active') throw hasEnded(booking);
  const after: Booking = {
    ...booking,
    since: changes.since ?? booking.since,
    until: changes.until === undefined ? booking.until : changes.until,
    note: changes.note ?? booking.note,
  };
  refuseEmptyPeriod(after);
  if (booking.state === 'active' && after.since !== booking.since) {
    throw invalidField('bookings.has-begun', 'since', `the booking began at ${booking.since}; only its end can be changed`);
  }
  if (after.until !== booking.until && after.until !== null && after.until <= at) {
    throw invalidField('bookings.end-in-past', 'until', `${after.until} is not in the future; release the booking to end it now`);
  }
  if (JSON.stringify(after) === JSON.stringify(booking)) return unchanged(booking);
  return step(booking, withDeadline(after), 'bookings.edit');
}

/** Whether an edit takes time that the booking does not have; giving time back does not. */
export function takesMore(booking: BookingPeriod, { since = booking.since, until = booking.until }: BookingEdit): boolean {
  return since < booking.since || (booking.until !== null && (until === null || until > booking.until));
}

function ended(booking: Booking, state: BookingState, endReason: EndReason, endedAt: Instant): Booking {
  return { ...booking, state, endReason, endedAt, nextDueAt: null };
}

/** When it must be looked at again. */
function withDeadline(booking: Booking): Booking {
  const deadlines: Partial<Record<BookingState, Instant | null>> = {
    offered: booking.offerExpiresAt,
    reserved: booking.since,
    active: booking.until,
  };
  return { ...booking, nextDueAt: deadlines[booking.state] ?? null };
}

/** A booking that is released in the instant it began still has a length, as every period has. */
function laterThan(since: Instant, at: Instant): Instant {
  return at > since ? at : new Date(Date.parse(since) + 1).toISOString();
}

function hasEnded(booking: Booking): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'bookings.ended',
    message: `Booking ${booking.id} is ${booking.state} and cannot be changed any more. Book anew.`,
    details: { state: booking.state },
  });
}

function noOffer(booking: Booking): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'bookings.no-offer',
    message: `There is no open offer in booking ${booking.id}: it is ${booking.state}. Wait for the next one.`,
    details: { state: booking.state },
  });
}

/** Whether two half-open periods share an instant. Touching ones do not. */
export function overlap(a: BookingPeriod, b: BookingPeriod): boolean {
  return (a.until === null || b.since < a.until) && (b.until === null || a.since < b.until);
}
