import { lockCredentialsOfOtherKeys, saveCredentials } from '../../db/data-sources/credentials-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Clock } from '../../domain/shared/time.ts';
import type { Vault } from '../../domain/shared/vault.ts';

const BATCH = 100;

/**
 * Seals every data source's credentials anew under the vault's current key, in batches that each
 * commit: interrupted, it goes on where it stopped. Answers how many were sealed anew. Fails with
 * `vault.unknown-key` when a row's key is not among the vault's; that batch is then unchanged.
 */
export async function rotateKeys(db: Database, vault: Vault, clock: Clock): Promise<number> {
  for (let rotated = 0; ; ) {
    const count = await inTransaction(db, async (tx) => {
      const rows = await lockCredentialsOfOtherKeys(tx, vault.currentKeyId, BATCH);
      for (const { organizationId, dataSourceId, sealed } of rows) {
        const resealed = vault.seal(vault.open(sealed, dataSourceId), dataSourceId);
        await saveCredentials(tx, organizationId, dataSourceId, resealed, clock.now());
      }
      return rows.length;
    });
    rotated += count;
    if (count === 0) return rotated;
  }
}
