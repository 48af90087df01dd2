import test from 'ava';
import type { DiscoveryStep } from '../../domain/data-sources/cloud-ports.ts';
import { openStandIn, PROJECT, ZONES, type OpenedStandIn } from '../../tests/helpers/peers/gcp/opened.ts';

const signal = new AbortController().signal;
let gcp: OpenedStandIn;

test.beforeEach(async () => {
  gcp = await openStandIn();
});
test.afterEach.always(async () => gcp.peer.stop());

async function discover(): Promise<DiscoveryStep[]> {
  return Array.fromAsync(gcp.open().catalog.discover(signal));
}

/** How each zone ended: `listed`, or the reason why not. */
async function endings(): Promise<Record<string, string>> {
  const steps = await discover();
  return Object.fromEntries(
    steps.flatMap((step) => {
      if (step.kind === 'instances') return [];
      return [[step.scope, step.kind === 'listed' ? 'listed' : String(step.error.details.cloud_code)]];
    }),
  );
}

const [first, second, third] = ZONES;

test.serial('an instance is told as bills know it, with what Google says of it', async (t) => {
  const labels = { team: 'blue', empty: '' };
  const ref = gcp.make({ name: 'api-1', zone: third, labels, machineType: 'custom-4-8192', more: { statusMessage: 'Preempted by Compute Engine.' }, status: 'TERMINATED' });
  const [step] = await discover();
  t.deepEqual(step, {
    kind: 'instances',
    scope: third,
    instances: [
      {
        nativeId: ref.nativeId,
        accountId: PROJECT,
        regionId: 'us-central1',
        zone: third,
        handle: { zone: third, name: 'api-1' },
        name: 'api-1',
        instanceType: 'custom-4-8192',
        state: 'stopped',
        stateReason: 'Preempted by Compute Engine.',
        tags: labels,
        launchedAt: '2026-11-02T11:04:05.006Z',
        canStop: { allowed: true },
        hourlyPrice: null,
      },
    ],
  });
  t.regex(ref.nativeId, /^\/\/compute\.googleapis\.com\/projects\/acme-prod-4711\/zones\/us-central1-f\/instances\/8123456789012345\d{3}$/);
});

test.serial('one that never started was launched when it was made', async (t) => {
  gcp.make({ name: 'new', more: { lastStartTimestamp: undefined } });
  const [step] = await discover();
  t.is(step?.kind === 'instances' && step.instances[0]?.launchedAt, '2026-10-01T08:02:03.004Z');
});

test.serial('every state of the life cycle has its meaning, and a repair is unknown by its name', async (t) => {
  const meanings = {
    PENDING: 'starting', PROVISIONING: 'starting', STAGING: 'starting', RUNNING: 'running', PENDING_STOP: 'stopping', STOPPING: 'stopping',
    SUSPENDING: 'stopping', DEPROVISIONING: 'stopping', SUSPENDED: 'suspended', STOPPED: 'stopped', TERMINATED: 'stopped', REPAIRING: 'unknown',
  };
  for (const status of Object.keys(meanings)) gcp.make({ name: status, status });
  const instances = (await discover()).flatMap((step) => (step.kind === 'instances' ? step.instances : []));
  t.deepEqual(Object.fromEntries(instances.map(({ name, state }) => [name, state])), meanings);
  t.is(instances.find(({ name }) => name === 'REPAIRING')?.stateReason, 'REPAIRING');
});

test.serial('spot and protected instances may be stopped, members of a group and local disks not', async (t) => {
  gcp.make({ name: 'spot', more: { scheduling: { provisioningModel: 'SPOT', preemptible: true, instanceTerminationAction: 'DELETE' } } });
  gcp.make({ name: 'protected', more: { deletionProtection: true } });
  gcp.make({ name: 'made-by-hand', more: { metadata: { items: [{ key: 'created-by', value: 'jo@example.com' }] } } });
  gcp.make({ name: 'regional', more: { metadata: { items: [{ key: 'created-by', value: 'projects/123456789012/regions/europe-west4/instanceGroupManagers/web' }] } } });
  gcp.make({ name: 'scratch', more: { disks: [{ type: 'PERSISTENT' }, { type: 'SCRATCH' }, { type: 'SCRATCH' }] } });
  const instances = (await discover()).flatMap((step) => (step.kind === 'instances' ? step.instances : []));
  const reasons = Object.fromEntries(instances.map(({ name, canStop }) => [name, canStop.allowed ? 'allowed' : `${canStop.reason}: ${canStop.detail}`]));
  t.deepEqual(reasons, {
    spot: 'allowed',
    protected: 'allowed',
    'made-by-hand': 'allowed',
    regional: 'scaling-group: Managed instance group web would repair it by starting or replacing it.',
    scratch: 'local-ssd: It has 2 local SSDs, which a stop empties.',
  });
});

test.serial('a zone without instances is listed, so that its last one can be gone', async (t) => {
  gcp.make({ name: 'only', zone: second });
  t.deepEqual(await endings(), { [first]: 'listed', [second]: 'listed', [third]: 'listed' });
});

test.serial('a zone out of reach is failed, with what Google says, and a region fails its zones', async (t) => {
  gcp.peer.unreachable.add(second);
  t.deepEqual(await endings(), { [first]: 'listed', [second]: 'UNREACHABLE', [third]: 'listed' });
  gcp.peer.rewriteListing((page) => Object.assign(page, { unreachables: [`projects/${PROJECT}/regions/europe-west4`] }));
  t.deepEqual(await endings(), { [first]: 'UNREACHABLE', [second]: 'UNREACHABLE', [third]: 'listed' });
});

test.serial('a place in a form that is new to us spares no zone, nor does a warning of the whole page', async (t) => {
  gcp.peer.rewriteListing((page) => Object.assign(page, { unreachables: ['cells/eu-4'] }));
  t.deepEqual([...new Set(Object.values(await endings()))], ['UNREACHABLE']);
  gcp.peer.rewriteListing((page) => Object.assign(page, { warning: { code: 'PARTIAL_SUCCESS', message: 'Some results are missing.' } }));
  t.deepEqual([...new Set(Object.values(await endings()))], ['PARTIAL_SUCCESS']);
  gcp.peer.rewriteListing((page) => Object.assign(page, { warning: { code: 'PARTIAL_SUCCESS', data: [{ key: 'scope', value: `zones/${third}` }] } }));
  t.deepEqual(await endings(), { [first]: 'listed', [second]: 'listed', [third]: 'PARTIAL_SUCCESS' });
  gcp.peer.rewriteListing((page) => Object.assign(page, { warning: { code: 'NO_RESULTS_ON_PAGE' } }));
  t.deepEqual([...new Set(Object.values(await endings()))], ['listed']);
});

test.serial('a zone that failed on an early page stays failed, though later pages tell of it', async (t) => {
  for (let index = 0; index < 5; index += 1) gcp.make({ name: `vm-${index}` });
  gcp.peer.rewriteListing((page) => Object.assign(page, { unreachables: [`zones/${first}`] }));
  const steps = await discover();
  t.is(steps.filter((step) => step.kind === 'instances').length, 2);
  t.deepEqual(steps.filter((step) => step.kind !== 'instances' && step.scope === first).map(({ kind }) => kind), ['failed']);
});

test.serial('a page that cannot be had ends the discovery before any zone counts as listed', async (t) => {
  for (let index = 0; index < 5; index += 1) gcp.make({ name: `vm-${index}` });
  const steps: DiscoveryStep[] = [];
  const run = async (): Promise<void> => {
    for await (const step of gcp.open().catalog.discover(signal)) {
      steps.push(step);
      gcp.peer.refuseNext({ status: 503, reason: 'backendError', message: 'Backend Error' });
    }
  };
  await t.throwsAsync(run(), { code: 'gcp.unavailable' });
  t.deepEqual(steps.map(({ kind }) => kind), ['instances']);
});

test.serial('partial success is asked for, and pages of the size that was set', async (t) => {
  await discover();
  t.deepEqual(gcp.peer.calls.map(({ rpc, query }) => [rpc, query]), [['Instances.AggregatedList', { maxResults: '3', returnPartialSuccess: 'true' }]]);
});
