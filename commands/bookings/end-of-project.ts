import { subjectsRecordedUnder } from '../../db/audit/ledger-store.ts';
import { openBookingsOfProject } from '../../db/bookings/booking-store.ts';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import type { Booking } from '../../domain/bookings/booking.ts';
import { lockEnvironments } from '../environments/port.ts';
import type { Decision } from '../shared/entity-commands.ts';
import { endTogether } from './end-together.ts';

/** How many bookings of a project one transaction ends: well under a second, also where each has a machine, a calendar and webhooks. */
const PORTION = 50;

/** What one transaction ended of a project's bookings. */
export interface EndedPortion {
  /** Those that the project's end ended; time may have ended others first. */
  ended: Booking[];
  /** Whether some are left for another transaction. */
  left: boolean;
}

/**
 * Ends a portion of the bookings of a project that may not be used any more, those under way first, then those that begin next,
 * and tells their holders, in the caller's transaction. The caller holds the project's lock, without which nobody books for it.
 * To be repeated while some are left; where none are it changes nothing. With `key` each end is recorded as an outcome under
 * `<key>/<booking id>`.
 */
export async function endBookingsOfProject(tx: Transaction, organizationId: string, projectId: string, decision: Omit<Decision, 'outcomeKey'>, key?: string): Promise<EndedPortion> {
  const open = await openBookingsOfProject(tx, organizationId, projectId, PORTION + 1);
  const portion = open.slice(0, PORTION);
  // Before any booking: what follows from one (the calendar's wake-up) is waited for by who holds another environment.
  await lockEnvironments(tx, organizationId, portion.map(({ environmentId }) => environmentId));
  const bookings = await endTogether(tx, organizationId, portion, { ...decision, outcomeKey: key }, 'project-ended');
  const ended = bookings.filter(({ endReason }) => endReason === 'project-ended');
  return { ended, left: open.length > PORTION };
}

/** Ids of the bookings that a project's end ended under `key`, in their order, whoever heard of it. */
export async function bookingsEndedUnder(db: Database, organizationId: string, key: string): Promise<string[]> {
  return await subjectsRecordedUnder(db, organizationId, key, ['bookings.release', 'bookings.cancel']);
}
