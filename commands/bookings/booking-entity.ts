import type { EnvironmentOfBooking } from '../../db/environments/environment-of-booking.ts';
import { insertBooking, lockBooking, saveBooking } from '../../db/bookings/booking-store.ts';
import { settleBooking, TAKING, type Booking } from '../../domain/bookings/booking.ts';
import { BOOKING, type BookingAct } from '../../workflows/bookings/messages.ts';
import { createEntity, type EntityDefinition } from '../shared/entity-commands.ts';
import { followBooking } from './follow-booking.ts';
import type { WriteOffer } from './offer-freed.ts';

/** The booking as an entity: see domain/bookings/booking.ts for its rules. What follows from it is written with it. */
export const bookingEntity = bookingEntityIn(null);

/** The same for bookings of an environment that the caller has read under its lock, so that nobody reads it again. */
export function bookingEntityIn(environment: EnvironmentOfBooking | null): EntityDefinition<Booking, BookingAct> {
  return {
    kind: BOOKING,
    workflowType: 'booking',
    table: 'bookings',
    openCondition: `state in ('offered', 'reserved', 'active')`,
    lock: lockBooking,
    insert: async (tx, booking) => {
      await insertBooking(tx, booking);
      await followBooking(tx, null, booking, writeOffer, environment);
    },
    save: async (tx, before, after) => {
      await saveBooking(tx, after);
      await followBooking(tx, before, after, writeOffer, environment);
    },
    settle: settleBooking,
    acts: () => [],
    isDone: (booking) => !TAKING.includes(booking.state),
    describe,
    // As the relay starts it: while it is open its details tell more, and each change of this would be an action of its budget of eight.
    status: ({ state }) => (TAKING.includes(state) ? 'open' : state),
    forLedger: ({ bookedBy: _by, sshPublicKey: _key, projectEndedAt: _ended, ...rest }) => rest,
  };
}

/** Writes an offer as any booking is written. */
export const writeOffer: WriteOffer = (tx, offer, decision) => createEntity(tx, bookingEntity, offer, 'bookings.offer', decision);

function describe(booking: Booking): string {
  const { state, environmentId, since, until, endReason } = booking;
  const period = `${since} to ${until ?? 'open end'}`;
  return [`**Booking** of ${environmentId}: ${state}`, period, endReason === null ? '' : `Ended: ${endReason}`].filter((line) => line !== '').join('\n\n');
}
