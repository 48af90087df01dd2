import { beginOidcLogin } from '../../commands/identity/oidc-attempt.ts';
import type { ApiDependencies, OidcLogin } from '../shared/dependencies.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { defineOperation } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';
import { oidcCookie } from './session-cookie.ts';

/** The provider to log in at. Fails with `identity.oidc-not-configured` where there is none. */
export function requireOidc({ oidc }: Pick<ApiDependencies, 'oidc'>): OidcLogin {
  if (oidc !== null) return oidc;
  throw new DomainError({
    kind: 'not-found',
    code: 'identity.oidc-not-configured',
    message: 'There is no login provider here: log in with a password, or have the operator set ORRERY_OIDC_ISSUER.',
  });
}

const login = defineOperation({
  method: 'get',
  path: '/v1/oidc/login',
  id: 'beginOidcLogin',
  summary: 'Log in at the OpenID Connect provider: sends the browser there',
  description: 'Comes back to /v1/oidc/callback, which opens the session and goes on to `return_to`, a path of the platform itself.',
  tags: ['identity'],
  access: { kind: 'public' },
  tokenScope: 'read',
  query: z.strictObject({ return_to: z.string().min(1).max(2000).default('/') }),
  responses: { 302: null },
  async handle({ deps, at }, { query }) {
    const { client } = requireOidc(deps);
    const { secret, attempt, expiresAt } = await beginOidcLogin(deps.db, { returnTo: query.return_to, at });
    const url = await client.loginUrl(attempt);
    return { status: 302, body: null, headers: { Location: url.href, 'Set-Cookie': oidcCookie(deps.config, secret, expiresAt) } };
  },
});

export const oidcRoutes = [login];
