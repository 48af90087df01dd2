import { problemOf, type CloudProblem } from '../data-sources/cloud-errors.ts';
import type { PowerCall } from '../data-sources/cloud-ports.ts';
import type { InstanceRef } from '../resources/instance.ts';
import { DomainError } from '../shared/errors.ts';

export interface BatchLimits {
  /** How many instances a call may carry. */
  batchSize: number;
  /** How many calls run beside each other. */
  concurrency: number;
}

/** Asks the cloud for a batch of one region. Throws a DomainError when it refuses the batch as a whole. */
export type BatchCall = (batch: readonly InstanceRef[]) => Promise<Map<string, PowerCall>>;

/** Refusals that are about the account or the moment: splitting the batch would only draw them again. */
const ABOUT_ALL: ReadonlySet<CloudProblem | null> = new Set<CloudProblem>(['throttled', 'unavailable', 'bad-credentials', 'account-disabled']);

/**
 * Calls for all instances in as few calls as the cloud allows, and answers for each by its native id.
 * A batch refused as a whole is halved until the culprit is alone, so that one instance never holds up
 * another; permissions too can be missing for single instances. At worst that is 2 n - 1 calls.
 */
export async function callInBatches(refs: readonly InstanceRef[], limits: BatchLimits, call: BatchCall): Promise<Map<string, PowerCall>> {
  const answers = new Map<string, PowerCall>();
  const queue = batchesOf(refs, limits.batchSize);
  const work = async (): Promise<void> => {
    for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
      try {
        const answered = await call(batch);
        for (const ref of batch) answers.set(ref.nativeId, answered.get(ref.nativeId) ?? unanswered(ref));
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        if (batch.length > 1 && !ABOUT_ALL.has(problemOf(error))) queue.unshift(...halvesOf(batch));
        else for (const ref of batch) answers.set(ref.nativeId, { accepted: false, error });
      }
    }
  };
  // A worker that finds the queue empty may end before another splits a batch: then that one does both halves.
  await Promise.all(Array.from({ length: Math.max(1, limits.concurrency) }, work));
  return answers;
}

function batchesOf(refs: readonly InstanceRef[], size: number): (readonly InstanceRef[])[] {
  const batches: (readonly InstanceRef[])[] = [];
  for (const ofRegion of Map.groupBy(refs, (ref) => ref.regionId).values()) {
    for (let from = 0; from < ofRegion.length; from += size) batches.push(ofRegion.slice(from, from + size));
  }
  return batches;
}

function halvesOf(batch: readonly InstanceRef[]): (readonly InstanceRef[])[] {
  const middle = Math.ceil(batch.length / 2);
  return [batch.slice(0, middle), batch.slice(middle)];
}

function unanswered(ref: InstanceRef): PowerCall {
  const message = `The cloud's answer says nothing of ${ref.nativeId}. It is looked at again.`;
  return { accepted: false, error: new DomainError({ kind: 'unavailable', code: 'power.unavailable', message }) };
}
