import { getMailSecret } from '../../db/notifications/mail-store.ts';
import type { MailKind } from '../../domain/notifications/mail.ts';
import type { TestApi } from './api.ts';

export interface WrittenMail {
  id: string;
  kind: MailKind;
  to: string;
  subject: string;
  body: string;
  organizationId: string | null;
  /** Of the link, while the mail waits to be sent; null for one without. */
  secret: string | null;
}

/** The mails that are written to an address, oldest first, with the secrets that the sender would put into them. */
export async function mailsTo({ db, deps }: Pick<TestApi, 'db' | 'deps'>, address: string): Promise<WrittenMail[]> {
  const rows = await db('mails as m')
    .leftJoin('mailboxes as b', 'b.id', 'm.mailbox_id')
    .whereRaw('lower(coalesce(m.address, b.address)) = lower(?)', [address])
    .orderBy('m.id')
    .select<Record<string, string>[]>('m.*', db.raw('coalesce(m.address, b.address) as recipient'));
  return await Promise.all(
    rows.map(async (row) => {
      const sealed = await getMailSecret(db, String(row.id));
      const secret = sealed === null ? null : deps.vault.open(sealed, String(row.id));
      const { id, kind, recipient, subject, body } = row as Record<'id' | 'kind' | 'recipient' | 'subject' | 'body', string>;
      return { id, kind: kind as MailKind, to: recipient, subject, body, organizationId: row.organization_id ?? null, secret };
    }),
  );
}

/** The secret of the newest letter of a kind to an address. */
export async function newestSecret(api: Pick<TestApi, 'db' | 'deps'>, address: string, kind: MailKind): Promise<string> {
  const secret = (await mailsTo(api, address)).findLast((mail) => mail.kind === kind)?.secret;
  if (secret === undefined || secret === null) throw new Error(`no ${kind} letter with a secret is written to ${address}`);
  return secret;
}
