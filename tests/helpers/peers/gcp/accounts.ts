import { createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import type { GcpServiceAccountKey } from '../../../../domain/data-sources/cloud-credentials.ts';

/** Where the assertion must say it is for, whatever host takes it. */
const AUDIENCE = 'https://oauth2.googleapis.com/token';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const SCOPES = ['https://www.googleapis.com/auth/compute', 'https://www.googleapis.com/auth/cloud-platform', 'https://www.googleapis.com/auth/calendar.events'];

export interface ServiceAccount {
  email: string;
  privateKey: string;
  /** Null: all. */
  permissions: ReadonlySet<string> | null;
}

export interface ServiceAccounts {
  /** A service account with a key. The pair of keys may be another account's: making one takes long. */
  create(name: string, permissions?: readonly string[], key?: { privateKey: string }): GcpServiceAccountKey;
  remove(email: string): void;
  /** Answers a request to the token host. */
  exchange(form: URLSearchParams): { status: number; body: object };
  /** Whose token it is; null when nobody's. */
  ownerOf(authorization: string | undefined): ServiceAccount | null;
  /** No token given out so far is taken any more. */
  revokeTokens(): void;
  /** How many tokens were given out. */
  exchanges(): number;
}

export function newPrivateKey(): string {
  return generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } }).privateKey;
}

export function createServiceAccounts(project: string): ServiceAccounts {
  const accounts = new Map<string, ServiceAccount>();
  const tokens = new Map<string, string>();
  let given = 0;
  return {
    create: (name, permissions, key) => {
      const email = `${name}@${project}.iam.gserviceaccount.com`;
      const privateKey = key?.privateKey ?? newPrivateKey();
      accounts.set(email, { email, privateKey, permissions: permissions === undefined ? null : new Set(permissions) });
      return { kind: 'service-account-key', client_email: email, private_key: privateKey };
    },
    remove: (email) => void accounts.delete(email),
    exchange: (form) => {
      const claims = form.get('grant_type') === GRANT ? claimsOf(form.get('assertion') ?? '', accounts) : 'unsupported_grant_type';
      if (typeof claims === 'string') return refusal(claims);
      const token = `ya29.${randomBytes(24).toString('base64url')}`;
      tokens.set(token, claims.iss);
      given += 1;
      return { status: 200, body: { access_token: token, expires_in: 3599, token_type: 'Bearer' } };
    },
    ownerOf: (authorization) => accounts.get(tokens.get(/^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? '') ?? '') ?? null,
    revokeTokens: () => tokens.clear(),
    exchanges: () => given,
  };
}

interface Claims {
  iss: string;
  aud: string;
  scope: string;
  iat: number;
  exp: number;
}

/** The claims of an assertion that is signed by its account's key, or what is wrong with it. */
function claimsOf(assertion: string, accounts: ReadonlyMap<string, ServiceAccount>): Claims | string {
  const [header = '', payload = '', signature = ''] = assertion.split('.');
  const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as { alg?: string };
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Claims;
  const account = accounts.get(claims.iss);
  if (account === undefined) return 'Invalid grant: account not found';
  const isSigned = verify('RSA-SHA256', Buffer.from(`${header}.${payload}`), createPublicKey(account.privateKey), Buffer.from(signature, 'base64url'));
  if (alg !== 'RS256' || !isSigned) return 'Invalid JWT Signature.';
  if (claims.aud !== AUDIENCE) return 'Invalid JWT: Failed audience check.';
  const now = Date.now() / 1000;
  if (claims.exp - claims.iat > 3600 || claims.iat > now + 60 || claims.exp < now) {
    return 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.';
  }
  return SCOPES.includes(claims.scope) ? claims : 'Invalid OAuth scope or ID token audience provided.';
}

function refusal(description: string): { status: number; body: object } {
  const error = description === 'unsupported_grant_type' ? description : 'invalid_grant';
  return { status: 400, body: { error, error_description: description } };
}
