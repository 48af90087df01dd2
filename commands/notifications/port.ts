import { createHash } from 'node:crypto';
import { insertMails, recipientsOf } from '../../db/notifications/mail-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { requestWakeUps } from '../../db/shared/wake-up-store.ts';
import { newMail, type NoticeKind } from '../../domain/notifications/mail.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { MAIL } from '../../workflows/notifications/messages.ts';
import { newId } from '../shared/new-id.ts';

/** What people are to be told. */
export interface Notice {
  organizationId: string;
  kind: NoticeKind;
  /** What happened, as one text: the same key to the same person is the same mail. For example `<booking id>/released/<version>`. */
  key: string;
  to: {
    userIds: readonly string[];
    /** Also the organization's managers. */
    managers: boolean;
  };
  /** One line. */
  subject: string;
  /** Plain text. */
  text: string;
  at: Instant;
}

/**
 * Writes one mail a person in the caller's transaction, and wakes what sends it. Somebody named twice,
 * or told twice under the same key, gets one mail; who switched the kind off or is disabled, none.
 */
export async function notify(tx: Transaction, notice: Notice): Promise<void> {
  const { organizationId, kind, at } = notice;
  const userIds = await recipientsOf(tx, organizationId, kind, notice.to);
  const mails = userIds.map((userId) =>
    newMail({ id: newId('mail'), organizationId, userId, kind, messageKey: messageKeyOf(notice, userId), subject: oneLine(notice.subject), body: notice.text }, at),
  );
  const written = await insertMails(tx, mails);
  await requestWakeUps(tx, { kind: MAIL, organizationId, entityIds: written }, at);
}

/** 128 bits tell any two mails apart. */
function messageKeyOf({ organizationId, key }: Notice, userId: string): string {
  return createHash('sha256').update(JSON.stringify([organizationId, key, userId])).digest('hex').slice(0, 32);
}

/** A subject with a name in it must not become two headers. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
