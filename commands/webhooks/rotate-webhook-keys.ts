import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { lockWebhooksOfOtherKeys, saveWebhookSecrets } from '../../db/webhooks/webhook-store.ts';
import type { Vault } from '../../domain/shared/vault.ts';

const BATCH = 100;

/** Seals every webhook's secrets anew under the vault's current key, as `rotateKeys` does those of data sources. Answers how many. */
export async function rotateWebhookKeys(db: Database, vault: Vault): Promise<number> {
  for (let rotated = 0; ; ) {
    const count = await inTransaction(db, async (tx) => {
      const rows = await lockWebhooksOfOtherKeys(tx, vault.currentKeyId, BATCH);
      for (const { organizationId, id, sealed } of rows) await saveWebhookSecrets(tx, organizationId, id, vault.seal(vault.open(sealed, id), id));
      return rows.length;
    });
    rotated += count;
    if (count === 0) return rotated;
  }
}
