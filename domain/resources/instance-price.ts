import { plainDecimal } from '../billing/decimal-text.ts';
import { DomainError, type FieldProblem } from '../shared/errors.ts';
import type { Cloud } from './instance.ts';

/** What an hour of instances of one type costs an organization, for where neither bill nor cloud says it. */
export interface InstancePrice {
  cloud: Cloud;
  /** As instances show it; null for every region that has no price of its own. */
  region: string | null;
  /** As instances show it; upper and lower case are the same. */
  instanceType: string;
  /** ISO 4217. */
  currency: string;
  /** Exact decimal text, not negative. */
  hourlyPrice: string;
}

export const MOST_INSTANCE_PRICES = 1_000;
const PRICE_SCALE = 12;

/** A list with its prices in their one way of writing. Throws `resources.invalid-prices`, naming each wrong field and each repeated line. */
export function readInstancePrices(prices: readonly InstancePrice[]): InstancePrice[] {
  const problems: FieldProblem[] = [];
  const places = new Map<string, number>();
  const read = prices.map((price, index) => {
    const amount = plainDecimal(price.hourlyPrice, PRICE_SCALE);
    if ('problem' in amount || amount.value.startsWith('-')) {
      problems.push({ field: `items.${index}.hourly_price`, problem: `is not a price; write it as text like "0.096", zero or more, with at most ${PRICE_SCALE} decimals` });
    }
    if (!/^[A-Z]{3}$/.test(price.currency)) problems.push({ field: `items.${index}.currency`, problem: 'is not a currency; give its three letters of ISO 4217, like EUR' });
    const first = places.get(keyOf(price));
    if (first !== undefined) problems.push({ field: `items.${index}`, problem: `is the same cloud, region and type as items.${first}; leave one out` });
    else places.set(keyOf(price), index);
    return { ...price, hourlyPrice: 'problem' in amount ? price.hourlyPrice : amount.value };
  });
  if (problems.length > 0) {
    throw new DomainError({ kind: 'invalid-input', code: 'resources.invalid-prices', message: problems.map(({ field, problem }) => `${field}: ${problem}`).join(' '), fields: problems });
  }
  return read;
}

/** What of a list is no more, or other than before, and what is new or other. Both empty when the lists say the same. */
export function priceChanges(before: readonly InstancePrice[], after: readonly InstancePrice[]): { before: InstancePrice[]; after: InstancePrice[] } {
  const without = (list: readonly InstancePrice[], other: readonly InstancePrice[]): InstancePrice[] => {
    const there = new Set(other.map(lineOf));
    return list.filter((price) => !there.has(lineOf(price)));
  };
  return { before: without(before, after), after: without(after, before) };
}

function keyOf({ cloud, region, instanceType }: InstancePrice): string {
  return JSON.stringify([cloud, instanceType.toLowerCase(), region]);
}

function lineOf({ cloud, region, instanceType, currency, hourlyPrice }: InstancePrice): string {
  return JSON.stringify([cloud, region, instanceType, currency, hourlyPrice]);
}
