import { MockActivityEnvironment } from '@temporalio/testing';
import { createDataSourceActivities } from '../../activities/data-sources/index.ts';
import type { DataSourceActivityDependencies } from '../../activities/data-sources/dependencies.ts';
import { requestDiscovery } from '../../commands/data-sources/request-discovery.ts';
import { insertDataSource } from '../../db/data-sources/data-source-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { CloudProviders, DiscoveryStep } from '../../domain/data-sources/cloud-ports.ts';
import type { DataSource } from '../../domain/data-sources/data-source.ts';
import type { DiscoveredInstance } from '../../domain/resources/instance.ts';
import type { DiscoverAct } from '../../workflows/data-sources/messages.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { dataSourceDependencies, systemClock } from '../../workers/dependencies.ts';
import { tickSchedules } from '../../workers/tick-schedules.ts';
import { blankDataSource } from './blank-data-source.ts';
import { tester } from './connect.ts';
import type { Platform } from './platform.ts';

/** A listing as a test wants it: in place of what an adapter would say. */
export type Listing = (signal: AbortSignal) => AsyncIterable<DiscoveryStep>;

export function listing(...steps: DiscoveryStep[]): Listing {
  return async function* list() {
    yield* steps;
  };
}

/** An instance as an AWS adapter would show it. */
export function discovered(change: Partial<DiscoveredInstance> = {}): DiscoveredInstance {
  return {
    nativeId: 'i-0000000000000001',
    accountId: '012345678901',
    regionId: 'eu-west-1',
    zone: 'eu-west-1a',
    handle: {},
    name: 'web',
    instanceType: 'm7i.large',
    state: 'running',
    stateReason: null,
    tags: {},
    launchedAt: '2026-11-01T00:00:00.000Z',
    canStop: { allowed: true },
    hourlyPrice: null,
    ...change,
  };
}

/** A connected account whose discoveries a test carries out by hand. */
export async function anAccount(site: Platform, organizationId: string, change: Partial<DataSource> = {}): Promise<EntityRef> {
  const source = blankDataSource(organizationId, { credentialsKind: 'default-chain', ...change });
  await inTransaction(site.db, (tx) => insertDataSource(tx, source));
  return { organizationId, id: source.id };
}

/** What the workers give to activities; `list` stands for what AWS would list. */
export function discoveryDependencies(site: Platform, list?: Listing): DataSourceActivityDependencies {
  const deps = dataSourceDependencies(site.config, { db: site.db, schedules: tickSchedules(site.client, 'entities'), log: site.log });
  if (list === undefined) return deps;
  const { aws } = deps.clouds;
  const clouds: CloudProviders = { ...deps.clouds, aws: { ...aws, open: (target) => ({ ...aws.open({ ...target, credentials: { kind: 'default-chain' } }), catalog: { discover: list } }) } };
  return { ...deps, clouds };
}

/** Asks for a discovery; answers with the act that carries it out. */
export async function askToDiscover({ db }: Pick<Platform, 'db'>, ref: EntityRef): Promise<DiscoverAct & { operationId: string }> {
  const { id, operationId } = await inTransaction(db, (tx) => requestDiscovery(tx, ref, { cause: 'request', at: systemClock.now(), by: tester }));
  return { name: 'discover', key: `${id}/discover`, summary: '', discoveryId: id, operationId: operationId ?? '' };
}

/** One attempt of an act; answers with its outcome in words. */
export async function attempt(deps: DataSourceActivityDependencies, ref: EntityRef, act: DiscoverAct): Promise<string> {
  const environment = new MockActivityEnvironment();
  return await environment.run(async () => (await createDataSourceActivities(deps).discover(ref, act)).outcome);
}

/** Asks for a discovery and carries it out. */
export async function discoverOnce(site: Platform, ref: EntityRef, list?: Listing): Promise<string> {
  return await attempt(discoveryDependencies(site, list), ref, await askToDiscover(site, ref));
}
