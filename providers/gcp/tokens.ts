import { createHash, createPrivateKey } from 'node:crypto';
import type { AuthClient, gaxios } from 'google-auth-library';
import { invalidField, type DomainError } from '../../domain/shared/errors.ts';
import { cloudError, type CloudProblem } from '../../domain/data-sources/cloud-errors.ts';
import type { GcpCredentials } from '../../domain/data-sources/cloud-credentials.ts';
import { chainOf, networkCodeOf } from './network.ts';
import { retryAfterSeconds } from './refusal.ts';
import type { GcpSettings } from './settings.ts';

/** The narrowest scope that starts and stops instances. */
const SCOPE = 'https://www.googleapis.com/auth/compute';

/** Where the library exchanges a key's signature for a token, whatever the key's file says. */
const GOOGLE_TOKEN_URL = 'https://oauth2.googleapis.com/token';

/** A token that ends sooner is not begun with. */
const SPARE_MS = 5 * 60_000;

/** Who calls: the headers that prove it. */
export interface TokenSource {
  /** @throws cloud errors; never waits longer than the settings' time-out */
  headers(): Promise<Headers>;
  /** Google did not take the token: the next call asks for another. */
  refused(): void;
}

/** Where tokens are got, and how long that is waited for. */
export type TokenSettings = { requestTimeoutMs: number; endpoints: Pick<GcpSettings['endpoints'], 'token'> };

/** Who calls with these credentials; by a new token only, where the credentials themselves are to be tried. */
export type TokenCache = (credentials: GcpCredentials, use?: 'kept' | 'new') => TokenSource;

/**
 * Tokens by account, kept between attempts while they last, so that not every call asks for one. The
 * keys they were got with are not kept: only a digest of them. `scope` is what the tokens are good for.
 */
export function createTokenCache(settings: TokenSettings, scope: string = SCOPE): TokenCache {
  const kept = new Map<string, { headers: Headers; until: number }>();
  return (credentials, use = 'kept') => {
    const digest = createHash('sha256').update(JSON.stringify(credentials)).digest('base64');
    if (use === 'new') kept.delete(digest);
    let client: Promise<AuthClient> | undefined;
    // Calls that start together share one exchange: the client sees to that.
    const ask = async (): Promise<Headers> => {
      client ??= createAuthClient(settings, scope, credentials);
      const headers = await (await client).getRequestHeaders();
      const until = (await client).credentials.expiry_date;
      if (typeof until === 'number') keep(kept, digest, { headers, until });
      return headers;
    };
    return {
      headers: async () => {
        const known = kept.get(digest);
        if (known !== undefined && known.until - SPARE_MS > Date.now()) return known.headers;
        try {
          return await ask();
        } catch (error) {
          throw toTokenError(error, credentials);
        }
      },
      refused: () => {
        kept.delete(digest);
        client = undefined;
      },
    };
  };
}

const MOST_TOKENS = 1_000;

function keep<T>(kept: Map<string, T>, key: string, value: T): void {
  kept.delete(key);
  kept.set(key, value);
  const [oldest] = kept.keys();
  if (kept.size > MOST_TOKENS && oldest !== undefined) kept.delete(oldest);
}

/** Refuses a private key that reads well but is no RSA key. @throws `gcp.malformed-key` */
export function refuseUnreadableKey(credentials: GcpCredentials): void {
  if (credentials.kind !== 'service-account-key') return;
  if (keyTypeOf(credentials.private_key) !== 'rsa') {
    throw invalidField('gcp.malformed-key', 'private_key', 'is no RSA private key, or was cut or changed in copying: copy it again from the JSON file.');
  }
}

function keyTypeOf(pem: string): string | undefined {
  try {
    return createPrivateKey(pem).asymmetricKeyType;
  } catch {
    // What OpenSSL says of it may quote it, and helps nobody who has to copy it again.
    return undefined;
  }
}

async function createAuthClient(settings: TokenSettings, scope: string, credentials: GcpCredentials): Promise<AuthClient> {
  const { GoogleAuth, JWT, gaxios } = await import('google-auth-library');
  const transporter = new gaxios.Gaxios({ fetchImplementation: tokenFetch(settings.endpoints.token), timeout: settings.requestTimeoutMs });
  transporter.interceptors.request.add({ resolved: once });
  if (credentials.kind === 'default-chain') {
    return new GoogleAuth({ scopes: [scope], clientOptions: { transporter } }).getClient();
  }
  return new JWT({
    email: credentials.client_email,
    key: credentials.private_key,
    keyId: credentials.private_key_id,
    scopes: [scope],
    transporter,
  });
}

/** The library would try a token four times by itself: whoever calls an adapter retries. */
function once(config: gaxios.GaxiosOptionsPrepared): Promise<gaxios.GaxiosOptionsPrepared> {
  return Promise.resolve(Object.assign(config, { retry: false, retryConfig: undefined }));
}

/** The library knows one token URL only; a gateway's or a test peer's takes its place here. */
function tokenFetch(tokenUrl: string | null): typeof fetch {
  return (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    return fetch(tokenUrl !== null && url === GOOGLE_TOKEN_URL ? tokenUrl : input, init);
  };
}

/** What the token host adds to `invalid_grant`, and what it means for the person who gave the key. */
const GRANTS: readonly [RegExp, string][] = [
  [/invalid jwt signature/i, 'The private key is not, or no longer, a key of this service account: it may have been deleted or disabled there.'],
  [/account not found|invalid email/i, 'There is no such service account: it may have been deleted.'],
  [/account (?:is )?(?:disabled|deleted)/i, 'The service account is disabled or deleted.'],
  [/reasonable timeframe|short-lived/i, 'The clock of the machine the worker runs on is wrong.'],
];

function toTokenError(error: unknown, credentials: GcpCredentials): DomainError {
  const resource = credentials.kind === 'service-account-key' ? credentials.client_email : "the worker's own credentials";
  const call = { call: 'oauth2.token', resource };
  const { response } = error as { response?: { status: number; data?: unknown; headers?: Headers } };
  if (response === undefined) return noToken(error, call, credentials);
  const { status, data, headers } = response;
  const { error: code, error_description: said } = (typeof data === 'object' ? (data ?? {}) : {}) as { error?: unknown; error_description?: unknown };
  const cloudMessage = typeof said === 'string' ? said : undefined;
  const meaning = GRANTS.find(([pattern]) => pattern.test(cloudMessage ?? ''))?.[1];
  return cloudError('gcp', tokenProblem(status), {
    ...call,
    cloudCode: typeof code === 'string' ? code : `HTTP ${status}`,
    cloudMessage: [cloudMessage, meaning].filter((one) => one !== undefined).join(' '),
    httpStatus: status,
    retryAfterSeconds: retryAfterSeconds(headers?.get('retry-after') ?? null, Date.now()),
  });
}

function tokenProblem(status: number): CloudProblem {
  if (status === 429) return 'throttled';
  return status >= 500 || status === 408 ? 'unavailable' : 'bad-credentials';
}

function noToken(error: unknown, call: { call: string; resource: string }, credentials: GcpCredentials): DomainError {
  const network = networkCodeOf(chainOf(error));
  if (network === null && credentials.kind === 'default-chain') {
    const cloudMessage = 'The worker finds none in its surroundings. Give it an attached service account or GOOGLE_APPLICATION_CREDENTIALS, or give the data source a key.';
    return cloudError('gcp', 'bad-credentials', { ...call, cloudCode: 'NoDefaultCredentials', cloudMessage });
  }
  return cloudError('gcp', 'unavailable', { ...call, cloudCode: network ?? 'NoToken' });
}
