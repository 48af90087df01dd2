import { createHash, randomBytes } from 'node:crypto';

const TOKEN_PREFIX = 'orr_';

/** A new API token: a prefix that secret scanners can look for, and 256 random bits. */
export function newApiToken(): string {
  return `${TOKEN_PREFIX}${randomBytes(32).toString('base64url')}`;
}

/** Whether this has the form of an API token. */
export function isApiToken(text: string): boolean {
  return text.startsWith(TOKEN_PREFIX) && text.length === TOKEN_PREFIX.length + 43;
}

/** A new session secret of 256 random bits. */
export function newSessionSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** A new secret for an address that programs post to or read from: 256 random bits that need no escaping in a path. */
export function newLinkSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** What is stored of a random secret. A plain hash suffices: 256 random bits cannot be guessed. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** A first password for someone else to change: 120 random bits. */
export function newInitialPassword(): string {
  return randomBytes(15).toString('base64url');
}
