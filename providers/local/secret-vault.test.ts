import test from 'ava';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecretVault, loadOrCreateKeyFile } from './secret-vault.ts';

const [first, second] = [randomBytes(32), randomBytes(32)];
const SECRET = JSON.stringify({ secret_access_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCY', note: 'ünïcode' });

test('what was sealed opens in its own row and nowhere else', (t) => {
  const vault = createSecretVault({ current: first, previous: [] });
  const sealed = vault.seal(SECRET, 'ds_1');
  t.is(vault.open(sealed, 'ds_1'), SECRET);
  t.throws(() => vault.open(sealed, 'ds_2'), { code: 'vault.cannot-open' });
  t.false(Buffer.from(sealed.bytes).includes('wJalrXUtnFEMI'));
});

test('the same secret sealed twice looks different', (t) => {
  const vault = createSecretVault({ current: first, previous: [] });
  t.notDeepEqual(vault.seal(SECRET, 'ds_1').bytes, vault.seal(SECRET, 'ds_1').bytes);
});

test('any changed byte, or a missing one, refuses to open', (t) => {
  const vault = createSecretVault({ current: first, previous: [] });
  const sealed = vault.seal('short', 'ds_1');
  for (let index = 0; index < sealed.bytes.length; index++) {
    const bytes = Uint8Array.from(sealed.bytes);
    bytes[index] = (bytes[index] ?? 0) ^ 0x80;
    t.throws(() => vault.open({ ...sealed, bytes }, 'ds_1'), { code: 'vault.cannot-open' });
    t.throws(() => vault.open({ ...sealed, bytes: sealed.bytes.subarray(0, index) }, 'ds_1'), { code: 'vault.cannot-open' });
  }
});

test('rotation: the old key opens, the new one seals, and without the old one nothing old opens', (t) => {
  const old = createSecretVault({ current: first, previous: [] });
  const sealed = old.seal(SECRET, 'ds_1');
  const rotating = createSecretVault({ current: second, previous: [first] });
  t.is(rotating.open(sealed, 'ds_1'), SECRET);
  const resealed = rotating.seal(rotating.open(sealed, 'ds_1'), 'ds_1');
  t.is(resealed.keyId, rotating.currentKeyId);
  t.not(resealed.keyId, sealed.keyId);
  const rotated = createSecretVault({ current: second, previous: [] });
  t.is(rotated.open(resealed, 'ds_1'), SECRET);
  t.throws(() => rotated.open(sealed, 'ds_1'), { code: 'vault.unknown-key' });
});

test('a blob that claims another known key does not open', (t) => {
  const both = createSecretVault({ current: second, previous: [first] });
  const sealed = both.seal(SECRET, 'ds_1');
  const claimed = createSecretVault({ current: first, previous: [] }).currentKeyId;
  t.throws(() => both.open({ ...sealed, keyId: claimed }, 'ds_1'), { code: 'vault.cannot-open' });
});

test('a key of the wrong length is refused', (t) => {
  t.throws(() => createSecretVault({ current: randomBytes(16), previous: [] }), { code: 'vault.malformed-key' });
});

test('processes that make the key file together get one key, readable by its owner alone', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'orrery-key-'));
  const path = join(directory, 'sub', 'master.key');
  const keys = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateKeyFile(path)));
  t.is(new Set(keys.map((key) => key.toString('hex'))).size, 1);
  t.is(keys[0]?.byteLength, 32);
  t.is((await stat(path)).mode & 0o777, 0o600);
  t.deepEqual(await readdir(join(directory, 'sub')), ['master.key'], 'no draft is left');
  t.deepEqual(await loadOrCreateKeyFile(path), keys[0]);
  await writeFile(path, 'not a key');
  await t.throwsAsync(loadOrCreateKeyFile(path), { code: 'vault.malformed-key' });
  await rm(directory, { recursive: true });
});
