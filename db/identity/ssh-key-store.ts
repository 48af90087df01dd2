import type { SshKey } from '../../domain/identity/ssh-key.ts';
import type { Database, Transaction } from '../shared/connection.ts';

type Row = Record<string, unknown>;

/** Locks a person's account: changes of their keys come one after the other. */
export async function lockKeysOf(tx: Transaction, userId: string): Promise<SshKey[]> {
  await tx('users').where('id', userId).forNoKeyUpdate().select('id');
  const rows = await tx('ssh_keys').where('user_id', userId).orderBy('id').select<Row[]>('*');
  return rows.map(toKey);
}

export async function insertSshKey(tx: Transaction, key: SshKey): Promise<void> {
  await tx('ssh_keys').insert({
    id: key.id,
    user_id: key.userId,
    name: key.name,
    public_key: key.publicKey,
    fingerprint: key.fingerprint,
    is_default: key.isDefault,
    created_at: key.createdAt,
  });
}

export async function renameSshKey(tx: Transaction, userId: string, id: string, name: string): Promise<void> {
  await tx('ssh_keys').where({ user_id: userId, id }).update({ name });
}

/** Makes one key the default in place of the one that was. */
export async function saveDefaultKey(tx: Transaction, userId: string, id: string): Promise<void> {
  await tx('ssh_keys').where({ user_id: userId, is_default: true }).whereNot('id', id).update({ is_default: false });
  await tx('ssh_keys').where({ user_id: userId, id }).update({ is_default: true });
}

export async function deleteSshKey(tx: Transaction, userId: string, id: string): Promise<void> {
  await tx('ssh_keys').where({ user_id: userId, id }).delete();
}

/** A person's keys, oldest first; `after` is the id of the last one shown. */
export async function listSshKeys(db: Database, userId: string, page: { limit: number; after: string | null }): Promise<{ rows: SshKey[]; total: number }> {
  const matching = db('ssh_keys').where('user_id', userId);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.after !== null) void matching.where('id', '>', page.after);
  const rows = await matching.orderBy('id').limit(page.limit).select<Row[]>('*');
  return { rows: rows.map(toKey), total: counted?.count ?? 0 };
}

export async function getSshKey(db: Database, userId: string, id: string): Promise<SshKey | null> {
  const row = await db('ssh_keys').where({ user_id: userId, id }).first<Row | undefined>();
  return row === undefined ? null : toKey(row);
}

function toKey(row: Row): SshKey {
  return {
    id: row.id as string,
    userId: row.user_id as string,
    name: row.name as string,
    publicKey: row.public_key as string,
    fingerprint: row.fingerprint as string,
    isDefault: row.is_default as boolean,
    createdAt: row.created_at as string,
  };
}
