import type { EnvironmentOfBooking } from '../../db/environments/environment-of-booking.ts';
import { saveWaitlistEntry } from '../../db/bookings/waitlist-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Booking } from '../../domain/bookings/booking.ts';
import { eventsOf, letterOf } from '../../domain/bookings/booking-news.ts';
import { showsOtherwise } from '../../domain/calendar/booking-event.ts';
import { followBookings } from '../calendar/port.ts';
import { notify } from '../notifications/port.ts';
import { publishEvent } from '../webhooks/port.ts';

/** Tells the world of a booking's step, in its transaction: webhooks, mails, the calendar, and its place on the waitlist. */
export async function tellOfBooking(tx: Transaction, before: Booking | null, after: Booking, environment: EnvironmentOfBooking): Promise<void> {
  const { organizationId, lastAt: at } = after;
  if (before?.state === 'offered' && after.state !== 'offered' && after.waitlistEntryId !== null) {
    const state = after.state === 'reserved' || after.state === 'active' ? 'accepted' : after.endReason === 'declined' ? 'declined' : 'expired';
    await saveWaitlistEntry(tx, organizationId, after.waitlistEntryId, { state, at });
  }
  for (const type of eventsOf(before, after)) await publishEvent(tx, { organizationId, environmentId: environment.id, type, data: dataOf(after, environment), at });
  if (showsOtherwise(before, after)) await followBookings(tx, organizationId, [after.id], at);
  const letter = letterOf(before, after, environment.name);
  if (letter !== null) {
    const { kind, subject, text, managers } = letter;
    await notify(tx, { organizationId, kind, key: `${after.id}/${kind}/${after.version}`, to: { userIds: [after.holderUserId], managers }, subject, text, at });
  }
}

/** What a webhook is told: ids and times, no personal data. */
function dataOf(booking: Booking, environment: EnvironmentOfBooking): Record<string, unknown> {
  const { id, state, since, until, holderUserId, endedAt, endReason } = booking;
  return {
    booking: { id, state, since, until, holder_user_id: holderUserId, ended_at: endedAt, end_reason: endReason },
    environment: { id: environment.id, name: environment.name },
  };
}
