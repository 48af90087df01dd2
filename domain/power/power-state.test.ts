import test from 'ava';
import type { PowerClaim } from './claims.ts';
import { doneByOthers, newPowerState, reconsider, type PowerState } from './power-state.ts';

const AT = '2026-11-21T08:00:00.000Z';

const claim = (given: Partial<PowerClaim> = {}): PowerClaim => ({
  id: 'pcl_a',
  organizationId: 'org_a',
  resourceId: 'res_a',
  source: 'schedule',
  sourceId: 'psc_a',
  wanted: 'off',
  from: AT,
  until: null,
  untilNextTrigger: false,
  reason: '',
  origin: { kind: 'trigger', name: 'nights' },
  createdAt: AT,
  ...given,
});

const NONE: ReadonlySet<string> = new Set();
const fresh = (): PowerState => newPowerState('org_a', 'res_a', AT);

test('a wish that changes takes a new generation, one that stays does not', (t) => {
  const first = reconsider(fresh(), [claim()], AT, NONE);
  t.like(first, { isNewWish: true, state: { wanted: 'off', generation: 1, decidedBy: { source: 'schedule', id: 'psc_a' } } });
  const again = reconsider(first.state, [claim()], AT, NONE);
  t.false(again.isNewWish);
  t.deepEqual(again.state, first.state);
});

test('a wish that is said again is new, though it is the same', (t) => {
  const { state } = reconsider(fresh(), [claim()], AT, NONE);
  t.like(reconsider(state, [claim({ id: 'pcl_b' })], AT, new Set(['pcl_b'])), { isNewWish: true, state: { generation: 2 } });
});

test('what is said by a weaker source is not a new wish', (t) => {
  const hold = claim({ id: 'pcl_hold', source: 'hold', wanted: 'off' });
  const { state } = reconsider(fresh(), [hold], AT, NONE);
  t.false(reconsider(state, [hold, claim({ id: 'pcl_b' })], AT, new Set(['pcl_b'])).isNewWish);
});

test('when nobody wants anything any more, what ran for the last wish drops out', (t) => {
  const { state } = reconsider(fresh(), [claim()], AT, NONE);
  t.like(reconsider(state, [], AT, NONE), { isNewWish: true, state: { wanted: null, generation: 2, decidedBy: null } });
});

test('only an instance that had been brought to its wish and is in the opposite state was moved by somebody', (t) => {
  const { state } = reconsider(fresh(), [claim()], AT, NONE);
  t.is(doneByOthers(state, 'running'), null, 'not yet settled: the run is still at work');
  const settled = { ...state, settledGeneration: state.generation };
  t.is(doneByOthers(settled, 'running'), 'on');
  t.is(doneByOthers(settled, 'stopped'), null);
  for (const state of ['starting', 'stopping', 'terminated', 'unknown'] as const) t.is(doneByOthers(settled, state), null);
});
