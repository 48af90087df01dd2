import test from 'ava';
import type { DiscoveryStep } from '../../domain/data-sources/cloud-ports.ts';
import type { DiscoveredInstance } from '../../domain/resources/instance.ts';
import type { InstanceSetUp } from '../../tests/helpers/peers/alibaba/instances.ts';
import type { Parameters } from '../../tests/helpers/peers/alibaba/model.ts';
import { refusal } from '../../tests/helpers/peers/alibaba/refusals.ts';
import { startAlibabaStandIn, type AlibabaStandIn } from '../../tests/helpers/peers/alibaba/stand-in.ts';
import { ALIBABA_ACCOUNT, settingsFor } from '../../tests/helpers/peers/alibaba/world.ts';
import { createAlibabaProvider } from './provider.ts';

const never = new AbortController().signal;
const STARTED = Date.parse('2026-11-20T09:17:42Z');

const inHangzhou = ({ regionId }: Parameters): boolean => regionId === 'cn-hangzhou';

async function world(t: { teardown: (end: () => Promise<void>) => void }): Promise<AlibabaStandIn> {
  const standIn = await startAlibabaStandIn({ accountId: ALIBABA_ACCOUNT, now: () => STARTED });
  t.teardown(() => standIn.stop());
  return standIn;
}

async function stepsOf(standIn: AlibabaStandIn): Promise<DiscoveryStep[]> {
  const credentials = standIn.createUser({ name: 'discoverer', allowed: ['ecs:DescribeRegions', 'ecs:DescribeInstances'] });
  const account = createAlibabaProvider(settingsFor(standIn.url)).open({
    organizationId: 'org_01jd8000000000000000000001',
    dataSourceId: 'ds_01jd8000000000000000000001',
    accountId: ALIBABA_ACCOUNT,
    connection: {},
    credentials,
  });
  return Array.fromAsync(account.catalog.discover(never));
}

async function discovered(standIn: AlibabaStandIn, setUp: Partial<InstanceSetUp>): Promise<DiscoveredInstance> {
  const { id } = standIn.add({ regionId: 'cn-hangzhou', name: 'one', status: 'Running', ...setUp });
  const all = (await stepsOf(standIn)).flatMap((step) => (step.kind === 'instances' ? step.instances : []));
  const found = all.find(({ nativeId }) => nativeId === id);
  if (found === undefined) throw new Error('it was not listed');
  return found;
}

test('an instance is told whole', async (t) => {
  const standIn = await world(t);
  const found = await discovered(standIn, { name: 'web-1', regionId: 'eu-central-1', tags: { team: 'blue' } });
  t.deepEqual(found, {
    nativeId: found.nativeId,
    accountId: ALIBABA_ACCOUNT,
    regionId: 'eu-central-1',
    zone: 'eu-central-1-h',
    handle: { regionId: 'eu-central-1' },
    name: 'web-1',
    instanceType: 'ecs.g7.large',
    state: 'running',
    stateReason: null,
    tags: { team: 'blue' },
    launchedAt: '2026-11-20T09:17:00.000Z',
    canStop: { allowed: true },
    hourlyPrice: null,
  });
  t.regex(found.nativeId, /^i-[a-z0-9]+$/, 'as bills name it');
});

test('one that never started is dated by its creation', async (t) => {
  t.is((await discovered(await world(t), { status: 'Stopped' })).launchedAt, '2026-11-20T09:17:00.000Z');
});

const states: { title: string; setUp: Partial<InstanceSetUp>; state: string; reason: string | null }[] = [
  { title: 'a stop in economical mode is charged no longer', setUp: { status: 'Stopped' }, state: 'stopped', reason: null },
  {
    title: 'a stop in standard mode goes on being charged',
    setUp: { status: 'Stopped', stoppedMode: 'KeepCharging' },
    state: 'stopped-billed',
    reason: 'StoppedMode: KeepCharging',
  },
  {
    title: 'where economical mode does not apply, a stopped instance goes on being charged',
    setUp: { status: 'Stopped', networkType: 'classic' },
    state: 'stopped-billed',
    reason: 'StoppedMode: Not-applicable',
  },
  {
    title: 'a subscription that is off is as off as it can be',
    setUp: { status: 'Stopped', chargeType: 'PrePaid' },
    state: 'stopped',
    reason: 'InstanceChargeType: PrePaid',
  },
  {
    title: 'locks are told with the state',
    setUp: { status: 'Stopped', locks: ['financial', 'security'] },
    state: 'stopped',
    reason: 'LockReason: financial; LockReason: security',
  },
];

for (const { title, setUp, state, reason } of states) {
  test(title, async (t) => {
    const found = await discovered(await world(t), setUp);
    t.is(found.state, state as DiscoveredInstance['state']);
    t.is(found.stateReason, reason);
  });
}

const stoppable: { title: string; setUp: Partial<InstanceSetUp>; allowed: boolean; detail: RegExp | null }[] = [
  { title: 'a spot instance may be stopped', setUp: { spotStrategy: 'SpotAsPriceGo' }, allowed: true, detail: null },
  { title: 'deletion protection does not keep from stopping', setUp: { deletionProtection: true }, allowed: true, detail: null },
  { title: 'a subscription may be stopped, and it is said that this saves nothing', setUp: { chargeType: 'PrePaid' }, allowed: true, detail: /saves nothing/ },
  { title: 'the classic network has no economical mode, and that is said', setUp: { networkType: 'classic' }, allowed: true, detail: /classic network/ },
  { title: 'local disks need a choice', setUp: { instanceType: 'ecs.i4.xlarge', localDisks: 2 }, allowed: false, detail: /^ecs\.i4 has local disks/ },
  { title: 'persistent memory needs a choice', setUp: { instanceType: 'ecs.re6p.2xlarge' }, allowed: false, detail: /^ecs\.re6p has/ },
  { title: 'gn5 has local disks, also where the listing leaves them out', setUp: { instanceType: 'ecs.gn5.large' }, allowed: false, detail: /^ecs\.gn5 has/ },
  { title: 'gn5i has none', setUp: { instanceType: 'ecs.gn5i.large' }, allowed: true, detail: null },
  { title: 'ic5 has none', setUp: { instanceType: 'ecs.ic5.large' }, allowed: true, detail: null },
];

for (const { title, setUp, allowed, detail } of stoppable) {
  test(title, async (t) => {
    const { canStop } = await discovered(await world(t), setUp);
    t.is(canStop.allowed, allowed);
    if (!canStop.allowed) t.is(canStop.reason, 'local-ssd');
    if (detail === null) t.is(canStop.detail, undefined);
    else t.regex(canStop.detail ?? '', detail);
  });
}

test('a member of a scaling group is named with its group', async (t) => {
  const { canStop } = await discovered(await world(t), { tags: { 'acs:autoscaling:scalingGroupId': 'asg-bp1d8uuut40f' } });
  t.deepEqual(canStop, { allowed: false, reason: 'scaling-group', detail: 'Auto Scaling group asg-bp1d8uuut40f would replace it.' });
});

test('an answer without a list of instances calls nothing gone', async (t) => {
  const standIn = await world(t);
  standIn.failNext('DescribeInstances', { kind: 'odd-answer', body: { TotalCount: 0 } }, inHangzhou);
  const steps = await stepsOf(standIn);
  t.like(steps[0], { kind: 'failed', scope: 'cn-hangzhou', error: { code: 'alibaba.rejected' } });
  t.like(steps[2], { kind: 'listed', scope: 'eu-central-1' });
});

test('an answer without regions is no empty account', async (t) => {
  const standIn = await world(t);
  standIn.failNext('DescribeRegions', { kind: 'odd-answer', body: { Regions: { Region: [] } } });
  await t.throwsAsync(stepsOf(standIn), { code: 'alibaba.rejected', message: /NoRegions/ });
});

test('a region that fails in the middle of its pages is not called listed', async (t) => {
  const standIn = await startAlibabaStandIn({ accountId: ALIBABA_ACCOUNT, regions: ['cn-hangzhou'], pageSize: 1 });
  t.teardown(() => standIn.stop());
  for (const name of ['first', 'second']) standIn.add({ regionId: 'cn-hangzhou', name, status: 'Running' });
  const broken = { kind: 'refused', refusal: refusal(503, 'ServiceUnavailable', 'The request has failed due to a temporary failure of the server.') } as const;
  standIn.failNext('DescribeInstances', broken, ({ nextToken }) => nextToken !== undefined);
  t.deepEqual((await stepsOf(standIn)).map(({ kind }) => kind), ['instances', 'failed']);
});

test('a key that is revoked in the middle of a discovery ends it', async (t) => {
  const standIn = await world(t);
  const revoked = refusal(400, 'InvalidAccessKeyId.Inactive', 'Specified access key is disabled.');
  standIn.failNext('DescribeInstances', { kind: 'refused', refusal: revoked }, (parameters) => !inHangzhou(parameters));
  await t.throwsAsync(stepsOf(standIn), { code: 'alibaba.bad-credentials' });
});
