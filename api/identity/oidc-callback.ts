import type { RequestHandler } from 'express';
import { logInByIdentity } from '../../commands/identity/log-in-by-identity.ts';
import { resumeOidcLogin } from '../../commands/identity/oidc-attempt.ts';
import type { ApiDependencies } from '../shared/dependencies.ts';
import { requestIdOf } from '../shared/problem.ts';
import { requireOidc } from './oidc-routes.ts';
import { cookieName, earlierLogin, oidcCookie, readCookie, sessionCookies } from './session-cookie.ts';

export const OIDC_CALLBACK = '/v1/oidc/callback';

/**
 * GET of the address that the provider sends the browser back to, with a code or an error. Opens the session and goes on to
 * where the login was begun from. Parameters that a provider adds are ignored (RFC 6749, section 4.1.2), so this is no
 * operation, which refuses unknown ones.
 */
export function oidcCallbackHandler(deps: ApiDependencies): RequestHandler {
  return async (request, response) => {
    const { client, signUp } = requireOidc(deps);
    const { db, config } = deps;
    const at = deps.clock.now();
    response.setHeader('Cache-Control', 'no-store');
    const came = new URL(request.originalUrl, config.publicUrl);
    const secret = readCookie(request.headers.cookie, cookieName(config, 'oidc'));
    const { returnTo, attempt } = await resumeOidcLogin(db, { secret, state: came.searchParams.get('state'), at });
    // What the browser came by is the public address, whatever a proxy made of it.
    const claims = await client.exchange(new URL(`${config.publicUrl}${OIDC_CALLBACK}${came.search}`), attempt);
    const place = { address: request.ip ?? 'unknown', userAgent: request.get('user-agent'), requestId: requestIdOf(request), at: deps.clock.now(), ...earlierLogin(request.headers.cookie, config) };
    const opened = await logInByIdentity(db, { claims, signUp, place });
    response.setHeader('Set-Cookie', [...sessionCookies(config, opened, place.at), oidcCookie(config, '', new Date(0).toISOString())]);
    response.setHeader('Location', returnTo);
    response.status(302).end();
  };
}
