import { bookingsEndedUnder, endBookingsOfProject } from '../../../commands/bookings/port.ts';
import type { Database } from '../../../db/shared/connection.ts';
import { inTransaction } from '../../../db/shared/transaction.ts';
import { releasedOf, type ReleaseOwner } from '../../../domain/projects/release.ts';
import { actingActivity } from '../../shared/attempt.ts';
import { portionByPortion } from '../../shared/portions.ts';

/** Bookings ended when the project entered its buffer, and none could be made since; what is left is ended here. */
export function bookingsOwner(db: Database): ReleaseOwner {
  return {
    name: 'bookings',
    async release({ organizationId, projectId, key, at }, signal) {
      const decision = { at, by: actingActivity('project release') };
      await portionByPortion(signal, async () => {
        const { ended, left } = await inTransaction(db, (tx) => endBookingsOfProject(tx, organizationId, projectId, decision, key));
        return { done: ended.length, left };
      });
      return { done: true, released: releasedOf(await bookingsEndedUnder(db, organizationId, key)) };
    },
  };
}
