import type { Database } from '../../db/shared/connection.ts';
import { deleteEndedDeliveries } from '../../db/webhooks/delivery-store.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';

const KEPT_MS = 30 * 86_400_000;
const BATCH = 1_000;

/** Deletes deliveries that ended 30 days ago, with their attempts: what was sent names people. Safe to run beside itself; answers how many went. */
export async function sweepDeliveries(db: Database, at: Instant): Promise<number> {
  for (let swept = 0; ; ) {
    const deleted = await deleteEndedDeliveries(db, plusMilliseconds(at, -KEPT_MS), BATCH);
    swept += deleted;
    if (deleted < BATCH) return swept;
  }
}
