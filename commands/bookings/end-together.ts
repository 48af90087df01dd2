import { lockBookings, saveBookings } from '../../db/bookings/booking-store.ts';
import { environmentOfBooking, type EnvironmentOfBooking } from '../../db/environments/environment-of-booking.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { endBooking, type Booking, type EndReason } from '../../domain/bookings/booking.ts';
import { decideTogether, type Decision, type RowsTogether } from '../shared/entity-commands.ts';
import { bookingEntity, writeOffer } from './booking-entity.ts';
import { followBookingsTogether } from './follow-booking.ts';

/** Ends bookings whose environments the caller holds, in few statements whatever their number. Answers with all of them; those that had ended stay. */
export async function endTogether(
  tx: Transaction,
  organizationId: string,
  bookings: readonly { id: string; environmentId: string }[],
  decision: Decision,
  reason: Exclude<EndReason, 'ended' | 'expired'>,
): Promise<Booking[]> {
  const environments = new Map<string, EnvironmentOfBooking>();
  for (const id of new Set(bookings.map(({ environmentId }) => environmentId))) environments.set(id, await environmentOfBooking(tx, organizationId, id));
  const rows: RowsTogether<Booking> = {
    lock: lockBookings,
    async save(_tx, changes) {
      await saveBookings(tx, changes.map(({ after }) => after));
      const steps = changes.map(({ before, after }) => ({ before, after, environment: environments.get(after.environmentId) as EnvironmentOfBooking }));
      await followBookingsTogether(tx, steps, writeOffer);
    },
  };
  return await decideTogether(tx, bookingEntity, rows, { organizationId, ids: bookings.map(({ id }) => id) }, decision, (one, at) => endBooking(one, reason, at));
}
