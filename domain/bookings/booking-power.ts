import type { Wanted } from '../power/claims.ts';
import { plusMilliseconds, type Instant } from '../shared/time.ts';
import type { Booking } from './booking.ts';

/** What a booking wants of the machine behind its environment. */
export interface PowerWish {
  wanted: Wanted;
  from: Instant;
  until: Instant | null;
}

/** That a machine is to be off after a booking is remembered this long; then whoever needs it decides. */
const OFF_LASTS_MS = 24 * 3_600_000;

/**
 * Claims of a booking: on from its beginning less the boot time until its end, off after it. An offer
 * wants nothing, nor does one that never began; one that was released early wants off from then on.
 */
export function powerWishes(
  booking: Pick<Booking, 'state' | 'since' | 'until' | 'endedAt'>,
  environment: { powerOnBefore: boolean; powerOffAfter: boolean },
  bootSeconds: number,
): PowerWish[] {
  const wishes: PowerWish[] = [];
  const taking = booking.state === 'reserved' || booking.state === 'active';
  if (taking && environment.powerOnBefore) {
    wishes.push({ wanted: 'on', from: plusMilliseconds(booking.since, -bootSeconds * 1000), until: booking.until });
  }
  const end = taking ? booking.until : booking.state === 'released' ? booking.endedAt : null;
  if (environment.powerOffAfter && end !== null) wishes.push({ wanted: 'off', from: end, until: plusMilliseconds(end, OFF_LASTS_MS) });
  return wishes;
}
