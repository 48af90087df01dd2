import { createHash } from 'node:crypto';
import type { PowerCall } from '../../domain/data-sources/cloud-ports.ts';
import { callInBatches, type BatchCall } from '../../domain/power/call-in-batches.ts';
import type { RunItem } from '../../domain/power/run-item.ts';
import type { InstanceRef } from '../../domain/resources/instance.ts';
import type { OpenAccount } from '../shared/open-account.ts';

/** Calls the cloud for items of a run, starts and stops beside each other; answers by position. */
export async function callClouds(
  { cloud, power }: OpenAccount,
  wanted: readonly { item: RunItem; ref: InstanceRef }[],
  runId: string,
  signal: AbortSignal,
): Promise<Map<number, PowerCall>> {
  const byAction = Map.groupBy(wanted, ({ item }) => item.action);
  const answers = new Map<number, PowerCall>();
  for (const [action, group] of byAction) {
    const attemptOf = new Map(group.map(({ item, ref }) => [ref.nativeId, item.attempts]));
    const call: BatchCall = async (batch) => {
      // A repeat of the same attempt is the same wish to the cloud; the next attempt is a new one.
      const key = `${runId}/${action}/${digestOf(batch.map(({ nativeId }) => `${nativeId}#${attemptOf.get(nativeId) ?? 0}`))}`;
      return action === 'on' ? await power.start(batch, key, signal) : await power.stop(batch, key, signal);
    };
    const options = { cloud, batchSize: power.batchSize, concurrency: power.concurrency };
    const answered = await callInBatches(group.map(({ ref }) => ref), call, options);
    for (const { item, ref } of group) {
      const answer = answered.get(ref.nativeId);
      if (answer !== undefined) answers.set(item.position, answer);
    }
  }
  return answers;
}

/** Clouds keep the key with each instance: it stays short however many are in the batch. */
function digestOf(members: readonly string[]): string {
  return createHash('sha256').update(members.join()).digest('base64url');
}
