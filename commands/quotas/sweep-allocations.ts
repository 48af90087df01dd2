import { allocationsOfEndedOwners, type FoundAllocation } from '../../db/quotas/owner-kinds.ts';
import { deleteEndedAllocations, projectsWithExpiredHolds } from '../../db/quotas/allocation-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { hasExpired } from '../../domain/quotas/allocation.ts';
import { system } from '../../domain/shared/entity.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import { endAllocations } from './allocations.ts';

const BATCH = 500;
const KEPT_MS = 90 * 86_400_000;
const by = system('sweep of quotas');

/**
 * Frees what nobody will free any more: holds that expired, and all that belongs to an owner whose row has ended or is
 * gone. It reads rows alone, and never asks Temporal. Safe to run from many processes at once; answers how many
 * allocations it ended. Each project is a transaction of its own, which judges again under the lock. Allocations that
 * ended 90 days ago are deleted: the ledger has them.
 */
export async function sweepAllocations(db: Database, at: Instant): Promise<number> {
  while ((await deleteEndedAllocations(db, plusMilliseconds(at, -KEPT_MS), BATCH)) === BATCH);
  let swept = 0;
  for (;;) {
    const ended = await sweepBatch(db, at);
    swept += ended;
    if (ended === 0) return swept;
  }
}

async function sweepBatch(db: Database, at: Instant): Promise<number> {
  const projects = new Map<string, Pick<FoundAllocation, 'organizationId' | 'projectId'>>();
  const found = [...(await projectsWithExpiredHolds(db, at, BATCH)), ...(await allocationsOfEndedOwners(db, BATCH))];
  for (const { organizationId, projectId } of found) projects.set(projectId, { organizationId, projectId });
  let swept = 0;
  for (const ref of projects.values()) {
    swept += await inTransaction(db, async (tx) => {
      const ownerless = new Set((await allocationsOfEndedOwners(tx, Number.MAX_SAFE_INTEGER, ref)).map(({ id }) => id));
      const ended = await endAllocations(tx, ref, { at, by }, (allocation, now) => {
        if (ownerless.has(allocation.id)) return 'owner-ended';
        return hasExpired(allocation, now) ? 'expired' : null;
      });
      return ended.length;
    });
  }
  return swept;
}
