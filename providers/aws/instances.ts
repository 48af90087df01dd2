import type { DescribeInstancesCommandInput, DescribeInstancesCommandOutput, EC2Client } from '@aws-sdk/client-ec2';
import type { DiscoveryStep, InstanceCatalog } from '../../domain/data-sources/cloud-ports.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { AwsClients } from './clients.ts';
import { callEc2 } from './ec2-errors.ts';
import { factsFor, type KnownTypes } from './ec2-facts.ts';
import { discoveredOf } from './ec2-instance.ts';
import { interleave } from './interleave.ts';
import { BILLING_API_REGION } from './settings.ts';

/** The most regions listed beside each other. */
const REGIONS_AT_ONCE = 8;
/** The largest page EC2 gives. */
export const INSTANCES_PAGE = 1000;

/** What is left out is gone: `shutting-down` and `terminated`. */
const ALIVE = [{ Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] }];

export interface Ec2CatalogOptions {
  clients: AwsClients;
  accountId: string;
  knownTypes: KnownTypes;
  /** Instances a page, 5 to 1000. */
  pageSize: number;
}

/** Lists the instances of every region that is enabled for the account. A scope is a region. */
export function createEc2Catalog(options: Ec2CatalogOptions): InstanceCatalog {
  return {
    discover: async function* (signal) {
      const regions = await enabledRegions(options.clients, options.accountId, signal);
      yield* interleave(
        regions.map((region) => listRegion(options, region, signal)),
        REGIONS_AT_ONCE,
      );
    },
  };
}

/** Without AllRegions EC2 names those that need no opt-in and those that the account has opted in to. */
export async function enabledRegions(clients: AwsClients, accountId: string, signal: AbortSignal): Promise<string[]> {
  const { DescribeRegionsCommand } = await import('@aws-sdk/client-ec2');
  const client = await clients.ec2(BILLING_API_REGION);
  const call = { action: 'ec2:DescribeRegions', resource: `account ${accountId}` };
  const answer = await callEc2(call, signal, () => client.send(new DescribeRegionsCommand({}), { abortSignal: signal }));
  return (answer.Regions ?? []).flatMap(({ RegionName, OptInStatus }) =>
    RegionName === undefined || OptInStatus === 'not-opted-in' ? [] : [RegionName],
  );
}

async function* listRegion(options: Ec2CatalogOptions, region: string, signal: AbortSignal): AsyncGenerator<DiscoveryStep> {
  try {
    const client = await options.clients.ec2(region);
    for await (const page of describeInstances(client, region, { Filters: ALIVE, MaxResults: options.pageSize }, signal)) {
      const found = (page.Reservations ?? []).flatMap((reservation) => (reservation.Instances ?? []).map((instance) => ({ reservation, instance })));
      if (found.length === 0) continue;
      const facts = await factsFor(client, region, found.map(({ instance }) => instance), options.knownTypes, signal);
      const instances = found.map(({ reservation, instance }) => discoveredOf(reservation, instance, region, facts));
      yield { kind: 'instances', scope: region, instances };
    }
    yield { kind: 'listed', scope: region };
  } catch (error) {
    if (signal.aborted || !(error instanceof DomainError)) throw error;
    yield { kind: 'failed', scope: region, error };
  }
}

/** The pages of a listing. A page may be empty and yet not the last. */
export async function* describeInstances(
  client: EC2Client,
  region: string,
  input: DescribeInstancesCommandInput,
  signal: AbortSignal,
): AsyncGenerator<DescribeInstancesCommandOutput> {
  const { DescribeInstancesCommand } = await import('@aws-sdk/client-ec2');
  let NextToken: string | undefined;
  do {
    // An account may hide what services of AWS manage from listings; it is there and charged all the same.
    const command = new DescribeInstancesCommand({ ...input, IncludeManagedResources: true, ...(NextToken !== undefined && { NextToken }) });
    const call = { action: 'ec2:DescribeInstances', resource: region };
    const answer = await callEc2(call, signal, () => client.send(command, { abortSignal: signal }));
    yield answer;
    NextToken = answer.NextToken;
  } while (NextToken !== undefined && NextToken !== '');
}
