import { openBookingsOf } from '../../db/bookings/booking-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { endBooking, type Booking } from '../../domain/bookings/booking.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { decide } from '../shared/entity-commands.ts';
import { bookingEntity } from './booking-entity.ts';

/**
 * Ends every booking of an environment that leaves the organization, current and future, and tells
 * their holders, in the caller's transaction. The caller holds the environment's lock.
 */
export async function endBookingsOf(tx: Transaction, organizationId: string, environmentId: string, decision: { at: Instant; by: Actor }): Promise<Booking[]> {
  const ended: Booking[] = [];
  for (const { id } of await openBookingsOf(tx, organizationId, environmentId)) {
    ended.push(await decide(tx, bookingEntity, { organizationId, id }, decision, (booking, at) => endBooking(booking, 'environment-gone', at)));
  }
  return ended;
}
