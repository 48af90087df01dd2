import { cloudError, problemOf, type CloudProblem } from '../data-sources/cloud-errors.ts';
import type { PowerCall } from '../data-sources/cloud-ports.ts';
import type { Cloud, InstanceRef } from '../resources/instance.ts';
import { DomainError } from '../shared/errors.ts';

/** One start or stop for some instances of one region; throws when it was refused or lost as a whole. */
export type BatchCall = (refs: readonly InstanceRef[]) => Promise<Map<string, PowerCall>>;

export interface BatchOptions {
  cloud: Cloud;
  /** As the cloud's PowerControl says. */
  batchSize: number;
  concurrency: number;
}

/** What a refusal of a whole batch says about its members. */
type Meaning =
  /** Some members are at fault: they are found by halving, the others go on without them. */
  | 'some'
  /** Perhaps some, more often all: halving goes on as long as it helps somebody. */
  | 'some-or-all'
  /** As much for each kind (a size in a place) by itself: capacity and quotas are given by kinds. */
  | 'some-or-all-of-a-kind'
  /** It was no judgement on the members: each may be called again later. */
  | 'none'
  /** Nothing more is to be asked of this region now. */
  | 'region'
  /** Nothing more is to be asked of this account. */
  | 'account';

const MEANINGS: Record<CloudProblem, Meaning> = {
  'not-found': 'some',
  'wrong-state': 'some',
  'cannot-stop': 'some',
  rejected: 'some',
  'missing-permission': 'some-or-all',
  'no-capacity': 'some-or-all-of-a-kind',
  'quota-exceeded': 'some-or-all-of-a-kind',
  unavailable: 'none',
  throttled: 'region',
  'bad-credentials': 'account',
  'account-disabled': 'account',
};

/**
 * Parts called in a row without one being accepted, after which the rest of what means "some or
 * all" is no longer called one by one. Seven find one culprit among 100; some more keep a mixture of
 * allowed and refused members going.
 */
const PATIENCE = 12;

/**
 * Calls whole batches by region and answers every ref. A batch that is refused as a whole is halved
 * until the culprit stands alone, so one instance never keeps another from being called; whole
 * batches go before halves, so it delays none either.
 *
 * A missing permission may concern one member (it can hang on an instance's tags) or all. To find
 * out for 100 would take 199 calls each time. So halving ends after some calls in a row that helped
 * nobody; the members not yet called alone are answered with the refusal of the batch they were in
 * and `details.assumed`: true. Such an answer is no final failure of that instance: the next attempt,
 * which leaves the culprits out, comes to it. Nobody is called alone twice. Capacity and quotas are
 * the same by kind (`handle.kind`): the kinds of a refused batch are parted first and judged each by
 * itself, so a lack of one never keeps another kind from being called.
 *
 * Throttling ends the calls to the region, bad credentials those to the account; what was not called
 * is answered with the same error, `details.assumed` too. A lost call is not split: what it did is
 * unknown, and repeating it whole is as good.
 *
 * @throws whatever `call` throws that is no DomainError, once the calls under way have ended.
 */
export async function callInBatches(refs: readonly InstanceRef[], call: BatchCall, options: BatchOptions): Promise<Map<string, PowerCall>> {
  const caller = new BatchCaller(call, options.cloud);
  for (const members of Map.groupBy(distinct(refs), ({ regionId }) => regionId).values()) {
    for (let start = 0; start < members.length; start += options.batchSize) caller.add(members.slice(start, start + options.batchSize));
  }
  await caller.work(Math.max(1, options.concurrency));
  return caller.answers;
}

/** A call to be made: a batch as it was put together, or a part of one that was refused. */
interface Task {
  refs: InstanceRef[];
  /** The refusal that split it off; null for a whole batch. */
  because: DomainError | null;
}

class BatchCaller {
  readonly answers = new Map<string, PowerCall>();
  private readonly whole: Task[] = [];
  private readonly parts: Task[] = [];
  private readonly closedRegions = new Map<string, DomainError>();
  private closedAccount: DomainError | null = null;
  /** Refused parts in a row, by what is judged together. */
  private readonly refusedInARow = new Map<string, number>();
  private readonly call: BatchCall;
  private readonly cloud: Cloud;

  constructor(call: BatchCall, cloud: Cloud) {
    this.call = call;
    this.cloud = cloud;
  }

  add(refs: InstanceRef[]): void {
    this.whole.push({ refs, because: null });
  }

  async work(concurrency: number): Promise<void> {
    const running = new Set<Promise<void>>();
    const thrown: unknown[] = [];
    for (;;) {
      while (running.size < concurrency && thrown.length === 0) {
        const task = this.next();
        if (task === null) break;
        const step: Promise<void> = this.perform(task)
          .catch((error: unknown) => void thrown.push(error))
          .finally(() => running.delete(step));
        running.add(step);
      }
      if (running.size === 0) break;
      await Promise.race(running);
    }
    if (thrown.length > 0) throw thrown[0];
  }

  /** What is to be called next. What need not be called is answered on the way. */
  private next(): Task | null {
    for (;;) {
      const task = this.whole.shift() ?? this.parts.pop();
      if (task === undefined) return null;
      const closed = this.closedAccount ?? this.closedRegions.get(task.refs[0]?.regionId ?? '');
      if (closed !== null && closed !== undefined) this.assume(task.refs, closed);
      else if (task.because !== null && this.isHopeless(task.refs, task.because)) this.assume(task.refs, task.because);
      else return task;
    }
  }

  private async perform({ refs, because }: Task): Promise<void> {
    try {
      const answers = await this.call(refs);
      for (const { nativeId } of refs) this.answers.set(nativeId, answers.get(nativeId) ?? this.unanswered(nativeId));
      for (const key of [EVERYBODY, ...kindsOf(refs)]) this.refusedInARow.delete(key);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      const key = judgedWith(error, refs);
      if (because !== null) this.refusedInARow.set(key, (this.refusedInARow.get(key) ?? 0) + 1);
      this.refused(refs, error);
    }
  }

  private refused(refs: InstanceRef[], error: DomainError): void {
    const meaning = meaningOf(error);
    if (meaning === 'account') this.closedAccount ??= error;
    if (meaning === 'region') this.closedRegions.set(refs[0]?.regionId ?? '', error);
    if (refs.length === 1 || meaning === 'none' || meaning === 'region' || meaning === 'account') {
      for (const { nativeId } of refs) this.answers.set(nativeId, { accepted: false, error });
      return;
    }
    const kinds = meaning === 'some-or-all-of-a-kind' ? [...Map.groupBy(refs, kindOf).values()] : [];
    const middle = Math.ceil(refs.length / 2);
    const parts = kinds.length > 1 ? kinds : [refs.slice(0, middle), refs.slice(middle)];
    // The first part lies on top.
    for (const part of parts.toReversed()) this.parts.push({ refs: part, because: error });
  }

  private isHopeless(refs: readonly InstanceRef[], because: DomainError): boolean {
    return meaningOf(because) !== 'some' && (this.refusedInARow.get(judgedWith(because, refs)) ?? 0) >= PATIENCE;
  }

  private assume(refs: readonly InstanceRef[], error: DomainError): void {
    const { kind, code, message, details, retryAfterSeconds } = error;
    const assumed = new DomainError({
      kind,
      code,
      message,
      details: { ...details, assumed: true },
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    });
    for (const { nativeId } of refs) this.answers.set(nativeId, { accepted: false, error: assumed });
  }

  private unanswered(nativeId: string): PowerCall {
    const cloudMessage = 'The call was answered, and this instance was not in the answer.';
    return { accepted: false, error: cloudError(this.cloud, 'unavailable', { call: 'power', resource: nativeId, cloudCode: 'NotInAnswer', cloudMessage }) };
  }
}

/** No kind is written like this. */
const EVERYBODY = '';

function kindOf({ regionId, handle }: InstanceRef): string {
  return `${regionId}/${handle.kind ?? ''}`;
}

function kindsOf(refs: readonly InstanceRef[]): Set<string> {
  return new Set(refs.map(kindOf));
}

/** Whose refusals count together with this one's. */
function judgedWith(error: DomainError, [first]: readonly InstanceRef[]): string {
  return first !== undefined && meaningOf(error) === 'some-or-all-of-a-kind' ? kindOf(first) : EVERYBODY;
}

/** An error of another vocabulary says nothing about the members. */
function meaningOf(error: DomainError): Meaning {
  const problem = problemOf(error);
  return problem === null ? 'none' : MEANINGS[problem];
}

function distinct(refs: readonly InstanceRef[]): InstanceRef[] {
  return [...new Map(refs.map((ref) => [ref.nativeId, ref])).values()];
}
