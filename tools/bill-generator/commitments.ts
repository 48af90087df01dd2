import { createRandom } from './random.ts';
import type { Account, Chargeable } from './catalogue.ts';
import type { Units } from './units.ts';

/** A savings plan or reservation the payer has bought. */
export interface Commitment {
  arn: string;
  offering: string;
  /** Which part of it was paid at purchase; the rest recurs. */
  upfrontShare: number;
}

export interface Commitments {
  savingsPlans: readonly [Commitment, Commitment];
  compute: Commitment;
  database: Commitment;
}

export function createCommitments(seed: number, payer: Account): Commitments {
  const random = createRandom(seed ^ 0x5a17);
  const id = (): string => `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-9${random.hex(3)}-${random.hex(12)}`;
  const plan = (offering: string, upfrontShare: number): Commitment =>
    ({ arn: `arn:aws:savingsplans::${payer.id}:savingsplan/${id()}`, offering, upfrontShare });
  return {
    savingsPlans: [plan('ComputeSavingsPlans', 0), plan('EC2InstanceSavingsPlans', 0.5)],
    compute: { arn: `arn:aws:ec2:eu-west-1:${payer.id}:reserved-instances/${id()}`, offering: 'standard', upfrontShare: 0.4 },
    database: { arn: `arn:aws:rds:eu-west-1:${payer.id}:ri:ri-2026-${random.hex(12)}`, offering: 'standard', upfrontShare: 0 },
  };
}

/** Covered usage of one interval that one negation row takes back. */
export interface Covered {
  plan: Commitment;
  like: Chargeable;
  usageType: string;
  operation: string;
  usage: Units;
  unblended: Units;
}

/** Gathers what savings plans covered: per interval for the negations, per day for the recurring fees. */
export class CoverageBook {
  #interval = new Map<string, Covered>();
  readonly #day = new Map<Commitment, Units>();

  cover(plan: Commitment, covered: Omit<Covered, 'plan'>, effective: Units): void {
    const { like } = covered;
    const key = `${plan.arn} ${like.account.id} ${covered.usageType} ${like.zone}`;
    const known = this.#interval.get(key);
    if (known === undefined) this.#interval.set(key, { plan, ...covered });
    else {
      known.usage += covered.usage;
      known.unblended += covered.unblended;
    }
    this.#day.set(plan, (this.#day.get(plan) ?? 0) + effective);
  }

  takeInterval(): Covered[] {
    const covered = [...this.#interval.values()];
    this.#interval = new Map();
    return covered;
  }

  takeDay(plan: Commitment): Units {
    const used = this.#day.get(plan) ?? 0;
    this.#day.delete(plan);
    return used;
  }
}
