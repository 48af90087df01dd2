import { accountsIn, createCatalogue } from './catalogue.ts';
import type { Account, Chargeable, Meter } from './catalogue.ts';
import { CoverageBook, createCommitments } from './commitments.ts';
import type { Commitments } from './commitments.ts';
import { NO_RESERVATION, NO_SAVINGS_PLAN } from './line-item.ts';
import type { LineItem } from './line-item.ts';
import { monthClosing, monthOpening, negation, recurringFee } from './period-lines.ts';
import type { LineMaker, LineParts, When } from './period-lines.ts';
import { createRandom } from './random.ts';
import type { Random } from './random.ts';
import { planPasses } from './schedule.ts';
import type { Pass, ScheduleOptions } from './schedule.ts';
import { toUnits } from './units.ts';

export interface BillContents extends ScheduleOptions {
  seed: number;
  filesPerMonth: number;
  /** Share by which the number of resources grows each month; 0 has all of them from the first day. */
  monthlyGrowth: number;
  /** Dealt out to the accounts in turn. */
  currencies: readonly string[];
  /** A later version of the same bill: `share` of the usage rows have other prices than in version 0. */
  correction: { version: number; share: number };
}

const ID_ALPHABET_BITS = 32;

/**
 * The rows of a bill in order of time, one at a time: `items` rows of usage (fewer with growth) and
 * besides them the fees, negations, taxes, credits and refunds that such a bill has. The same contents
 * give the same rows.
 */
export function* billItems(contents: BillContents): Generator<LineItem, void, void> {
  const bill = new BillMaker(contents);
  const passes = planPasses(contents);
  for (const [index, pass] of passes.entries()) {
    const next = passes[index + 1];
    const when = bill.whenOf(pass);
    if (pass.passInMonth === 0) yield* monthOpening(bill.lineMaker, bill.commitments, when);
    yield* bill.usageOf(pass, when);
    if (next?.interval !== pass.interval) yield* bill.negations(when);
    if (next?.day !== pass.day) yield* bill.recurringFees(when);
    if (next?.month !== pass.month) yield* monthClosing(bill.lineMaker, bill.takeMonth(), when);
  }
}

class BillMaker {
  readonly commitments: Commitments;
  readonly #contents: BillContents;
  readonly #random: Random;
  readonly #accounts: Account[];
  readonly #catalogue: Chargeable[];
  readonly #stride: number;
  readonly #intervals: number;
  readonly #coverage = new CoverageBook();
  #spent = new Map<Account, number>();
  #item = 0;

  constructor(contents: BillContents) {
    this.#contents = contents;
    this.#random = createRandom(contents.seed ^ 0x1d);
    this.#accounts = accountsIn(contents.currencies);
    this.#catalogue = createCatalogue(contents.seed, contents.resources, this.#accounts);
    this.#stride = coprimeStride(contents.resources);
    this.#intervals = contents.granularity === 'hourly' ? contents.days * 24 : contents.days;
    this.commitments = createCommitments(contents.seed, this.#payer());
  }

  whenOf(pass: Pass): When {
    const file = Math.floor((pass.passInMonth * this.#contents.filesPerMonth) / pass.passesInMonth);
    return { month: pass.month, file, day: pass.day, startText: pass.startText, endText: pass.endText };
  }

  readonly lineMaker: LineMaker = {
    payer: () => this.#payer(),
    line: (when, of, parts) => this.#line(when, of, parts),
  };

  *usageOf(pass: Pass, when: When): Generator<LineItem, void, void> {
    const { resources, items } = this.#contents;
    for (let position = 0; position < resources && this.#item < items; position += 1) {
      this.#item += 1;
      const number = (position * this.#stride) % resources;
      const resource = this.#catalogue[number];
      const meter = resource?.meters[pass.passInInterval % resource.meters.length];
      if (resource === undefined || meter === undefined) throw new RangeError(`no meter for resource ${number}`);
      const variation = 0.75 + this.#random.fraction() / 2;
      if (pass.interval < this.#bornAt(number)) continue;
      const item = this.#usage(pass, when, resource, meter, variation);
      this.#spent.set(resource.account, (this.#spent.get(resource.account) ?? 0) + item.unblended);
      yield item;
    }
  }

  *negations(when: When): Generator<LineItem, void, void> {
    for (const covered of this.#coverage.takeInterval()) yield negation(this.lineMaker, covered, when);
  }

  *recurringFees(when: When): Generator<LineItem, void, void> {
    for (const plan of this.commitments.savingsPlans) {
      const used = this.#coverage.takeDay(plan);
      if (used > 0) yield recurringFee(this.lineMaker, plan, used, when);
    }
  }

  /** What each account spent on usage since the last call, in units. */
  takeMonth(): Map<Account, number> {
    const spent = new Map(this.#accounts.map((account) => [account, this.#spent.get(account) ?? 0]));
    this.#spent = new Map();
    return spent;
  }

  #payer(): Account {
    const [payer] = this.#accounts;
    if (payer === undefined) throw new RangeError('a bill needs an account');
    return payer;
  }

  /** The interval from which a resource exists. */
  #bornAt(number: number): number {
    const { monthlyGrowth, days, resources } = this.#contents;
    if (monthlyGrowth === 0) return 0;
    const early = resources / (1 + monthlyGrowth) ** (days / 30);
    return number < early ? 0 : Math.floor(((number - early) / (resources - early)) * this.#intervals);
  }

  #usage(pass: Pass, when: When, of: Chargeable, meter: Meter, variation: number): LineItem {
    const isMain = meter === of.meters[0];
    const turn = pass.passInInterval % of.meters.length;
    const sameMeter = Math.floor((pass.passesInInterval - 1 - turn) / of.meters.length) + 1;
    const hours = pass.hours / sameMeter;
    const usage = toUnits(meter.hourly * hours * (meter.steady ? 1 : variation * weekday(pass.day)));
    const rate = meter.rate * this.#priceFactor();
    const worth = toUnits((usage / 1e10) * rate);
    const parts: LineParts = {
      type: 'Usage', usageType: meter.usageType, operation: meter.operation, unit: meter.unit, family: meter.family,
      description: meter.description, usage, rate: String(meter.rate), unblended: worth, publicCost: worth,
    };
    if (of.coverage === 'spot' || of.coverage === 'marketplace') return this.#line(when, of, { ...parts, publicCost: null });
    if (isMain && of.coverage === 'reservation') return this.#line(when, of, { ...parts, ...this.#reserved(of, worth) });
    if (isMain && of.coverage === 'savings-plan') return this.#line(when, of, { ...parts, ...this.#planned(of, parts, worth) });
    return this.#line(when, of, parts);
  }

  #reserved(of: Chargeable, worth: number): Partial<LineParts> {
    const commitment = of.productCode === 'AmazonRDS' ? this.commitments.database : this.commitments.compute;
    const upfrontForUsage = Math.round(worth * 0.6 * commitment.upfrontShare);
    const recurringForUsage = Math.round(worth * 0.6) - upfrontForUsage;
    const effective = upfrontForUsage + recurringForUsage;
    return {
      type: 'DiscountedUsage', rate: '0.0000000000', unblended: 0,
      reservation: { arn: commitment.arn, ...NO_RESERVATION, effective, upfrontForUsage, recurringForUsage },
    };
  }

  #planned(of: Chargeable, parts: LineParts, worth: number): Partial<LineParts> {
    const [compute, family] = this.commitments.savingsPlans;
    const plan = of.instanceType.startsWith('m5') ? family : compute;
    const effective = Math.round(worth * 0.72);
    const { usageType, operation, usage } = parts;
    this.#coverage.cover(plan, { like: of, usageType, operation, usage, unblended: worth }, effective);
    return {
      type: 'SavingsPlanCoveredUsage',
      savingsPlan: { arn: plan.arn, offering: plan.offering, ...NO_SAVINGS_PLAN, effective },
    };
  }

  #priceFactor(): number {
    const { version, share } = this.#contents.correction;
    const isCorrected = version > 0 && (Math.imul(this.#item, 0x9e3779b1) >>> 0) / 0x1_0000_0000 < share;
    return isCorrected ? 1 + version / 100 : 1;
  }

  #line(when: When, of: Chargeable, parts: LineParts): LineItem {
    return { ...when, id: lineId(this.#random), of, taxType: '', reservation: null, savingsPlan: null, ...parts };
  }
}

/** Fifty-two lower-case base-32 characters: the form AWS's identity/LineItemId has. */
function lineId(random: Random): string {
  let id = '';
  while (id.length < 52) id += Math.floor(random.fraction() * 0x8000_0000).toString(ID_ALPHABET_BITS).padStart(7, 'w');
  return id.slice(0, 52);
}

function weekday(day: string): number {
  const number = new Date(`${day}T00:00:00Z`).getUTCDay();
  return number === 0 || number === 6 ? 0.7 : 1.1;
}

/** A step that visits every one of `count` places once, far from the one before. */
function coprimeStride(count: number): number {
  const common = (a: number, b: number): number => (b === 0 ? a : common(b, a % b));
  let stride = Math.max(1, Math.floor(count * 0.618));
  while (common(stride, count) !== 1) stride += 1;
  return stride;
}
