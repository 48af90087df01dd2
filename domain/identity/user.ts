import { invalidField } from '../shared/errors.ts';
import type { Instant } from '../shared/time.ts';

/** A person with an account. */
export interface User {
  id: string;
  email: string;
  displayName: string;
  /** In PHC form; null for a person who cannot log in with a password. */
  passwordHash: string | null;
  platformAdministrator: boolean;
  disabledAt: Instant | null;
  version: number;
  createdAt: Instant;
  lastAt: Instant;
}

export const SHORTEST_PASSWORD = 12;
/** Longer ones cost hashing time and add nothing. */
export const LONGEST_PASSWORD = 256;

/** Length is what counts (NIST SP 800-63B, section 3.1.1.2); a password must not be one's own address or name. */
export function requireUsablePassword(password: string, user: Pick<User, 'email' | 'displayName'>): void {
  const plain = password.toLowerCase();
  if ([user.email, user.displayName].some((known) => known.toLowerCase() === plain)) {
    throw invalidField('identity.weak-password', 'new_password', 'is your own name or address; choose something only you know');
  }
}
