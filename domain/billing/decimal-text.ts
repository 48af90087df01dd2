/** Digits before the point that NUMERIC(38,24) leaves. */
const INTEGER_DIGITS = 14;

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/** Why a text cannot be kept exactly. */
export type DecimalProblem = 'not-a-number' | 'too-many-digits';

/**
 * Writes decimal text without exponent, without leading or trailing zeros that say nothing.
 * Accepts a sign, a fraction and an exponent, as AWS and doubles write them; nothing else, no
 * grouping and no spaces. Returns the problem as `{ problem }` when it is no number or has more
 * digits than `scale` after or 14 before the point.
 */
export function plainDecimal(text: string, scale: number): { value: string } | { problem: DecimalProblem } {
  const match = DECIMAL.exec(text);
  const whole = match?.[2] ?? '';
  const fraction = match?.[3] ?? '';
  if (match === null || whole + fraction === '') return { problem: 'not-a-number' };
  const exponent = Number(match[4] ?? '0');
  const digits = whole + fraction;
  const point = whole.length + exponent;
  const integer = (point <= 0 ? '' : digits.slice(0, point).padEnd(point, '0')).replace(/^0+/, '');
  const rest = (point <= 0 ? '0'.repeat(-point) + digits : digits.slice(point)).replace(/0+$/, '');
  if (rest.length > scale || integer.length > INTEGER_DIGITS) return { problem: 'too-many-digits' };
  const value = `${integer === '' ? '0' : integer}${rest === '' ? '' : `.${rest}`}`;
  return { value: match[1] === '-' && value !== '0' ? `-${value}` : value };
}

/** The exact decimal text of a double: the shortest one that reads back as the same double. */
export function doubleDecimal(value: number, scale: number): { value: string } | { problem: DecimalProblem } {
  return plainDecimal(String(value), scale);
}
