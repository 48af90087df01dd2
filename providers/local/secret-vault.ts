import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DomainError } from '../../domain/shared/errors.ts';
import type { Sealed, Vault } from '../../domain/shared/vault.ts';

// Envelope, version 1: version(1) | data key's nonce(12) tag(16) ciphertext(32) | text's nonce(12) tag(16) ciphertext.
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const WRAPPED_BYTES = NONCE_BYTES + TAG_BYTES + KEY_BYTES;

export interface SecretVaultKeys {
  /** 32 bytes; seals and opens. */
  current: Uint8Array;
  /** 32 bytes each; open only, until every row is sealed under `current`. */
  previous: Uint8Array[];
}

/**
 * AES-256-GCM envelope encryption: a random data key for each secret, wrapped by the master key.
 * Version, key id and context are authenticated in both layers. See docs/adr/0020-secret-envelope.md.
 */
export function createSecretVault(keys: SecretVaultKeys): Vault {
  const current = { id: keyIdOf(keys.current), key: keys.current };
  const known = new Map([...keys.previous, keys.current].map((key) => [keyIdOf(key), key]));
  return {
    currentKeyId: current.id,
    seal: (plaintext, context) => {
      const bound = boundTo(current.id, context);
      const dataKey = randomBytes(KEY_BYTES);
      const bytes = Buffer.concat([
        Buffer.of(VERSION),
        encrypt(current.key, dataKey, bound),
        encrypt(dataKey, Buffer.from(plaintext, 'utf8'), bound),
      ]);
      dataKey.fill(0);
      return { keyId: current.id, bytes };
    },
    open: (sealed, context) => {
      const key = known.get(sealed.keyId);
      if (key === undefined) throw unknownKey(sealed.keyId);
      return openWith(key, sealed, context);
    },
  };
}

function openWith(key: Uint8Array, sealed: Sealed, context: string): string {
  const bytes = Buffer.from(sealed.bytes);
  if (bytes[0] !== VERSION || bytes.length < 1 + WRAPPED_BYTES + NONCE_BYTES + TAG_BYTES) throw cannotOpen();
  const bound = boundTo(sealed.keyId, context);
  const dataKey = decrypt(key, bytes.subarray(1, 1 + WRAPPED_BYTES), bound);
  const plaintext = decrypt(dataKey, bytes.subarray(1 + WRAPPED_BYTES), bound);
  dataKey.fill(0);
  return plaintext.toString('utf8');
}

/** Key ids name a key without telling anything about it. */
function keyIdOf(key: Uint8Array): string {
  if (key.byteLength !== KEY_BYTES) {
    throw new DomainError({
      kind: 'invariant',
      code: 'vault.malformed-key',
      message: `A master key has ${KEY_BYTES} bytes; this one has ${key.byteLength}. Make one with: openssl rand -base64 ${KEY_BYTES}`,
    });
  }
  return createHmac('sha256', key).update('orrery vault key id').digest('hex').slice(0, 16);
}

function boundTo(keyId: string, context: string): Buffer {
  return Buffer.from(JSON.stringify(['orrery secret', VERSION, keyId, context]), 'utf8');
}

function encrypt(key: Uint8Array, plaintext: Buffer, bound: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(bound);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]);
}

function decrypt(key: Uint8Array, sealed: Buffer, bound: Buffer): Buffer {
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const tag = sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(bound).setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  } catch {
    // GCM tells only that something does not fit, never what; the cause would add nothing.
    throw cannotOpen();
  }
}

function cannotOpen(): DomainError {
  return new DomainError({
    kind: 'invariant',
    code: 'vault.cannot-open',
    message: 'A stored secret does not open: it was altered, or belongs to another row. Set the credentials anew.',
  });
}

function unknownKey(keyId: string): DomainError {
  return new DomainError({
    kind: 'invariant',
    code: 'vault.unknown-key',
    message: `A stored secret was sealed under master key ${keyId}, which is not configured. Add that key to the previous keys.`,
    details: { key_id: keyId },
  });
}

/**
 * Reads a master key from a file, base64 of 32 bytes, and makes the file (mode 0600) when there is
 * none. Processes that start together get the same key.
 */
export async function loadOrCreateKeyFile(path: string): Promise<Buffer> {
  try {
    return await readKeyFile(path);
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // Written whole under another name, then linked: whoever comes second finds a complete file.
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(KEY_BYTES).toString('base64')}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(draft, path);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return readKeyFile(path);
}

async function readKeyFile(path: string): Promise<Buffer> {
  const key = Buffer.from((await readFile(path, 'utf8')).trim(), 'base64');
  if (key.byteLength !== KEY_BYTES) {
    throw new DomainError({
      kind: 'invariant',
      code: 'vault.malformed-key',
      message: `${path} does not hold ${KEY_BYTES} bytes in base64. Restore it from a backup: without it the stored secrets cannot be opened.`,
    });
  }
  return key;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
