import { DomainError } from '../shared/errors.ts';
import type { Instant } from '../shared/time.ts';

/** An address of a person. The primary one is also the name they log in by. */
export interface Mailbox {
  id: string;
  userId: string;
  address: string;
  isPrimary: boolean;
  /** When it was shown that mail to it reaches this person; null before. */
  verifiedAt: Instant | null;
  /** Whether notices go to it. Letters about the account itself always do. */
  notices: boolean;
  version: number;
  createdAt: Instant;
  lastAt: Instant;
}

export const MOST_MAILBOXES = 10;
/** How long the link of a verification letter can be used. */
export const VERIFICATION_MS = 24 * 3_600_000;
/** How long the link of a letter for a forgotten password can be used. */
export const RESET_MS = 30 * 60_000;

function conflict(code: string, message: string): DomainError {
  return new DomainError({ kind: 'conflict', code, message });
}

/** Refuses to make a mailbox primary that nobody has verified. */
export function requireVerified(mailbox: Mailbox): void {
  if (mailbox.verifiedAt === null) {
    throw conflict('identity.mailbox-unverified', 'Only a verified address can be the primary one: open the link of its letter first, or have the letter sent again.');
  }
}

/** Refuses to verify again what is verified. */
export function requireUnverified(mailbox: Mailbox): void {
  if (mailbox.verifiedAt !== null) throw conflict('identity.mailbox-verified', 'This address is verified already; no letter is needed.');
}

/** Refuses to remove the primary mailbox: it is the name to log in by. */
export function requireNotPrimary(mailbox: Mailbox): void {
  if (mailbox.isPrimary) throw conflict('identity.primary-mailbox', 'The primary address stays: make another one primary first.');
}

/** One answer for a link that never was, was used, was replaced by a newer letter or has expired: it tells a stranger nothing. */
export function letterIsVoid(): DomainError {
  return new DomainError({
    kind: 'invalid-input',
    code: 'identity.letter-void',
    message: 'token: is not valid (any more): it was used, replaced by a newer letter, or has expired. Ask for a new letter.',
    fields: [{ field: 'token', problem: 'is not valid (any more); ask for a new letter' }],
  });
}
