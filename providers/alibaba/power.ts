import { cloudError } from '../../domain/data-sources/cloud-errors.ts';
import type { PowerCall, PowerControl } from '../../domain/data-sources/cloud-ports.ts';
import type { InstanceRef, InstanceState, ObservedInstance } from '../../domain/resources/instance.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { AlibabaClients } from './clients.ts';
import { callAlibaba, memberError, type AlibabaCall } from './errors.ts';
import { instancePages, movingStateOf, PAGE_SIZE, toObserved } from './instances.ts';

/** The most that StartInstances and StopInstances take. */
const BATCH_SIZE = 100;

/** What StartInstances and StopInstances tell of each instance. */
interface MemberAnswer {
  instanceId?: string | undefined;
  code?: string | undefined;
  message?: string | undefined;
  currentStatus?: string | undefined;
}

/**
 * Starts and stops instances of one account in batches. There is no operation to follow and no
 * request id to repeat by: a repeat finds the instance on its way, which the cloud tells and which
 * counts as accepted.
 */
export function createPowerControl(clients: AlibabaClients): PowerControl {
  return {
    batchSize: BATCH_SIZE,
    concurrency: 5,
    observe: (refs, signal) => observe(clients, refs, signal),
    start: (refs, _requestKey, signal) =>
      change(refs, 'ecs:StartInstances', ['starting', 'running'], signal, async (regionId, instanceId) => {
        const { StartInstancesRequest } = await import('@alicloud/ecs20140526');
        const request = new StartInstancesRequest({ regionId, instanceId, batchOptimization: 'SuccessFirst' });
        const { body } = await (await clients.ecs(regionId)).startInstances(request);
        return body?.instanceResponses?.instanceResponse ?? [];
      }),
    stop: (refs, _requestKey, signal) =>
      change(refs, 'ecs:StopInstances', ['stopping'], signal, async (regionId, instanceId) => {
        const { StopInstancesRequest } = await import('@alicloud/ecs20140526');
        // Without a mode an account's own default decides, which may go on charging.
        const request = new StopInstancesRequest({ regionId, instanceId, batchOptimization: 'SuccessFirst', stoppedMode: 'StopCharging' });
        const { body } = await (await clients.ecs(regionId)).stopInstances(request);
        return body?.instanceResponses?.instanceResponse ?? [];
      }),
    // Nothing hands out operations, so none can be under way.
    followOperation: () => Promise.resolve({ done: true, error: null }),
  };
}

/**
 * One batch call. SuccessFirst makes each instance's outcome its own, inside an answer that is 200 as
 * a whole: without it one unknown id refuses them all.
 */
async function change(
  refs: readonly InstanceRef[],
  call: string,
  underWay: readonly InstanceState[],
  signal: AbortSignal,
  run: (regionId: string, nativeIds: string[]) => Promise<MemberAnswer[]>,
): Promise<Map<string, PowerCall>> {
  const [first] = refs;
  if (first === undefined) return new Map();
  const nativeIds = refs.map(({ nativeId }) => nativeId);
  const resource = nativeIds.length === 1 ? first.nativeId : `${nativeIds.length} instances in ${first.regionId}`;
  const answers = await callAlibaba({ call, resource }, signal, () => run(first.regionId, nativeIds));
  const byId = new Map(answers.map((answer) => [answer.instanceId, answer]));
  return new Map(nativeIds.map((nativeId) => [nativeId, memberOutcome({ call, resource: nativeId }, byId.get(nativeId), underWay)]));
}

function memberOutcome(call: AlibabaCall, answer: MemberAnswer | undefined, underWay: readonly InstanceState[]): PowerCall {
  if (answer?.code === undefined) {
    // Whether this one was taken, only a look can tell.
    const cloudMessage = 'The answer says nothing of this instance.';
    return { accepted: false, error: cloudError('alibaba', 'unavailable', { ...call, cloudCode: 'NoAnswer', cloudMessage }) };
  }
  const state = movingStateOf(answer.currentStatus);
  const isRepeat = answer.code === 'IncorrectInstanceStatus' && state !== null && underWay.includes(state);
  if (answer.code === '200' || isRepeat) return { accepted: true, state, operation: null };
  return { accepted: false, error: memberError(call, answer.code, answer.message) };
}

/** DescribeInstances rather than DescribeInstanceStatus: only it tells whether a stopped instance is charged. */
async function observe(clients: AlibabaClients, refs: readonly InstanceRef[], signal: AbortSignal): Promise<Map<string, ObservedInstance>> {
  const seen = new Map<string, ObservedInstance>();
  const errors: DomainError[] = [];
  const groups = groupsOf(refs);
  for (const group of groups) {
    try {
      for (const [nativeId, observed] of await observeGroup(clients, group, signal)) seen.set(nativeId, observed);
    } catch (error) {
      if (signal.aborted || !(error instanceof DomainError)) throw error;
      errors.push(error);
      for (const { nativeId } of group) seen.set(nativeId, { state: 'unknown', stateReason: error.message });
    }
  }
  const [first] = errors;
  if (first !== undefined && errors.length === groups.length) throw first;
  return seen;
}

async function observeGroup(clients: AlibabaClients, group: readonly InstanceRef[], signal: AbortSignal): Promise<Map<string, ObservedInstance>> {
  const regionId = group[0]?.regionId ?? '';
  const nativeIds = group.map(({ nativeId }) => nativeId);
  const seen = new Map<string, ObservedInstance>(nativeIds.map((nativeId) => [nativeId, { state: 'terminated', stateReason: null }]));
  const resource = nativeIds.length === 1 ? String(nativeIds[0]) : `${nativeIds.length} instances in ${regionId}`;
  for await (const page of instancePages(clients, { regionId, resource, nativeIds }, signal)) {
    for (const instance of page) seen.set(instance.instanceId, toObserved(instance));
  }
  return seen;
}

/** As few calls as there may be: by region, a hundred at a time. */
function groupsOf(refs: readonly InstanceRef[]): InstanceRef[][] {
  return [...Map.groupBy(refs, ({ regionId }) => regionId).values()].flatMap((ofRegion) =>
    Array.from({ length: Math.ceil(ofRegion.length / PAGE_SIZE) }, (_, index) => ofRegion.slice(index * PAGE_SIZE, (index + 1) * PAGE_SIZE)),
  );
}
