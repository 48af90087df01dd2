import test from 'ava';
import { plusMilliseconds } from '../shared/time.ts';
import { beginStart, beginStop, canStop, replacementOf, settle, type Beginning, type SandboxInstance } from './instance.ts';
import { newInstances } from './new-instance.ts';

const AT = '2026-11-21T07:00:00.000Z';
const later = (seconds: number) => plusMilliseconds(AT, seconds * 1000);
const BEGINNING: Beginning = { at: AT, reason: null, requestKey: 'wish-1', operation: null, fails: null };

function instance(changes: Partial<SandboxInstance> = {}): SandboxInstance {
  const wish = {
    name: 'web',
    regionId: 'sandbox-eu-1' as const,
    zone: null,
    state: 'stopped' as const,
    instanceType: 'general.medium' as const,
    tags: {},
    bootSeconds: 10,
    stopSeconds: 5,
    scalingGroupId: null,
    spot: 'none' as const,
    stopProtection: false,
    instanceStoreRoot: false,
    localSsd: false,
  };
  const [made] = newInstances({ organizationId: 'org', accountId: 'sandbox' }, wish, ['sbi_1'], later(-3600));
  return { ...(made as SandboxInstance), ...changes };
}

test('a start boots until its last second and then runs, whenever somebody looks', (t) => {
  const begun = beginStart(instance(), BEGINNING);
  t.like(settle(begun, AT), { state: 'starting', stateSince: AT, launchedAt: AT });
  t.is(settle(begun, later(9.999)).state, 'starting');
  for (const look of [10, 11, 86_400]) t.like(settle(begun, later(look)), { state: 'running', stateSince: later(10), next: null });
  const once = settle(begun, later(10));
  t.is(settle(once, later(3600)), once);
});

test('an instance without boot seconds runs at once', (t) => {
  t.is(beginStart(instance({ bootSeconds: 0 }), BEGINNING).state, 'running');
  t.is(beginStop(instance({ state: 'running', stopSeconds: 0 }), BEGINNING, false).state, 'stopped');
});

test('a start that fails falls back with its reason, and its key is forgotten', (t) => {
  const begun = beginStart(instance(), { ...BEGINNING, fails: { problem: 'no-capacity', reason: 'none left' } });
  t.like(settle(begun, later(9)), { state: 'starting', failure: null, startKey: 'wish-1' });
  t.like(settle(begun, later(10)), { state: 'stopped', stateReason: 'none left', failure: 'no-capacity', startKey: null });
});

test('a stop that fails leaves it running, and one that is stuck never ends', (t) => {
  const running = instance({ state: 'running', startKey: 'wish-0' });
  const failing = beginStop(running, { ...BEGINNING, fails: { problem: 'no-capacity', reason: 'no' } }, false);
  t.like(settle(failing, later(5)), { state: 'running', stopKey: null, startKey: 'wish-0' });
  const stuck = beginStop(running, BEGINNING, true);
  t.like(settle(stuck, later(86_400 * 365)), { state: 'stopping', stateSince: AT });
});

test('a stopped member of a scaling group is terminated after its time, and what replaces it boots from then', (t) => {
  const member = instance({ state: 'running', scalingGroupId: 'sbg_1', replacedAfterSeconds: 30, tags: { Team: 'a' } });
  const stopping = beginStop(member, BEGINNING, false);
  t.is(settle(stopping, later(5)).state, 'stopped');
  t.is(settle(stopping, later(34.999)).state, 'stopped');
  const terminated = settle(stopping, later(100));
  t.like(terminated, { state: 'terminated', stateSince: later(35) });
  const replacement = replacementOf(terminated, 'sbi_2');
  t.like(replacement, { id: 'sbi_2', state: 'starting', launchedAt: later(35), tags: { Team: 'a' }, scalingGroupId: 'sbg_1', stopKey: null });
  t.like(settle(replacement, later(100)), { state: 'running', stateSince: later(45) });
  t.is(settle(instance({ ...stopping, scalingGroupId: null, replacedAfterSeconds: null }), later(100)).state, 'stopped');
});

test('what keeps an instance from being stopped is told, the reason that weighs most first', (t) => {
  const reasonOf = (changes: Partial<SandboxInstance>) => {
    const told = canStop(instance(changes));
    return told.allowed ? null : told.reason;
  };
  t.is(reasonOf({}), null);
  t.is(reasonOf({ spot: 'persistent' }), null);
  t.is(reasonOf({ localSsd: true }), 'local-ssd');
  t.is(reasonOf({ localSsd: true, stopProtection: true }), 'stop-protection');
  t.is(reasonOf({ stopProtection: true, instanceStoreRoot: true }), 'instance-store-root');
  t.is(reasonOf({ instanceStoreRoot: true, spot: 'one-time' }), 'one-time-spot');
  t.is(reasonOf({ spot: 'one-time', scalingGroupId: 'sbg_1' }), 'scaling-group');
});

test('many instances are numbered alike and spread over zones, and a zone of another region is refused', (t) => {
  const ids = Array.from({ length: 12 }, (_, index) => `sbi_${index}`);
  const wish = { ...instance(), regionId: 'sandbox-us-1' as const, zone: null, name: 'ci', state: 'running' as const };
  const made = newInstances({ organizationId: 'org', accountId: 'sandbox' }, wish, ids, AT);
  t.deepEqual(made.slice(0, 4).map(({ name, zone }) => [name, zone]), [
    ['ci-01', 'sandbox-us-1a'],
    ['ci-02', 'sandbox-us-1b'],
    ['ci-03', 'sandbox-us-1c'],
    ['ci-04', 'sandbox-us-1a'],
  ]);
  t.is(made.at(-1)?.name, 'ci-12');
  const elsewhere = { ...wish, zone: 'sandbox-eu-1a' };
  t.throws(() => newInstances({ organizationId: 'org', accountId: 'sandbox' }, elsewhere, ids, AT), { code: 'sandbox.unknown-zone' });
});
