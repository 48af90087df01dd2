import { z } from 'zod';
import type { OidcSignUp } from './domain/identity/oidc.ts';

/** The OpenID Connect provider that people log in at beside passwords. */
export interface OidcConfig {
  /** As the provider writes it: the `iss` of its tokens. */
  issuer: string;
  clientId: string;
  /** Null for a public client: PKCE alone. */
  clientSecret: string | null;
  signUp: OidcSignUp;
}

/** Part of the table in config.ts. */
export const oidcVariables = {
  ORRERY_OIDC_ISSUER: z.string().optional(),
  ORRERY_OIDC_CLIENT_ID: z.string().optional(),
  ORRERY_OIDC_CLIENT_SECRET: z.string().optional(),
  ORRERY_OIDC_SIGN_UP: z.enum(['invited', 'anyone'], { error: 'must be invited or anyone' }).optional(),
};

type Given = { [V in keyof typeof oidcVariables]?: string | undefined };
type Problem = { variable: string; problem: string };

/** Reads the provider; null where there is none. Never quotes the secret. */
export function readOidc(given: Given, problems: Problem[]): OidcConfig | null {
  const { ORRERY_OIDC_ISSUER: issuer, ORRERY_OIDC_CLIENT_ID: clientId } = given;
  if (issuer === undefined) {
    for (const variable of ['ORRERY_OIDC_CLIENT_ID', 'ORRERY_OIDC_CLIENT_SECRET', 'ORRERY_OIDC_SIGN_UP'] as const) {
      if (given[variable] !== undefined) problems.push({ variable, problem: 'has no effect without a provider; set ORRERY_OIDC_ISSUER or remove it' });
    }
    return null;
  }
  if (!isIssuer(issuer)) problems.push({ variable: 'ORRERY_OIDC_ISSUER', problem: 'must be an https URL without query and fragment, for example https://login.example.org/realms/acme; http only on the loopback' });
  if (clientId === undefined) problems.push({ variable: 'ORRERY_OIDC_CLIENT_ID', problem: 'is not set; with ORRERY_OIDC_ISSUER give the id of the client that is registered there' });
  const signUp = given.ORRERY_OIDC_SIGN_UP === 'anyone' ? 'anyone' : 'invited';
  return { issuer, clientId: clientId ?? '', clientSecret: given.ORRERY_OIDC_CLIENT_SECRET ?? null, signUp };
}

/** OpenID Connect Discovery 1.0, section 4.3: https. What stays on this machine may do without. */
function isIssuer(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.search !== '' || url.hash !== '' || url.username !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && /^(localhost|\[::1\]|127\.\d+\.\d+\.\d+)$/.test(url.hostname));
}
