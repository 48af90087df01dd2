import { randomInt } from 'node:crypto';

/** Crockford's base 32: nothing in it is mistaken for something else. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A code that people read to each other, like `P-7K3M-9QXD`: 40 random bits, told apart by a constraint of the database. */
export function newProjectCode(): string {
  const part = (): string => Array.from({ length: 4 }, () => DIGITS[randomInt(DIGITS.length)]).join('');
  return `P-${part()}-${part()}`;
}
