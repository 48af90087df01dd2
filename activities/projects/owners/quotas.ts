import { allocationsReleasedWith, releaseAllocations } from '../../../commands/quotas/port.ts';
import type { Database } from '../../../db/shared/connection.ts';
import { inTransaction } from '../../../db/shared/transaction.ts';
import { releasedOf, type ReleaseOwner } from '../../../domain/projects/release.ts';
import { actingActivity } from '../../shared/attempt.ts';

/** Gives back what parts of the project's quota still hold. The quota itself is free when every owner has answered. */
export function quotasOwner(db: Database): ReleaseOwner {
  return {
    name: 'quotas',
    async release({ organizationId, projectId, at }) {
      await inTransaction(db, (tx) => releaseAllocations(tx, organizationId, projectId, { at, by: actingActivity('project release') }));
      return { done: true, released: releasedOf(await allocationsReleasedWith(db, organizationId, projectId)) };
    },
  };
}
