import type { Mail, MailKind, MailOutcome, MailState, NoticeKind } from '../../domain/notifications/mail.ts';
import { NO_ORGANIZATION } from '../../domain/shared/entity.ts';
import type { ErrorRecord } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Sealed } from '../../domain/shared/vault.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { prepared } from '../shared/prepared.ts';

type Row = Record<string, unknown>;

/** Up to so many mails their insertion is prepared: each number of them is a statement of its own. */
const FEW = 4;

/** Writes mails in one statement, all of one organization; answers with the ids of those that did not exist by their message key. */
export async function insertMails(tx: Transaction, mails: readonly Mail[]): Promise<string[]> {
  if (mails.length === 0) return [];
  const query = tx('mails')
    .insert(mails.map(toRow))
    .onConflict(['organization_id', 'message_key'])
    .ignore()
    .returning<{ id: string }[]>('id');
  const rows = await (mails.length <= FEW ? prepared(query) : query);
  return rows.map(({ id }) => id);
}

/** Reads and locks a mail until the transaction ends. */
export async function lockMail(tx: Transaction, organizationId: string, id: string): Promise<Mail | null> {
  const row = await mailRow(tx, organizationId, id).forUpdate().first<Row | undefined>();
  return row === undefined ? null : toMail(row);
}

export async function getMail(db: Database | Transaction, organizationId: string, id: string): Promise<Mail | null> {
  const row = await mailRow(db, organizationId, id).first<Row | undefined>();
  return row === undefined ? null : toMail(row);
}

export async function saveMail(tx: Transaction, mail: Mail): Promise<void> {
  await mailRow(tx, mail.organizationId, mail.id).update({
    ...toColumns(mail),
    // What a letter's link is good for is nobody's business once it has left.
    ...(mail.state !== 'pending' && { sealed_secret: null, secret_key_id: null }),
  });
}

function mailRow(db: Database | Transaction, organizationId: string, id: string) {
  return db('mails').where({ id, organization_id: organizationId === NO_ORGANIZATION ? null : organizationId });
}

/** Keeps the secret of a letter that is to be sent, sealed under the mail's id. */
export async function saveMailSecret(tx: Transaction, mailId: string, sealed: Sealed): Promise<void> {
  await tx('mails').where('id', mailId).update({ sealed_secret: Buffer.from(sealed.bytes), secret_key_id: sealed.keyId });
}

/** The sealed secret of a letter that has not ended; null for a mail without one. */
export async function getMailSecret(db: Database | Transaction, mailId: string): Promise<Sealed | null> {
  const row = await db('mails').where('id', mailId).first<{ sealed_secret: Buffer | null; secret_key_id: string | null } | undefined>('sealed_secret', 'secret_key_id');
  if (row === undefined || row.sealed_secret === null || row.secret_key_id === null) return null;
  return { bytes: row.sealed_secret, keyId: row.secret_key_id };
}

/** Locks up to `limit` mails whose secret is sealed under another key than `keyId`. */
export async function lockMailSecretsUnderOtherKeys(tx: Transaction, keyId: string, limit: number): Promise<{ id: string; sealed: Sealed }[]> {
  const rows = await tx('mails')
    .whereNotNull('sealed_secret')
    .whereNot('secret_key_id', keyId)
    .orderBy('id')
    .limit(limit)
    .forUpdate()
    .select<{ id: string; sealed_secret: Buffer; secret_key_id: string }[]>('id', 'sealed_secret', 'secret_key_id');
  return rows.map((row) => ({ id: row.id, sealed: { bytes: row.sealed_secret, keyId: row.secret_key_id } }));
}

export interface Recipient {
  userId: string;
  mailboxId: string;
}

/**
 * Where a notice goes to: the verified mailboxes, notices switched on, of persons by id, of the organization's managers, or of
 * both; each once, without those who are disabled, do not want its kind, or are no members any more.
 */
export async function recipientsOf(
  tx: Transaction,
  organizationId: string,
  kind: NoticeKind,
  to: { userIds: readonly string[]; managers: boolean },
): Promise<Recipient[]> {
  // Each step of a booking asks this. It begins with the few who are concerned, instead of looking for them among everybody.
  const query = tx.raw<{ rows: { user_id: string; id: string }[] }>(
    `with readers as (
       select user_id from memberships
       where organization_id = :organizationId and (user_id = any(:userIds) or (cast(:managers as boolean) and role = 'manager'))
       union
       -- Platform administrators stand in where an organization has nobody, and belong to none.
       select id from users where id = any(:userIds) and platform_administrator
     )
     select b.user_id, b.id
     from readers r join users u on u.id = r.user_id join mailboxes b on b.user_id = u.id
     where u.disabled_at is null and b.verified_at is not null and b.notices
       and not exists (select from notification_switches s where s.user_id = u.id and s.kind = :kind and not s.email)
     order by b.user_id, b.id`,
    { organizationId, kind, userIds: to.userIds, managers: to.managers },
  );
  return (await prepared(query)).rows.map(toRecipient);
}

/** The verified mailboxes of a person who is not disabled, whatever they switched off. */
export async function mailboxesForLetters(tx: Transaction, userId: string): Promise<Recipient[]> {
  const rows = await tx('users as u')
    .join('mailboxes as b', 'b.user_id', 'u.id')
    .where('u.id', userId)
    .whereNull('u.disabled_at')
    .whereNotNull('b.verified_at')
    .orderBy('b.id')
    .select<{ user_id: string; id: string }[]>('b.user_id', 'b.id');
  return rows.map(toRecipient);
}

function toRecipient(row: { user_id: string; id: string }): Recipient {
  return { userId: row.user_id, mailboxId: row.id };
}

/** Name and address that a mail goes to; null when the account is disabled or the mailbox removed. */
export async function addressOf(db: Database | Transaction, mail: Pick<Mail, 'address' | 'mailboxId'>): Promise<{ name: string; address: string } | null> {
  if (mail.address !== null) return { name: '', address: mail.address };
  const row = await db('mailboxes as b')
    .join('users as u', 'u.id', 'b.user_id')
    .where('b.id', mail.mailboxId ?? '')
    .whereNull('u.disabled_at')
    .first<{ display_name: string; address: string } | undefined>('u.display_name', 'b.address');
  return row === undefined ? null : { name: row.display_name, address: row.address };
}

/**
 * A mail as its organization's managers see it: without its text, and of a person's addresses only the primary one, which
 * members' lists show too; a letter to somebody without an account has the address it goes to.
 */
export type ListedMail = Omit<Mail, 'body'> & { recipient: { displayName: string | null; email: string } };

/** Mails of an organization, newest first; `before` is the last one of the page before. */
export async function listMails(
  db: Database,
  organizationId: string,
  filter: { state?: MailState | undefined; kind?: MailKind | undefined; userId?: string | undefined },
  page: { limit: number; before: string | null },
): Promise<{ rows: ListedMail[]; total: number }> {
  const matching = db('mails as m').where('m.organization_id', organizationId);
  if (filter.state !== undefined) void matching.where('m.state', filter.state);
  if (filter.kind !== undefined) void matching.where('m.kind', filter.kind);
  if (filter.userId !== undefined) void matching.where('m.user_id', filter.userId);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.before !== null) void matching.where('m.id', '<', page.before);
  const rows = await matching
    .leftJoin('users as u', 'u.id', 'm.user_id')
    .orderBy('m.id', 'desc')
    .limit(page.limit)
    .select<Row[]>('m.*', 'u.display_name', db.raw('coalesce(u.email, m.address) as email'));
  return {
    rows: rows.map((row) => {
      const { body: _body, ...mail } = toMail(row);
      return { ...mail, recipient: { displayName: row.display_name as string | null, email: row.email as string } };
    }),
    total: counted?.count ?? 0,
  };
}

/** Deletes up to `limit` mails that ended before `before`; answers how many. */
export async function deleteEndedMails(db: Database, before: Instant, limit: number): Promise<number> {
  return await db('mails')
    .whereIn('id', db('mails').select('id').where('ended_at', '<', before).limit(limit))
    .delete();
}

function toRow(mail: Mail): Row {
  return {
    id: mail.id,
    organization_id: mail.organizationId === NO_ORGANIZATION ? null : mail.organizationId,
    user_id: mail.userId,
    mailbox_id: mail.mailboxId,
    address: mail.address,
    kind: mail.kind,
    message_key: mail.messageKey,
    subject: mail.subject,
    body: mail.body,
    created_at: mail.createdAt,
    ...toColumns(mail),
  };
}

function toColumns(mail: Mail): Row {
  return {
    state: mail.state,
    outcome: mail.outcome,
    attempts: mail.attempts,
    receipt: mail.receipt,
    last_error: mail.lastError === null ? null : JSON.stringify(mail.lastError),
    next_due_at: mail.nextDueAt,
    version: mail.version,
    last_at: mail.lastAt,
    ended_at: mail.endedAt,
  };
}

function toMail(row: Row): Mail {
  return {
    id: row.id as string,
    organizationId: (row.organization_id as string | null) ?? NO_ORGANIZATION,
    userId: row.user_id as string | null,
    mailboxId: row.mailbox_id as string | null,
    address: row.address as string | null,
    kind: row.kind as MailKind,
    messageKey: row.message_key as string,
    subject: row.subject as string,
    body: row.body as string,
    state: row.state as MailState,
    outcome: row.outcome as MailOutcome | null,
    attempts: row.attempts as number,
    receipt: row.receipt as string | null,
    lastError: row.last_error as ErrorRecord | null,
    nextDueAt: row.next_due_at as Instant | null,
    version: row.version as number,
    createdAt: row.created_at as Instant,
    lastAt: row.last_at as Instant,
    endedAt: row.ended_at as Instant | null,
  };
}
