import { deleteUnusedDevices } from '../../db/identity/device-store.ts';
import { deleteExpiredLetterTokens } from '../../db/identity/letter-token-store.ts';
import { deleteExpiredOidcLogins } from '../../db/identity/oidc-store.ts';
import { deleteExpiredSessions } from '../../db/identity/session-store.ts';
import { deleteExpiredIdempotencyRecords } from '../../db/shared/idempotency-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';

const BATCH = 1_000;
// Sessions are kept for a while after their end, so that a person can be told when they were last here.
const SESSIONS_KEPT_MS = 30 * 86_400_000;
// A browser that was not used for so long is a stranger's again.
const DEVICES_KEPT_MS = 180 * 86_400_000;

/**
 * Deletes what time has made meaningless: idempotency records, old sessions, letters' tokens, counts of failed logins and of calls.
 * Safe to run from many processes at once; answers how many rows went. Decides nothing: each of
 * these is ignored from its end on, swept or not.
 */
export async function sweepExpired(db: Database, at: Instant): Promise<number> {
  let swept = await db('login_attempts').where('expire', '<', Date.parse(at)).delete();
  swept += await db('request_limits').where('expire', '<', Date.parse(at)).delete();
  swept += await deleteExpiredLetterTokens(db, at);
  swept += await deleteExpiredOidcLogins(db, at);
  swept += await deleteUnusedDevices(db, plusMilliseconds(at, -DEVICES_KEPT_MS));
  for (;;) {
    const records = await deleteExpiredIdempotencyRecords(db, at, BATCH);
    swept += records;
    if (records < BATCH) break;
  }
  return swept + (await deleteExpiredSessions(db, plusMilliseconds(at, -SESSIONS_KEPT_MS)));
}
