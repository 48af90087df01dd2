import { addSandboxFault, clearSandboxFaults, type FaultWish } from '../../commands/sandbox/faults.ts';
import { editSandboxAccount } from '../../commands/sandbox/edit-account.ts';
import { createScalingGroup } from '../../commands/sandbox/scaling-groups.ts';
import { deleteSandboxInstance } from '../../commands/sandbox/instances.ts';
import { listCalls } from '../../db/sandbox/call-log.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { SANDBOX_PERMISSIONS } from '../../domain/data-sources/sandbox-permissions.ts';
import type { InstanceRef } from '../../domain/resources/instance.ts';
import { SANDBOX_ACTIONS, SANDBOX_PERMISSION } from '../../domain/sandbox/call.ts';
import type { SandboxFaultKind } from '../../domain/sandbox/fault.ts';
import { system } from '../../domain/shared/entity.ts';
import { runCloudContract, type ContractInstanceKind, type ContractOutcome, type ContractWorld } from '../../tests/helpers/cloud-contract.ts';
import { freshDatabase } from '../../tests/helpers/database.ts';
import { refTo, sandboxFaultWish, standingClock, testSandbox } from '../../tests/helpers/sandbox.ts';

/** The organization that the contract opens accounts of. */
const ORGANIZATION = 'org_01jd8000000000000000000001';
const PAGE_SIZE = 5;

/** What the world's tests arrange: faults of the account, each an `addSandboxFault`. */
function arrangements(fault: (kind: SandboxFaultKind, changes: Partial<FaultWish>) => Promise<unknown>) {
  return {
    async arrange({ nativeId }: InstanceRef, outcome: ContractOutcome): Promise<void> {
      const action = outcome === 'stuck-stopping' ? 'stop' : 'start';
      await fault(outcome, { action, instanceId: nativeId, remaining: 1, retryAfterSeconds: 7 });
    },
    async failScope(scope: string): Promise<void> {
      await fault('unavailable', { action: 'discover', regionId: scope, remaining: 1 });
    },
    async withPermissions(allowed: readonly string[]): Promise<null> {
      const denied = SANDBOX_ACTIONS.filter((action) => !allowed.includes(SANDBOX_PERMISSION[action]));
      for (const action of denied) await fault('permission-denied', { action });
      // The sandbox knows no credentials: the account itself may do no more than this, until the next `make`.
      return null;
    },
  };
}

async function sandboxWorld(operations: boolean): Promise<ContractWorld> {
  const { db, drop } = await freshDatabase();
  const clock = standingClock();
  const { key, provider, make } = await testSandbox(db, clock, { pageSize: PAGE_SIZE, organizationId: ORGANIZATION });
  const command = () => ({ at: clock.now(), by: system('test') });
  if (operations) await inTransaction(db, (tx) => editSandboxAccount(tx, { key, changes: { operations } }, command()));
  const group = await inTransaction(db, (tx) => createScalingGroup(tx, { key, name: 'contract', replacedAfterSeconds: 30 }, command()));
  const fault = (kind: SandboxFaultKind, changes: Partial<FaultWish>) =>
    inTransaction(db, (tx) => addSandboxFault(tx, { key, wish: sandboxFaultWish(kind, changes) }, command()));
  const calls = async () => (await listCalls(db, key, {}, { limit: 100_000, before: null })).rows.reverse();
  const settings: Record<ContractInstanceKind, Parameters<typeof make>[0]> = {
    plain: {},
    'scaling-group': { scalingGroupId: group.id },
    'one-time-spot': { spot: 'one-time' },
    'instance-store-root': { instanceStoreRoot: true },
    'local-ssd': { localSsd: true },
    'stop-protection': { stopProtection: true },
  };
  return {
    cloud: 'sandbox',
    provider,
    connection: { account: key.accountId },
    credentials: null,
    wrongCredentials: null,
    malformedCredentials: null,
    accountId: key.accountId,
    permissionText: SANDBOX_PERMISSIONS,
    pageSize: PAGE_SIZE,
    async make({ name, state, tags = {}, kind = 'plain', elsewhere = false }) {
      // Every test makes something first: what the one before was denied is granted again.
      await inTransaction(db, (tx) => clearSandboxFaults(tx, key, command()));
      const [made] = await make({ name, state, tags, regionId: elsewhere ? 'sandbox-us-1' : 'sandbox-eu-1', ...settings[kind] });
      if (made === undefined) throw new Error('nothing was made');
      return refTo(made);
    },
    async remove({ nativeId }) {
      await inTransaction(db, (tx) => deleteSandboxInstance(tx, { organizationId: key.organizationId, id: nativeId }, command()));
    },
    ...arrangements(fault),
    effectiveActions: async () =>
      (await calls()).flatMap(({ action, changed, instanceId }) =>
        changed && instanceId !== null && (action === 'start' || action === 'stop') ? [{ action, nativeId: instanceId }] : [],
      ),
    recordedPermissions: async () => (await calls()).map(({ action }) => SANDBOX_PERMISSION[action]),
    async pass() {
      clock.forward(3);
    },
    end: drop,
  };
}

const NO_CREDENTIALS = { credentials: 'The sandbox asks for none.' };

runCloudContract('sandbox', () => sandboxWorld(false), NO_CREDENTIALS);
runCloudContract('sandbox with operations', () => sandboxWorld(true), NO_CREDENTIALS);
