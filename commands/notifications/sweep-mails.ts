import { deleteEndedMails } from '../../db/notifications/mail-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';

const KEPT_MS = 90 * 86_400_000;
const BATCH = 1_000;

/** Deletes mails that ended 90 days ago: what they say names people. Safe to run beside itself; answers how many went. */
export async function sweepMails(db: Database, at: Instant): Promise<number> {
  for (let swept = 0; ; ) {
    const deleted = await deleteEndedMails(db, plusMilliseconds(at, -KEPT_MS), BATCH);
    swept += deleted;
    if (deleted < BATCH) return swept;
  }
}
