import { invalidField } from '../shared/errors.ts';
import type { Instant } from '../shared/time.ts';
import type { Activation } from './activation.ts';
import type { Profile } from './profile.ts';

/** A person with an account. */
export interface User {
  id: string;
  /** The address of the primary mailbox: the name to log in by. */
  email: string;
  displayName: string;
  /** In PHC form; null for a person who cannot log in with a password. */
  passwordHash: string | null;
  /** A password that somebody else was shown serves until then; null for one of the person's own. */
  passwordExpiresAt: Instant | null;
  profile: Profile;
  activation: Activation;
  platformAdministrator: boolean;
  disabledAt: Instant | null;
  version: number;
  createdAt: Instant;
  lastAt: Instant;
}

export const SHORTEST_PASSWORD = 12;
/** Longer ones cost hashing time and add nothing. */
export const LONGEST_PASSWORD = 256;

/** How long a first password, which an administrator was shown, serves (OWASP ASVS 5.0, 6.4.1). */
export const FIRST_PASSWORD_MS = 7 * 86_400_000;

const PRODUCT = 'orrery';
/** What a guesser of this account would begin with is taken off; fewer characters than these are no secret of one's own. */
const FEWEST_OF_ONES_OWN = 4;

/**
 * Length is what counts, and that nobody guesses it first (OWASP ASVS 5.0, 6.2.1 to 6.2.12; NIST SP 800-63B, 3.1.1.2): no rules
 * of composition. Refused as `identity.weak-password` is a password that is common, that repeats one short piece, or that is
 * hardly more than the person's name or address or the product's name.
 *
 * @param isCommon whether a text is among the most common passwords; asked in lower case.
 */
export function requireUsablePassword(password: string, user: Pick<User, 'email' | 'displayName'>, isCommon: (text: string) => boolean): void {
  const weak = (problem: string) => invalidField('identity.weak-password', 'new_password', problem);
  const plain = password.toLowerCase();
  const undecorated = plain.replaceAll(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
  if ([plain, undecorated, shortestUnit(plain)].some(isCommon)) throw weak('is one of the most common passwords, or one with characters around it; choose something only you know');
  if (new Set(shortestUnit(plain)).size < FEWEST_OF_ONES_OWN) throw weak('repeats a few characters; choose something only you know');
  const own = contextWords(user).reduce((rest, word) => rest.replaceAll(word, ''), plain).replaceAll(/[^\p{L}\p{N}]/gu, '');
  if (own.length < FEWEST_OF_ONES_OWN || isCommon(own)) throw weak('is hardly more than your name, your address or the product’s name; choose something only you know');
}

/** Longest first, so that a whole address goes before its parts. Pieces of one or two letters are in every word. */
function contextWords({ email, displayName }: Pick<User, 'email' | 'displayName'>): string[] {
  const words = [email, displayName, ...email.split(/[^\p{L}\p{N}]+/u), ...displayName.split(/[^\p{L}\p{N}]+/u), PRODUCT];
  return [...new Set(words.map((word) => word.toLowerCase()))].filter((word) => word.length > 2).toSorted((a, b) => b.length - a.length);
}

/** `abcabcabc` becomes `abc`; what does not repeat stays. */
function shortestUnit(text: string): string {
  return /^(.+?)\1+$/su.exec(text)?.[1] ?? text;
}
