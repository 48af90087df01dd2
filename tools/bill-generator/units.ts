/**
 * Amounts are integers of 1e-10 (of a currency or of a usage unit): the finest step this generator
 * writes. One amount is a safe integer; sums are bigint.
 */
export type Units = number;

export const UNITS_PER_ONE = 10_000_000_000;

/** `rate * quantity` in units, rounded to the nearest. */
export function toUnits(value: number): Units {
  const units = Math.round(value * UNITS_PER_ONE);
  if (!Number.isSafeInteger(units)) throw new RangeError(`${value} is too large for exact units of 1e-10`);
  return units;
}

/** Decimal text with ten digits after the point, as AWS writes costs: `-0.0960000000`. */
export function unitsText(units: Units): string {
  const sign = units < 0 ? '-' : '';
  const absolute = Math.abs(units);
  const whole = Math.floor(absolute / UNITS_PER_ONE);
  return `${sign}${whole}.${String(absolute - whole * UNITS_PER_ONE).padStart(10, '0')}`;
}

/** Decimal text of a sum of units, without trailing zeros: `12.5`, `0`, `-0.0000000001`. */
export function sumText(units: bigint): string {
  const absolute = units < 0n ? -units : units;
  const digits = absolute.toString().padStart(11, '0');
  const fraction = digits.slice(-10).replace(/0+$/, '');
  const text = digits.slice(0, -10) + (fraction === '' ? '' : `.${fraction}`);
  return units < 0n ? `-${text}` : text;
}
