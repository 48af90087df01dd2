import test from 'ava';
import type { DomainError } from '../../domain/shared/errors.ts';
import type { PowerCall } from '../../domain/data-sources/cloud-ports.ts';
import type { InstanceRef } from '../../domain/resources/instance.ts';
import type { Refusal } from '../../tests/helpers/peers/gcp/compute-state.ts';
import { openStandIn, PROJECT, refIn, ZONES, type OpenedStandIn } from '../../tests/helpers/peers/gcp/opened.ts';
import { requestIdOf } from './power.ts';

const signal = new AbortController().signal;
let gcp: OpenedStandIn;

test.beforeEach(async () => {
  gcp = await openStandIn();
});
test.afterEach.always(async () => gcp.peer.stop());

async function callOne(action: 'start' | 'stop', ref: InstanceRef, key = 'wish-1'): Promise<PowerCall> {
  return (await gcp.open().power[action]([ref], key, signal)).get(ref.nativeId) as PowerCall;
}

async function refusalOf(action: 'start' | 'stop', ref: InstanceRef): Promise<DomainError> {
  const answer = await callOne(action, ref);
  if (answer.accepted) throw new Error(`${action} was accepted`);
  return answer.error;
}

test.serial('a suspended instance is not started, and the reason is said', async (t) => {
  const ref = gcp.make({ name: 'asleep', status: 'SUSPENDED' });
  const error = await refusalOf('start', ref);
  t.is(error.code, 'gcp.wrong-state');
  t.regex(error.message, /suspended.*Resume it/);
  t.like(error.details, { call: 'compute.instances.start', cloud_code: 'badRequest', http_status: 400 });
  t.is((await gcp.open().power.observe([ref], signal)).get(ref.nativeId)?.state, 'suspended');
});

test.serial('the look for a better explanation may fail: then the refusal stands', async (t) => {
  const limited = gcp.peer.accounts.create('limited', ['compute.instances.start'], { privateKey: gcp.key.private_key });
  const ref = gcp.make({ name: 'asleep', status: 'SUSPENDED' });
  const answers = await gcp.open(limited).power.start([ref], 'wish-1', signal);
  const answer = answers.get(ref.nativeId);
  t.is(answer?.accepted === false && answer.error.code, 'gcp.rejected');
});

test.serial('local disks stop nobody by accident: without the choice Google refuses for good', async (t) => {
  const ref = gcp.make({ name: 'scratch', more: { disks: [{ type: 'SCRATCH' }] } });
  t.is((await refusalOf('stop', ref)).code, 'gcp.cannot-stop');
  t.true((await callOne('stop', { ...ref, discardLocalSsd: true })).accepted);
  t.deepEqual(gcp.peer.calls.map(({ query }) => query.discardLocalSsd), [undefined, 'true']);
});

test.serial('a repeat of a wish carries the same request id, another wish another', async (t) => {
  const [ref, other] = [gcp.make({ name: 'one' }), gcp.make({ name: 'two' })];
  await callOne('stop', ref, 'wish-1');
  await callOne('stop', ref, 'wish-1');
  await callOne('stop', ref, 'wish-2');
  await callOne('stop', other, 'wish-1');
  await callOne('start', ref, 'wish-1');
  const ids = gcp.peer.calls.map(({ query }) => query.requestId);
  t.is(ids[1], ids[0]);
  t.is(new Set(ids).size, 4);
  // A version-5 UUID, fixed for good: repeats of a wish may come from another release.
  t.is(requestIdOf('wish-1\nstop\n//compute.googleapis.com/projects/p/zones/z/instances/1'), '757a02e0-3df8-5439-a3d2-e7eb4ab1e3dc');
});

test.serial('an operation that already failed when the answer comes is a refusal with its reason', async (t) => {
  const ref = gcp.make({ name: 'vm', status: 'TERMINATED' });
  gcp.peer.state.find(ZONES[0], 'vm')?.faults.push({ kind: 'operation-error', code: 'QUOTA_EXCEEDED', message: "Quota 'CPUS' exceeded.", httpStatus: 403 });
  t.true((await callOne('start', ref)).accepted);
  // The repeat is answered with the first operation, which has ended since.
  const error = await refusalOf('start', ref);
  t.is(error.code, 'gcp.quota-exceeded');
  t.regex(error.message, /Quota 'CPUS' exceeded/);
  t.true((await callOne('start', ref, 'wish-2')).accepted);
});

for (const [code, httpStatus, expected] of [
  ['ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS', 503, 'gcp.no-capacity'],
  ['RESOURCE_OPERATION_RATE_EXCEEDED', 429, 'gcp.throttled'],
  ['INTERNAL_ERROR', 500, 'gcp.unavailable'],
  ['RESOURCE_NOT_READY', 400, 'gcp.wrong-state'],
  ['SOMETHING_NEW', 400, 'gcp.rejected'],
] as const) {
  test.serial(`an operation that ends with ${code} is ${expected}`, async (t) => {
    const ref = gcp.make({ name: 'vm', status: 'TERMINATED' });
    gcp.peer.state.find(ZONES[0], 'vm')?.faults.push({ kind: 'operation-error', code, message: 'It did not work.', httpStatus });
    const answer = await callOne('start', ref);
    const operation = answer.accepted ? (answer.operation ?? '') : '';
    const followed = await gcp.open().power.followOperation(ref, operation, signal);
    const error = followed.done ? followed.error : null;
    t.is(error?.code, expected);
    t.like(error?.details, { cloud_code: code, call: 'compute.instances.start', resource: `projects/${PROJECT}/zones/${ZONES[0]}/instances/vm` });
  });
}

test.serial('an operation is followed until it is done, and one that Google forgot counts as done', async (t) => {
  gcp.peer.state.operationMs = 3_600_000;
  const ref = gcp.make({ name: 'slow' });
  const answer = await callOne('stop', ref);
  const operation = answer.accepted ? (answer.operation ?? '') : '';
  const { power } = gcp.open();
  t.deepEqual(await power.followOperation(ref, operation, signal), { done: false });
  t.deepEqual(await power.followOperation(ref, 'operation-of-last-year', signal), { done: true, error: null });
  gcp.peer.refuseNext({ status: 503, reason: 'backendError', message: 'Backend Error' });
  await t.throwsAsync(power.followOperation(ref, operation, signal), { code: 'gcp.unavailable' });
});

test.serial('an instance of the same name that took the place of another is not the other', async (t) => {
  const old = gcp.make({ name: 'web' });
  gcp.peer.state.remove(ZONES[0], 'web');
  const anew = gcp.make({ name: 'web' });
  const seen = await gcp.open().power.observe([old, anew], signal);
  t.is(seen.get(old.nativeId)?.state, 'terminated');
  t.is(seen.get(anew.nativeId)?.state, 'running');
});

test.serial('several instances of a zone are seen by its list, page by page, a few by themselves', async (t) => {
  const many = Array.from({ length: 7 }, (_, index) => gcp.make({ name: `vm-${index}` }));
  const few = gcp.make({ name: 'elsewhere', zone: ZONES[2], status: 'TERMINATED' });
  const seen = await gcp.open().power.observe([...many.slice(0, 6), few], signal);
  t.deepEqual(many.slice(0, 6).map(({ nativeId }) => seen.get(nativeId)?.state), Array.from({ length: 6 }, () => 'running'));
  t.is(seen.get(few.nativeId)?.state, 'stopped');
  t.is(seen.size, 7);
  t.deepEqual(gcp.peer.calls.map(({ rpc }) => rpc).sort(), ['Instances.Get', 'Instances.List', 'Instances.List']);
});

const GONE_PROJECTS: [what: string, refusal: Refusal][] = [
  ['unknown', { status: 404, reason: 'notFound', message: `The resource 'projects/${PROJECT}' was not found` }],
  ['deleted', { status: 403, reason: 'forbidden', message: `Project ${PROJECT} has been deleted.`, details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'CONSUMER_INVALID' }] }],
];

for (const [what, refusal] of GONE_PROJECTS) {
  test.serial(`a project that is ${what} makes no instance gone and no operation done`, async (t) => {
    const ref = gcp.make({ name: 'vm' });
    const { power } = gcp.open();
    gcp.peer.refuseNext(refusal);
    await t.throwsAsync(power.observe([ref], signal), { code: 'gcp.account-disabled' });
    gcp.peer.refuseNext(refusal);
    await t.throwsAsync(power.followOperation(ref, 'operation-1', signal), { code: 'gcp.account-disabled' });
  });
}

test.serial('a list that is read whole tells who is gone', async (t) => {
  const there = [0, 1].map((index) => gcp.make({ name: `vm-${index}` }));
  const gone = ['1', '2', '3'].map((id) => refIn(ZONES[0], { id, name: `gone-${id}`, status: undefined }));
  const seen = await gcp.open().power.observe([...gone, ...there], signal);
  t.deepEqual([...gone, ...there].map(({ nativeId }) => seen.get(nativeId)?.state), ['terminated', 'terminated', 'terminated', 'running', 'running']);
  t.deepEqual(gcp.peer.calls.map(({ rpc }) => rpc), ['Instances.List']);
});

test.serial('a zone with far more instances than are looked for is not read to its end', async (t) => {
  for (let index = 0; index < 30; index += 1) gcp.make({ name: `other-${index}` });
  const last = Array.from({ length: 4 }, (_, index) => gcp.make({ name: `vm-${index}` }));
  const seen = await gcp.open().power.observe(last, signal);
  t.deepEqual(last.map(({ nativeId }) => seen.get(nativeId)?.state), Array.from({ length: 4 }, () => 'running'));
  const rpcs = gcp.peer.calls.map(({ rpc }) => rpc);
  t.is(rpcs.filter((rpc) => rpc === 'Instances.List').length, 4, 'of twelve pages');
  t.is(rpcs.filter((rpc) => rpc === 'Instances.Get').length, 4);
});

test.serial('what could not be looked at is unknown with the reason, unless nothing could', async (t) => {
  const [one, two] = [gcp.make({ name: 'one' }), gcp.make({ name: 'two' })];
  gcp.peer.refuseNext({ status: 503, reason: 'backendError', message: 'Backend Error' });
  const seen = await gcp.open().power.observe([one, two], signal);
  t.deepEqual([...seen.values()].map(({ state }) => state).sort(), ['running', 'unknown']);
  t.regex([...seen.values()].find(({ state }) => state === 'unknown')?.stateReason ?? '', /backendError/);
  const refusal = { status: 503, reason: 'backendError', message: 'Backend Error' };
  gcp.peer.refuseNext(refusal, refusal);
  await t.throwsAsync(gcp.open().power.observe([one, two], signal), { code: 'gcp.unavailable' });
});

test.serial('a call that is under way ends at the signal, with its reason', async (t) => {
  const ref = gcp.make({ name: 'vm' });
  const release = gcp.peer.hold();
  const controller = new AbortController();
  const { power } = gcp.open();
  const running = [power.observe([ref], controller.signal), power.stop([ref], 'wish-1', controller.signal)];
  const reason = new Error('the worker shuts down');
  await gcp.peer.waiting(1);
  controller.abort(reason);
  for (const call of running) t.is(await t.throwsAsync(call), reason);
  release();
});

test.serial('several instances in one call each have an answer of their own', async (t) => {
  const good = gcp.make({ name: 'good' });
  const gone = refIn(ZONES[0], { id: '1', name: 'gone', status: undefined });
  const answers = await gcp.open().power.stop([good, gone], 'wish-1', signal);
  t.true(answers.get(good.nativeId)?.accepted);
  const answer = answers.get(gone.nativeId);
  t.is(answer?.accepted === false && answer.error.code, 'gcp.not-found');
});
