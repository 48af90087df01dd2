import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

/** Who somebody is at a provider: its issuer, and what it calls them, which never changes. */
export interface Identity {
  issuer: string;
  subject: string;
  userId: string;
}

/** Whose account an identity signs in to, or null. */
export async function findIdentityUser(db: Database | Transaction, issuer: string, subject: string): Promise<string | null> {
  const row = await db('identities').where({ issuer, subject }).first<{ user_id: string } | undefined>('user_id');
  return row?.user_id ?? null;
}

/** Links an identity by a mailbox, with which it goes; false, and nothing is written, when it signs in to an account already. */
export async function insertIdentity(tx: Transaction, identity: Identity & { mailboxId: string }, at: Instant): Promise<boolean> {
  const rows = await tx('identities')
    .insert({ issuer: identity.issuer, subject: identity.subject, user_id: identity.userId, mailbox_id: identity.mailboxId, created_at: at, last_login_at: at })
    .onConflict(['issuer', 'subject'])
    .ignore()
    .returning('user_id');
  return rows.length === 1;
}

/** Notes a login by an identity; false when it signs in to nothing any more. */
export async function touchIdentity(tx: Transaction, issuer: string, subject: string, at: Instant): Promise<boolean> {
  return (await tx('identities').where({ issuer, subject }).update({ last_login_at: at })) === 1;
}

/** The providers a person signs in by, with when they last did. */
export async function listIdentities(db: Database, userId: string): Promise<{ issuer: string; createdAt: Instant; lastLoginAt: Instant }[]> {
  const rows = await db('identities')
    .where('user_id', userId)
    .orderBy(['created_at', 'issuer'])
    .select<{ issuer: string; created_at: Instant; last_login_at: Instant }[]>('issuer', 'created_at', 'last_login_at');
  return rows.map((row) => ({ issuer: row.issuer, createdAt: row.created_at, lastLoginAt: row.last_login_at }));
}

/** Remembers a login that goes to the provider, under the digest of the browser's secret. */
export async function insertOidcLogin(db: Database, login: { secretHash: Buffer; returnTo: string; createdAt: Instant; expiresAt: Instant }): Promise<void> {
  await db('oidc_logins').insert({ secret_hash: login.secretHash, return_to: login.returnTo, created_at: login.createdAt, expires_at: login.expiresAt });
}

/** Takes a login that comes back from the provider, once; null when there is none such, it came back before, or too late. */
export async function takeOidcLogin(db: Database, secretHash: Buffer, at: Instant): Promise<{ returnTo: string } | null> {
  const [row] = await db('oidc_logins').where('secret_hash', secretHash).delete().returning<{ return_to: string; expires_at: Instant }[]>(['return_to', 'expires_at']);
  return row === undefined || row.expires_at <= at ? null : { returnTo: row.return_to };
}

export async function deleteExpiredOidcLogins(db: Database, at: Instant): Promise<number> {
  return await db('oidc_logins').where('expires_at', '<=', at).delete();
}
