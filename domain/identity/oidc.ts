import { DomainError, invalidField } from '../shared/errors.ts';

/** What a provider says about whoever signed in there, after every check of OpenID Connect Core 1.0, section 3.1.3.7. */
export interface OidcClaims {
  issuer: string;
  subject: string;
  email: string | null;
  /** `email_verified` is true: the provider vouches for the address. */
  emailVerified: boolean;
  name: string | null;
}

/** What only this login knows; all of it comes from one secret in the browser's cookie. */
export interface OidcAttempt {
  state: string;
  nonce: string;
  /** PKCE (RFC 7636). */
  codeVerifier: string;
}

/** One OpenID Connect provider, reached as one client. Fails with the named errors of `oidcError`. */
export interface OidcClient {
  /** Where the browser is sent. */
  loginUrl(attempt: OidcAttempt): Promise<URL>;
  /** Exchanges what came back, checks it and answers who it is. `callback`: the whole address the browser came back to. */
  exchange(callback: URL, attempt: OidcAttempt): Promise<OidcClaims>;
}

/** Who may get an account by signing in: people with an open invitation, or anybody whom the provider vouches for. */
export type OidcSignUp = 'invited' | 'anyone';

const PROBLEMS = {
  'oidc-unavailable': ['unavailable', 'The login provider does not answer as it should; try again, or log in with a password.'],
  'oidc-bad-state': ['invalid-input', 'This login was not begun in this browser, was finished before, or took more than ten minutes: begin again at /v1/oidc/login.'],
  'oidc-bad-nonce': ['unauthenticated', 'The provider’s answer belongs to another login: begin again at /v1/oidc/login.'],
  'oidc-bad-token': ['unauthenticated', 'The provider’s answer is not for this platform, has expired or is not signed by it: begin again at /v1/oidc/login.'],
  'oidc-code-refused': ['unauthenticated', 'The provider does not take this code (any more): begin again at /v1/oidc/login.'],
  'oidc-denied': ['not-allowed', 'The provider did not let you in, or you turned back there.'],
  'oidc-nobody': ['not-allowed', 'Nobody here has your verified address at the provider. Ask a manager of your organization for an invitation to it.'],
  'oidc-email-unverified': ['not-allowed', 'The provider does not say that your address is verified, so it tells not who you are here. Verify it there, or log in with a password.'],
  'oidc-mailbox-unverified': ['not-allowed', 'An account has your address, but nobody has verified it here yet: open the link of its letter, or log in with the password and have it sent again.'],
  'account-disabled': ['not-allowed', 'Your account is disabled; ask a platform administrator.'],
} as const satisfies Record<string, readonly [DomainError['kind'], string]>;

export type OidcProblem = keyof typeof PROBLEMS;

/** The named failures of signing in at a provider. `said`: the provider's own error code, if it gave one. */
export function oidcError(problem: OidcProblem, { cause, said }: { cause?: unknown; said?: string | undefined } = {}): DomainError {
  const [kind, message] = PROBLEMS[problem];
  return new DomainError({ kind, code: `identity.${problem}`, message, cause, ...(said !== undefined && { details: { provider_error: said } }) });
}

/**
 * A path of the platform itself to come back to. Refused as `identity.foreign-return` is everything that a browser could take
 * for another address: no scheme, no `//`, no backslash, no control character.
 */
export function requireLocalPath(path: string): string {
  const local = /^\/(?![/\\])[\x21-\x7e]*$/.test(path) && !path.includes('\\') && new URL(path, 'https://local.invalid').origin === 'https://local.invalid';
  if (!local) throw invalidField('identity.foreign-return', 'return_to', 'must be a path of this platform, like /projects?state=active');
  return path;
}
