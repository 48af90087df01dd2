import test from 'ava';
import { cloudError, type CloudProblem } from '../data-sources/cloud-errors.ts';
import type { InstanceState } from '../resources/instance.ts';
import { plusMilliseconds } from '../shared/time.ts';
import { afterCall, afterRefusal, beforeCall, lookAt, newRunItem, type RunItem } from './run-item.ts';

const AT = '2026-11-21T08:00:00.000Z';
const later = (seconds: number) => plusMilliseconds(AT, seconds * 1000);
const seen = (state: InstanceState, stateReason: string | null = null) => ({ state, stateReason });

function item(given: Partial<RunItem> = {}): RunItem {
  const wish = { position: 0, resourceId: 'res_a', dataSourceId: 'ds_a', scheduleId: null, slot: 0, dueAt: AT, localTime: null, moved: null, superseded: [], action: 'on' as const, generation: 1 };
  return { ...newRunItem(wish, AT), ...given };
}

const refusal = (problem: CloudProblem, retryAfterSeconds?: number) =>
  cloudError('sandbox', problem, { call: 'start', resource: 'i-1', cloudCode: 'Code', retryAfterSeconds });

test('an instance that is there already is settled without a call', (t) => {
  const on = lookAt(item(), seen('running'), null, AT);
  t.like(on, { call: false, item: { state: 'settled', attempts: 0, finishedAt: AT } });
  t.like(lookAt(item({ action: 'off' }), seen('stopped'), null, AT), { call: false, item: { state: 'settled' } });
});

test('an instance that is off but still charged is stopped all the same', (t) => {
  t.true(lookAt(item({ action: 'off' }), seen('stopped-billed'), null, AT).call);
});

test('one in the opposite state is called for', (t) => {
  t.true(lookAt(item(), seen('stopped'), null, AT).call);
  t.true(lookAt(item({ action: 'off' }), seen('running'), null, AT).call);
});

test('one in transition is waited for, more rarely the longer it takes', (t) => {
  const first = lookAt(item(), seen('stopping'), null, later(1));
  t.like(first, { call: false, item: { state: 'open', nextAttemptAt: later(4) } });
  t.is(lookAt(item(), seen('stopping'), null, later(100)).item.nextAttemptAt, later(125));
  t.is(lookAt(item(), seen('stopping'), null, later(1000)).item.nextAttemptAt, later(1060));
});

test('one that stays in transition is stuck in the end', (t) => {
  const look = lookAt(item({ action: 'off' }), seen('stopping'), null, later(45 * 60));
  t.like(look, { call: false, item: { state: 'failed', lastError: { code: 'power.stuck' } } });
});

test('an accepted call is not repeated while the cloud does not show it yet', (t) => {
  const called = afterCall(beforeCall(item(), AT), { accepted: true, state: 'starting', operation: null }, AT);
  t.like(lookAt(called, seen('stopped'), null, later(5)), { call: false, item: { state: 'open', attempts: 1 } });
});

test('a start that fell back carries the cloud’s reason and is tried again later', (t) => {
  const called = afterCall(beforeCall(item(), AT), { accepted: true, state: 'starting', operation: null }, AT);
  const look = lookAt(called, seen('stopped', 'Server.InsufficientInstanceCapacity: no room'), null, later(60));
  t.like(look, { call: false, item: { state: 'open', calledAt: null, lastError: { code: 'power.no-capacity' } } });
  t.regex(look.item.lastError?.message ?? '', /InsufficientInstanceCapacity/);
  t.true((look.item.nextAttemptAt ?? '') >= later(90));
  t.true(lookAt(look.item, seen('stopped'), null, later(120)).call);
});

test('an operation is followed until it ends, and its failure counts', (t) => {
  const called = afterCall(beforeCall(item(), AT), { accepted: true, state: null, operation: 'op-1' }, AT);
  t.like(lookAt(called, seen('stopped'), { done: false }, later(60)), { call: false, item: { state: 'open', operation: 'op-1' } });
  const failed = lookAt(called, seen('stopped'), { done: true, error: refusal('no-capacity') }, later(60));
  t.like(failed, { call: false, item: { state: 'open', operation: null, lastError: { code: 'sandbox.no-capacity' } } });
  t.like(lookAt(called, seen('running'), { done: true, error: null }, later(60)), { item: { state: 'settled' } });
});

const passing: [CloudProblem, number][] = [
  ['throttled', 5],
  ['unavailable', 5],
  ['wrong-state', 5],
  ['no-capacity', 30],
  ['quota-exceeded', 60],
];
for (const [problem, seconds] of passing) {
  test(`a refusal for ${problem} is tried again after ${seconds} s and a little`, (t) => {
    const refused = afterRefusal(beforeCall(item(), AT), refusal(problem), AT);
    t.is(refused.state, 'open');
    t.true((refused.nextAttemptAt ?? '') >= later(seconds) && (refused.nextAttemptAt ?? '') <= later(seconds * 1.2));
    t.is(refused.lastError?.code, `sandbox.${problem}`);
  });
}

test('those of a portion that were refused together come back together, those of another portion at another time', (t) => {
  const backAt = (changes: Partial<RunItem>) => afterRefusal(item({ attempts: 3, ...changes }), refusal('throttled'), AT).nextAttemptAt;
  t.is(backAt({ resourceId: 'res_1' }), backAt({ resourceId: 'res_2' }));
  t.not(backAt({ slot: 1 }), backAt({ slot: 2 }));
  t.not(backAt({ dataSourceId: 'ds_1' }), backAt({ dataSourceId: 'ds_2' }));
});

test('the cloud’s own Retry-After is waited for when it is longer', (t) => {
  const refused = afterRefusal(item({ attempts: 1 }), refusal('throttled', 120), AT);
  t.true((refused.nextAttemptAt ?? '') >= later(120));
});

for (const problem of ['missing-permission', 'bad-credentials', 'account-disabled', 'not-found', 'cannot-stop', 'rejected'] as const) {
  test(`a refusal for ${problem} is final`, (t) => {
    t.like(afterRefusal(item({ attempts: 1 }), refusal(problem), AT), { state: 'failed', nextAttemptAt: null, finishedAt: AT, lastError: { code: `sandbox.${problem}` } });
  });
}

test('what a batch was refused for is no final failure of a member that was not asked alone', (t) => {
  const error = refusal('missing-permission');
  error.details.assumed = true;
  t.is(afterRefusal(item({ attempts: 1 }), error, AT).state, 'open');
  const ofAccount = refusal('bad-credentials');
  ofAccount.details.assumed = true;
  t.is(afterRefusal(item({ attempts: 1 }), ofAccount, AT).state, 'failed', 'of the account it is true for all');
});

test('refusals end with the wish’s deadline', (t) => {
  const deadlineAt = later(12 * 3600);
  t.is(item().deadlineAt, deadlineAt);
  t.is(afterRefusal(item({ attempts: 9 }), refusal('no-capacity'), later(12 * 3600 - 60)).state, 'failed');
});

test('one that is gone fails by name, whatever was wanted', (t) => {
  for (const action of ['on', 'off'] as const) {
    t.like(lookAt(item({ action }), seen('terminated'), null, AT), { call: false, item: { state: 'failed', lastError: { code: 'power.instance-gone' } } });
  }
});

test('one that is suspended counts as off, and is not started', (t) => {
  t.is(lookAt(item({ action: 'off' }), seen('suspended'), null, AT).item.state, 'settled');
  t.like(lookAt(item(), seen('suspended'), null, AT), { call: false, item: { state: 'failed', lastError: { code: 'power.instance-suspended' } } });
});

test('one that its cloud goes on charging for when off is told so after one call', (t) => {
  const called = afterCall(beforeCall(item({ action: 'off' }), AT), { accepted: true, state: 'stopping', operation: null }, AT);
  t.like(lookAt(called, seen('stopped-billed', 'Not-applicable'), null, later(60)), { call: false, item: { state: 'failed', lastError: { code: 'power.still-charged' } } });
});
