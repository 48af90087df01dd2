import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import test from 'ava';
import { callInBatches } from '../../domain/power/call-in-batches.ts';
import { problemOf } from '../../domain/data-sources/cloud-errors.ts';
import type { PowerCall } from '../../domain/data-sources/cloud-ports.ts';
import type { InstanceRef } from '../../domain/resources/instance.ts';
import { callOne, look, never, problem } from '../../tests/helpers/cloud-contract/steps.ts';
import { openAccount } from '../../tests/helpers/cloud-contract/world.ts';
import { peerSettings } from '../../tests/helpers/peers/aws-account.ts';
import { startEc2World, type Ec2World } from '../../tests/helpers/peers/aws/ec2-world.ts';
import { startFaultProxy } from '../../tests/helpers/peers/fault-proxy.ts';
import { createAwsProvider } from './provider.ts';

let world: Ec2World;

test.before(async () => {
  world = await startEc2World();
});

test.after.always(async () => {
  await world?.end();
});

function refusalIn(call: PowerCall) {
  if (call.accepted) throw new Error('it was accepted');
  return problem(call.error);
}

test.serial('instances are observed region by region, in as few calls as a filter allows', async (t) => {
  const here = await world.make({ name: 'here', state: 'running' });
  const there = await world.make({ name: 'there', state: 'stopped', elsewhere: true });
  const unknown = Array.from({ length: 250 }, (_, index): InstanceRef => ({ ...here, nativeId: `i-${String(index).padStart(17, '0')}` }));
  const before = world.gate.calls.length;
  const seen = await openAccount(world).power.observe([here, there, ...unknown, here], never);
  t.is(world.gate.calls.length - before, 3);
  t.is(seen.size, 252);
  t.is(seen.get(here.nativeId)?.state, 'running');
  t.is(seen.get(there.nativeId)?.state, 'stopped');
  t.true(unknown.every(({ nativeId }) => seen.get(nativeId)?.state === 'terminated'));
});

test.serial('what could not be looked at is unknown, never gone; when nothing could, the failure is thrown', async (t) => {
  const here = await world.make({ name: 'here', state: 'running' });
  const there = await world.make({ name: 'there', state: 'running', elsewhere: true });
  const { power } = openAccount(world);
  world.gate.failRegion(there.regionId);
  const seen = await power.observe([here, there], never);
  t.is(seen.get(here.nativeId)?.state, 'running');
  t.is(seen.get(there.nativeId)?.state, 'unknown');
  t.regex(seen.get(there.nativeId)?.stateReason ?? '', /InternalError/);
  world.gate.failRegion(there.regionId);
  const error = await t.throwsAsync(power.observe([there], never));
  t.is(problem(error), 'unavailable');
});

test.serial('an instance that was just terminated is in the wrong state, and seen as terminated', async (t) => {
  const ref = await world.make({ name: 'ended', state: 'running' });
  const before = world.gate.calls.length;
  await world.adminThroughGate().send(new TerminateInstancesCommand({ InstanceIds: [ref.nativeId] }));
  t.is(world.gate.calls[before], 'ec2:TerminateInstances');
  t.is(refusalIn(await callOne(openAccount(world), 'start', ref)), 'wrong-state');
  t.is((await look(openAccount(world), ref)).state, 'terminated');
});

for (const kind of ['one-time-spot', 'instance-store-root'] as const) {
  test.serial(`EC2's refusal to stop is final for a ${kind}`, async (t) => {
    const ref = await world.make({ name: kind, state: 'running', kind });
    t.is(refusalIn(await callOne(openAccount(world), 'stop', ref)), 'cannot-stop');
    t.is((await look(openAccount(world), ref)).state, 'running');
  });
}

test.serial('a call for two regions is a fault of the caller', async (t) => {
  const here = await world.make({ name: 'here', state: 'running' });
  const elsewhere = { ...here, nativeId: 'i-00000000000000001', regionId: 'eu-west-1' };
  await t.throwsAsync(openAccount(world).power.stop([here, elsewhere], 'wish', never), { message: /one region, not for us-east-1, eu-west-1/ });
});

test.serial('a protected and a forgotten instance do not keep a batch from being stopped', async (t) => {
  const refs = await Promise.all(Array.from({ length: 9 }, (_, index) => world.make({ name: `night-${index}`, state: 'running' })));
  const guarded = await world.make({ name: 'guarded', state: 'running', kind: 'stop-protection' });
  const gone = await world.make({ name: 'gone', state: 'running' });
  await world.remove(gone);
  const { power } = openAccount(world);
  const all = [...refs.slice(0, 4), guarded, ...refs.slice(4), gone];
  const answers = await callInBatches(all, (some) => power.stop(some, 'night', never), { cloud: 'aws', ...power });
  const refused = [...answers].flatMap(([id, answer]) => (answer.accepted ? [] : [[id, problemOf(answer.error)]]));
  t.deepEqual(Object.fromEntries(refused), { [guarded.nativeId]: 'cannot-stop', [gone.nativeId]: 'not-found' });
  const seen = await power.observe(refs, never);
  t.deepEqual([...new Set([...seen.values()].map(({ state }) => state))], ['stopped']);
  // moto stops what stands before the protected one and refuses then, so the answer shows no effect; nobody is stopped twice.
  for (const { nativeId } of refs) t.true(world.gate.effective.filter((one) => one.nativeId === nativeId).length <= 1);
});

test.serial('with three calls in ten failing, repeats bring every instance there with one effective start', async (t) => {
  const refs = await Promise.all(Array.from({ length: 20 }, (_, index) => world.make({ name: `morning-${index}`, state: 'stopped' })));
  const proxy = await startFaultProxy(world.gate.url, { seed: 11, rates: { 'server-error': 0.1, reset: 0.1, truncate: 0.1 } });
  t.teardown(() => proxy.stop());
  const provider = createAwsProvider(peerSettings({ sts: world.moto.url, ec2: proxy.url }));
  const { power } = openAccount({ ...world, provider });
  let left = refs;
  let lost = 0;
  for (let attempt = 0; attempt < 60 && left.length > 0; attempt += 1) {
    const answers = await callInBatches(left, (some) => power.start(some, 'morning', never), { cloud: 'aws', batchSize: 3, concurrency: 4 });
    for (const answer of answers.values()) if (!answer.accepted) t.is(problem(answer.error), 'unavailable');
    left = left.filter(({ nativeId }) => answers.get(nativeId)?.accepted !== true);
    lost += left.length;
  }
  t.is(left.length, 0);
  t.true(lost > 0);
  const seen = await openAccount(world).power.observe(refs, never);
  t.true([...seen.values()].every(({ state }) => state === 'running'));
  for (const { nativeId } of refs) t.is(world.gate.effective.filter((one) => one.nativeId === nativeId && one.action === 'start').length, 1);
});
