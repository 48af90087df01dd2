import { findVerifiedMailbox } from '../../db/identity/mailbox-store.ts';
import { findIdentityUser, insertIdentity, touchIdentity } from '../../db/identity/oidc-store.ts';
import { findUserByEmail, lockUser } from '../../db/identity/user-store.ts';
import { hasOpenInvitation } from '../../db/organizations/invitation-store.ts';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { oidcError, type OidcClaims, type OidcSignUp } from '../../domain/identity/oidc.ts';
import type { User } from '../../domain/identity/user.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { tellOfAccount } from '../notifications/port.ts';
import { createUser } from './create-user.ts';
import { openSession, type LoginPlace, type OpenedSession } from './open-session.ts';
import { recordAccountStep } from './record-account-step.ts';

/**
 * Opens a session for whoever signed in at the provider: by the identity where it is known; else by a verified address that is
 * a verified mailbox here, which links the two for as long as the mailbox is there and tells the person; else, where `signUp` allows, with a
 * new account. Of racing first logins one links.
 */
export async function logInByIdentity(db: Database, request: { claims: OidcClaims; signUp: OidcSignUp; place: LoginPlace }): Promise<OpenedSession> {
  const { claims, signUp, place } = request;
  return await inTransaction(db, async (tx) => {
    // First logins of one identity come one after the other.
    await tx.raw('select pg_advisory_xact_lock(hashtextextended(?, 4207))', [`${claims.issuer} ${claims.subject}`]);
    const knownId = await findIdentityUser(tx, claims.issuer, claims.subject);
    const found = knownId ?? (await linked(tx, claims, signUp, place));
    const user = await lockUser(tx, found);
    if (user === null || user.disabledAt !== null) throw oidcError('account-disabled');
    // Its mailbox may have been removed while we waited for the account.
    if (knownId !== null && !(await touchIdentity(tx, claims.issuer, claims.subject, place.at))) throw oidcError('oidc-nobody');
    return await openSession(tx, user, 'oidc', place);
  });
}

async function linked(tx: Transaction, claims: OidcClaims, signUp: OidcSignUp, place: LoginPlace): Promise<string> {
  const { email, emailVerified } = claims;
  if (email === null || !emailVerified) throw oidcError('oidc-email-unverified');
  const known = await findVerifiedMailbox(tx, email);
  const user = known === null ? await signedUp(tx, { ...claims, email }, signUp, place) : await lockUser(tx, known.userId);
  if (user === null || user.disabledAt !== null) throw oidcError('account-disabled');
  const mailbox = await findVerifiedMailbox(tx, email);
  // Removed while we waited for the account.
  if (mailbox?.userId !== user.id) throw oidcError('oidc-nobody');
  await insertIdentity(tx, { issuer: claims.issuer, subject: claims.subject, userId: user.id, mailboxId: mailbox.id }, place.at);
  await tellOfNewWay(tx, user, claims.issuer, place.at);
  const by = { kind: 'person' as const, id: user.id, name: user.displayName, requestId: place.requestId };
  await recordAccountStep(tx, { action: 'link-identity', subject: user.id, after: { issuer: claims.issuer } }, { at: place.at, by });
  return user.id;
}

async function signedUp(tx: Transaction, claims: OidcClaims & { email: string }, signUp: OidcSignUp, { at, requestId }: LoginPlace): Promise<User> {
  const { email, name } = claims;
  if ((await findUserByEmail(tx, email)) !== null) throw oidcError('oidc-mailbox-unverified');
  if (signUp === 'invited' && !(await hasOpenInvitation(tx, email, at))) throw oidcError('oidc-nobody');
  const displayName = name?.trim().slice(0, 200) || email;
  const by = { kind: 'system' as const, id: null, name: 'sign-up at the login provider', requestId };
  return await createUser(tx, { email, displayName, passwordHash: null, platformAdministrator: false, emailVerified: true }, { at, by });
}

async function tellOfNewWay(tx: Transaction, user: User, issuer: string, at: Instant): Promise<void> {
  const text = `Your account can now be signed in to at ${issuer} (${at}), because your verified address there is yours here.\n\nIf it was not you, tell an administrator.`;
  await tellOfAccount(tx, { userId: user.id, key: `identity/${user.id}/${issuer}/${at}`, subject: 'A new way to sign in to your account', text, at });
}
