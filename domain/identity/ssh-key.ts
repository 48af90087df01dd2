import type { Instant } from '../shared/time.ts';
import { DomainError } from '../shared/errors.ts';

/** An OpenSSH line longer than this is none: RSA of 16384 bits has 2,800 characters. */
export const LONGEST_KEY = 8_192;
/** NIST SP 800-131A. */
export const SHORTEST_RSA_BITS = 2_048;
export const MOST_KEYS = 100;

/** A public key, read. */
export interface SshPublicKey {
  /** Type and body, one line, no comment. */
  publicKey: string;
  comment: string;
  /** `SHA256:…` as ssh-keygen shows it. */
  fingerprint: string;
}

/** A person's public key. Bookings carry it; their first is their default. */
export interface SshKey {
  id: string;
  userId: string;
  name: string;
  publicKey: string;
  fingerprint: string;
  isDefault: boolean;
  createdAt: Instant;
}

/** The default is the one that others book with: while there are others, it stays until another one takes its place. */
export function refuseDeletingDefault(key: SshKey, keys: number): void {
  if (!key.isDefault || keys === 1) return;
  throw new DomainError({
    kind: 'conflict',
    code: 'identity.ssh-key-is-default',
    message: `${key.name} is your default key. Make another one the default first.`,
  });
}
