import { routineStep, step, unchanged, type EntityRow, type Settled } from '../shared/entity.ts';
import type { ErrorRecord } from '../shared/errors.ts';
import { plusMilliseconds, type Instant } from '../shared/time.ts';

/** What people are told of by mail. Each person may switch each kind off. Later domains add theirs. */
export const NOTICE_KINDS = ['booking', 'booking-release', 'environment', 'waitlist-offer', 'project', 'application'] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/**
 * What somebody has to be told whatever they switched off: letters about their own account, and an invitation, whose
 * reader need not have one.
 */
export const LETTER_KINDS = ['mailbox-verification', 'password-reset', 'account-security', 'invitation', 'project-deletion'] as const;
export type LetterKind = (typeof LETTER_KINDS)[number];

export const MAIL_KINDS = [...NOTICE_KINDS, ...LETTER_KINDS] as const;
export type MailKind = NoticeKind | LetterKind;

export const MAIL_STATES = ['pending', 'sent', 'failed', 'cancelled'] as const;
export type MailState = (typeof MAIL_STATES)[number];

/**
 * How a mail ends: `rejected` for good by the server, `given-up` after a good day of attempts,
 * `not-configured` where there is neither server nor directory, `recipient-gone` when the account is disabled or the mailbox removed.
 */
export const MAIL_OUTCOMES = ['sent', 'rejected', 'given-up', 'not-configured', 'recipient-gone'] as const;
export type MailOutcome = (typeof MAIL_OUTCOMES)[number];

/** Where in a letter's text the secret goes when it is sent. */
export const SECRET_PLACE = '{secret}';

/** One mail to one mailbox. `organizationId` is NO_ORGANIZATION for letters about an account. */
export interface Mail extends EntityRow {
  /** Null for somebody without an account. */
  userId: string | null;
  /** Its address is read when it is sent; null when the mailbox has been removed, and for somebody without an account. */
  mailboxId: string | null;
  /** Of somebody without an account; null for everybody else. */
  address: string | null;
  kind: MailKind;
  /** Left part of the Message-ID: the same notice to the same mailbox has the same. */
  messageKey: string;
  subject: string;
  body: string;
  state: MailState;
  outcome: MailOutcome | null;
  attempts: number;
  /** How it left: the server's word, or the file it lies in. */
  receipt: string | null;
  lastError: ErrorRecord | null;
  createdAt: Instant;
  endedAt: Instant | null;
}

/** What one attempt to send came to. */
export type SendResult =
  | { kind: 'sent'; receipt: string }
  /** `final`: no attempt can end otherwise. */
  | { kind: 'failed'; error: ErrorRecord; final: 'rejected' | 'not-configured' | null };

const [MINUTE, HOUR] = [60_000, 3_600_000];
/** How long after each failed attempt the next one follows: 29 hours in all. A server's greylisting ends within the first. */
export const MAIL_RETRY_AFTER_MS: readonly number[] = [MINUTE, 5 * MINUTE, 15 * MINUTE, 40 * MINUTE, 2 * HOUR, 4 * HOUR, 8 * HOUR, 14 * HOUR];

/** A mail that is due at once. */
export function newMail(fields: Pick<Mail, 'id' | 'organizationId' | 'userId' | 'mailboxId' | 'address' | 'kind' | 'messageKey' | 'subject' | 'body'>, at: Instant): Mail {
  const nothingYet = { state: 'pending' as const, outcome: null, attempts: 0, receipt: null, lastError: null, endedAt: null };
  return { ...fields, ...nothingYet, version: 1, createdAt: at, lastAt: at, nextDueAt: at };
}

/** The outcome of attempt `number` at `at`. One that has been recorded, or that came after the end, changes nothing. */
export function afterSending(mail: Mail, number: number, result: SendResult, at: Instant): Settled<Mail> {
  if (mail.state !== 'pending' || number !== mail.attempts + 1) return unchanged(mail);
  const tried = { ...mail, attempts: number };
  if (result.kind === 'sent') return ended(mail, { ...tried, receipt: result.receipt, lastError: null }, 'sent', at);
  const failed = { ...tried, lastError: result.error };
  if (result.final !== null) return ended(mail, failed, result.final, at);
  const wait = MAIL_RETRY_AFTER_MS[number - 1];
  if (wait === undefined) return ended(mail, failed, 'given-up', at);
  return routineStep(mail, { ...failed, nextDueAt: plusMilliseconds(at, wait) }, 'notifications.retry-mail');
}

/** There is nobody to send it to any more. */
export function withoutRecipient(mail: Mail, at: Instant): Settled<Mail> {
  return mail.state === 'pending' ? ended(mail, mail, 'recipient-gone', at) : unchanged(mail);
}

const STATE_OF: Record<MailOutcome, MailState> = {
  sent: 'sent',
  rejected: 'failed',
  'given-up': 'failed',
  'not-configured': 'failed',
  'recipient-gone': 'cancelled',
};

function ended(before: Mail, after: Mail, outcome: MailOutcome, at: Instant): Settled<Mail> {
  return step(before, { ...after, outcome, state: STATE_OF[outcome], nextDueAt: null, endedAt: at }, `notifications.mail-${STATE_OF[outcome]}`);
}
