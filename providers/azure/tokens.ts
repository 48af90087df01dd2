import { createHash } from 'node:crypto';
import type { AzureCredentials } from '../../domain/data-sources/cloud-credentials.ts';
import { entraError, type Heard } from './entra-errors.ts';
import type { AzureSettings } from './settings.ts';

/** What a token from Entra ID lets its holder do: call Azure Resource Manager. */
const SCOPE = 'https://management.azure.com/.default';

/** A token is renewed this long before it ends. */
const RENEW_BEFORE_MS = 5 * 60_000;

/** Most sources of tokens kept at a time; beyond it the oldest goes. */
const KEPT_SOURCES = 200;

export interface AccessToken {
  token: string;
  expiresOnTimestamp: number;
}

/** Tokens of one set of credentials. */
export interface TokenSource {
  /** A token that is good for some minutes more. @throws cloud errors; the signal's reason when aborted. */
  getToken(signal: AbortSignal): Promise<AccessToken>;
  /** Azure no longer takes the token: the next call asks for another. */
  refused(): void;
}

/**
 * Token sources by their credentials. A token lasts an hour or more and is shared by whoever opens
 * the account meanwhile: asking for one per call would draw Entra ID's own throttling.
 */
export interface TokenSources {
  of(credentials: AzureCredentials): TokenSource;
}

export function createTokenSources(settings: AzureSettings): TokenSources {
  const sources = new Map<string, TokenSource>();
  return {
    of: (credentials) => {
      const key = keyOf(credentials);
      const source = sources.get(key) ?? createTokenSource(settings, credentials);
      sources.delete(key);
      sources.set(key, source);
      const [oldest] = sources.keys();
      if (sources.size > KEPT_SOURCES && oldest !== undefined) sources.delete(oldest);
      return source;
    },
  };
}

/** No secret stays in a key of a map that may be dumped. */
function keyOf(credentials: AzureCredentials): string {
  if (credentials.kind === 'default-chain') return credentials.kind;
  const { tenant_id, client_id, client_secret } = credentials;
  return createHash('sha256').update(JSON.stringify([tenant_id, client_id, client_secret])).digest('base64');
}

/** A source that has no token yet. */
export function createTokenSource(settings: AzureSettings, credentials: AzureCredentials): TokenSource {
  let fetchToken = tokenFetcher(settings, credentials);
  let token: AccessToken | null = null;
  let pending: Promise<AccessToken> | null = null;
  const renewed = async (): Promise<AccessToken> => {
    try {
      token = await fetchToken();
      return token;
    } finally {
      pending = null;
    }
  };
  return {
    getToken: async (signal) => {
      signal.throwIfAborted();
      if (token !== null && token.expiresOnTimestamp - Date.now() > RENEW_BEFORE_MS) return token;
      // One request serves all who wait; it has its own time-out and outlives whoever gives up.
      pending ??= renewed();
      return orAborted(pending, signal);
    },
    refused: () => {
      token = null;
      // The SDK keeps tokens of its own.
      fetchToken = tokenFetcher(settings, credentials);
    },
  };
}

/** The promise's outcome, or the signal's reason if that comes first. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

type Credential = { getToken(scope: string): Promise<AccessToken | null> };

function tokenFetcher(settings: AzureSettings, credentials: AzureCredentials): () => Promise<AccessToken> {
  const heard: Heard = { refusal: null, failure: null };
  let credential: Credential | undefined;
  return async () => {
    heard.refusal = null;
    heard.failure = null;
    try {
      credential ??= await openCredential(settings, credentials, heard);
      const token = await credential.getToken(SCOPE);
      if (token === null) throw new Error('The SDK gave no token.');
      return token;
    } catch (error) {
      throw entraError(error, heard, credentials);
    }
  };
}

async function openCredential(settings: AzureSettings, credentials: AzureCredentials, heard: Heard): Promise<Credential> {
  // The SDK is loaded by the first call that needs it.
  const { ClientSecretCredential, DefaultAzureCredential } = await import('@azure/identity');
  const { authority } = settings.endpoints;
  const options = {
    // Whoever calls an adapter retries.
    retryOptions: { maxRetries: 0 },
    ...(settings.certificateAuthority !== null && { tlsOptions: { ca: settings.certificateAuthority } }),
    // An authority of one's own is not in Microsoft's directory of them.
    ...(authority !== null && { authorityHost: authority, disableInstanceDiscovery: true }),
    additionalPolicies: [{ position: 'perCall' as const, policy: listener(settings, heard) }],
  };
  if (credentials.kind === 'default-chain') return new DefaultAzureCredential(options);
  return new ClientSecretCredential(credentials.tenant_id, credentials.client_id, credentials.client_secret, options);
}

interface HeardRequest {
  abortSignal?: unknown;
}

interface HeardAnswer {
  status: number;
  bodyAsText?: string | null | undefined;
  headers: { get(name: string): string | undefined };
}

/** Notes what the SDK will not pass on. */
function listener(settings: AzureSettings, heard: Heard) {
  return {
    name: 'orrery-listener',
    sendRequest: async <Request extends HeardRequest, Answer extends HeardAnswer>(
      request: Request,
      next: (request: Request) => Promise<Answer>,
    ): Promise<Answer> => {
      request.abortSignal = AbortSignal.timeout(settings.requestTimeoutMs);
      const answer = await next(request).catch((error: unknown) => {
        heard.failure = error;
        throw error;
      });
      if (answer.status >= 400) {
        heard.refusal = { httpStatus: answer.status, body: answer.bodyAsText ?? '', retryAfter: answer.headers.get('retry-after') };
      }
      return answer;
    },
  };
}
