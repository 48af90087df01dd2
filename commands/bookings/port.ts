import { openBookingsOf, openBookingsOfProject } from '../../db/bookings/booking-store.ts';
import { expireWaiting } from '../../db/bookings/waitlist-store.ts';
import { environmentOfBooking } from '../../db/environments/environment-of-booking.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { endBooking, type Booking } from '../../domain/bookings/booking.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { lockEnvironments } from '../environments/port.ts';
import { decide } from '../shared/entity-commands.ts';
import { bookingEntity, writeOffer } from './booking-entity.ts';
import { claimPower } from './follow-booking.ts';
import { offerFreed } from './offer-freed.ts';

/**
 * Brings what follows from an environment in line with it, after it changed: the machine's claims of
 * its bookings, and what it offers to who waits for it. The caller holds the environment's lock.
 */
export async function followEnvironment(tx: Transaction, organizationId: string, environmentId: string, at: Instant): Promise<void> {
  const environment = await environmentOfBooking(tx, organizationId, environmentId);
  if (environment.resourceId !== null) {
    for (const booking of await openBookingsOf(tx, organizationId, environmentId)) await claimPower(tx, booking, environment, environment.resourceId, at);
  }
  if (environment.isBookable) await offerFreed(tx, environment, organizationId, at, writeOffer);
}

/**
 * Ends every booking of an environment that leaves the organization, current and future, and tells
 * their holders, and ends the waiting for it, in the caller's transaction. The caller holds the environment's lock.
 */
export async function endBookingsOf(tx: Transaction, organizationId: string, environmentId: string, decision: { at: Instant; by: Actor }): Promise<Booking[]> {
  await expireWaiting(tx, organizationId, environmentId, decision.at);
  const ended: Booking[] = [];
  for (const { id } of await openBookingsOf(tx, organizationId, environmentId)) {
    ended.push(await decide(tx, bookingEntity, { organizationId, id }, decision, (booking, at) => endBooking(booking, 'environment-gone', at)));
  }
  return ended;
}

/**
 * Ends every booking of a project that may not be used any more, current and future, and tells their holders, in the
 * caller's transaction. The caller holds the project's lock, without which nobody books for it. Repeating it changes nothing.
 */
export async function endBookingsOfProject(tx: Transaction, organizationId: string, projectId: string, decision: { at: Instant; by: Actor }): Promise<Booking[]> {
  const open = await openBookingsOfProject(tx, organizationId, projectId);
  // Before any booking: what follows from one (the calendar's wake-up) is waited for by who holds another environment.
  await lockEnvironments(tx, organizationId, open.map(({ environmentId }) => environmentId));
  const ended: Booking[] = [];
  for (const { id } of open) {
    const booking = await decide(tx, bookingEntity, { organizationId, id }, decision, (one, at) => endBooking(one, 'project-ended', at));
    if (booking.endReason === 'project-ended') ended.push(booking);
  }
  return ended;
}
