import type { OrganizationRole } from '../../domain/organizations/role.ts';
import type { TokenScope } from '../../domain/identity/token-scope.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { escapeLike } from '../shared/like.ts';
import { prepared } from '../shared/prepared.ts';
import { toOwner, type CredentialOwner } from './session-store.ts';

/** An API token without its secret. */
export interface ApiToken {
  id: string;
  userId: string;
  /** When set, the token reaches this organization alone. */
  organizationId: string | null;
  name: string;
  scopes: TokenScope[];
  createdAt: Instant;
  expiresAt: Instant | null;
  revokedAt: Instant | null;
  lastUsedAt: Instant | null;
}

export async function insertToken(tx: Transaction, token: ApiToken, tokenHash: Buffer): Promise<void> {
  await tx('api_tokens').insert({
    id: token.id,
    user_id: token.userId,
    organization_id: token.organizationId,
    name: token.name,
    token_hash: tokenHash,
    scopes: token.scopes,
    created_at: token.createdAt,
    expires_at: token.expiresAt,
  });
}

export interface TokenUser {
  user: CredentialOwner;
  tokenId: string;
  scopes: TokenScope[];
  organizationId: string | null;
  lastUsedAt: Instant | null;
  /** Its owner's role in the organization that was asked for. */
  role: OrganizationRole | null;
}

/**
 * Whose token this is, and the role of its owner in an organization, in one statement, as every call asks for both. Null when
 * there is none, it expired or was revoked, or the account is disabled.
 */
export async function findTokenUser(db: Database, tokenHash: Buffer, at: Instant, organizationId: string | null): Promise<TokenUser | null> {
  const query = db.raw<{ rows: Record<string, unknown>[] }>(
    `select u.id, u.display_name, u.platform_administrator, t.id as token_id, t.scopes, t.organization_id, t.last_used_at, m.role
     from api_tokens t join users u on u.id = t.user_id left join memberships m on m.user_id = u.id and m.organization_id = ?
     where t.token_hash = ? and t.revoked_at is null and u.disabled_at is null and (t.expires_at is null or t.expires_at > ?)`,
    [organizationId as never, tokenHash, at],
  );
  const [row] = (await prepared(query)).rows;
  if (row === undefined) return null;
  return {
    user: toOwner(row),
    tokenId: row.token_id as string,
    scopes: row.scopes as TokenScope[],
    organizationId: row.organization_id as string | null,
    lastUsedAt: row.last_used_at as Instant | null,
    role: row.role as OrganizationRole | null,
  };
}

/** Notes when a token was last used. */
export async function touchToken(db: Database, id: string, at: Instant): Promise<void> {
  await db('api_tokens').where('id', id).update({ last_used_at: at });
}

/** Locks a user's own token until the transaction ends; null when the user has no such token. */
export async function lockToken(tx: Transaction, userId: string, id: string): Promise<ApiToken | null> {
  const row = await tx('api_tokens').where({ user_id: userId, id }).forUpdate().first<Record<string, unknown> | undefined>();
  return row === undefined ? null : toToken(row);
}

export async function revokeToken(tx: Transaction, id: string, at: Instant): Promise<void> {
  await tx('api_tokens').where('id', id).whereNull('revoked_at').update({ revoked_at: at });
}

/** Ends every token of a user. */
export async function revokeTokensOf(tx: Transaction, userId: string, at: Instant): Promise<void> {
  await tx('api_tokens').where('user_id', userId).whereNull('revoked_at').update({ revoked_at: at });
}

/** A user's tokens (those of one organization, if it is given), newest first, at most `limit` after the id `before`; `total` counts all that match. */
export async function listTokens(
  db: Database,
  userId: string,
  filter: { organizationId: string | null; search?: string | undefined; openAt?: Instant | undefined },
  page: { limit: number; before: string | null },
): Promise<{ rows: ApiToken[]; total: number }> {
  const matching = db('api_tokens').where('user_id', userId);
  if (filter.organizationId !== null) void matching.where('organization_id', filter.organizationId);
  if (filter.search !== undefined) void matching.whereILike('name', `%${escapeLike(filter.search)}%`);
  const { openAt } = filter;
  if (openAt !== undefined) {
    void matching.whereNull('revoked_at').where((either) => void either.whereNull('expires_at').orWhere('expires_at', '>', openAt));
  }
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  const rows = matching.clone().orderBy('id', 'desc').limit(page.limit);
  if (page.before !== null) void rows.where('id', '<', page.before);
  return { rows: ((await rows) as Record<string, unknown>[]).map(toToken), total: counted?.count ?? 0 };
}

function toToken(row: Record<string, unknown>): ApiToken {
  return {
    id: row.id as string,
    userId: row.user_id as string,
    organizationId: row.organization_id as string | null,
    name: row.name as string,
    scopes: row.scopes as TokenScope[],
    createdAt: row.created_at as Instant,
    expiresAt: row.expires_at as Instant | null,
    revokedAt: row.revoked_at as Instant | null,
    lastUsedAt: row.last_used_at as Instant | null,
  };
}
