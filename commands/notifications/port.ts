import { createHash } from 'node:crypto';
import { insertMails, mailboxesForLetters, recipientsOf, saveMailSecret, type Recipient } from '../../db/notifications/mail-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { requestWakeUps } from '../../db/shared/wake-up-store.ts';
import { newMail, type LetterKind, type Mail, type NoticeKind } from '../../domain/notifications/mail.ts';
import { NO_ORGANIZATION } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Vault } from '../../domain/shared/vault.ts';
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
 * Writes one mail for each verified mailbox of the people in question in the caller's transaction, and wakes what sends it. Somebody
 * named twice, or told twice under the same key, gets one mail a mailbox; who switched the kind or the mailbox off or is
 * disabled, none there.
 */
export async function notify(tx: Transaction, notice: Notice): Promise<void> {
  await notifyEach(tx, [notice]);
}

/** `notify` for many notices of one organization: a read for each group of people, and two statements. */
export async function notifyEach(tx: Transaction, notices: readonly Notice[]): Promise<void> {
  const [first] = notices;
  if (first === undefined) return;
  const groups = new Map<string, Recipient[]>();
  const mails: Mail[] = [];
  for (const notice of notices) {
    const { organizationId, kind, to } = notice;
    const key = JSON.stringify([kind, to.userIds, to.managers]);
    const recipients = groups.get(key) ?? (await recipientsOf(tx, organizationId, kind, to));
    groups.set(key, recipients);
    mails.push(...recipients.map((reader) => draft({ ...notice, ...reader, address: null })));
  }
  await write(tx, mails, first.at);
}

/** What one mailbox, or somebody without an account, is to be told whatever they switched off. */
export interface Letter {
  /** Whose managers see that it went out; NO_ORGANIZATION for what is between the platform and a person. */
  organizationId: string;
  kind: LetterKind;
  /** As of a notice: the same key to the same reader is the same mail. */
  key: string;
  to: { userId: string; mailboxId: string } | { address: string };
  subject: string;
  /** Plain text; SECRET_PLACE in it becomes the secret when it is sent. */
  text: string;
  /** Kept sealed, and only until the letter has left; null for a letter without one. */
  secret: string | null;
  at: Instant;
}

/** Writes one letter in the caller's transaction, and wakes what sends it. */
export async function writeLetter(tx: Transaction, vault: Pick<Vault, 'seal'>, letter: Letter): Promise<void> {
  const to = 'address' in letter.to ? { userId: null, mailboxId: null, address: letter.to.address } : { ...letter.to, address: null };
  const mail = draft({ ...letter, ...to });
  const [written] = await write(tx, [mail], letter.at);
  if (written !== undefined && letter.secret !== null) await saveMailSecret(tx, mail.id, vault.seal(letter.secret, mail.id));
}

/** Tells a person, in every verified mailbox whatever is switched off, what became of their account. */
export async function tellOfAccount(tx: Transaction, news: { userId: string; key: string; subject: string; text: string; at: Instant }): Promise<void> {
  const recipients = await mailboxesForLetters(tx, news.userId);
  const mails = recipients.map((to) => draft({ ...news, ...to, address: null, organizationId: NO_ORGANIZATION, kind: 'account-security' }));
  await write(tx, mails, news.at);
}

type Draft = Pick<Mail, 'organizationId' | 'userId' | 'mailboxId' | 'address' | 'kind' | 'subject'> & { key: string; text: string; at: Instant };

function draft({ organizationId, userId, mailboxId, address, kind, subject, text, key, at }: Draft): Mail {
  const messageKey = messageKeyOf([organizationId, key, userId ?? '', mailboxId ?? address ?? '']);
  return newMail({ id: newId('mail'), organizationId, userId, mailboxId, address, kind, messageKey, subject: oneLine(subject), body: text }, at);
}

async function write(tx: Transaction, mails: readonly Mail[], at: Instant): Promise<string[]> {
  const written = await insertMails(tx, mails);
  const [first] = mails;
  if (first !== undefined) await requestWakeUps(tx, { kind: MAIL, organizationId: first.organizationId, entityIds: written }, at);
  return written;
}

/** 128 bits tell any two mails apart. */
function messageKeyOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** A subject with a name in it must not become two headers. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
