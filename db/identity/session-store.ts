import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { prepared } from '../shared/prepared.ts';

type Row = Record<string, unknown>;

/** Whoever a credential belongs to. */
export interface CredentialOwner {
  userId: string;
  displayName: string;
  platformAdministrator: boolean;
}

export const SIGN_IN_METHODS = ['password', 'oidc'] as const;
export type SignInMethod = (typeof SIGN_IN_METHODS)[number];

/** A login as its owner sees it: the secret is the browser's alone. */
export interface Session {
  id: string;
  userId: string;
  method: SignInMethod;
  /** The network it came from, not the address: `198.51.100.0/24`. */
  network: string;
  /** `Firefox on Linux` */
  client: string;
  createdAt: Instant;
  lastSeenAt: Instant;
  /** However much it is used. */
  expiresAt: Instant;
}

export async function insertSession(tx: Transaction, session: Session, tokenHash: Buffer): Promise<void> {
  await tx('sessions').insert({
    id: session.id,
    token_hash: tokenHash,
    user_id: session.userId,
    method: session.method,
    network: session.network,
    client: session.client,
    created_at: session.createdAt,
    last_seen_at: session.lastSeenAt,
    expires_at: session.expiresAt,
  });
}

/** Whose session this is; null when there is none, it ended, was not used since `idleSince`, or the account is disabled. */
export async function findSessionUser(
  db: Database,
  tokenHash: Buffer,
  { at, idleSince }: { at: Instant; idleSince: Instant },
): Promise<(CredentialOwner & Pick<Session, 'createdAt' | 'lastSeenAt'> & { sessionId: string }) | null> {
  const query = db('sessions as s')
    .join('users as u', 'u.id', 's.user_id')
    .where('s.token_hash', tokenHash)
    .where('s.expires_at', '>', at)
    .where('s.last_seen_at', '>', idleSince)
    .whereNull('s.revoked_at')
    .whereNull('u.disabled_at')
    .first<Row | undefined>('u.id', 'u.display_name', 'u.platform_administrator', 's.id as session_id', 's.created_at', 's.last_seen_at');
  const row = await prepared(query);
  return row === undefined ? null : { ...toOwner(row), sessionId: row.session_id as string, createdAt: row.created_at as Instant, lastSeenAt: row.last_seen_at as Instant };
}

/** Remembers that a session was used; never earlier than it was. */
export async function touchSession(db: Database, id: string, at: Instant): Promise<void> {
  await db('sessions').where('id', id).where('last_seen_at', '<', at).update({ last_seen_at: at });
}

/** The open sessions of a user, the one used last first. */
export async function listSessions(db: Database, userId: string, { at, idleSince }: { at: Instant; idleSince: Instant }): Promise<Session[]> {
  const rows = await db('sessions')
    .where('user_id', userId)
    .where('expires_at', '>', at)
    .where('last_seen_at', '>', idleSince)
    .whereNull('revoked_at')
    .orderBy([{ column: 'last_seen_at', order: 'desc' }, { column: 'id', order: 'desc' }])
    .select<Row[]>();
  return rows.map((row) => ({
    id: row.id as string,
    userId: row.user_id as string,
    method: row.method as SignInMethod,
    network: row.network as string,
    client: row.client as string,
    createdAt: row.created_at as Instant,
    lastSeenAt: row.last_seen_at as Instant,
    expiresAt: row.expires_at as Instant,
  }));
}

/** Ends one session of a user; false when they have none such that is open. */
export async function revokeSession(tx: Transaction, userId: string, id: string, at: Instant): Promise<boolean> {
  return (await tx('sessions').where({ user_id: userId, id }).whereNull('revoked_at').update({ revoked_at: at })) === 1;
}

/** Ends the session that a secret opens, whoever's it is. */
export async function revokeSessionBySecret(tx: Transaction, tokenHash: Buffer, at: Instant): Promise<void> {
  await tx('sessions').where('token_hash', tokenHash).whereNull('revoked_at').update({ revoked_at: at });
}

/** Ends every session of a user except, where given, one; answers how many. */
export async function revokeSessionsOf(tx: Transaction, userId: string, at: Instant, keep: string | null): Promise<number> {
  const open = tx('sessions').where('user_id', userId).whereNull('revoked_at');
  if (keep !== null) void open.whereNot('id', keep);
  return await open.update({ revoked_at: at });
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
