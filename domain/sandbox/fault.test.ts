import test from 'ava';
import { FaultDraws, refuseFault, type Meeting, type SandboxFault } from './fault.ts';

const START: Meeting = { action: 'start', regionId: 'sandbox-eu-1', instances: [{ id: 'sbi_1', instanceType: 'gpu.small' }] };

function fault(changes: Partial<SandboxFault> = {}): SandboxFault {
  return {
    id: 'sbf_1',
    kind: 'throttled',
    action: null,
    regionId: null,
    instanceType: null,
    instanceId: null,
    remaining: null,
    percent: 100,
    seed: 1,
    met: 0,
    struck: 0,
    retryAfterSeconds: null,
    message: null,
    createdAt: '2026-11-21T07:00:00.000Z',
    ...changes,
  };
}

test('a fault strikes as often as it says and is then used up', (t) => {
  const draws = new FaultDraws([fault({ remaining: 2 })]);
  t.deepEqual([1, 2, 3].map(() => draws.strike('throttled', START) !== null), [true, true, false]);
  t.like(draws.changed()[0], { remaining: 0, met: 2, struck: 2 });
});

test('a fault meets only what it is about, and counts nothing else', (t) => {
  const scopes: [Partial<SandboxFault>, boolean][] = [
    [{}, true],
    [{ action: 'stop' }, false],
    [{ regionId: 'sandbox-us-1' }, false],
    [{ instanceType: 'gpu.small', instanceId: 'sbi_1' }, true],
    [{ instanceType: 'gpu.large' }, false],
    [{ instanceId: 'sbi_2' }, false],
    [{ kind: 'unavailable' }, false],
  ];
  for (const [scope, strikes] of scopes) {
    const draws = new FaultDraws([fault(scope)]);
    t.is(draws.strike('throttled', START) !== null, strikes);
    t.is(draws.changed().length, strikes ? 1 : 0);
  }
});

test('a share of thirty per cent is that, the same for the same seed, and goes on where it was', (t) => {
  const struckBy = (seed: number, meetings: number, from = 0) => {
    const draws = new FaultDraws([fault({ percent: 30, seed, met: from })]);
    return Array.from({ length: meetings }, () => draws.strike('throttled', START) !== null);
  };
  const all = struckBy(7, 10_000);
  const share = all.filter(Boolean).length / all.length;
  t.true(share > 0.28 && share < 0.32, String(share));
  t.deepEqual(struckBy(7, 10_000), all);
  t.deepEqual(struckBy(7, 100, 50), all.slice(50, 150));
  t.notDeepEqual(struckBy(8, 10_000), all);
});

test('a fault that could never strike is refused', (t) => {
  t.throws(() => refuseFault({ kind: 'stuck-stopping', action: 'start' }), { code: 'sandbox.fault-never-strikes' });
  t.throws(() => refuseFault({ kind: 'no-capacity', action: 'discover' }), { code: 'sandbox.fault-never-strikes' });
  t.notThrows(() => refuseFault({ kind: 'no-capacity', action: null }));
  t.notThrows(() => refuseFault({ kind: 'unavailable', action: 'discover' }));
});
