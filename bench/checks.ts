import { Big } from 'big.js';
import type { Totals } from '../tools/bill-generator/truth.ts';
import type { Output } from './case.ts';

const COSTS = ['billed', 'effective', 'contracted', 'list'] as const;

/** Refuses sums that are not exactly the truth's, in any currency, taken `times` over. */
export function expectSums(sums: unknown, truth: Record<string, Totals>, times = 1): void {
  const found = sums as Record<string, Record<string, string>>;
  const currencies = Object.keys(truth).sort();
  const present = Object.keys(found).sort().join();
  if (present !== currencies.join()) throw new Error(`costs are in ${present || 'no currency'} instead of ${currencies.join()}`);
  for (const currency of currencies) {
    for (const cost of COSTS) {
      const expected = new Big(truth[currency]?.[cost] ?? 0).times(times);
      const measured = new Big(found[currency]?.[cost] ?? 0);
      if (!measured.eq(expected)) throw new Error(`${cost} cost is ${measured.toFixed()} ${currency} instead of ${expected.toFixed()}`);
    }
  }
}

export function expectRows(rows: unknown, expected: number): void {
  if (rows !== expected) throw new Error(`${String(rows)} rows instead of ${expected}`);
}

/** For baselines that count in floating point. */
export function expectAbout(value: unknown, expected: string): void {
  if (typeof value !== 'number' || Math.abs(value - Number(expected)) > 1e-6 * Math.abs(Number(expected))) {
    throw new Error(`the sum is ${String(value)} instead of about ${expected}`);
  }
}

/** Rows of all currencies together. */
export function rowsOf(truth: Record<string, Totals>): number {
  return Object.values(truth).reduce((rows, totals) => rows + totals.rows, 0);
}

export function numberIn(output: Output, name: string): number {
  const value = output[name];
  if (typeof value !== 'number') throw new Error(`${name} is ${String(value)}, not a number`);
  return value;
}
