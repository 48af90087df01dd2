import { lockCalendarKeysOfOtherKeys, saveCalendarKey } from '../../db/calendar/credentials-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Clock } from '../../domain/shared/time.ts';
import type { Vault } from '../../domain/shared/vault.ts';

const BATCH = 100;

/** Seals every calendar's key anew under the vault's current key, as `rotateKeys` does those of data sources. Answers how many. */
export async function rotateCalendarKeys(db: Database, vault: Vault, clock: Clock): Promise<number> {
  for (let rotated = 0; ; ) {
    const count = await inTransaction(db, async (tx) => {
      const rows = await lockCalendarKeysOfOtherKeys(tx, vault.currentKeyId, BATCH);
      for (const { organizationId, calendarId, sealed } of rows) {
        await saveCalendarKey(tx, organizationId, calendarId, vault.seal(vault.open(sealed, calendarId), calendarId), clock.now());
      }
      return rows.length;
    });
    rotated += count;
    if (count === 0) return rotated;
  }
}
