import type { EC2Client, Instance, SpotInstanceRequest } from '@aws-sdk/client-ec2';
import { problemOf } from '../../domain/data-sources/cloud-errors.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { callEc2 } from './ec2-errors.ts';
import type { Ec2Facts } from './ec2-instance.ts';

/** EC2 takes this many values in a filter. */
export const FILTER_VALUES = 200;
/** The largest page of DescribeInstanceTypes. */
const TYPES_PAGE = 100;
const REQUESTS_PAGE = 1000;

/** What is known of instance types. They never change, so they are asked for once in a process. */
export type KnownTypes = Map<string, boolean>;

/**
 * Looks up what the listing leaves open for these instances: which types have local disks, and what
 * kind of spot requests they come from. Where a permission is missing the answer stays open, which
 * locks the instances concerned and no others; any other failure throws.
 */
export async function factsFor(client: EC2Client, region: string, instances: readonly Instance[], known: KnownTypes, signal: AbortSignal): Promise<Ec2Facts> {
  await learnTypes(client, region, instances, known, signal);
  const requests = await spotRequests(client, region, instances, signal);
  return {
    hasLocalDisks: (instanceType) => known.get(instanceType) ?? null,
    spotObstacle: (id) => obstacleOf(id, requests),
  };
}

async function learnTypes(client: EC2Client, region: string, instances: readonly Instance[], known: KnownTypes, signal: AbortSignal): Promise<void> {
  const { DescribeInstanceTypesCommand } = await import('@aws-sdk/client-ec2');
  const unknown = distinct(instances.map(({ InstanceType }) => InstanceType)).filter((type) => !known.has(type));
  for (const types of chunks(unknown, FILTER_VALUES)) {
    // A filter, not a list of types: an unknown one is left out instead of failing the call.
    const Filters = [{ Name: 'instance-type', Values: types }];
    let NextToken: string | undefined;
    do {
      const command = new DescribeInstanceTypesCommand({ Filters, MaxResults: TYPES_PAGE, ...(NextToken !== undefined && { NextToken }) });
      const call = { action: 'ec2:DescribeInstanceTypes', resource: region };
      const answer = await unlessDenied(() => callEc2(call, signal, () => client.send(command, { abortSignal: signal })));
      for (const { InstanceType, InstanceStorageSupported } of answer?.InstanceTypes ?? []) {
        if (InstanceType !== undefined) known.set(InstanceType, InstanceStorageSupported === true);
      }
      NextToken = answer?.NextToken;
    } while (NextToken !== undefined && NextToken !== '');
  }
}

type SpotRequests = ReadonlyMap<string, SpotInstanceRequest> | 'denied';

async function spotRequests(client: EC2Client, region: string, instances: readonly Instance[], signal: AbortSignal): Promise<SpotRequests> {
  const { DescribeSpotInstanceRequestsCommand } = await import('@aws-sdk/client-ec2');
  const found = new Map<string, SpotInstanceRequest>();
  for (const ids of chunks(distinct(instances.map(({ SpotInstanceRequestId }) => SpotInstanceRequestId)), FILTER_VALUES)) {
    const Filters = [{ Name: 'spot-instance-request-id', Values: ids }];
    let NextToken: string | undefined;
    do {
      const command = new DescribeSpotInstanceRequestsCommand({ Filters, MaxResults: REQUESTS_PAGE, ...(NextToken !== undefined && { NextToken }) });
      const call = { action: 'ec2:DescribeSpotInstanceRequests', resource: region };
      const answer = await unlessDenied(() => callEc2(call, signal, () => client.send(command, { abortSignal: signal })));
      if (answer === null) return 'denied';
      for (const request of answer.SpotInstanceRequests ?? []) found.set(request.SpotInstanceRequestId ?? '', request);
      NextToken = answer.NextToken;
    } while (NextToken !== undefined && NextToken !== '');
  }
  return found;
}

/**
 * A spot instance stops and starts again only when its request is persistent and not cancelled, and
 * it is in no launch or zone group.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/stop-spot-instances.html
 */
function obstacleOf(id: string | undefined, requests: SpotRequests): string | null {
  if (requests === 'denied') return 'What kind of spot request it comes from could not be read: ec2:DescribeSpotInstanceRequests is missing.';
  const request = requests.get(id ?? '');
  if (request === undefined) return 'EC2 does not tell of its spot request any more, and without one it cannot be started again.';
  if (request.Type !== 'persistent') return `Spot request ${id} is ${request.Type ?? 'one-time'}: EC2 can only terminate the instance.`;
  if (request.State !== 'active' && request.State !== 'disabled') return `Spot request ${id} is ${request.State ?? 'unknown'}: EC2 stops no instance of it.`;
  const group = request.LaunchGroup ?? request.AvailabilityZoneGroup ?? '';
  return group === '' ? null : `Spot request ${id} belongs to the group ${group}: EC2 stops no instance of a group.`;
}

async function unlessDenied<T>(run: () => Promise<T>): Promise<T | null> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof DomainError && problemOf(error) === 'missing-permission') return null;
    throw error;
  }
}

function distinct(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined && value !== ''))] as string[];
}

export function* chunks<T>(values: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < values.length; start += size) yield values.slice(start, start + size);
}
