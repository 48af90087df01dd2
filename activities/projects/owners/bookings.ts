import { endBookingsOfProject } from '../../../commands/bookings/port.ts';
import type { Database } from '../../../db/shared/connection.ts';
import { inTransaction } from '../../../db/shared/transaction.ts';
import type { ReleaseOwner } from '../../../domain/projects/release.ts';
import { actingActivity } from '../../shared/attempt.ts';

/** Bookings ended when the project entered its buffer, and none could be made since; what is left is ended here. */
export function bookingsOwner(db: Database): ReleaseOwner {
  return {
    name: 'bookings',
    async release({ organizationId, projectId, at }) {
      const ended = await inTransaction(db, (tx) => endBookingsOfProject(tx, organizationId, projectId, { at, by: actingActivity('project release') }));
      return { done: true, released: { count: ended.length, ids: ended.slice(0, 100).map(({ id }) => id) } };
    },
  };
}
