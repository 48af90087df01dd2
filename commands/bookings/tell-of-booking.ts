import type { EnvironmentOfBooking } from '../../db/environments/environment-of-booking.ts';
import { saveWaitlistEntry } from '../../db/bookings/waitlist-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Booking } from '../../domain/bookings/booking.ts';
import { eventsOf, letterOf } from '../../domain/bookings/booking-news.ts';
import { stateAfterOffer } from '../../domain/bookings/waitlist.ts';
import { showsOtherwise } from '../../domain/calendar/booking-event.ts';
import { followBookings } from '../calendar/port.ts';
import { notifyEach, type Notice } from '../notifications/port.ts';
import { publishEvents, type PublishedEvent } from '../webhooks/port.ts';

/** A step of a booking. */
export interface BookingStep {
  before: Booking | null;
  after: Booking;
  environment: EnvironmentOfBooking;
}

/** Tells the world of steps of bookings of one organization, in their transaction: webhooks, mails, the calendar, and places on the waitlist. */
export async function tellOfBookings(tx: Transaction, steps: readonly BookingStep[]): Promise<void> {
  const [first] = steps;
  if (first === undefined) return;
  const { organizationId, lastAt } = first.after;
  for (const { before, after } of steps) await leaveWaitlist(tx, before, after);
  await publishEvents(tx, steps.flatMap(eventsOfStep));
  await followBookings(tx, organizationId, steps.filter(({ before, after }) => showsOtherwise(before, after)).map(({ after }) => after.id), lastAt);
  await notifyEach(tx, steps.flatMap(noticesOfStep));
}

async function leaveWaitlist(tx: Transaction, before: Booking | null, after: Booking): Promise<void> {
  if (before?.state !== 'offered' || after.state === 'offered' || after.waitlistEntryId === null) return;
  const state = stateAfterOffer(after);
  await saveWaitlistEntry(tx, after.organizationId, after.waitlistEntryId, { state, at: after.lastAt, ...(state === 'waiting' && { offeredBookingId: null }) });
}

function eventsOfStep({ before, after, environment }: BookingStep): PublishedEvent[] {
  const { organizationId, lastAt: at } = after;
  return eventsOf(before, after).map((type) => ({ organizationId, environmentId: environment.id, type, data: dataOf(after, environment), at }));
}

function noticesOfStep({ before, after, environment }: BookingStep): Notice[] {
  const letter = letterOf(before, after, environment.name);
  if (letter === null) return [];
  const { kind, subject, text, managers } = letter;
  const { id, organizationId, version, holderUserId, lastAt: at } = after;
  return [{ organizationId, kind, key: `${id}/${kind}/${version}`, to: { userIds: [holderUserId], managers }, subject, text, at }];
}

/** What a webhook is told: ids and times, no personal data. */
function dataOf(booking: Booking, environment: EnvironmentOfBooking): Record<string, unknown> {
  const { id, state, since, until, holderUserId, endedAt, endReason } = booking;
  return {
    booking: { id, state, since, until, holder_user_id: holderUserId, ended_at: endedAt, end_reason: endReason },
    environment: { id: environment.id, name: environment.name },
  };
}
