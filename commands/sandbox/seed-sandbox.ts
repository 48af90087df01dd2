import { listSandboxInstances } from '../../db/sandbox/instance-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { SandboxAccountKey } from '../../domain/sandbox/account.ts';
import type { InstanceWish } from '../../domain/sandbox/new-instance.ts';
import { createSandboxInstances } from './instances.ts';
import { createScalingGroup } from './scaling-groups.ts';
import type { SandboxCommand } from './shared.ts';

type Seed = Pick<InstanceWish, 'name' | 'instanceType' | 'tags'> & Partial<InstanceWish>;

const PRODUCTION = { Environment: 'production' };
const STAGING = { Environment: 'staging' };
const DEVELOPMENT = { Environment: 'development' };

/** A small company's machines: some that may sleep at night, some that never may, and why. */
function machines(scalingGroupId: string): Seed[] {
  return [
    { name: 'staging-web-1', instanceType: 'general.large', tags: { ...STAGING, Team: 'web', Hours: 'office' } },
    { name: 'staging-web-2', instanceType: 'general.large', tags: { ...STAGING, Team: 'web', Hours: 'office' } },
    { name: 'staging-db', instanceType: 'memory.large', tags: { ...STAGING, Team: 'platform', Hours: 'office' }, bootSeconds: 30, stopSeconds: 20 },
    { name: 'dev-workstation-ada', instanceType: 'general.xlarge', tags: { ...DEVELOPMENT, Team: 'research', Owner: 'ada', Hours: 'office' } },
    { name: 'dev-workstation-lin', instanceType: 'general.xlarge', tags: { ...DEVELOPMENT, Team: 'research', Owner: 'lin', Hours: 'office' }, regionId: 'sandbox-ap-1' },
    { name: 'ci-runner-1', instanceType: 'compute.2xlarge', tags: { ...DEVELOPMENT, Team: 'platform', Role: 'ci' } },
    { name: 'ci-runner-2', instanceType: 'compute.2xlarge', tags: { ...DEVELOPMENT, Team: 'platform', Role: 'ci' }, state: 'stopped' },
    { name: 'training-gpu', instanceType: 'gpu.medium', tags: { ...DEVELOPMENT, Team: 'research', Role: 'training' }, regionId: 'sandbox-us-1', bootSeconds: 60 },
    { name: 'render-spot', instanceType: 'gpu.small', tags: { ...DEVELOPMENT, Team: 'research', Role: 'batch' }, regionId: 'sandbox-us-1', spot: 'one-time' },
    { name: 'production-web', instanceType: 'general.large', tags: { ...PRODUCTION, Team: 'web' }, scalingGroupId },
    { name: 'production-db', instanceType: 'memory.2xlarge', tags: { ...PRODUCTION, Team: 'platform' }, stopProtection: true },
    { name: 'production-cache', instanceType: 'storage.xlarge', tags: { ...PRODUCTION, Team: 'platform' }, localSsd: true },
  ];
}

/**
 * Fills an empty sandbox with a dozen instances to try schedules on; one that holds any is left alone.
 * Answers how many were made.
 */
export async function seedSandbox(tx: Transaction, key: SandboxAccountKey, command: SandboxCommand): Promise<number> {
  const { total } = await listSandboxInstances(tx, key, {}, { at: command.at, limit: 1, after: null });
  if (total > 0) return 0;
  const group = await createScalingGroup(tx, { key, name: 'production-web', replacedAfterSeconds: 30 }, command);
  const seeds = machines(group.id);
  for (const seed of seeds) await createSandboxInstances(tx, { key, wish: { ...PLAIN, ...seed }, count: 1 }, command);
  return seeds.length;
}

const PLAIN: Omit<InstanceWish, 'name' | 'instanceType' | 'tags'> = {
  regionId: 'sandbox-eu-1',
  zone: null,
  state: 'running',
  bootSeconds: 15,
  stopSeconds: 10,
  scalingGroupId: null,
  spot: 'none',
  stopProtection: false,
  instanceStoreRoot: false,
  localSsd: false,
};
