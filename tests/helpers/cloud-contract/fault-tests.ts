import test from 'ava';
import type { CloudProblem } from '../../../domain/data-sources/cloud-errors.ts';
import { openAccount } from './world.ts';
import { callOne, effective, look, newKey, pass, problem, reach, refusalOf, type OpenWorld } from './steps.ts';

const REFUSED_ONCE: { outcome: 'no-capacity' | 'quota-exceeded' | 'throttled' | 'unavailable'; problem: CloudProblem }[] = [
  { outcome: 'no-capacity', problem: 'no-capacity' },
  { outcome: 'quota-exceeded', problem: 'quota-exceeded' },
  { outcome: 'throttled', problem: 'throttled' },
  { outcome: 'unavailable', problem: 'unavailable' },
];

export function testFaults(open: OpenWorld): void {
  const { title, shows, world } = open;
  for (const { outcome, problem: expected } of REFUSED_ONCE.filter(({ outcome }) => shows(outcome))) {
    test.serial(`${title}: a start that meets ${outcome} says so, and the next one takes effect`, async (t) => {
      const ref = await world().make({ name: outcome, state: 'stopped' });
      await world().arrange(ref, outcome);
      const error = await refusalOf(world(), 'start', ref);
      t.is(problem(error), expected);
      t.regex(String(error?.details.cloud_code), /./);
      if (outcome === 'throttled' && shows('retry-after')) t.true((error?.retryAfterSeconds ?? 0) > 0);
      await reach(world(), ref, 'stopped');
      t.is(await refusalOf(world(), 'start', ref), null);
      await reach(world(), ref, 'running');
      t.is(await effective(world(), ref, 'start'), 1);
    });
  }

  testLostAnswer(open);
  testFailedOperation(open);
  testStuck(open);
}

function testLostAnswer({ title, shows, world }: OpenWorld): void {
  if (!shows('answer-lost')) return;

  test.serial(`${title}: a start whose answer is lost is repeated by its key and takes effect once`, async (t) => {
    const ref = await world().make({ name: 'answer-lost', state: 'stopped' });
    await world().arrange(ref, 'answer-lost');
    const key = newKey();
    const lost = await callOne(openAccount(world()), 'start', ref, key);
    t.is(!lost.accepted && problem(lost.error), 'unavailable');
    const again = await callOne(openAccount(world()), 'start', ref, key);
    if (!again.accepted) t.is(problem(again.error), 'wrong-state');
    await reach(world(), ref, 'running');
    t.is(await effective(world(), ref, 'start'), 1);
  });
}

function testFailedOperation({ title, shows, world }: OpenWorld): void {
  if (!shows('operation-fails')) return;

  test.serial(`${title}: a start that is accepted and then fails tells the cloud's reason`, async (t) => {
    const ref = await world().make({ name: 'operation-fails', state: 'stopped' });
    await world().arrange(ref, 'operation-fails');
    const account = openAccount(world());
    t.true((await callOne(account, 'start', ref)).accepted);
    const fallen = await reach(world(), ref, 'stopped');
    if (fallen.stateReason !== null) {
      t.regex(fallen.stateReason, /capacity|alloc|stock|exhaust|fail/i);
      return;
    }
    // The instance does not tell why: then the operation does.
    await world().arrange(ref, 'operation-fails');
    const refusal = await refusalOf(world(), 'start', ref);
    t.regex(problem(refusal), /^(no-capacity|quota-exceeded|unavailable|wrong-state)$/);
  });
}

function testStuck({ title, shows, world }: OpenWorld): void {
  if (!shows('stuck-stopping')) return;

  test.serial(`${title}: an instance that hangs in stopping is seen to hang, and a repeat is no lasting failure`, async (t) => {
    const ref = await world().make({ name: 'stuck-stopping', state: 'running' });
    await world().arrange(ref, 'stuck-stopping');
    const account = openAccount(world());
    const first = await callOne(account, 'stop', ref);
    t.true(first.accepted);
    for (let looks = 0; looks < 5; looks += 1) {
      t.is((await look(account, ref)).state, 'stopping');
      await pass(world());
    }
    const again = await callOne(account, 'stop', ref);
    if (!again.accepted) t.is(problem(again.error), 'wrong-state');
    t.is((await look(account, ref)).state, 'stopping');
    t.is(await effective(world(), ref, 'stop'), 1);
  });
}
