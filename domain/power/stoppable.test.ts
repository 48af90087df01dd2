import test from 'ava';
import { refusalOf } from './stoppable.ts';

const web = { resourceId: 'res_1', name: 'web-1', canStop: false, cannotStopReason: 'scaling-group', cannotStopDetail: 'It is a member of web.' };

test('an instance that can be stopped is not refused', (t) => {
  t.is(refusalOf({ ...web, canStop: true, cannotStopReason: null, cannotStopDetail: null }), null);
});

test('a refusal has its reason and its remedy, each a sentence, whether or not its cloud ends one', (t) => {
  const message = 'web-1 cannot be stopped and started: It is a member of web. Set the size of its scaling group instead.';
  for (const cannotStopDetail of ['It is a member of web.', 'It is a member of web']) t.is(refusalOf({ ...web, cannotStopDetail })?.message, message);
  t.like(refusalOf(web), { code: 'power.cannot-stop', kind: 'conflict', details: { resource_id: 'res_1', reason: 'scaling-group' } });
});

test('a reason that is new to us stands for itself', (t) => {
  t.is(refusalOf({ ...web, cannotStopReason: 'leased', cannotStopDetail: null })?.message, 'web-1 cannot be stopped and started: leased.');
});
