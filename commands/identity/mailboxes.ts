import { findLetterToken, spendLetterToken, voidResets } from '../../db/identity/letter-token-store.ts';
import { deleteMailbox, getMailbox, insertMailbox, listMailboxes, saveMailbox } from '../../db/identity/mailbox-store.ts';
import { lockUser, saveUser } from '../../db/identity/user-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { letterIsVoid, MOST_MAILBOXES, requireNotPrimary, requireUnverified, requireVerified, type Mailbox } from '../../domain/identity/mailbox.ts';
import type { User } from '../../domain/identity/user.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import { laterOf, type Instant } from '../../domain/shared/time.ts';
import { tellOfAccount } from '../notifications/port.ts';
import { newId } from '../shared/new-id.ts';
import { ofOneAccount } from './create-user.ts';
import { sendVerificationLetter, type LetterDesk } from './letters.ts';
import { passActivation } from './port.ts';
import { recordAccountStep, type AccountDecision } from './record-account-step.ts';
import { hashSecret } from './secrets.ts';

interface Ref {
  userId: string;
  mailboxId: string;
}

/** Adds an unverified mailbox and sends its letter; those that are verified are told. `identity.mailbox-exists`, `identity.too-many-mailboxes`. */
export async function addMailbox(tx: Transaction, desk: LetterDesk, request: { userId: string; address: string }, decision: AccountDecision): Promise<Mailbox> {
  const { user, at } = await locked(tx, request.userId, decision);
  if ((await listMailboxes(tx, user.id)).length >= MOST_MAILBOXES) {
    throw new DomainError({ kind: 'limit-exceeded', code: 'identity.too-many-mailboxes', message: `A person has at most ${MOST_MAILBOXES} addresses. Remove one that is not needed.` });
  }
  const mailbox: Mailbox = {
    id: newId('mailbox'),
    userId: user.id,
    address: request.address,
    isPrimary: false,
    verifiedAt: null,
    notices: true,
    version: 1,
    createdAt: at,
    lastAt: at,
  };
  if (!(await insertMailbox(tx, mailbox))) {
    throw new DomainError({
      kind: 'conflict',
      code: 'identity.mailbox-exists',
      message: `${request.address} is among your addresses already.`,
      fields: [{ field: 'address', problem: 'is among your addresses already' }],
    });
  }
  await sendVerificationLetter(tx, desk, { user, mailbox }, at);
  await tell(tx, user, mailbox, { key: 'added', what: 'An address was added to your account', at });
  await recordAccountStep(tx, { action: 'add-mailbox', subject: mailbox.id, after: forLedger(mailbox) }, { ...decision, at });
  return mailbox;
}

/** Switches notices to a mailbox on or off. */
export async function switchNotices(tx: Transaction, ref: Ref & { notices: boolean }, decision: AccountDecision): Promise<Mailbox> {
  const { mailbox, at } = await lockedMailbox(tx, ref, decision);
  decision.check?.(mailbox.version);
  if (mailbox.notices === ref.notices) return mailbox;
  return await written(tx, mailbox, { ...mailbox, notices: ref.notices }, 'switch-mailbox', { ...decision, at });
}

/** Removes a mailbox that is not the primary one. Mails to it that have not left do not leave any more; a letter for a forgotten password, which may have, is void. */
export async function removeMailbox(tx: Transaction, ref: Ref, decision: AccountDecision): Promise<void> {
  const { user, mailbox, at } = await lockedMailbox(tx, ref, decision);
  requireNotPrimary(mailbox);
  await deleteMailbox(tx, mailbox);
  await voidResets(tx, user.id);
  await tell(tx, user, mailbox, { key: 'removed', what: 'An address was removed from your account', at });
  await recordAccountStep(tx, { action: 'remove-mailbox', subject: mailbox.id, before: forLedger(mailbox) }, { ...decision, at });
}

/** Makes a verified mailbox the primary one: its address is then the name to log in by. All that are verified are told. */
export async function makePrimary(tx: Transaction, ref: Ref, decision: AccountDecision): Promise<Mailbox> {
  const { user, mailbox, at } = await lockedMailbox(tx, ref, decision);
  requireVerified(mailbox);
  if (mailbox.isPrimary) return mailbox;
  const before = (await listMailboxes(tx, user.id)).find(({ isPrimary }) => isPrimary);
  if (before !== undefined) await saveMailbox(tx, { ...before, isPrimary: false, version: before.version + 1, lastAt: at });
  await ofOneAccount(mailbox.address, () => saveUser(tx, { ...user, email: mailbox.address, version: user.version + 1, lastAt: at }));
  const after = await written(tx, mailbox, { ...mailbox, isPrimary: true }, 'make-mailbox-primary', { ...decision, at });
  await tell(tx, user, after, { key: `primary/${after.version}`, what: 'Another address is the primary one of your account, to log in by', at });
  return after;
}

/** Sends the verification letter again; the link of the one before is void. The caller counts letters beforehand. */
export async function resendVerification(tx: Transaction, desk: LetterDesk, ref: Ref, decision: AccountDecision): Promise<Mailbox> {
  const { user, mailbox, at } = await lockedMailbox(tx, ref, decision);
  requireUnverified(mailbox);
  await sendVerificationLetter(tx, desk, { user, mailbox }, at);
  await recordAccountStep(tx, { action: 'resend-letter', subject: mailbox.id }, { ...decision, at });
  return mailbox;
}

/**
 * Verifies the mailbox that a letter went to, by the secret of its link, once. Unknown, used, replaced and expired secrets are
 * answered alike. Fails with `identity.email-taken` where another account proved the address first.
 */
export async function verifyMailbox(tx: Transaction, secret: string, decision: Pick<AccountDecision, 'at'> & { requestId: string }): Promise<Mailbox> {
  const tokenHash = hashSecret(secret);
  const token = await findLetterToken(tx, 'verify-mailbox', tokenHash, decision.at);
  if (token === null || token.mailboxId === null) throw letterIsVoid();
  const user = await lockUser(tx, token.userId);
  if (user === null || user.disabledAt !== null || !(await spendLetterToken(tx, tokenHash))) throw letterIsVoid();
  const by = { kind: 'person' as const, id: user.id, name: user.displayName, requestId: decision.requestId };
  const mailbox = await getMailbox(tx, user.id, token.mailboxId);
  if (mailbox === null) throw letterIsVoid();
  const at = laterOf(decision.at, mailbox.lastAt);
  const after = await ofOneAccount(mailbox.address, () => written(tx, mailbox, { ...mailbox, verifiedAt: mailbox.verifiedAt ?? at }, 'verify-mailbox', { at, by }));
  await passActivation(tx, user.id, { at, by });
  return after;
}

async function locked(tx: Transaction, userId: string, decision: AccountDecision): Promise<{ user: User; at: Instant }> {
  const user = await lockUser(tx, userId);
  if (user === null) throw notFound('user', userId);
  return { user, at: laterOf(decision.at, user.lastAt) };
}

async function lockedMailbox(tx: Transaction, { userId, mailboxId }: Ref, decision: AccountDecision): Promise<{ user: User; mailbox: Mailbox; at: Instant }> {
  const { user, at } = await locked(tx, userId, decision);
  const mailbox = await getMailbox(tx, userId, mailboxId);
  if (mailbox === null) throw notFound('mailbox', mailboxId);
  return { user, mailbox, at: laterOf(at, mailbox.lastAt) };
}

async function written(tx: Transaction, before: Mailbox, changed: Mailbox, action: string, decision: AccountDecision): Promise<Mailbox> {
  const after = { ...changed, version: before.version + 1, lastAt: decision.at };
  await saveMailbox(tx, after);
  await recordAccountStep(tx, { action, subject: after.id, before: forLedger(before), after: forLedger(after) }, decision);
  return after;
}

async function tell(tx: Transaction, user: User, mailbox: Mailbox, { key, what, at }: { key: string; what: string; at: Instant }): Promise<void> {
  const text = `${what}: ${mailbox.address} (${at}).\n\nIf it was not you, change your password, end your other sessions and tell an administrator.`;
  await tellOfAccount(tx, { userId: user.id, key: `mailbox/${mailbox.id}/${key}`, subject: what, text, at });
}

/** The ledger keeps for ever, so it holds no address. */
function forLedger({ userId, isPrimary, verifiedAt, notices }: Mailbox) {
  return { user_id: userId, is_primary: isPrimary, verified_at: verifiedAt, notices };
}
