import test from 'ava';
import { randomUUID } from 'node:crypto';
import { azurePermissionText } from '../../domain/data-sources/azure-permissions.ts';
import type { CloudAccount, PowerCall } from '../../domain/data-sources/cloud-ports.ts';
import type { InstanceRef } from '../../domain/resources/instance.ts';
import { azureSettings, credentialsOf, refTo } from '../../tests/helpers/peers/azure/azure-world.ts';
import type { MachineOptions } from '../../tests/helpers/peers/azure/machines.ts';
import { startAzureStandIn, type AzureStandIn } from '../../tests/helpers/peers/azure/stand-in.ts';
import { createAzureProvider } from './provider.ts';

const never = new AbortController().signal;
const clock = { at: Date.parse('2026-11-21T07:00:00Z') };

let azure: AzureStandIn;

test.beforeEach(async () => {
  azure = await startAzureStandIn({ now: () => clock.at, operationMs: 5_000, pageSize: 4 });
});

test.afterEach.always(() => azure?.stop());

/** An account as another process would open it. */
function open(): CloudAccount {
  const credentials = credentialsOf(azure, azure.entra.makeApplication(azurePermissionText(null).document.Actions));
  const connection = { account: azure.subscription.id };
  return createAzureProvider(azureSettings(azure)).open({ organizationId: 'org', dataSourceId: 'ds', accountId: azure.subscription.id, connection, credentials });
}

function make(options: Partial<MachineOptions> = {}): InstanceRef {
  return refTo(azure, { name: `vm-${randomUUID()}`, resourceGroup: 'RG', power: 'deallocated', ...options });
}

async function begin(action: 'start' | 'stop', ref: InstanceRef): Promise<string> {
  const answer = (await open().power[action]([ref], 'key', never)).get(ref.nativeId) as PowerCall;
  if (!answer.accepted || answer.operation === null) throw new Error('no operation began');
  return answer.operation;
}

test.serial('a start answers before it is done, and another process follows it to its end', async (t) => {
  const ref = make();
  const operation = await begin('start', ref);
  t.deepEqual(await open().power.followOperation(ref, operation, never), { done: false });
  t.is((await open().power.observe([ref], never)).get(ref.nativeId)?.state, 'starting');
  clock.at += 5_000;
  t.deepEqual(await open().power.followOperation(ref, operation, never), { done: true, error: null });
  t.deepEqual(await open().power.followOperation(ref, operation, never), { done: true, error: null });
  t.is((await open().power.observe([ref], never)).get(ref.nativeId)?.state, 'running');
});

test.serial('an operation holds no secret and asks for no result', async (t) => {
  const ref = make({ power: 'running' });
  const operation = await begin('stop', ref);
  t.notRegex(operation, /secret|Bearer|monitor=/);
  clock.at += 5_000;
  // The stand-in fails when the result of an operation is fetched.
  t.deepEqual(await open().power.followOperation(ref, operation, never), { done: true, error: null });
});

test.serial('a deallocation that fails is told as one, and an operation that Azure has forgotten is done', async (t) => {
  const ref = make({ power: 'running' });
  azure.arrange(ref.nativeId, 'deallocate', { kind: 'fails', code: 'InternalOperationError', message: 'Try later.' });
  const operation = await begin('stop', ref);
  clock.at += 5_000;
  const state = await open().power.followOperation(ref, operation, never);
  t.like(state.done && state.error?.details, { call: 'Microsoft.Compute/virtualMachines/deallocate/action', cloud_code: 'InternalOperationError' });
  azure.machines.operations.clear();
  t.deepEqual(await open().power.followOperation(ref, operation, never), { done: true, error: null });
});

test.serial('an operation that may not be followed names the permission', async (t) => {
  const ref = make();
  const operation = await begin('start', ref);
  const rest = azurePermissionText(null).document.Actions.filter((action) => !action.includes('locations'));
  const credentials = credentialsOf(azure, azure.entra.makeApplication(rest));
  const connection = { account: azure.subscription.id };
  const { power } = createAzureProvider(azureSettings(azure)).open({ organizationId: 'org', dataSourceId: 'ds', accountId: azure.subscription.id, connection, credentials });
  const error = await t.throwsAsync(power.followOperation(ref, operation, never), { code: 'azure.missing-permission' });
  t.like(error, { details: { permission: 'Microsoft.Compute/locations/operations/read' } });
});

test.serial('few machines are asked one by one, many by listing the states of the subscription', async (t) => {
  const refs = Array.from({ length: 12 }, () => make());
  const gone = make();
  azure.machines.all.delete(gone.nativeId);
  const { power } = open();
  await power.observe(refs.slice(0, 3), never);
  t.is(azure.asked.length, 3);
  azure.asked.length = 0;
  const seen = await power.observe([...refs, gone], never);
  t.is(seen.get(gone.nativeId)?.state, 'terminated');
  t.deepEqual([...new Set(refs.map(({ nativeId }) => seen.get(nativeId)?.state))], ['stopped']);
  // Three pages, and the one that they do not show.
  t.is(azure.asked.length, 4);
});

test.serial('a machine that cannot be read is unknown beside others, and a failure when it is alone', async (t) => {
  const [good, bad] = [make(), { ...make(), handle: {} }];
  const { power } = open();
  const seen = await power.observe([good, bad], never);
  t.is(seen.get(good.nativeId)?.state, 'stopped');
  t.is(seen.get(bad.nativeId)?.state, 'unknown');
  t.regex(seen.get(bad.nativeId)?.stateReason ?? '', /NoHandle/);
  await t.throwsAsync(power.observe([bad], never), { code: 'azure.rejected' });
});

test.serial('a stopped machine is charged still: it is not off, and deallocating it takes effect', async (t) => {
  const ref = make({ power: 'stopped' });
  t.is((await open().power.observe([ref], never)).get(ref.nativeId)?.state, 'stopped-billed');
  await begin('stop', ref);
  clock.at += 5_000;
  t.is((await open().power.observe([ref], never)).get(ref.nativeId)?.state, 'stopped');
});
