import { openBookingsOf } from '../../db/bookings/booking-store.ts';
import { expireWaiting } from '../../db/bookings/waitlist-store.ts';
import { environmentOfBooking } from '../../db/environments/environment-of-booking.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Booking } from '../../domain/bookings/booking.ts';
import { waitedInVain } from '../../domain/bookings/booking-news.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { notify } from '../notifications/port.ts';
import { writeOffer } from './booking-entity.ts';
import { endTogether } from './end-together.ts';
import { claimPower } from './follow-booking.ts';
import { offerFreed } from './offer-freed.ts';

export { endBookingsOfHolder } from './end-of-holder.ts';
export { projectsWithOpenBookings } from '../../db/bookings/booking-store.ts';
export { bookingsEndedUnder, endBookingsOfProject, type EndedPortion } from './end-of-project.ts';

/**
 * Brings what follows from an environment in line with it, after it changed: the machine's claims of
 * its bookings, and what it offers to who waits for it. The caller holds the environment's lock.
 */
export async function followEnvironment(tx: Transaction, organizationId: string, environmentId: string, at: Instant): Promise<void> {
  const environment = await environmentOfBooking(tx, organizationId, environmentId);
  if (environment.resourceId !== null) await claimPower(tx, await openBookingsOf(tx, organizationId, environmentId), environment, environment.resourceId, at);
  if (environment.isBookable) await offerFreed(tx, environment, organizationId, at, writeOffer);
}

/**
 * Takes back what an environment that goes out of service has offered: whoever was offered it waits on in their place, and is asked
 * again when it is back (`followEnvironment`). The caller holds the environment's lock, and its row says that it is out of service.
 */
export async function takeOffersBack(tx: Transaction, organizationId: string, environmentId: string, decision: { at: Instant; by: Actor }): Promise<void> {
  const offers = (await openBookingsOf(tx, organizationId, environmentId)).filter(({ state }) => state === 'offered');
  await endTogether(tx, organizationId, offers, decision, 'environment-inactive');
}

/** Ends the waiting for an environment that leaves the organization, and tells who waited. */
async function tellWaiting(tx: Transaction, organizationId: string, environmentId: string, at: Instant): Promise<void> {
  const userIds = await expireWaiting(tx, organizationId, environmentId, at);
  if (userIds.length === 0) return;
  const { name } = await environmentOfBooking(tx, organizationId, environmentId);
  const { kind, subject, text, managers } = waitedInVain(name);
  await notify(tx, { organizationId, kind, key: `${environmentId}/waited-in-vain`, to: { userIds, managers }, subject, text, at });
}

/**
 * Ends every booking of an environment that leaves the organization, current and future, and tells
 * their holders and who waited for it, in the caller's transaction. The caller holds the environment's lock.
 */
export async function endBookingsOf(tx: Transaction, organizationId: string, environmentId: string, decision: { at: Instant; by: Actor }): Promise<Booking[]> {
  await tellWaiting(tx, organizationId, environmentId, decision.at);
  return await endTogether(tx, organizationId, await openBookingsOf(tx, organizationId, environmentId), decision, 'environment-gone');
}
