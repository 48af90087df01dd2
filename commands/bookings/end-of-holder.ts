import { openBookingsOfHolder } from '../../db/bookings/booking-store.ts';
import { endWaitingOf, environmentsWaitedForBy } from '../../db/bookings/waitlist-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { lockEnvironments } from '../environments/port.ts';
import type { Decision } from '../shared/entity-commands.ts';
import { endTogether } from './end-together.ts';

/**
 * Lets somebody who leaves the organization leave its environments: what they hold is released, what they booked ahead is cancelled
 * and what is offered to them goes to the next in line, with the reason `holder-left`; they wait for nothing any more. The caller has
 * ended the membership, which nobody can book without, and locked no environment.
 */
export async function endBookingsOfHolder(tx: Transaction, organizationId: string, userId: string, decision: Pick<Decision, 'at' | 'by'>): Promise<void> {
  const concerned = [...(await openBookingsOfHolder(tx, organizationId, userId)).map(({ environmentId }) => environmentId), ...(await environmentsWaitedForBy(tx, organizationId, userId))];
  if (concerned.length === 0) return;
  await lockEnvironments(tx, organizationId, [...new Set(concerned)]);
  // Before anything gets free, which would be offered to them.
  await endWaitingOf(tx, organizationId, userId, decision.at);
  // Read again: others may have decided while this one waited.
  await endTogether(tx, organizationId, await openBookingsOfHolder(tx, organizationId, userId), decision, 'holder-left');
}
