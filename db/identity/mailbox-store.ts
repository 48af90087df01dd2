import type { Mailbox } from '../../domain/identity/mailbox.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

type Row = Record<string, unknown>;

/** Adds a mailbox; false, and nothing is written, when its person has the address already (without case). */
export async function insertMailbox(tx: Transaction, mailbox: Mailbox): Promise<boolean> {
  const rows = await tx('mailboxes')
    .insert({ id: mailbox.id, user_id: mailbox.userId, address: mailbox.address, created_at: mailbox.createdAt, ...toColumns(mailbox) })
    .onConflict(tx.raw('(user_id, lower(address))'))
    .ignore()
    .returning('id');
  return rows.length === 1;
}

/** The mailboxes of a person: the primary one first, then by age. */
export async function listMailboxes(db: Database | Transaction, userId: string): Promise<Mailbox[]> {
  const rows = await db('mailboxes').where('user_id', userId).orderBy([{ column: 'is_primary', order: 'desc' }, { column: 'id' }]).select<Row[]>();
  return rows.map(toMailbox);
}

/** A person's mailbox, or null. Their user's row is the lock of all of them: take that first to change one. */
export async function getMailbox(db: Database | Transaction, userId: string, id: string): Promise<Mailbox | null> {
  const row = await db('mailboxes').where({ user_id: userId, id }).first<Row | undefined>();
  return row === undefined ? null : toMailbox(row);
}

/** Whose verified mailbox an address is, or null: one account's at most. */
export async function findVerifiedMailbox(db: Database | Transaction, address: string): Promise<Mailbox | null> {
  const row = await db('mailboxes').whereRaw('lower(address) = lower(?)', [address]).whereNotNull('verified_at').first<Row | undefined>();
  return row === undefined ? null : toMailbox(row);
}

export async function saveMailbox(tx: Transaction, mailbox: Mailbox): Promise<void> {
  await tx('mailboxes').where({ user_id: mailbox.userId, id: mailbox.id }).update(toColumns(mailbox));
}

export async function deleteMailbox(tx: Transaction, mailbox: Pick<Mailbox, 'userId' | 'id'>): Promise<void> {
  await tx('mailboxes').where({ user_id: mailbox.userId, id: mailbox.id }).delete();
}

function toColumns(mailbox: Mailbox): Row {
  return {
    is_primary: mailbox.isPrimary,
    verified_at: mailbox.verifiedAt,
    notices: mailbox.notices,
    version: mailbox.version,
    last_at: mailbox.lastAt,
  };
}

function toMailbox(row: Row): Mailbox {
  return {
    id: row.id as string,
    userId: row.user_id as string,
    address: row.address as string,
    isPrimary: row.is_primary as boolean,
    verifiedAt: row.verified_at as Instant | null,
    notices: row.notices as boolean,
    version: row.version as number,
    createdAt: row.created_at as Instant,
    lastAt: row.last_at as Instant,
  };
}
