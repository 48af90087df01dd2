import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

/** Whoever a credential belongs to. */
export interface CredentialOwner {
  userId: string;
  displayName: string;
  platformAdministrator: boolean;
}

export interface NewSession {
  tokenHash: Buffer;
  userId: string;
  createdAt: Instant;
  expiresAt: Instant;
}

export async function insertSession(tx: Transaction, session: NewSession): Promise<void> {
  await tx('sessions').insert({
    token_hash: session.tokenHash,
    user_id: session.userId,
    created_at: session.createdAt,
    expires_at: session.expiresAt,
  });
}

/** Whose session this is; null when there is none, it ended, or the account is disabled. */
export async function findSessionUser(db: Database, tokenHash: Buffer, at: Instant): Promise<CredentialOwner | null> {
  const row = await db('sessions')
    .join('users', 'users.id', 'sessions.user_id')
    .where('sessions.token_hash', tokenHash)
    .where('sessions.expires_at', '>', at)
    .whereNull('sessions.revoked_at')
    .whereNull('users.disabled_at')
    .first<Record<string, unknown> | undefined>('users.id', 'users.display_name', 'users.platform_administrator');
  return row === undefined ? null : toOwner(row);
}

export async function revokeSession(tx: Transaction, tokenHash: Buffer, at: Instant): Promise<void> {
  await tx('sessions').where('token_hash', tokenHash).whereNull('revoked_at').update({ revoked_at: at });
}

/** Ends every session of a user except, where given, one. */
export async function revokeSessionsOf(tx: Transaction, userId: string, at: Instant, keep: Buffer | null): Promise<void> {
  const open = tx('sessions').where('user_id', userId).whereNull('revoked_at');
  if (keep !== null) void open.whereNot('token_hash', keep);
  await open.update({ revoked_at: at });
}

export function toOwner(row: Record<string, unknown>): CredentialOwner {
  return {
    userId: row.id as string,
    displayName: row.display_name as string,
    platformAdministrator: row.platform_administrator as boolean,
  };
}

/** Deletes the sessions that ended before `before`; answers how many. */
export async function deleteExpiredSessions(db: Database, before: Instant): Promise<number> {
  return await db('sessions').where('expires_at', '<', before).delete();
}
