import { randomBytes } from 'node:crypto';
import test from 'ava';
import { readCredentials, saveCredentials } from '../../db/data-sources/credentials-store.ts';
import { insertDataSource } from '../../db/data-sources/data-source-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { Vault } from '../../domain/shared/vault.ts';
import { createSecretVault } from '../../providers/local/secret-vault.ts';
import { blankDataSource } from '../../tests/helpers/blank-data-source.ts';
import { anOrganization } from '../../tests/helpers/connect.ts';
import { freshDatabase, type FreshDatabase } from '../../tests/helpers/database.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { rotateKeys } from './rotate-keys.ts';

/** More than two batches. */
const SOURCES = 230;
const oldKey = randomBytes(32);
const newKey = randomBytes(32);

/** Data sources of one organization, with credentials sealed by `vault`. */
async function sealed(database: FreshDatabase, vault: Vault): Promise<{ organizationId: string; ids: string[] }> {
  const organizationId = await anOrganization(database);
  const sources = Array.from({ length: SOURCES }, (_, n) => blankDataSource(organizationId, { name: `Bill ${n}`, accountId: String(n) }));
  await inTransaction(database.db, async (tx) => {
    for (const source of sources) {
      await insertDataSource(tx, source);
      await saveCredentials(tx, organizationId, source.id, vault.seal(`secret of ${source.id}`, source.id), systemClock.now());
    }
  });
  return { organizationId, ids: sources.map((source) => source.id) };
}

async function openAll({ db }: FreshDatabase, vault: Vault, organizationId: string, ids: string[]): Promise<string[]> {
  return await Promise.all(ids.map(async (id) => vault.open((await readCredentials(db, organizationId, id))!, id)));
}

test('rotation that is interrupted goes on where it stopped, and afterwards the old key can go', async (t) => {
  const database = await freshDatabase();
  t.teardown(() => database.drop());
  const { organizationId, ids } = await sealed(database, createSecretVault({ current: oldKey, previous: [] }));
  const vault = createSecretVault({ current: newKey, previous: [oldKey] });
  let opened = 0;
  const dying: Vault = {
    currentKeyId: vault.currentKeyId,
    seal: (text, context) => vault.seal(text, context),
    open: (one, context) => {
      opened += 1;
      if (opened > 150) throw new Error('killed');
      return vault.open(one, context);
    },
  };
  await t.throwsAsync(rotateKeys(database.db, dying, systemClock), { message: 'killed' });
  const secrets = ids.map((id) => `secret of ${id}`);
  t.deepEqual(await openAll(database, vault, organizationId, ids), secrets, 'between the two runs both keys are needed, and enough');
  t.is(await rotateKeys(database.db, vault, systemClock), SOURCES - 100, 'the batch that had committed is not sealed again');
  t.is(await rotateKeys(database.db, vault, systemClock), 0);
  const withoutOld = createSecretVault({ current: newKey, previous: [] });
  t.deepEqual(await openAll(database, withoutOld, organizationId, ids), secrets);
});

test('rotation without the key of a row is refused and changes nothing', async (t) => {
  const database = await freshDatabase();
  t.teardown(() => database.drop());
  const old = createSecretVault({ current: oldKey, previous: [] });
  const { organizationId, ids } = await sealed(database, old);
  const error = await t.throwsAsync(rotateKeys(database.db, createSecretVault({ current: newKey, previous: [] }), systemClock), { instanceOf: DomainError });
  t.is(error.code, 'vault.unknown-key');
  t.is((await openAll(database, old, organizationId, ids)).length, SOURCES);
});
