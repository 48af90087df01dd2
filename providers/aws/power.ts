import type { EC2Client, InstanceStateChange } from '@aws-sdk/client-ec2';
import { cloudError } from '../../domain/data-sources/cloud-errors.ts';
import type { PowerCall, PowerControl } from '../../domain/data-sources/cloud-ports.ts';
import type { InstanceRef, ObservedInstance } from '../../domain/resources/instance.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { AwsClients } from './clients.ts';
import { callEc2 } from './ec2-errors.ts';
import { chunks, FILTER_VALUES } from './ec2-facts.ts';
import { observedOf, stateOf } from './ec2-instance.ts';
import { describeInstances, INSTANCES_PAGE } from './instances.ts';

/** Small enough that a refusal is split in few steps, large enough for EC2's few requests a second. */
const BATCH = 100;
/** EC2 grants an account a handful of these calls at once in a region, and a few more each second. */
const CONCURRENCY = 4;

export interface Ec2PowerOptions {
  clients: AwsClients;
  /** Instances a page, 5 to 1000. */
  pageSize?: number;
}

/** Starts, stops and observes EC2 instances. Both calls may be repeated: EC2 has no request ids for them and needs none. */
export function createEc2Power({ clients, pageSize = INSTANCES_PAGE }: Ec2PowerOptions): PowerControl {
  return {
    batchSize: BATCH,
    concurrency: CONCURRENCY,
    observe: (refs, signal) => observe(clients, pageSize, refs, signal),
    start: async (refs, _requestKey, signal) => {
      const { StartInstancesCommand } = await import('@aws-sdk/client-ec2');
      return change(clients, 'ec2:StartInstances', refs, signal, async (client, InstanceIds) => {
        const answer = await client.send(new StartInstancesCommand({ InstanceIds }), { abortSignal: signal });
        return answer.StartingInstances;
      });
    },
    stop: async (refs, _requestKey, signal) => {
      const { StopInstancesCommand } = await import('@aws-sdk/client-ec2');
      return change(clients, 'ec2:StopInstances', refs, signal, async (client, InstanceIds) => {
        const answer = await client.send(new StopInstancesCommand({ InstanceIds }), { abortSignal: signal });
        return answer.StoppingInstances;
      });
    },
    // EC2 has no operations: the instance's state tells all.
    followOperation: () => Promise.resolve({ done: true, error: null }),
  };
}

async function change(
  clients: AwsClients,
  action: string,
  refs: readonly InstanceRef[],
  signal: AbortSignal,
  send: (client: EC2Client, ids: string[]) => Promise<InstanceStateChange[] | undefined>,
): Promise<Map<string, PowerCall>> {
  if (refs.length === 0) return new Map();
  const region = regionOf(refs);
  const ids = refs.map(({ nativeId }) => nativeId);
  const client = await clients.ec2(region);
  const changes = await callEc2({ action, resource: named(ids, region) }, signal, () => send(client, ids));
  const states = new Map((changes ?? []).map(({ InstanceId, CurrentState }) => [InstanceId ?? '', stateOf(CurrentState?.Name)]));
  return new Map(ids.map((id) => [id, answerOf(id, action, states.get(id))]));
}

function regionOf(refs: readonly InstanceRef[]): string {
  const regions = [...new Set(refs.map(({ regionId }) => regionId))];
  const [region] = regions;
  if (region === undefined || regions.length > 1) throw new Error(`A call to EC2 is for one region, not for ${regions.join(', ')}.`);
  return region;
}

/** One by its id; several by the first and their number. */
function named(ids: readonly string[], region: string): string {
  return ids.length === 1 ? String(ids[0]) : `${ids.length} instances in ${region} (${ids[0]} and others)`;
}

function answerOf(nativeId: string, call: string, state: ReturnType<typeof stateOf> | undefined): PowerCall {
  if (state !== undefined) return { accepted: true, state, operation: null };
  const cloudMessage = 'EC2 accepted the call and did not tell what became of this instance.';
  return { accepted: false, error: cloudError('aws', 'unavailable', { call, resource: nativeId, cloudCode: 'NotInAnswer', cloudMessage }) };
}

interface Share {
  region: string;
  ids: string[];
}

/**
 * Asks region by region, up to 200 ids a call, as a filter: an id in the list of instances would
 * fail the whole call once EC2 has forgotten it. What a failed call left open is `unknown` with the
 * reason; when every call failed, the first failure is thrown.
 */
async function observe(clients: AwsClients, pageSize: number, refs: readonly InstanceRef[], signal: AbortSignal): Promise<Map<string, ObservedInstance>> {
  const seen = new Map<string, ObservedInstance>();
  const failures: DomainError[] = [];
  const shares = sharesOf(refs);
  let succeeded = 0;
  const next = shares[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let share = next.next(); share.done !== true; share = next.next()) {
      try {
        for (const [id, observed] of await observeShare(clients, pageSize, share.value, signal)) seen.set(id, observed);
        succeeded += 1;
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        failures.push(error);
        for (const id of share.value.ids) seen.set(id, { state: 'unknown', stateReason: error.message });
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  if (succeeded === 0 && failures[0] !== undefined) throw failures[0];
  return seen;
}

function sharesOf(refs: readonly InstanceRef[]): Share[] {
  const regions = Map.groupBy(refs, ({ regionId }) => regionId);
  return [...regions].flatMap(([region, members]) => {
    const ids = [...new Set(members.map(({ nativeId }) => nativeId))];
    return [...chunks(ids, FILTER_VALUES)].map((ids) => ({ region, ids }));
  });
}

async function observeShare(clients: AwsClients, pageSize: number, { region, ids }: Share, signal: AbortSignal): Promise<Map<string, ObservedInstance>> {
  const seen = new Map<string, ObservedInstance>(ids.map((id) => [id, { state: 'terminated', stateReason: null }]));
  const client = await clients.ec2(region);
  const input = { Filters: [{ Name: 'instance-id', Values: ids }], MaxResults: pageSize };
  for await (const page of describeInstances(client, region, input, signal)) {
    for (const { Instances = [] } of page.Reservations ?? []) {
      for (const instance of Instances) if (instance.InstanceId !== undefined) seen.set(instance.InstanceId, observedOf(instance));
    }
  }
  return seen;
}
