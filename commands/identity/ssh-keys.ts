import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { deleteSshKey as deleteRow, insertSshKey, lockKeysOf, renameSshKey, saveDefaultKey } from '../../db/identity/ssh-key-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { MOST_KEYS, refuseDeletingDefault, type SshKey } from '../../domain/identity/ssh-key.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { DomainError, invalidField, notFound } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';
import { readSshPublicKey } from './ssh-public-key.ts';

interface KeyDecision {
  at: Instant;
  by: Actor;
}

/** Adds a public key to a person's. Their first is the default; its name is its comment when none is given. A key they have is `identity.ssh-key-known`. */
export async function addSshKey(
  tx: Transaction,
  request: { userId: string; name: string | null; publicKey: string; isDefault: boolean },
  decision: KeyDecision,
): Promise<SshKey> {
  const { userId } = request;
  const { publicKey, comment, fingerprint } = readSshPublicKey(request.publicKey);
  const keys = await lockKeysOf(tx, userId);
  const known = keys.find((key) => key.fingerprint === fingerprint);
  if (known !== undefined) throw alreadyKnown(known);
  if (keys.length >= MOST_KEYS) {
    throw new DomainError({ kind: 'limit-exceeded', code: 'identity.too-many-ssh-keys', message: `You have ${MOST_KEYS} keys, the most there may be. Delete one first.` });
  }
  const name = request.name ?? (comment === '' ? fingerprint : comment.slice(0, 200));
  const key: SshKey = { id: newId('ssh-key'), userId, name, publicKey, fingerprint, isDefault: false, createdAt: decision.at };
  await insertSshKey(tx, key);
  const isDefault = request.isDefault || keys.length === 0;
  if (isDefault) await saveDefaultKey(tx, userId, key.id);
  await record(tx, 'identity.add-ssh-key', null, { ...key, isDefault }, decision);
  return { ...key, isDefault };
}

/** Renames a key, or makes it the default. The default stays until another one takes its place. */
export async function editSshKey(
  tx: Transaction,
  ref: { userId: string; id: string },
  changes: { name?: string | undefined; isDefault?: boolean | undefined },
  decision: KeyDecision,
): Promise<SshKey> {
  const before = (await lockKeysOf(tx, ref.userId)).find((key) => key.id === ref.id);
  if (before === undefined) throw notFound('ssh-key', ref.id);
  if (before.isDefault && changes.isDefault === false) {
    throw invalidField('identity.ssh-key-default-stays', 'is_default', 'cannot be taken from the default key; make another key the default instead');
  }
  const after = { ...before, name: changes.name ?? before.name, isDefault: changes.isDefault ?? before.isDefault };
  if (after.name === before.name && after.isDefault === before.isDefault) return before;
  await renameSshKey(tx, ref.userId, ref.id, after.name);
  if (after.isDefault) await saveDefaultKey(tx, ref.userId, ref.id);
  await record(tx, 'identity.edit-ssh-key', before, after, decision);
  return after;
}

/** Deletes a key. The default goes last. Bookings keep the key they were made with. */
export async function deleteSshKey(tx: Transaction, ref: { userId: string; id: string }, decision: KeyDecision): Promise<void> {
  const keys = await lockKeysOf(tx, ref.userId);
  const key = keys.find(({ id }) => id === ref.id);
  if (key === undefined) throw notFound('ssh-key', ref.id);
  refuseDeletingDefault(key, keys.length);
  await deleteRow(tx, ref.userId, ref.id);
  await record(tx, 'identity.delete-ssh-key', key, null, decision);
}

function alreadyKnown({ name, id }: SshKey): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'identity.ssh-key-known',
    message: `You have this key already, as ${name}.`,
    details: { id },
  });
}

async function record(tx: Transaction, action: string, before: SshKey | null, after: SshKey | null, { at, by }: KeyDecision): Promise<void> {
  const subject = (after ?? before)?.id ?? '';
  await recordLedgerEntry(tx, { id: newId('ledger-entry'), organizationId: null, at, subject, action, by, before: forLedger(before), after: forLedger(after) });
}

function forLedger(key: SshKey | null): unknown {
  return key === null ? null : { name: key.name, fingerprint: key.fingerprint, isDefault: key.isDefault };
}
