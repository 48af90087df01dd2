import { openBookingsOf } from '../../db/bookings/booking-store.ts';
import { saveWaitlistEntry, waitingFor } from '../../db/bookings/waitlist-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { newOffer, type Booking, type BookingPeriod } from '../../domain/bookings/booking.ts';
import { isPast, offerable, OFFER_LASTS_MS, type WaitlistEntry } from '../../domain/bookings/waitlist.ts';
import { system, type Actor } from '../../domain/shared/entity.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';

/** Writes an offer as a booking, with all that follows from one. */
export type WriteOffer = (tx: Transaction, offer: Booking, decision: { at: Instant; by: Actor }) => Promise<Booking>;

/**
 * Offers what is free of an environment, whose lock the caller holds, to those who wait for it, in
 * order. Each offer is a booking that takes its period until it expires, so nobody books past it.
 */
export async function offerFreed(
  tx: Transaction,
  environment: { id: string; key: number },
  organizationId: string,
  at: Instant,
  write: WriteOffer,
): Promise<Booking[]> {
  const waiting = await waitingFor(tx, organizationId, environment.id);
  if (waiting.length === 0) return [];
  const taken: BookingPeriod[] = await openBookingsOf(tx, organizationId, environment.id);
  const offers: Booking[] = [];
  for (const entry of waiting) {
    if (isPast(entry, at)) {
      await saveWaitlistEntry(tx, organizationId, entry.id, { state: 'expired', at });
      continue;
    }
    const period = offerable(entry, taken, at);
    if (period === null) continue;
    const offer = offerTo(entry, period, environment, at);
    await saveWaitlistEntry(tx, organizationId, entry.id, { state: 'offered', offeredBookingId: offer.id, at });
    offers.push(await write(tx, offer, { at, by: offer.bookedBy }));
    taken.push(offer);
  }
  return offers;
}

function offerTo(entry: WaitlistEntry, period: BookingPeriod, environment: { id: string; key: number }, at: Instant): Booking {
  return newOffer(
    {
      ...period,
      id: newId('booking'),
      organizationId: entry.organizationId,
      environmentId: environment.id,
      environmentKey: environment.key,
      holderUserId: entry.userId,
      bookedBy: system('waitlist'),
      note: '',
      sshKeyId: null,
      sshPublicKey: null,
      projectId: null,
      seriesId: null,
      waitlistEntryId: entry.id,
      offerExpiresAt: expiryOf(period, at),
    },
    at,
  );
}

/** An offer is not held beyond the end of what it offers. */
function expiryOf({ until }: BookingPeriod, at: Instant): Instant {
  const expiry = plusMilliseconds(at, OFFER_LASTS_MS);
  return until !== null && until < expiry ? until : expiry;
}
