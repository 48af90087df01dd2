import { Big } from 'big.js';
import { DomainError, type FieldProblem } from '../shared/errors.ts';
import type { Money } from '../shared/money.ts';
import { counted, plainAmount, QUOTA_KINDS, type QuotaAmounts, type QuotaKind } from './amounts.ts';

/** What one of each costs an hour, as exact decimal text in one currency (ISO 4217). */
export interface QuotaPrices {
  currency: string;
  gpu_hour: string;
  cpu_hour: string;
  ram_gib_hour: string;
}

const PRICE_FIELDS = { gpu: 'gpu_hour', cpu: 'cpu_hour', ram_gib: 'ram_gib_hour' } as const satisfies Record<QuotaKind, keyof QuotaPrices>;
const PRICE = /^\d{1,12}(\.\d{1,12})?$/;
const HOUR_MS = 3_600_000;

/** Prices in their one way of writing. Throws `quotas.invalid-price`, naming each field. */
export function readPrices(prices: QuotaPrices): QuotaPrices {
  const problems: FieldProblem[] = QUOTA_KINDS.map((kind) => PRICE_FIELDS[kind])
    .filter((field) => !PRICE.test(prices[field]))
    .map((field) => ({ field: `prices.${field}`, problem: 'is not a price; write it as text like "2.95", zero or more, with at most 12 decimals' }));
  if (!/^[A-Z]{3}$/.test(prices.currency)) problems.push({ field: 'prices.currency', problem: 'is not a currency; give its three letters of ISO 4217, like EUR' });
  if (problems.length > 0) {
    throw new DomainError({ kind: 'invalid-input', code: 'quotas.invalid-price', message: problems.map(({ field, problem }) => `${field}: ${problem}`).join(' '), fields: problems });
  }
  return { currency: prices.currency, gpu_hour: plainAmount(prices.gpu_hour), cpu_hour: plainAmount(prices.cpu_hour), ram_gib_hour: plainAmount(prices.ram_gib_hour) };
}

export function samePrices(a: QuotaPrices | null, b: QuotaPrices | null): boolean {
  if (a === null || b === null) return a === b;
  return a.currency === b.currency && Object.values(PRICE_FIELDS).every((field) => a[field] === b[field]);
}

/**
 * What keeping a quota for some time costs: amounts × hours × prices, exact but for hours that are no finite
 * decimal (rounded to 12 decimals). Null when there are no prices. A kind without limit costs what nobody can
 * say, so it is left out.
 */
export function costOfKeeping(amounts: QuotaAmounts, milliseconds: number, prices: QuotaPrices | null): Money | null {
  if (prices === null) return null;
  const exact = counted(amounts);
  const anHour = QUOTA_KINDS.reduce((sum, kind) => sum.plus(new Big(exact[kind]).times(prices[PRICE_FIELDS[kind]])), new Big(0));
  const cost = divided(anHour.times(milliseconds), HOUR_MS);
  return { amount: cost.toFixed(), currency: prices.currency };
}

/** Big's own division rounds to 20 decimals; ours to 12, which every price and quota that ends at a full second keeps. */
function divided(value: Big, by: number): Big {
  return value.div(by).round(12, 1);
}
