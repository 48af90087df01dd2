import { openBookingsOf } from '../../db/bookings/booking-store.ts';
import { environmentOfBooking, type EnvironmentOfBooking } from '../../db/environments/environment-of-booking.ts';
import { bootSeconds } from '../../db/power/boot-times.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { powerWishes, type PowerWish } from '../../domain/bookings/booking-power.ts';
import { TAKING, type Booking } from '../../domain/bookings/booking.ts';
import type { PowerClaim } from '../../domain/power/claims.ts';
import { system } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { changeClaims } from '../power/port.ts';
import { newId } from '../shared/new-id.ts';
import { offerFreed, type WriteOffer } from './offer-freed.ts';
import { tellOfBookings, type BookingStep } from './tell-of-booking.ts';

/**
 * Everything that follows from a booking, written in its transaction: claims on the machine, the
 * calendar's event, webhooks and mails, and the offer of what got free to who waits for it. `known` is its environment
 * where the caller has read it under its lock.
 */
export async function followBooking(tx: Transaction, before: Booking | null, after: Booking, writeOffer: WriteOffer, known: EnvironmentOfBooking | null): Promise<void> {
  const environment = known ?? (await environmentOfBooking(tx, after.organizationId, after.environmentId));
  if (environment.resourceId !== null) {
    const next = environment.powerOnBefore && showsBooting(before, after) ? await openBookingsOf(tx, after.organizationId, after.environmentId, NEXT) : [];
    await claimPower(tx, [after, ...next.filter(({ id }) => id !== after.id)], environment, environment.resourceId, after.lastAt);
  }
  await tellOfBookings(tx, [{ before, after, environment }]);
  if (before !== null && freesTime(before, after) && environment.isBookable) {
    await offerFreed(tx, environment, after.organizationId, after.lastAt, writeOffer);
  }
}

/** The same for many bookings of one organization whose environments the caller holds, in few statements; machines by their ids. */
export async function followBookingsTogether(tx: Transaction, steps: readonly BookingStep[], writeOffer: WriteOffer): Promise<void> {
  const powered = steps.flatMap(({ after, environment }) => (environment.resourceId === null ? [] : [{ after, environment, resourceId: environment.resourceId }]));
  for (const { after, environment, resourceId } of powered.toSorted((a, b) => (a.resourceId < b.resourceId ? -1 : 1))) await claimPower(tx, [after], environment, resourceId, after.lastAt);
  await tellOfBookings(tx, steps);
  const freed = steps.filter(({ before, after, environment }) => before !== null && freesTime(before, after) && environment.isBookable);
  const environments = new Map(freed.map(({ after, environment }) => [environment.id, { environment, after }]));
  for (const { environment, after } of environments.values()) await offerFreed(tx, environment, after.organizationId, after.lastAt, writeOffer);
}

/** How many bookings that follow learn at once what is known of booting; the ones after them have their turn with these. */
const NEXT = 20;

/** A machine has been started for a booking by its beginning, or by its end: its boot may have been measured since the next ones were booked. */
function showsBooting(before: Booking | null, after: Booking): boolean {
  return before !== null && before.state !== after.state && (after.state === 'active' || after.state === 'released');
}

/** Whether others may have what this one had. */
function freesTime(before: Booking, after: Booking): boolean {
  if (!TAKING.includes(before.state)) return false;
  if (!TAKING.includes(after.state)) return true;
  return after.since > before.since || (after.until !== null && (before.until === null || after.until < before.until));
}

/** Brings the claims on the machine of bookings of one environment in line with what they and it want now, by what is known of its booting. */
export async function claimPower(tx: Transaction, bookings: readonly Booking[], environment: EnvironmentOfBooking, resourceId: string, at: Instant): Promise<void> {
  const [first] = bookings;
  if (first === undefined) return;
  const { organizationId } = first;
  const lead = environment.powerOnBefore ? await bootSeconds(tx, organizationId, resourceId) : 0;
  const change = (claims: readonly PowerClaim[]) => {
    const changes = bookings.map((booking) => {
      const open = powerWishes(booking, environment, lead).filter((wish) => wish.until === null || wish.until > at);
      return differing(claims.filter((claim) => claim.sourceId === booking.id), open, { ...booking, lastAt: at }, resourceId);
    });
    return { drop: changes.flatMap(({ drop }) => drop), put: changes.flatMap(({ put }) => put) };
  };
  await changeClaims(tx, organizationId, [resourceId], change, { at, by: system('booking') });
}

/** Claims that stay as they are are left alone: what is said again would be carried out again. */
function differing(claims: readonly PowerClaim[], wishes: readonly PowerWish[], booking: Booking, resourceId: string) {
  // A claim that has begun keeps its beginning, whatever has been learned of booting since.
  const begin = (from: Instant): Instant => (from <= booking.lastAt ? booking.lastAt : from);
  const isSame = (claim: PowerClaim, wish: PowerWish): boolean =>
    claim.wanted === wish.wanted && begin(claim.from) === begin(wish.from) && claim.until === wish.until;
  return {
    drop: claims.filter((claim) => !wishes.some((wish) => isSame(claim, wish))).map((claim) => claim.id),
    put: wishes.filter((wish) => !claims.some((claim) => isSame(claim, wish))).map((wish) => claimOf(wish, booking, resourceId)),
  };
}

function claimOf(wish: PowerWish, { id, organizationId, lastAt }: Booking, resourceId: string): PowerClaim {
  return {
    ...wish,
    id: newId('power-claim'),
    organizationId,
    resourceId,
    source: 'booking',
    sourceId: id,
    untilNextTrigger: false,
    reason: '',
    origin: { kind: 'booking', name: id },
    createdAt: lastAt,
  };
}
