import type { FaultWish } from '../../commands/sandbox/faults.ts';
import { createSandboxInstances } from '../../commands/sandbox/instances.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { insertOrganization } from '../../db/organizations/organization-store.ts';
import { createSandboxStore } from '../../db/sandbox/sandbox-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { CloudAccount, CloudProvider } from '../../domain/data-sources/cloud-ports.ts';
import type { InstanceRef } from '../../domain/resources/instance.ts';
import type { SandboxAccountKey } from '../../domain/sandbox/account.ts';
import type { SandboxInstance } from '../../domain/sandbox/instance.ts';
import type { InstanceWish } from '../../domain/sandbox/new-instance.ts';
import { system } from '../../domain/shared/entity.ts';
import { plusMilliseconds, type Clock, type Instant } from '../../domain/shared/time.ts';
import { createSandboxProvider } from '../../providers/sandbox/provider.ts';

const TEST = system('test');

/** A clock that stands still until it is set forward. */
export interface StandingClock extends Clock {
  forward(seconds: number): void;
}

export function standingClock(start: Instant = '2026-11-21T07:00:00.000Z'): StandingClock {
  let now = start;
  return {
    now: () => now,
    forward(seconds) {
      now = plusMilliseconds(now, seconds * 1000);
    },
  };
}

/** A plain instance that takes ten seconds to start and to stop. */
export function sandboxWish(changes: Partial<InstanceWish> = {}): InstanceWish {
  return {
    name: 'web',
    regionId: 'sandbox-eu-1',
    zone: null,
    state: 'stopped',
    instanceType: 'general.medium',
    tags: {},
    bootSeconds: 10,
    stopSeconds: 10,
    scalingGroupId: null,
    spot: 'none',
    stopProtection: false,
    instanceStoreRoot: false,
    localSsd: false,
    ...changes,
  };
}

/** A fault that meets everything and always strikes, unless said otherwise. */
export function sandboxFaultWish(kind: FaultWish['kind'], changes: Partial<FaultWish> = {}): FaultWish {
  const anywhere = { action: null, regionId: null, instanceType: null, instanceId: null };
  return { kind, ...anywhere, remaining: null, percent: 100, seed: 1, retryAfterSeconds: null, message: null, ...changes };
}

/** A sandbox of an organization of its own, seen through its provider. */
export interface TestSandbox {
  key: SandboxAccountKey;
  provider: CloudProvider;
  account: CloudAccount;
  make(wish?: Partial<InstanceWish>, count?: number): Promise<SandboxInstance[]>;
}

export async function testSandbox(db: Database, clock: Clock, options: { pageSize?: number; organizationId?: string } = {}): Promise<TestSandbox> {
  const organizationId = options.organizationId ?? newId('organization');
  const at = clock.now();
  await inTransaction(db, (tx) => insertOrganization(tx, { id: organizationId, name: 'Acme', version: 1, createdAt: at, lastAt: at }));
  const key = { organizationId, accountId: 'sandbox' };
  const store = createSandboxStore({ db, newInstanceId: () => newId('sandbox-instance') });
  const provider = createSandboxProvider({ store, clock, ...(options.pageSize !== undefined && { pageSize: options.pageSize }) });
  return {
    key,
    provider,
    account: provider.open({ ...key, dataSourceId: newId('data-source'), connection: {}, credentials: null }),
    make: (wish = {}, count = 1) =>
      inTransaction(db, (tx) => createSandboxInstances(tx, { key, wish: sandboxWish(wish), count }, { at: clock.now(), by: TEST })),
  };
}

export function refTo({ id, regionId }: Pick<SandboxInstance, 'id' | 'regionId'>): InstanceRef {
  return { nativeId: id, regionId, handle: {}, discardLocalSsd: false };
}
