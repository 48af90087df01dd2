import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { findVerifiedMailbox, insertMailbox } from '../../db/identity/mailbox-store.ts';
import { insertUser } from '../../db/identity/user-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { violatedConstraint } from '../../db/shared/transaction.ts';
import { NOT_ACTIVATED } from '../../domain/identity/activation.ts';
import type { Mailbox } from '../../domain/identity/mailbox.ts';
import { EMPTY_PROFILE } from '../../domain/identity/profile.ts';
import type { User } from '../../domain/identity/user.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';

export interface CreateUser {
  email: string;
  displayName: string;
  passwordHash: string | null;
  /** When that password ceases to serve; null (or left out) for one that the person chose. */
  passwordExpiresAt?: Instant | null | undefined;
  platformAdministrator: boolean;
  /** Whether it has been shown that mail to the address reaches this person. Notices go to verified mailboxes alone. */
  emailVerified: boolean;
}

/** Says that an address belongs to another account. */
export function emailTaken(email: string, cause?: unknown): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'identity.email-taken',
    message: `${email} belongs to an account already.`,
    fields: [{ field: 'email', problem: 'belongs to an account already' }],
    cause,
  });
}

/** Writes an address as one account's: another may have it in the moment in which it is written, `identity.email-taken`. */
export async function ofOneAccount<T>(address: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!['mailboxes_verified_once', 'users_email_unique'].includes(violatedConstraint(error) ?? '')) throw error;
    throw emailTaken(address, error);
  }
}

/** Makes an account with its primary mailbox. An address belongs to one account, without case: `identity.email-taken`. */
export async function createUser(tx: Transaction, request: CreateUser, decision: { at: Instant; by: Actor }): Promise<User> {
  const { at, by } = decision;
  const { emailVerified, passwordExpiresAt = null, ...fields } = request;
  const times = { version: 1, createdAt: at, lastAt: at };
  const user: User = { id: newId('user'), ...fields, passwordExpiresAt, profile: EMPTY_PROFILE, activation: NOT_ACTIVATED, disabledAt: null, ...times };
  if ((await findVerifiedMailbox(tx, user.email)) !== null || !(await insertUser(tx, user))) throw emailTaken(user.email);
  const mailbox: Mailbox = { id: newId('mailbox'), userId: user.id, address: user.email, isPrimary: true, verifiedAt: emailVerified ? at : null, notices: true, ...times };
  await ofOneAccount(user.email, () => insertMailbox(tx, mailbox));
  await recordLedgerEntry(tx, {
    id: newId('ledger-entry'),
    organizationId: null,
    at,
    subject: user.id,
    action: 'identity.create-user',
    by,
    before: null,
    after: { email: user.email, display_name: user.displayName, platform_administrator: user.platformAdministrator },
  });
  return user;
}
