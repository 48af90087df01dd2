import type { HandMadeRow } from './hand-made-bill.ts';

/** Dollars a row costs. */
export const ROW_COST = '0.0000000017';

/** Rows with a resource and a day each, so that every row becomes a cost row of its own. */
export function manyRows(month: string, count: number, seed: number): HandMadeRow[] {
  return Array.from({ length: count }, (_, index) => ({
    day: `${month}-${String((index % 28) + 1).padStart(2, '0')}`,
    resource: `i-${seed}-${index}`,
    unblended: ROW_COST,
  }));
}
