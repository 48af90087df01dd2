import test from 'ava';
import type { PowerCall, PowerControl } from '../../domain/data-sources/cloud-ports.ts';
import type { InstanceSetUp } from '../../tests/helpers/peers/alibaba/instances.ts';
import { refusal } from '../../tests/helpers/peers/alibaba/refusals.ts';
import { startAlibabaStandIn, type AlibabaOptions, type AlibabaStandIn, type CallFault } from '../../tests/helpers/peers/alibaba/stand-in.ts';
import { ALIBABA_ACCOUNT, refTo, settingsFor } from '../../tests/helpers/peers/alibaba/world.ts';
import type { InstanceRef } from '../../domain/resources/instance.ts';
import { createAlibabaProvider } from './provider.ts';
import type { AlibabaSettings } from './settings.ts';

const never = new AbortController().signal;

interface World {
  standIn: AlibabaStandIn;
  power: PowerControl;
  add(setUp?: Partial<InstanceSetUp>): InstanceRef;
}

async function world(
  t: { teardown: (end: () => Promise<void>) => void },
  options: Partial<AlibabaOptions> = {},
  settings: Partial<AlibabaSettings> = {},
): Promise<World> {
  const standIn = await startAlibabaStandIn({ accountId: ALIBABA_ACCOUNT, ...options });
  t.teardown(() => standIn.stop());
  const credentials = standIn.createUser({ name: 'operator', allowed: ['ecs:DescribeInstances', 'ecs:StartInstances', 'ecs:StopInstances'] });
  const { power } = createAlibabaProvider({ ...settingsFor(standIn.url), ...settings }).open({
    organizationId: 'org_01jd8000000000000000000001',
    dataSourceId: 'ds_01jd8000000000000000000001',
    accountId: ALIBABA_ACCOUNT,
    connection: {},
    credentials,
  });
  return { standIn, power, add: (setUp = {}) => refTo(standIn.add({ regionId: 'cn-hangzhou', name: 'one', status: 'Running', ...setUp })) };
}

/** `accepted <state>`, or the problem with the cloud's code. */
function inShort(call: PowerCall | undefined): string {
  if (call === undefined) return 'unanswered';
  return call.accepted ? `accepted ${call.state ?? 'untold'}` : `${call.error.code} ${String(call.error.details.cloud_code)}`;
}

function answersOf(refs: readonly InstanceRef[], answers: Map<string, PowerCall>): string[] {
  return refs.map(({ nativeId }) => inShort(answers.get(nativeId)));
}

test('a stop asks for economical mode, each member for itself', async (t) => {
  const { standIn, power, add } = await world(t);
  const refs = [add(), add()];
  t.deepEqual(answersOf(refs, await power.stop(refs, 'wish', never)), ['accepted stopping', 'accepted stopping']);
  t.deepEqual(standIn.calls.at(-1)?.parameters, {
    regionId: 'cn-hangzhou',
    instanceId: refs.map(({ nativeId }) => nativeId),
    batchOptimization: 'SuccessFirst',
    stoppedMode: 'StopCharging',
  });
  standIn.advance(1_000);
  t.deepEqual([...(await power.observe(refs, never)).values()], [
    { state: 'stopped', stateReason: null },
    { state: 'stopped', stateReason: null },
  ]);
});

test('every member of a batch has the outcome that the answer tells of it', async (t) => {
  const { standIn, power, add } = await world(t);
  const stopped = (): InstanceRef => add({ status: 'Stopped' });
  const [good, soldOut, dear, overQuota, noKey, managed] = [stopped(), stopped(), stopped(), stopped(), stopped(), stopped()];
  const refuse = ({ nativeId }: InstanceRef, code: string): void => standIn.arrange(nativeId, { kind: 'member-refused', code, message: 'No.' });
  refuse(soldOut, 'OperationDenied.NoStock');
  refuse(dear, 'OperationDenied.SpotPriceLowerThanPublicPrice');
  refuse(overQuota, 'QuotaExceed.ElasticQuota');
  refuse(noKey, 'InvalidParameter.KMSKeyId.CMKNotEnabled');
  refuse(managed, 'OperationDenied.SystemInstanceNotSupport');
  const locked = add({ status: 'Stopped', locks: ['security'] });
  const inArrears = add({ status: 'Stopped', locks: ['financial'] });
  const gone = add({ status: 'Stopped' });
  standIn.instances.delete(gone.nativeId);
  const refs = [good, soldOut, dear, overQuota, noKey, managed, locked, inArrears, gone];
  t.deepEqual(answersOf(refs, await power.start(refs, 'wish', never)), [
    'accepted starting',
    'alibaba.no-capacity OperationDenied.NoStock',
    'alibaba.no-capacity OperationDenied.SpotPriceLowerThanPublicPrice',
    'alibaba.quota-exceeded QuotaExceed.ElasticQuota',
    'alibaba.wrong-state InvalidParameter.KMSKeyId.CMKNotEnabled',
    'alibaba.cannot-stop OperationDenied.SystemInstanceNotSupport',
    'alibaba.wrong-state InstanceLockedForSecurity',
    'alibaba.account-disabled InstanceExpiredOrInArrears',
    'alibaba.not-found InvalidInstanceId.NotFound',
  ]);
});

test('a repeat of what is under way is accepted and changes nothing', async (t) => {
  const { standIn, power, add } = await world(t);
  const [off, on] = [add({ status: 'Stopped' }), add()];
  t.is(inShort((await power.start([off], 'wish', never)).get(off.nativeId)), 'accepted starting');
  t.is(inShort((await power.start([off], 'wish', never)).get(off.nativeId)), 'accepted starting');
  t.is(inShort((await power.start([on], 'wish', never)).get(on.nativeId)), 'accepted running');
  await power.stop([on], 'wish', never);
  t.is(inShort((await power.stop([on], 'wish', never)).get(on.nativeId)), 'accepted stopping');
  t.is(inShort((await power.start([on], 'wish', never)).get(on.nativeId)), 'alibaba.wrong-state IncorrectInstanceStatus');
  t.is(standIn.effects.length, 2);
});

test('what is stopped and charged is not taken for stopped, however often it is asked', async (t) => {
  const { power, add } = await world(t);
  const ref = add({ status: 'Stopped', stoppedMode: 'KeepCharging' });
  t.is(inShort((await power.stop([ref], 'wish', never)).get(ref.nativeId)), 'alibaba.wrong-state IncorrectInstanceStatus');
  t.deepEqual((await power.observe([ref], never)).get(ref.nativeId), { state: 'stopped-billed', stateReason: 'StoppedMode: KeepCharging' });
});

test('an instance with local disks stops, and is seen to be charged', async (t) => {
  const { standIn, power, add } = await world(t);
  const ref = { ...add({ instanceType: 'ecs.i4.large', localDisks: 1 }), discardLocalSsd: true };
  t.is(inShort((await power.stop([ref], 'wish', never)).get(ref.nativeId)), 'accepted stopping');
  standIn.advance(1_000);
  t.deepEqual((await power.observe([ref], never)).get(ref.nativeId), { state: 'stopped-billed', stateReason: 'StoppedMode: Not-applicable' });
});

test('a start that is taken and falls back is seen stopped again', async (t) => {
  const { standIn, power, add } = await world(t);
  const ref = add({ status: 'Stopped' });
  standIn.arrange(ref.nativeId, { kind: 'course', course: 'falls-back' });
  const answer = (await power.start([ref], 'wish', never)).get(ref.nativeId);
  t.deepEqual(answer, { accepted: true, state: 'starting', operation: null });
  t.is((await power.observe([ref], never)).get(ref.nativeId)?.state, 'starting');
  standIn.advance(1_000);
  t.is((await power.observe([ref], never)).get(ref.nativeId)?.state, 'stopped');
  t.deepEqual(await power.followOperation(ref, 'none', never), { done: true, error: null });
});

test('a member that the answer leaves out is not taken for accepted', async (t) => {
  const { standIn, power, add } = await world(t);
  const refs = [add({ status: 'Stopped' }), add({ status: 'Stopped' })];
  const InstanceResponse = [{ InstanceId: refs[0]?.nativeId, Code: 200, Message: 'success', CurrentStatus: 'Starting', PreviousStatus: 'Stopped' }];
  standIn.failNext('StartInstances', { kind: 'odd-answer', body: { InstanceResponses: { InstanceResponse } } });
  // A number where the documentation's own samples have one.
  t.deepEqual(answersOf(refs, await power.start(refs, 'wish', never)), ['accepted starting', 'alibaba.unavailable NoAnswer']);
});

test('where one unknown id refuses the whole batch, the refusal says so and nothing has changed', async (t) => {
  const { standIn, power, add } = await world(t, { unknownIds: 'whole-batch' });
  const [good, gone] = [add({ status: 'Stopped' }), add({ status: 'Stopped' })];
  standIn.instances.delete(gone.nativeId);
  await t.throwsAsync(power.start([good, gone], 'wish', never), { code: 'alibaba.not-found', message: /2 instances in cn-hangzhou/ });
  t.deepEqual(standIn.effects, []);
  t.is(inShort((await power.start([good], 'wish', never)).get(good.nativeId)), 'accepted starting');
});

test('nobody is asked about nothing', async (t) => {
  const { standIn, power } = await world(t);
  t.is((await power.start([], 'wish', never)).size, 0);
  t.is((await power.stop([], 'wish', never)).size, 0);
  t.is(standIn.calls.length, 0);
});

test('instances are observed by region, a hundred to a call', async (t) => {
  const { standIn, power, add } = await world(t);
  const here = Array.from({ length: 101 }, () => add());
  const there = [add({ regionId: 'eu-central-1', status: 'Stopped' })];
  const seen = await power.observe([...here, ...there], never);
  t.is(seen.size, 102);
  t.is([...seen.values()].filter(({ state }) => state === 'running').length, 101);
  t.is(seen.get(there[0]?.nativeId ?? '')?.state, 'stopped');
  t.deepEqual(standIn.calls.map(({ parameters }) => `${String(parameters.regionId)} ${(JSON.parse(String(parameters.instanceIds)) as string[]).length}`), [
    'cn-hangzhou 100',
    'cn-hangzhou 1',
    'eu-central-1 1',
  ]);
});

test('a region that cannot be looked at leaves its instances unknown, never gone', async (t) => {
  const { standIn, power, add } = await world(t);
  const [here, there] = [add(), add({ regionId: 'eu-central-1' })];
  const broken: CallFault = { kind: 'refused', refusal: refusal(500, 'InternalError', 'The request processing has failed due to some unknown error.') };
  standIn.failNext('DescribeInstances', broken, ({ regionId }) => regionId === 'cn-hangzhou');
  const seen = await power.observe([here, there], never);
  t.is(seen.get(here.nativeId)?.state, 'unknown');
  t.regex(seen.get(here.nativeId)?.stateReason ?? '', /InternalError/);
  t.is(seen.get(there.nativeId)?.state, 'running');
  standIn.failNext('DescribeInstances', broken);
  await t.throwsAsync(power.observe([here], never), { code: 'alibaba.unavailable' });
});

const broken: { title: string; fault: CallFault; cloudCode: string }[] = [
  { title: 'a connection that breaks', fault: { kind: 'reset' }, cloudCode: 'ECONNRESET' },
  { title: "a gateway's page instead of an answer", fault: { kind: 'html', status: 502 }, cloudCode: 'UnreadableAnswer' },
  { title: "a gateway's page under a status of success", fault: { kind: 'html', status: 200 }, cloudCode: 'UnreadableAnswer' },
  { title: 'no answer in time', fault: { kind: 'silent' }, cloudCode: 'TimedOut' },
  { title: 'a failure without a code', fault: { kind: 'refused', refusal: refusal(503, '', '') }, cloudCode: 'HTTP 503' },
];

for (const { title, fault, cloudCode } of broken) {
  test(`${title} is told as unavailable, and nothing is repeated behind the caller's back`, async (t) => {
    const { standIn, power, add } = await world(t, {}, fault.kind === 'silent' ? { readTimeoutMs: 200 } : {});
    const ref = add({ status: 'Stopped' });
    standIn.arrange(ref.nativeId, fault);
    const error = await t.throwsAsync(power.start([ref], 'wish', never), { code: 'alibaba.unavailable' });
    t.like(error, { details: { cloud_code: cloudCode, call: 'ecs:StartInstances', resource: ref.nativeId } });
    t.is(standIn.calls.length, 1);
  });
}

test('a call under way is abandoned at the signal, with its reason', async (t) => {
  const { standIn, power, add } = await world(t, {}, { readTimeoutMs: 600_000 });
  const ref = add();
  const controller = new AbortController();
  const reason = new Error('the worker shuts down');
  // The call has come in: from here on it would wait for its time-out.
  standIn.failNext('StopInstances', { kind: 'silent' }, () => {
    controller.abort(reason);
    return true;
  });
  t.is(await t.throwsAsync(power.stop([ref], 'wish', controller.signal)), reason);
  t.deepEqual(standIn.effects, []);
});
