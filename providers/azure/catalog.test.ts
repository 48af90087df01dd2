import test from 'ava';
import { azurePermissionText } from '../../domain/data-sources/azure-permissions.ts';
import type { DiscoveryStep } from '../../domain/data-sources/cloud-ports.ts';
import type { DiscoveredInstance, InstanceRef } from '../../domain/resources/instance.ts';
import { azureSettings, credentialsOf, refTo } from '../../tests/helpers/peers/azure/azure-world.ts';
import type { MachineOptions } from '../../tests/helpers/peers/azure/machines.ts';
import { startAzureStandIn, type AzureStandIn } from '../../tests/helpers/peers/azure/stand-in.ts';
import { createAzureProvider } from './provider.ts';

const BORN = '2026-11-21T07:00:00.000Z';

let azure: AzureStandIn;

test.beforeEach(async () => {
  azure = await startAzureStandIn({ now: () => Date.parse(BORN), pageSize: 4 });
});

test.afterEach.always(() => azure?.stop());

let made = 0;

function make(options: Partial<MachineOptions> = {}): InstanceRef {
  made += 1;
  return refTo(azure, { name: `vm-${made}`, resourceGroup: 'RG', power: 'deallocated', ...options });
}

async function discover(signal: AbortSignal = new AbortController().signal): Promise<DiscoveryStep[]> {
  const credentials = credentialsOf(azure, azure.entra.makeApplication(azurePermissionText(null).document.Actions));
  const account = { connection: { account: azure.subscription.id }, accountId: azure.subscription.id };
  const { catalog } = createAzureProvider(azureSettings(azure)).open({ organizationId: 'org', dataSourceId: 'ds', ...account, credentials });
  return Array.fromAsync(catalog.discover(signal));
}

async function discoverOne({ nativeId }: InstanceRef): Promise<DiscoveredInstance> {
  const all = (await discover()).flatMap((step) => (step.kind === 'instances' ? step.instances : []));
  const found = all.find((one) => one.nativeId === nativeId);
  if (found === undefined) throw new Error('it was not listed');
  return found;
}

test.serial('a machine is listed under the id that bills have, with its zone, size and birth', async (t) => {
  const ref = make({ name: 'Web-01', zone: '3', size: 'Standard_D4s_v5', tags: { Team: 'web' } });
  t.deepEqual(await discoverOne(ref), {
    nativeId: `/subscriptions/${azure.subscription.id}/resourcegroups/rg/providers/microsoft.compute/virtualmachines/web-01`,
    accountId: azure.subscription.id,
    regionId: 'westeurope',
    zone: '3',
    handle: { resourceGroup: 'RG', name: 'Web-01' },
    name: 'Web-01',
    instanceType: 'Standard_D4s_v5',
    state: 'stopped',
    stateReason: null,
    tags: { Team: 'web' },
    launchedAt: BORN,
    canStop: { allowed: true },
    hourlyPrice: null,
  });
});

for (const spotEviction of ['Deallocate', 'Delete'] as const) {
  test.serial(`a spot machine with the eviction policy ${spotEviction} may be stopped`, async (t) => {
    t.deepEqual((await discoverOne(make({ spotEviction }))).canStop, { allowed: true });
  });
}

test.serial('a member of a flexible scale set may not be stopped, and the set is named', async (t) => {
  const { canStop } = await discoverOne(make({ scaleSet: 'workers' }));
  t.regex(canStop.allowed ? '' : canStop.detail, /scale set workers/);
});

test.serial('states come with a listing of their own, not by a request for each machine', async (t) => {
  for (let index = 0; index < 6; index += 1) make({ power: index < 3 ? 'running' : 'deallocated' });
  const steps = await discover();
  t.deepEqual(steps.map(({ kind }) => kind), ['instances', 'instances', 'listed']);
  const states = steps.flatMap((step) => (step.kind === 'instances' ? step.instances.map(({ state }) => state) : []));
  t.deepEqual(states, ['running', 'running', 'running', 'stopped', 'stopped', 'stopped']);
  // Two pages of states, two of machines.
  t.is(azure.asked.length, 4);
});

test.serial('a machine that the listing of states leaves out is asked alone', async (t) => {
  make();
  const ref = make({ power: 'running', isLeftOutOfStates: true });
  t.is((await discoverOne(ref)).state, 'running');
  t.is(azure.asked.length, 3);
  t.is(azure.asked.at(-1)?.resource.toLowerCase(), ref.nativeId);
});

test.serial('a listing that breaks off between pages is failed, and says nothing of what it did not reach', async (t) => {
  for (let index = 0; index < 6; index += 1) make();
  // The first page of states comes, the second does not.
  azure.refusePage(2, { status: 429, code: 'TooManyRequests', message: 'Too many.', headers: { 'retry-after': '30' } });
  const steps = await discover();
  t.deepEqual(steps.map(({ kind }) => kind), ['failed']);
  t.like(steps[0], { scope: 'subscription', error: { code: 'azure.throttled', retryAfterSeconds: 30 } });
  // Here states and the first page of machines come.
  azure.refusePage(4, { status: 500, code: 'InternalServerError', message: 'Oops.' });
  t.deepEqual((await discover()).map(({ kind }) => kind), ['instances', 'failed']);
});

test.serial('a discovery that is cancelled between pages ends with the reason', async (t) => {
  for (let index = 0; index < 6; index += 1) make();
  const controller = new AbortController();
  const reason = new Error('the worker shuts down');
  azure.whenAsked(() => {
    if (azure.asked.length === 3) controller.abort(reason);
  });
  t.is(await t.throwsAsync(discover(controller.signal)), reason);
  t.is(azure.asked.length, 3);
});
