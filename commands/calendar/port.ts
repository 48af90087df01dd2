import { openBookingsOf } from '../../db/bookings/booking-store.ts';
import { wantEvents } from '../../db/calendar/event-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { requestWakeUp } from '../../db/shared/wake-up-store.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { CALENDAR } from '../../workflows/calendar/messages.ts';

/**
 * Marks, in the caller's transaction, that the events of these bookings are to be brought in line, and wakes
 * what does it. Nothing when the organization has no calendar; what becomes of it never comes back here.
 */
export async function followBookings(tx: Transaction, organizationId: string, bookingIds: readonly string[], at: Instant): Promise<void> {
  if (bookingIds.length === 0) return;
  const calendarId = await wantEvents(tx, organizationId, bookingIds, at);
  if (calendarId !== null) await requestWakeUp(tx, { kind: CALENDAR, entityId: calendarId, organizationId }, at);
}

/** The same for the bookings of an environment that has another name. Those that have ended follow at the next full comparison. */
export async function followRenamedEnvironment(tx: Transaction, organizationId: string, environmentId: string, at: Instant): Promise<void> {
  const bookings = await openBookingsOf(tx, organizationId, environmentId);
  await followBookings(tx, organizationId, bookings.filter(({ state }) => state !== 'offered').map(({ id }) => id), at);
}
