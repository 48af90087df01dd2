import { lockMailSecretsUnderOtherKeys, saveMailSecret } from '../../db/notifications/mail-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Vault } from '../../domain/shared/vault.ts';

const BATCH = 100;

/** Seals the secrets of letters that have not left anew under the current key. Safe to interrupt and to repeat; answers how many. */
export async function rotateMailKeys(db: Database, vault: Vault): Promise<number> {
  for (let count = 0; ; ) {
    const sealed = await inTransaction(db, async (tx) => {
      const rows = await lockMailSecretsUnderOtherKeys(tx, vault.currentKeyId, BATCH);
      for (const { id, sealed } of rows) await saveMailSecret(tx, id, vault.seal(vault.open(sealed, id), id));
      return rows.length;
    });
    count += sealed;
    if (sealed < BATCH) return count;
  }
}
