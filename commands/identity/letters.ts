import { putLetterToken, type LetterToken } from '../../db/identity/letter-token-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { RESET_MS, VERIFICATION_MS, type Mailbox } from '../../domain/identity/mailbox.ts';
import type { User } from '../../domain/identity/user.ts';
import { SECRET_PLACE, type LetterKind } from '../../domain/notifications/mail.ts';
import { NO_ORGANIZATION } from '../../domain/shared/entity.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import type { Vault } from '../../domain/shared/vault.ts';
import { writeLetter } from '../notifications/port.ts';
import { hashSecret, newLinkSecret } from './secrets.ts';

/** What letters with a link are made with. */
export interface LetterDesk {
  vault: Pick<Vault, 'seal'>;
  /** Where people reach the platform, without a trailing slash. */
  publicUrl: string;
}

/** The link of a letter. Its secret is behind the #, which browsers keep from servers and their logs. */
export function letterLink({ publicUrl }: Pick<LetterDesk, 'publicUrl'>, page: 'verify-mailbox' | 'reset-password' | 'invitation'): string {
  return `${publicUrl}/${page}#${SECRET_PLACE}`;
}

/** Sends the letter whose link shows that a mailbox is its person's; the link of an older one is void from here on. */
export async function sendVerificationLetter(tx: Transaction, desk: LetterDesk, { user, mailbox }: { user: Pick<User, 'email'>; mailbox: Mailbox }, at: Instant): Promise<void> {
  const token: LetterToken = { purpose: 'verify-mailbox', userId: mailbox.userId, mailboxId: mailbox.id, createdAt: at, expiresAt: plusMilliseconds(at, VERIFICATION_MS) };
  const text = [
    // Whoever confirms for an account that is not theirs would let its owner in as themselves: it is named.
    `${mailbox.isPrimary ? 'An account was made' : `The account ${user.email} wants to receive its mail`} with this address. If that is your account, open within 24 hours:`,
    letterLink(desk, 'verify-mailbox'),
    'If it is not yours, do nothing: without the link nothing else is sent here.',
  ];
  await send(tx, desk, { token, mailbox, kind: 'mailbox-verification', subject: 'Confirm your address', text });
}

/** Sends the letter whose link sets another password. */
export async function sendResetLetter(tx: Transaction, desk: LetterDesk, mailbox: Mailbox, at: Instant): Promise<void> {
  const token: LetterToken = { purpose: 'reset-password', userId: mailbox.userId, mailboxId: null, createdAt: at, expiresAt: plusMilliseconds(at, RESET_MS) };
  const text = [
    'Somebody, probably you, forgot the password of your account. To choose another, open within 30 minutes:',
    letterLink(desk, 'reset-password'),
    'If it was not you, do nothing: your password stays as it is.',
  ];
  await send(tx, desk, { token, mailbox, kind: 'password-reset', subject: 'Choose another password', text });
}

async function send(
  tx: Transaction,
  desk: LetterDesk,
  { token, mailbox, kind, subject, text }: { token: LetterToken; mailbox: Mailbox; kind: LetterKind; subject: string; text: string[] },
): Promise<void> {
  const secret = newLinkSecret();
  const tokenHash = hashSecret(secret);
  await putLetterToken(tx, token, tokenHash);
  await writeLetter(tx, desk.vault, {
    organizationId: NO_ORGANIZATION,
    kind,
    key: `${kind}/${tokenHash.toString('hex')}`,
    to: { userId: mailbox.userId, mailboxId: mailbox.id },
    subject,
    text: text.join('\n\n'),
    secret,
    at: token.createdAt,
  });
}
