import type { CalendarDate, Month } from '../../domain/shared/time.ts';
import type { LineItem } from './line-item.ts';
import { sumText } from './units.ts';
import type { Units } from './units.ts';

/** Exact sums as decimal text. Costs by kind as FOCUS names them. */
export interface Totals {
  rows: number;
  billed: string;
  effective: string;
  contracted: string;
  list: string;
}

export interface PeriodTruth {
  billingPeriod: Month;
  isFinal: boolean;
  /** By currency, then by what the name says; every grouping adds up to `totals`. */
  totals: Record<string, Totals>;
  byFile: Record<string, Totals>[];
  byService: Record<string, Record<string, Totals>>;
  byAccount: Record<string, Record<string, Totals>>;
  byDay: Record<string, Record<CalendarDate, Totals>>;
  byType: Record<string, Record<string, Totals>>;
  /** Distinct (account, resource id, UTC day of usage start) with a resource id. */
  resourceDays: number;
}

/**
 * What a correct importer must arrive at, summed while the rows were made, in integers of 1e-10.
 * Services are product codes as the rows carry them; a savings plan's covered usage and negation
 * stand where their rows stand.
 */
export interface BillTruth {
  seed: number;
  rows: number;
  totals: Record<string, Totals>;
  /** Product name by product code. */
  services: Record<string, string>;
  resources: number;
  resourceDays: number;
  periods: PeriodTruth[];
}

/** Reads back what `generateBill` wrote as truth.json. */
export function parseTruth(json: string): BillTruth {
  return JSON.parse(json) as BillTruth;
}

export interface CostUnits {
  billed: Units;
  effective: Units;
  contracted: Units;
  list: Units;
}

const PURCHASES_COVERED_LATER = new Set(['SavingsPlanUpfrontFee', 'RIFee', 'SavingsPlanRecurringFee', 'SavingsPlanNegation']);
const DISCOUNTS = new Set(['EdpDiscount', 'PrivateRateDiscount', 'SppDiscount', 'BundledDiscount', 'RiVolumeDiscount', 'Discount']);

/**
 * The four costs of a row. Billed is always the unblended cost. Effective follows `summary_view.sql`
 * of AWS's cloud-intelligence-dashboards-framework; contracted and list leave purchases out whose
 * use is charged elsewhere.
 */
export function costsOf(item: LineItem): CostUnits {
  const billed = item.unblended;
  const publicCost = item.publicCost ?? billed;
  const isCoveredLater = PURCHASES_COVERED_LATER.has(item.type) || (item.type === 'Fee' && item.reservation !== null);
  if (isCoveredLater) return { billed, effective: effectiveOfPurchase(item), contracted: 0, list: 0 };
  if (DISCOUNTS.has(item.type)) return { billed, effective: billed, contracted: billed, list: 0 };
  if (item.type === 'DiscountedUsage') {
    return { billed, effective: item.reservation?.effective ?? 0, contracted: publicCost, list: publicCost };
  }
  if (item.type === 'SavingsPlanCoveredUsage') {
    return { billed, effective: item.savingsPlan?.effective ?? 0, contracted: billed, list: publicCost };
  }
  if (item.type === 'Refund' && isPlanUpfrontRefund(item)) return { billed, effective: 0, contracted: billed, list: billed };
  return { billed, effective: billed, contracted: billed, list: publicCost };
}

function effectiveOfPurchase({ type, reservation, savingsPlan }: LineItem): Units {
  if (type === 'RIFee') return (reservation?.unusedUpfront ?? 0) + (reservation?.unusedRecurring ?? 0);
  if (type === 'SavingsPlanRecurringFee') return (savingsPlan?.totalCommitment ?? 0) - (savingsPlan?.usedCommitment ?? 0);
  return 0;
}

function isPlanUpfrontRefund(item: LineItem): boolean {
  return item.of.productCode === 'ComputeSavingsPlans' && item.description.startsWith('Refund for one-time fee for Savings Plan ID');
}

class Sum {
  rows = 0;
  billed = 0n;
  effective = 0n;
  contracted = 0n;
  list = 0n;

  add(costs: CostUnits): void {
    this.rows += 1;
    this.billed += BigInt(costs.billed);
    this.effective += BigInt(costs.effective);
    this.contracted += BigInt(costs.contracted);
    this.list += BigInt(costs.list);
  }

  toTotals(): Totals {
    return {
      rows: this.rows, billed: sumText(this.billed), effective: sumText(this.effective),
      contracted: sumText(this.contracted), list: sumText(this.list),
    };
  }
}

/** Sums by (currency, name). */
class Grouping {
  readonly #sums = new Map<string, Map<string, Sum>>();

  add(currency: string, name: string, costs: CostUnits): void {
    let names = this.#sums.get(currency);
    if (names === undefined) this.#sums.set(currency, (names = new Map()));
    let sum = names.get(name);
    if (sum === undefined) names.set(name, (sum = new Sum()));
    sum.add(costs);
  }

  toRecord(): Record<string, Record<string, Totals>> {
    const sorted = <T>(map: Map<string, T>): [string, T][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(sorted(this.#sums).map(([currency, names]) =>
      [currency, Object.fromEntries(sorted(names).map(([name, sum]) => [name, sum.toTotals()]))]));
  }

  /** Where every sum has the same name: currency to sum. */
  single(): Record<string, Totals> {
    return Object.fromEntries(Object.entries(this.toRecord()).map(([currency, names]) => {
      const totals = Object.values(names)[0];
      if (totals === undefined) throw new Error(`no sum for ${currency}`);
      return [currency, totals];
    }));
  }
}

/** Keeps the truth of one bill; items must come in order of month, and usage in order of day. */
export class TruthKeeper {
  readonly #seed: number;
  readonly #total = new Grouping();
  readonly #services = new Map<string, string>();
  readonly #resources = new Set<string>();
  #period: PeriodKeeper | null = null;
  readonly #periods: PeriodTruth[] = [];
  #rows = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  add(item: LineItem, filesOfMonth: number): void {
    if (this.#period === null || this.#period.month !== item.month.month) {
      this.#closePeriod();
      this.#period = new PeriodKeeper(item.month.month, item.month.invoiceId !== '', filesOfMonth);
    }
    const costs = costsOf(item);
    this.#rows += 1;
    this.#total.add(item.of.account.currency, '', costs);
    this.#services.set(item.of.productCode, item.of.productName);
    if (item.of.resourceId !== '') this.#resources.add(`${item.of.account.id} ${item.of.resourceId}`);
    this.#period.add(item, costs);
  }

  finish(): BillTruth {
    this.#closePeriod();
    return {
      seed: this.#seed, rows: this.#rows, totals: this.#total.single(),
      services: Object.fromEntries([...this.#services].sort(([a], [b]) => (a < b ? -1 : 1))),
      resources: this.#resources.size,
      resourceDays: this.#periods.reduce((days, period) => days + period.resourceDays, 0),
      periods: this.#periods,
    };
  }

  #closePeriod(): void {
    if (this.#period !== null) this.#periods.push(this.#period.toTruth());
    this.#period = null;
  }
}

class PeriodKeeper {
  readonly month: Month;
  readonly #isFinal: boolean;
  readonly #total = new Grouping();
  readonly #files: Grouping[];
  readonly #services = new Grouping();
  readonly #accounts = new Grouping();
  readonly #days = new Grouping();
  readonly #types = new Grouping();
  #day = '';
  #seenToday = new Set<string>();
  #resourceDays = 0;

  constructor(month: Month, isFinal: boolean, files: number) {
    this.month = month;
    this.#isFinal = isFinal;
    this.#files = Array.from({ length: files }, () => new Grouping());
  }

  add(item: LineItem, costs: CostUnits): void {
    const { currency, id } = item.of.account;
    this.#total.add(currency, '', costs);
    this.#files[item.file]?.add(currency, '', costs);
    this.#services.add(currency, item.of.productCode, costs);
    this.#accounts.add(currency, id, costs);
    this.#days.add(currency, item.day, costs);
    this.#types.add(currency, item.type, costs);
    if (item.of.resourceId !== '') this.#see(item.day, `${id} ${item.of.resourceId}`);
  }

  #see(day: CalendarDate, resource: string): void {
    if (day < this.#day) throw new Error(`usage of ${day} after ${this.#day}: resource-days would be counted twice`);
    if (day !== this.#day) this.#closeDay(day);
    this.#seenToday.add(resource);
  }

  #closeDay(next: CalendarDate): void {
    this.#resourceDays += this.#seenToday.size;
    this.#seenToday = new Set();
    this.#day = next;
  }

  toTruth(): PeriodTruth {
    this.#closeDay(this.#day);
    return {
      billingPeriod: this.month, isFinal: this.#isFinal, totals: this.#total.single(), byFile: this.#files.map((file) => file.single()),
      byService: this.#services.toRecord(), byAccount: this.#accounts.toRecord(), byDay: this.#days.toRecord(),
      byType: this.#types.toRecord(), resourceDays: this.#resourceDays,
    };
  }
}
