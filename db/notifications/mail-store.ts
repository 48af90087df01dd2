import type { Mail, MailOutcome, MailState, NoticeKind } from '../../domain/notifications/mail.ts';
import type { ErrorRecord } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

type Row = Record<string, unknown>;

/** Writes mails in one statement, all of one organization; answers with the ids of those that did not exist by their message key. */
export async function insertMails(tx: Transaction, mails: readonly Mail[]): Promise<string[]> {
  if (mails.length === 0) return [];
  const rows = await tx('mails')
    .insert(mails.map(toRow))
    .onConflict(['organization_id', 'message_key'])
    .ignore()
    .returning<{ id: string }[]>('id');
  return rows.map(({ id }) => id);
}

/** Reads and locks a mail until the transaction ends. */
export async function lockMail(tx: Transaction, organizationId: string, id: string): Promise<Mail | null> {
  const row = await tx('mails').where({ organization_id: organizationId, id }).forUpdate().first<Row | undefined>();
  return row === undefined ? null : toMail(row);
}

export async function getMail(db: Database | Transaction, organizationId: string, id: string): Promise<Mail | null> {
  const row = await db('mails').where({ organization_id: organizationId, id }).first<Row | undefined>();
  return row === undefined ? null : toMail(row);
}

export async function saveMail(tx: Transaction, mail: Mail): Promise<void> {
  await tx('mails').where({ organization_id: mail.organizationId, id: mail.id }).update(toColumns(mail));
}

/** Who a notice goes to: persons by id, the organization's managers, or both; each once, without those who are disabled or do not want its kind. */
export async function recipientsOf(
  tx: Transaction,
  organizationId: string,
  kind: NoticeKind,
  to: { userIds: readonly string[]; managers: boolean },
): Promise<string[]> {
  return await tx('users as u')
    .whereNull('u.disabled_at')
    .where((either) => {
      void either.whereIn('u.id', [...to.userIds]);
      if (to.managers) {
        void either.orWhereIn('u.id', tx('memberships').select('user_id').where({ organization_id: organizationId, role: 'manager' }));
      }
    })
    .whereNotIn('u.id', tx('notification_switches').select('user_id').where({ kind, email: false }))
    .orderBy('u.id')
    .pluck<string[]>('u.id');
}

/** Name and address of a mail's recipient; null when the account is disabled. */
export async function addressOf(db: Database | Transaction, userId: string): Promise<{ name: string; address: string } | null> {
  const row = await db('users').where({ id: userId }).whereNull('disabled_at').first<{ display_name: string; email: string } | undefined>('display_name', 'email');
  return row === undefined ? null : { name: row.display_name, address: row.email };
}

/** A mail as its organization's managers see it: without its text. */
export type ListedMail = Omit<Mail, 'body'> & { recipient: { displayName: string; email: string } };

/** Mails of an organization, newest first; `before` is the last one of the page before. */
export async function listMails(
  db: Database,
  organizationId: string,
  filter: { state?: MailState | undefined; kind?: NoticeKind | undefined; userId?: string | undefined },
  page: { limit: number; before: string | null },
): Promise<{ rows: ListedMail[]; total: number }> {
  const matching = db('mails as m').where('m.organization_id', organizationId);
  if (filter.state !== undefined) void matching.where('m.state', filter.state);
  if (filter.kind !== undefined) void matching.where('m.kind', filter.kind);
  if (filter.userId !== undefined) void matching.where('m.user_id', filter.userId);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.before !== null) void matching.where('m.id', '<', page.before);
  const rows = await matching.join('users as u', 'u.id', 'm.user_id').orderBy('m.id', 'desc').limit(page.limit).select<Row[]>('m.*', 'u.display_name', 'u.email');
  return {
    rows: rows.map((row) => {
      const { body: _body, ...mail } = toMail(row);
      return { ...mail, recipient: { displayName: row.display_name as string, email: row.email as string } };
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
    organization_id: mail.organizationId,
    user_id: mail.userId,
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
    organizationId: row.organization_id as string,
    userId: row.user_id as string,
    kind: row.kind as NoticeKind,
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
