import {
  allowInsecureRequests,
  authorizationCodeGrant,
  AuthorizationResponseError,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientError,
  ClientSecretBasic,
  ClientSecretPost,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
  ResponseBodyError,
  type Configuration,
} from 'openid-client';
import { oidcError, type OidcClaims, type OidcClient } from '../../domain/identity/oidc.ts';
import type { DomainError } from '../../domain/shared/errors.ts';

export interface OidcClientSettings {
  issuer: string;
  clientId: string;
  /** Null for a public client: PKCE alone. */
  clientSecret: string | null;
  /** Where the browser comes back to: registered at the provider as it is here. */
  redirectUri: string;
  timeoutSeconds?: number | undefined;
}

const SCOPE = 'openid email profile';
/** Keys are fetched anew by themselves where one is unknown; the rest of the metadata is as old as this at most. */
const METADATA_KEPT_MS = 3_600_000;

/** One provider of OpenID Connect (Core 1.0), by the authorization code flow with PKCE. Plain http only on the loopback. */
export function createOidcClient(settings: OidcClientSettings): OidcClient {
  const configuration = keptFor(METADATA_KEPT_MS, () => discovered(settings));
  return {
    async loginUrl({ state, nonce, codeVerifier }) {
      const config = await named(configuration);
      const codeChallenge = await calculatePKCECodeChallenge(codeVerifier);
      const asked = { redirect_uri: settings.redirectUri, scope: SCOPE, state, nonce, code_challenge: codeChallenge, code_challenge_method: 'S256' };
      return buildAuthorizationUrl(config, asked);
    },
    async exchange(callback, { state, nonce, codeVerifier }) {
      return await named(async () => {
        const config = await configuration();
        const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier, idTokenExpected: true };
        const tokens = await authorizationCodeGrant(config, callback, checks);
        const claims = tokens.claims();
        if (claims === undefined) throw oidcError('oidc-bad-token');
        // Many providers put the address into what UserInfo answers alone (Core 1.0, section 5.4).
        const told = claims.email === undefined ? { ...claims, ...(await userInfo(config, tokens.access_token, claims.sub)) } : claims;
        return claimsOf(claims.iss, claims.sub, told);
      });
    },
  };
}

async function discovered({ issuer, clientId, clientSecret, timeoutSeconds = 10 }: OidcClientSettings): Promise<Configuration> {
  const server = new URL(issuer);
  const execute = [enableNonRepudiationChecks, ...(isLoopback(server) ? [allowInsecureRequests] : [])];
  const config = await discovery(server, clientId, undefined, clientSecret === null ? None() : ClientSecretBasic(clientSecret), { execute, timeout: timeoutSeconds });
  const methods = config.serverMetadata().token_endpoint_auth_methods_supported;
  if (clientSecret === null || methods === undefined || methods.includes('client_secret_basic')) return config;
  return await discovery(server, clientId, undefined, ClientSecretPost(clientSecret), { execute, timeout: timeoutSeconds });
}

/** Whether plain http stays on this machine. */
function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

async function userInfo(config: Configuration, accessToken: string, subject: string): Promise<Record<string, unknown>> {
  return config.serverMetadata().userinfo_endpoint === undefined ? {} : await fetchUserInfo(config, accessToken, subject);
}

function claimsOf(issuer: string, subject: string, told: Record<string, unknown>): OidcClaims {
  const text = (value: unknown): string | null => (typeof value === 'string' && value.trim() !== '' ? value.trim() : null);
  return { issuer, subject, email: text(told.email), emailVerified: told.email_verified === true, name: text(told.name) };
}

/** Remembers what `make` answered for a time; a failure is not remembered. */
function keptFor<T>(milliseconds: number, make: () => Promise<T>): () => Promise<T> {
  let kept: { value: Promise<T>; until: number } | null = null;
  return async () => {
    if (kept !== null && Date.now() < kept.until) return await kept.value;
    const made = { value: make(), until: Date.now() + milliseconds };
    kept = made;
    try {
      return await made.value;
    } catch (error) {
      if (kept === made) kept = null;
      throw error;
    }
  };
}

async function named<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw byOurNames(error) ?? error;
  }
}

/** What the library says, by our names; null for what is already one, and for bugs. */
function byOurNames(error: unknown): DomainError | null {
  if (error instanceof AuthorizationResponseError) return oidcError('oidc-denied', { cause: error, said: error.error });
  if (error instanceof ResponseBodyError) {
    return error.error === 'invalid_grant' ? oidcError('oidc-code-refused', { cause: error, said: error.error }) : oidcError('oidc-unavailable', { cause: error, said: error.error });
  }
  if (error instanceof ClientError) return oidcError(problemOf(error), { cause: error });
  // Node's fetch: the connection failed.
  if (error instanceof TypeError && error.message === 'fetch failed') return oidcError('oidc-unavailable', { cause: error });
  return null;
}

const BAD_TOKEN = new Set([
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_KEY_SELECTION_FAILED',
  'OAUTH_INVALID_RESPONSE',
]);

function problemOf(error: ClientError): 'oidc-bad-nonce' | 'oidc-bad-state' | 'oidc-bad-token' | 'oidc-unavailable' {
  const { claim } = ((error.cause as Error | undefined)?.cause ?? error.cause ?? {}) as { claim?: unknown };
  if (claim === 'nonce') return 'oidc-bad-nonce';
  if (/"state"/.test(`${error.message} ${(error.cause as Error | undefined)?.message}`)) return 'oidc-bad-state';
  return BAD_TOKEN.has(error.code ?? '') ? 'oidc-bad-token' : 'oidc-unavailable';
}
