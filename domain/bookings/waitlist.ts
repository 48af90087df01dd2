import type { Instant } from '../shared/time.ts';
import { DomainError } from '../shared/errors.ts';
import { overlap, type Booking, type BookingPeriod } from './booking.ts';

export const WAITLIST_STATES = ['waiting', 'offered', 'accepted', 'declined', 'expired', 'left'] as const;
export type WaitlistState = (typeof WAITLIST_STATES)[number];

/** Somebody who would take an environment's period when it gets free. Entries are served in the order of their ids. */
export interface WaitlistEntry extends BookingPeriod {
  id: string;
  organizationId: string;
  environmentId: string;
  userId: string;
  state: WaitlistState;
  /** The offer that holds the period for them. */
  offeredBookingId: string | null;
  createdAt: Instant;
  lastAt: Instant;
}

/** How long an offer is held before the next in line gets it. */
export const OFFER_LASTS_MS = 30 * 60_000;
/** What is left of a wished period must be worth a booking. */
const SHORTEST_MS = 60_000;

/**
 * What an entry can be offered at an instant: what is left of its period, when nothing of that is
 * taken; null otherwise.
 */
export function offerable(entry: BookingPeriod, taken: readonly BookingPeriod[], at: Instant): BookingPeriod | null {
  const period = { since: entry.since > at ? entry.since : at, until: entry.until };
  if (period.until !== null && Date.parse(period.until) - Date.parse(period.since) < SHORTEST_MS) return null;
  return taken.some((one) => overlap(one, period)) ? null : period;
}

/** What becomes of an entry when the offer that it had ends: one that was taken back with the environment's service waits on, in its old place. */
export function stateAfterOffer(offer: Pick<Booking, 'state' | 'endReason'>): WaitlistState {
  if (offer.state === 'reserved' || offer.state === 'active') return 'accepted';
  if (offer.endReason === 'environment-inactive') return 'waiting';
  if (offer.endReason === 'holder-left') return 'left';
  return offer.endReason === 'declined' ? 'declined' : 'expired';
}

/** Whether an entry's period is over: it can be offered nothing any more. */
export function isPast(entry: BookingPeriod, at: Instant): boolean {
  return entry.until !== null && Date.parse(entry.until) - Date.parse(at) < SHORTEST_MS;
}

/** Leaves the waitlist, or declines an offer. An entry that is done stays. */
export function refuseDone(entry: WaitlistEntry): void {
  if (entry.state === 'waiting' || entry.state === 'offered') return;
  throw new DomainError({
    kind: 'conflict',
    code: 'bookings.waitlist-entry-done',
    message: `Waitlist entry ${entry.id} is ${entry.state}. Join the waitlist anew.`,
    details: { state: entry.state },
  });
}
