import { hash, verify } from '@node-rs/argon2';
import { dictionary } from '@zxcvbn-ts/language-common';
import { requireUsablePassword, type User } from '../../domain/identity/user.ts';

// argon2id with OWASP's first recommendation: 19 MiB, two passes, one lane.
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
const ARGON2ID = 2;
const OPTIONS = { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

// The hash of random bytes that nobody kept, made with OPTIONS: compared with where there is no account.
const NOBODYS_HASH = await hash(crypto.getRandomValues(new Uint8Array(32)), OPTIONS);

// Some 49,000, most of them from leaks.
const COMMON: ReadonlySet<string> = new Set(dictionary['passwords-common']);

/** The argon2id hash of a password, in PHC form with its own salt. */
export async function hashPassword(password: string): Promise<string> {
  return await hash(password, OPTIONS);
}

/** The hash of a password that somebody chose. Refuses what others would guess: `identity.weak-password`. */
export async function hashChosenPassword(password: string, user: Pick<User, 'email' | 'displayName'>): Promise<string> {
  requireUsablePassword(password, user, (text) => COMMON.has(text));
  return await hashPassword(password);
}

/** Whether the password is the one of this hash. Without a hash it does the same work and answers false. */
export async function passwordMatches(passwordHash: string | null, password: string): Promise<boolean> {
  const matches = await verify(passwordHash ?? NOBODYS_HASH, password);
  return passwordHash !== null && matches;
}
