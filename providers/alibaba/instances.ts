import type { DescribeInstancesResponseBodyInstancesInstance } from '@alicloud/ecs20140526';
import type { DiscoveryStep, InstanceCatalog } from '../../domain/data-sources/cloud-ports.ts';
import { cloudError, problemOf } from '../../domain/data-sources/cloud-errors.ts';
import type { CanStop, DiscoveredInstance, InstanceState, ObservedInstance } from '../../domain/resources/instance.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { toInstant } from '../../domain/shared/time.ts';
import type { AlibabaClients } from './clients.ts';
import { callAlibaba, type AlibabaCall } from './errors.ts';

/** An instance as DescribeInstances shows it. */
export type EcsInstance = DescribeInstancesResponseBodyInstancesInstance & { instanceId: string };

/** The most that DescribeInstances gives in a page, and takes in ids. */
export const PAGE_SIZE = 100;

/** Auto Scaling puts this tag on what it makes; its value is the group's id. */
const SCALING_GROUP_TAG = 'acs:autoscaling:scalingGroupId';

/** Families that keep local disks or persistent memory where a stop in economical mode is not offered. */
const FAMILY_WITH_LOCAL_STORE = /^ecs\.(?:(?:ebm)?[id]\d|gn5$|(?:ebm)?re6p)/;

/** An account's instances, region by region. */
export function createInstanceCatalog(clients: AlibabaClients, accountId: string, firstRegion: string): InstanceCatalog {
  return {
    discover: async function* (signal) {
      for (const regionId of await listRegions(clients, accountId, firstRegion, signal)) {
        yield* stepsOfRegion(clients, accountId, regionId, signal);
      }
    },
  };
}

/** The ids of all regions the account may use. */
export async function listRegions(clients: AlibabaClients, accountId: string, askedRegion: string, signal: AbortSignal): Promise<string[]> {
  const call: AlibabaCall = { call: 'ecs:DescribeRegions', resource: accountId };
  const { body } = await callAlibaba(call, signal, async () => {
    const { DescribeRegionsRequest } = await import('@alicloud/ecs20140526');
    return (await clients.ecs(askedRegion)).describeRegions(new DescribeRegionsRequest({}));
  });
  const ids = (body?.regions?.region ?? []).flatMap(({ regionId }) => (regionId === undefined ? [] : [regionId]));
  if (ids.length === 0) throw cloudError('alibaba', 'rejected', { ...call, cloudCode: 'NoRegions' });
  return ids;
}

async function* stepsOfRegion(
  clients: AlibabaClients,
  accountId: string,
  regionId: string,
  signal: AbortSignal,
): AsyncGenerator<DiscoveryStep> {
  const pages = instancePages(clients, { regionId, resource: `${accountId} in ${regionId}` }, signal);
  for (;;) {
    const page = await nextOrError(pages, signal);
    if (page instanceof DomainError) {
      yield { kind: 'failed', scope: regionId, error: page };
      return;
    }
    if (page.done === true) break;
    yield { kind: 'instances', scope: regionId, instances: page.value.map((one) => toDiscovered(one, accountId, regionId)) };
  }
  yield { kind: 'listed', scope: regionId };
}

/** A region's failure is told; what will fail every other region too is thrown. */
async function nextOrError<T>(pages: AsyncGenerator<T, void>, signal: AbortSignal): Promise<IteratorResult<T, void> | DomainError> {
  try {
    return await pages.next();
  } catch (error) {
    if (signal.aborted || !(error instanceof DomainError) || problemOf(error) === 'bad-credentials') throw error;
    return error;
  }
}

export interface InstancesWanted {
  regionId: string;
  /** Whom an error is about. */
  resource: string;
  /** Only these, at most 100; without it all. */
  nativeIds?: readonly string[];
  /** Default 100, the most there is. */
  pageSize?: number;
}

/** Pages of a region's instances. @throws cloud errors, also for an answer without a list */
export async function* instancePages(
  clients: AlibabaClients,
  { regionId, resource, nativeIds, pageSize = PAGE_SIZE }: InstancesWanted,
  signal: AbortSignal,
): AsyncGenerator<EcsInstance[], void> {
  const call: AlibabaCall = { call: 'ecs:DescribeInstances', resource };
  let nextToken: string | undefined;
  do {
    const { body } = await callAlibaba(call, signal, async () => {
      const { DescribeInstancesRequest } = await import('@alicloud/ecs20140526');
      const request = new DescribeInstancesRequest({
        regionId,
        maxResults: pageSize,
        nextToken,
        ...(nativeIds !== undefined && { instanceIds: JSON.stringify(nativeIds) }),
      });
      return (await clients.ecs(regionId)).describeInstances(request);
    });
    const instances = body?.instances?.instance;
    // What an unfinished answer leaves out must not count as gone.
    if (instances === undefined || !instances.every(hasId)) throw cloudError('alibaba', 'rejected', { ...call, cloudCode: 'NoInstances' });
    yield instances;
    nextToken = body?.nextToken;
    // After the last page the token is an empty text.
  } while (nextToken !== undefined && nextToken !== '');
}

function hasId(instance: DescribeInstancesResponseBodyInstancesInstance): instance is EcsInstance {
  return instance.instanceId !== undefined && instance.instanceId !== '';
}

function toDiscovered(instance: EcsInstance, accountId: string, listedIn: string): DiscoveredInstance {
  const regionId = instance.regionId ?? listedIn;
  const startedAt = instance.startTime === undefined || instance.startTime === '' ? instance.creationTime : instance.startTime;
  return {
    nativeId: instance.instanceId,
    accountId,
    regionId,
    zone: instance.zoneId === undefined || instance.zoneId === '' ? null : instance.zoneId,
    handle: { regionId },
    name: instance.instanceName ?? '',
    instanceType: instance.instanceType ?? '',
    ...toObserved(instance),
    tags: tagsOf(instance),
    launchedAt: startedAt === undefined || startedAt === '' ? null : toInstant(startedAt),
    canStop: canStop(instance),
    hourlyPrice: null,
  };
}

/** State, and what stands behind it when that is not plain. */
export function toObserved(instance: EcsInstance): ObservedInstance {
  const state = stateOf(instance);
  const reasons: string[] = [];
  if (state === 'stopped-billed') reasons.push(`StoppedMode: ${instance.stoppedMode ?? 'not told'}`);
  if (state === 'stopped' && isSubscription(instance)) reasons.push('InstanceChargeType: PrePaid');
  for (const { lockReason, lockMsg } of instance.operationLocks?.lockReason ?? []) {
    reasons.push(`LockReason: ${lockReason ?? 'not told'}${lockMsg === undefined || lockMsg === '' ? '' : ` (${lockMsg})`}`);
  }
  return { state, stateReason: reasons.length === 0 ? null : reasons.join('; ') };
}

/** A state that a call's answer or a listing tells, apart from `Stopped`, which does not say whether it is charged. */
export function movingStateOf(status: string | undefined): InstanceState | null {
  if (status === 'Pending' || status === 'Starting') return 'starting';
  if (status === 'Running') return 'running';
  return status === 'Stopping' ? 'stopping' : null;
}

/**
 * `StoppedMode` says `Not-applicable` of all that runs, and of what is stopped outside economical
 * mode's reach. A subscription has been paid for whether the instance is on or off: it is as off as it
 * can be. Anything else that is stopped in another way than StopCharging goes on being charged.
 */
function stateOf(instance: EcsInstance): InstanceState {
  if (instance.status !== 'Stopped') return movingStateOf(instance.status) ?? 'unknown';
  return instance.stoppedMode === 'StopCharging' || isSubscription(instance) ? 'stopped' : 'stopped-billed';
}

function isSubscription({ instanceChargeType }: EcsInstance): boolean {
  return instanceChargeType === 'PrePaid';
}

/**
 * Deletion protection does not keep an instance from being stopped, and spot instances stop and
 * start like others: both are allowed. Releasing a spot instance is the cloud's own affair.
 */
function canStop(instance: EcsInstance): CanStop {
  const group = tagsOf(instance)[SCALING_GROUP_TAG];
  if (group !== undefined) {
    return { allowed: false, reason: 'scaling-group', detail: `Auto Scaling group ${group} would replace it.` };
  }
  if ((instance.localStorageAmount ?? 0) > 0 || FAMILY_WITH_LOCAL_STORE.test(instance.instanceTypeFamily ?? '')) {
    const detail =
      `${instance.instanceTypeFamily ?? instance.instanceType ?? 'Its family'} has local disks or persistent memory. ` +
      'Alibaba Cloud stops such instances without releasing them: they are charged in full while off.';
    return { allowed: false, reason: 'local-ssd', detail };
  }
  const detail = chargedWhileOff(instance);
  return detail === null ? { allowed: true } : { allowed: true, detail };
}

/** Why stopping saves nothing though it may be done; null where it saves. */
function chargedWhileOff(instance: EcsInstance): string | null {
  if (isSubscription(instance)) return 'It is a subscription: it is paid for in advance, and stopping it saves nothing.';
  if (instance.instanceNetworkType === 'classic') return 'It is in the classic network, where stopped instances are charged in full.';
  return null;
}

function tagsOf({ tags }: EcsInstance): Record<string, string> {
  return Object.fromEntries((tags?.tag ?? []).map(({ tagKey, tagValue }) => [tagKey ?? '', tagValue ?? '']));
}
