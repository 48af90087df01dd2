import { createHmac } from 'node:crypto';
import { insertOidcLogin, takeOidcLogin } from '../../db/identity/oidc-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { oidcError, requireLocalPath, type OidcAttempt } from '../../domain/identity/oidc.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import { hashSecret, newLinkSecret } from './secrets.ts';

/** How long somebody may take at the provider. */
export const OIDC_LOGIN_MS = 600_000;

/**
 * Begins a login at the provider. State, nonce and PKCE verifier come from one secret that only the browser's cookie holds; the
 * row knows its digest, so that it serves once and nobody who reads the database can finish it.
 */
export async function beginOidcLogin(db: Database, request: { returnTo: string; at: Instant }): Promise<{ secret: string; attempt: OidcAttempt; expiresAt: Instant }> {
  const returnTo = requireLocalPath(request.returnTo);
  const secret = newLinkSecret();
  const expiresAt = plusMilliseconds(request.at, OIDC_LOGIN_MS);
  await insertOidcLogin(db, { secretHash: hashSecret(secret), returnTo, createdAt: request.at, expiresAt });
  return { secret, attempt: attemptOf(secret), expiresAt };
}

/**
 * Takes up a login that came back, once: the cookie's secret has to be there, and the state has to be its own. Everything else
 * is `identity.oidc-bad-state`, before the provider is asked anything.
 */
export async function resumeOidcLogin(db: Database, request: { secret: string | null; state: string | null; at: Instant }): Promise<{ returnTo: string; attempt: OidcAttempt }> {
  if (request.secret === null) throw oidcError('oidc-bad-state');
  const attempt = attemptOf(request.secret);
  if (request.state !== attempt.state) throw oidcError('oidc-bad-state');
  const login = await takeOidcLogin(db, hashSecret(request.secret), request.at);
  if (login === null) throw oidcError('oidc-bad-state');
  return { returnTo: login.returnTo, attempt };
}

function attemptOf(secret: string): OidcAttempt {
  const part = (name: string): string => createHmac('sha256', secret).update(name).digest('base64url');
  return { state: part('state'), nonce: part('nonce'), codeVerifier: part('pkce') };
}
