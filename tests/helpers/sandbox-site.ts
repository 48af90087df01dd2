import { createSandboxInstances } from '../../commands/sandbox/instances.ts';
import { requestDiscovery } from '../../commands/data-sources/request-discovery.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { SandboxAccountKey } from '../../domain/sandbox/account.ts';
import type { InstanceWish } from '../../domain/sandbox/new-instance.ts';
import { system } from '../../domain/shared/entity.ts';
import type { Clock } from '../../domain/shared/time.ts';
import { systemClock } from '../../workers/dependencies.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { eventually, type Platform } from './platform.ts';
import { insertSandbox } from './power.ts';

const by = system('test');

const PLAIN: InstanceWish = {
  name: 'machine',
  instanceType: 'general.small',
  tags: {},
  bootSeconds: 0,
  stopSeconds: 0,
  scalingGroupId: null,
  spot: 'none',
  stopProtection: false,
  instanceStoreRoot: false,
  localSsd: false,
  regionId: 'sandbox-eu-1',
  zone: null,
  state: 'stopped',
};

/** An organization with a sandbox on a platform, arranged without the API. */
export interface SandboxSite {
  organizationId: string;
  dataSourceId: string;
  key: SandboxAccountKey;
  /** Makes instances and has them discovered by the running workers; answers with their resource ids in order of their names. */
  machines(count: number, wish?: Partial<InstanceWish>): Promise<string[]>;
  discover(): Promise<void>;
  /** Calls that changed something, oldest first. */
  effective(): Promise<{ action: string; nativeId: string }[]>;
}

/** How a test without workers has its sandbox discovered. */
export type DiscoverByHand = (ref: EntityRef) => Promise<void>;

/** Makes an organization with an empty sandbox. `machines` and `discover` need workers that run, or `byHand`. */
export async function sandboxSite(site: Platform, clock: Clock = systemClock, byHand?: DiscoverByHand): Promise<SandboxSite> {
  const { db } = site;
  const organizationId = newId('organization');
  await db('organizations').insert({ id: organizationId, name: 'Acme', created_at: clock.now(), last_at: clock.now() });
  const dataSourceId = await insertSandbox(db, organizationId);
  const key = { organizationId, accountId: 'sandbox' };
  const discover = async (): Promise<void> => {
    const ref = { organizationId, id: dataSourceId };
    if (byHand !== undefined) return await byHand(ref);
    const asked = await inTransaction(db, (tx) => requestDiscovery(tx, ref, { cause: 'request', at: clock.now(), by }));
    await eventually(async () => {
      const row = await db('operations').where({ id: asked.operationId }).first<{ state: string; error: unknown } | undefined>('state', 'error');
      if (row?.state === 'failed') throw new Error(`the discovery failed: ${JSON.stringify(row.error)}`);
      return row?.state === 'completed';
    }, 'the discovery');
  };
  return {
    organizationId,
    dataSourceId,
    key,
    discover,
    async machines(count, wish = {}) {
      const made = await inTransaction(db, (tx) => createSandboxInstances(tx, { key, wish: { ...PLAIN, ...wish }, count }, { at: clock.now(), by }));
      await discover();
      const rows = await db('instances')
        .where({ organization_id: organizationId })
        .whereIn('native_id', made.map((one) => one.id))
        .orderBy('instance_name')
        .select<{ resource_id: string }[]>('resource_id');
      return rows.map((row) => row.resource_id);
    },
    effective: async () =>
      await db('sandbox_calls')
        .where({ organization_id: organizationId, changed: true, via: 'api' })
        .whereIn('action', ['start', 'stop'])
        .orderBy('number')
        .select('action', 'instance_id as nativeId'),
  };
}
