import { forgetDevices } from '../../db/identity/device-store.ts';
import { findLetterToken, voidAddedMailboxes, voidResets } from '../../db/identity/letter-token-store.ts';
import { findVerifiedMailbox } from '../../db/identity/mailbox-store.ts';
import { revokeSessionsOf } from '../../db/identity/session-store.ts';
import { getUser, lockUser, saveUser } from '../../db/identity/user-store.ts';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import { letterIsVoid } from '../../domain/identity/mailbox.ts';
import type { User } from '../../domain/identity/user.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { laterOf, type Instant } from '../../domain/shared/time.ts';
import { tellOfAccount } from '../notifications/port.ts';
import { sendResetLetter, type LetterDesk } from './letters.ts';
import { recordAccountStep, type AccountDecision } from './record-account-step.ts';
import { hashSecret } from './secrets.ts';

export interface SetPassword {
  userId: string;
  passwordHash: string;
  /** When it ceases to serve; null for one that the person chose. */
  passwordExpiresAt: Instant | null;
  /** The session that asks, which stays; null to end all. */
  keepSession: string | null;
}

/**
 * Puts another password in place, ends the account's sessions except, where given, the one that asked, voids letters for a
 * forgotten one and to addresses that were added and not verified, and tells the person.
 */
export async function setPassword(tx: Transaction, request: SetPassword, decision: AccountDecision): Promise<void> {
  const user = await lockUser(tx, request.userId);
  if (user === null) throw notFound('user', request.userId);
  const at = laterOf(decision.at, user.lastAt);
  const { passwordHash, passwordExpiresAt } = request;
  const after: User = { ...user, passwordHash, passwordExpiresAt, version: user.version + 1, lastAt: at };
  await saveUser(tx, after);
  await revokeSessionsOf(tx, user.id, at, request.keepSession);
  await voidResets(tx, user.id);
  // Whoever was in the account before must not come back by an address of theirs.
  await voidAddedMailboxes(tx, user.id);
  // Whoever knew the old password may have logged in from anywhere.
  await forgetDevices(tx, user.id);
  const text = `The password of your account was changed (${at}), and its other sessions ended. API tokens stay as they are.\n\nIf it was not you, choose another password by "forgotten password", and tell an administrator.`;
  await tellOfAccount(tx, { userId: user.id, key: `password/${user.id}/${after.version}`, subject: 'Your password was changed', text, at });
  await recordAccountStep(tx, { action: 'set-password', subject: user.id }, { ...decision, at });
}

/** Sends a letter for a forgotten password to the verified mailbox with this address, if there is one. Answers nothing about it. */
export async function forgotPassword(tx: Transaction, desk: LetterDesk, address: string, at: Instant): Promise<void> {
  const mailbox = await findVerifiedMailbox(tx, address);
  const user = mailbox === null ? null : await lockUser(tx, mailbox.userId);
  if (mailbox === null || user === null || user.disabledAt !== null) return;
  await sendResetLetter(tx, desk, mailbox, at);
}

/** Whose password a letter's secret sets, or null: unknown, used, replaced and expired are all the same. Uses nothing up. */
export async function userOfReset(db: Database, secret: string, at: Instant): Promise<User | null> {
  const token = await findLetterToken(db, 'reset-password', hashSecret(secret), at);
  const user = token === null ? null : await getUser(db, token.userId);
  return user?.disabledAt === null ? user : null;
}

/** Sets a password by the secret of a letter, once, and ends every session. Setting one voids every such letter, so this one is used up. */
export async function resetPassword(
  tx: Transaction,
  request: { secret: string; userId: string; passwordHash: string },
  decision: { at: Instant; requestId: string },
): Promise<void> {
  const { at, requestId } = decision;
  const user = await lockUser(tx, request.userId);
  const token = await findLetterToken(tx, 'reset-password', hashSecret(request.secret), at);
  if (user === null || user.disabledAt !== null || token?.userId !== user.id) throw letterIsVoid();
  const by = { kind: 'person' as const, id: user.id, name: user.displayName, requestId };
  await setPassword(tx, { userId: user.id, passwordHash: request.passwordHash, passwordExpiresAt: null, keepSession: null }, { at, by });
}
