import { Big } from 'big.js';
import type { Money } from '../shared/money.ts';

/** Where an hourly rate comes from: hours and cost on the bill, the cloud's list price, or the organization's own list. */
export type RateBasis = 'bill' | 'list-price' | 'organization-price';

/** What an hour costs where no bill says it. */
export interface ListPrice extends Money {
  basis: Exclude<RateBasis, 'bill'>;
}

export interface InstanceRate extends Money {
  resourceId: string;
  basis: RateBasis;
}

/** Decimal places of a rate that is a quotient. */
const SCALE = 12;
const Quotient = Big();
Quotient.DP = SCALE;
Quotient.RM = Big.roundHalfUp;

/**
 * What an hour of each instance costs: what its bill charged for the hours it ran, where it was billed,
 * else its list price. An instance billed in several currencies has a rate in each, and an hour of it
 * costs all of them.
 */
export function ratesOf(
  resourceIds: readonly string[],
  billed: readonly { resourceId: string; currency: string; hoursRun: string; cost: string }[],
  prices: ReadonlyMap<string, ListPrice>,
): InstanceRate[] {
  const byResource = Map.groupBy(billed, (row) => row.resourceId);
  return resourceIds.flatMap((resourceId): InstanceRate[] => {
    // Refunded more than it was charged: that is no price.
    const rows = (byResource.get(resourceId) ?? []).filter(({ cost }) => !cost.startsWith('-'));
    if (rows.length > 0) {
      return rows.map(({ currency, hoursRun, cost }) => ({ resourceId, currency, basis: 'bill', amount: new Quotient(cost).div(hoursRun).toFixed() }));
    }
    const price = prices.get(resourceId);
    return price === undefined ? [] : [{ resourceId, ...price }];
  });
}

/** Rates added up by currency; currencies are never added. */
export function sumRates(rates: readonly InstanceRate[]): Money[] {
  const sums = new Map<string, Big>();
  for (const { currency, amount } of rates) sums.set(currency, (sums.get(currency) ?? new Big(0)).plus(amount));
  return [...sums].map(([currency, sum]) => ({ currency, amount: sum.toFixed() })).toSorted((a, b) => (a.currency < b.currency ? -1 : 1));
}

/** What hours off have saved at these rates, to ten places, by currency. */
export function savedBy(offTimes: readonly { resourceId: string; seconds: number }[], rates: readonly InstanceRate[]): Money[] {
  const seconds = new Map(offTimes.map((one) => [one.resourceId, one.seconds]));
  const sums = new Map<string, Big>();
  for (const { resourceId, currency, amount } of rates) {
    const saved = new Big(amount).times(seconds.get(resourceId) ?? 0);
    sums.set(currency, (sums.get(currency) ?? new Big(0)).plus(saved));
  }
  return [...sums]
    .map(([currency, sum]) => ({ currency, amount: new Quotient(sum).div(3600).round(10, Big.roundHalfUp).toFixed() }))
    .toSorted((a, b) => (a.currency < b.currency ? -1 : 1));
}
