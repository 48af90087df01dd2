import { parseCookie } from 'cookie';
import type { Request } from 'express';
import { findSessionUser, touchSession } from '../../db/identity/session-store.ts';
import { findTokenUser, touchToken } from '../../db/identity/token-store.ts';
import { hashSecret, isApiToken } from '../../commands/identity/secrets.ts';
import { idleSince, LAST_USE_GRAIN_MS } from '../../domain/identity/session.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import { unauthenticated } from './authorize.ts';
import type { Caller } from './caller.ts';
import type { ApiConfig, ApiDependencies } from './dependencies.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The session cookie's name: with the __Host- prefix (RFC 6265bis) wherever the platform is served over TLS. */
export function sessionCookieName(config: Pick<ApiConfig, 'publicUrl'>): string {
  return servedOverTls(config) ? '__Host-orrery_session' : 'orrery_session';
}

/** Browsers take `Secure` cookies over TLS only. */
export function servedOverTls(config: Pick<ApiConfig, 'publicUrl'>): boolean {
  return config.publicUrl.startsWith('https://');
}

/**
 * Who sends this request, or null when it carries no credentials. Credentials that are wrong,
 * expired or revoked fail with 401, also where none were needed. A bearer token wins over a cookie;
 * a cookie may write only from the platform's own origin.
 */
export async function authenticate(deps: ApiDependencies, request: Request, at: Instant): Promise<Caller | null> {
  const { authorization } = request.headers;
  if (authorization !== undefined) return await byToken(deps, authorization, at, request.params.organization_id);
  const secret = parseCookie(request.headers.cookie ?? '')[sessionCookieName(deps.config)];
  if (secret === undefined || secret === '') return null;
  const caller = await bySession(deps, secret, at);
  if (caller !== null && !SAFE_METHODS.has(request.method)) requireOwnOrigin(deps.config, request.headers.origin);
  return caller;
}

async function byToken(deps: ApiDependencies, authorization: string, at: Instant, inPath: unknown): Promise<Caller> {
  const organizationId = typeof inPath === 'string' ? inPath : null;
  const token = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization)?.[1];
  if (token === undefined || !isApiToken(token)) throw unauthenticated();
  const found = await findTokenUser(deps.db, hashSecret(token), at, organizationId);
  if (found === null) throw unauthenticated();
  if (found.lastUsedAt === null || plusMilliseconds(found.lastUsedAt, LAST_USE_GRAIN_MS) < at) {
    await touchToken(deps.db, found.tokenId, at);
  }
  return {
    ...found.user,
    credential: { kind: 'token', tokenId: found.tokenId, scopes: found.scopes, organizationId: found.organizationId },
    membership: organizationId === null ? null : { organizationId, role: found.role },
  };
}

/** A stale cookie counts as none: a browser cannot help sending it, also to log in again. */
async function bySession(deps: ApiDependencies, secret: string, at: Instant): Promise<Caller | null> {
  const found = await findSessionUser(deps.db, hashSecret(secret), { at, idleSince: idleSince(at) });
  if (found === null) return null;
  const { sessionId, createdAt, lastSeenAt, ...owner } = found;
  if (plusMilliseconds(lastSeenAt, LAST_USE_GRAIN_MS) < at) await touchSession(deps.db, sessionId, at);
  return { ...owner, credential: { kind: 'session', sessionId, createdAt }, membership: null };
}

/** Against cross-site request forgery, beside SameSite=Lax. Browsers send Origin with every write. */
export function requireOwnOrigin(config: Pick<ApiConfig, 'publicUrl'>, origin: string | undefined): void {
  if (origin === new URL(config.publicUrl).origin) return;
  throw new DomainError({
    kind: 'not-allowed',
    code: 'identity.foreign-origin',
    message: `A session cookie may write only from ${config.publicUrl}; this came from ${origin ?? 'no origin'}. Programs use an API token.`,
  });
}
