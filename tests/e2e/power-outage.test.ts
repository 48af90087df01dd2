import test from 'ava';
import { holdInstance } from '../../commands/power/hold-instances.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { RuleInput } from '../../domain/power-schedules/schedule-rule.ts';
import { bookingClaim, putClaims } from '../helpers/power-claims.ts';
import { powerSite } from '../helpers/power-site.ts';

const on = (time: string) => ({ time, action: 'power_on' });
const off = (time: string) => ({ time, action: 'power_off' });
const rule = (...triggers: RuleInput['triggers']): Partial<RuleInput> => ({ time_zone: 'Europe/Berlin', triggers });

test('after a night without workers and sweeps the newest missed trigger of each schedule is applied, and no older one', async (t) => {
  t.timeout(240_000);
  // 22:00 in Berlin, where it is an hour later than in UTC.
  const power = await powerSite(t, '2035-03-05T20:30:00.000Z');
  const { sandbox, site } = power;
  const ids = await sandbox.machines(6, { bootSeconds: 90, stopSeconds: 30, state: 'running' });
  const [sleeping = '', waking = '', there = '', held = '', booked = '', idle = ''] = ids;
  await power.schedule(rule(on('20:00'), off('23:00'), on('01:00'), off('06:00')), [sleeping]);
  await power.schedule(rule(off('21:45'), on('23:30'), off('00:30'), on('07:15')), [waking]);
  await power.schedule(rule(on('20:00'), off('23:00'), on('02:00'), off('04:00'), on('07:00')), [there]);
  await power.schedule(rule(on('21:50')), [held]);
  await power.schedule(rule(off('21:40')), [booked]);
  await power.schedule(rule(on('21:40'), off('07:31')), [idle]);
  await power.travelTo('2035-03-05T20:55:00.000Z');
  const { organizationId } = sandbox;
  // A person keeps one off until 03:00, and somebody has booked another from midnight to 02:00.
  const hold = { resourceId: held, wanted: 'off' as const, until: '2035-03-06T02:00:00.000Z', reason: 'quiet please' };
  await inTransaction(site.db, (tx) => holdInstance(tx, organizationId, hold, { ...power.decision(), cause: 'stop' }));
  await putClaims(power, [bookingClaim(power, booked, { from: '2035-03-05T23:00:00.000Z', until: '2035-03-06T01:00:00.000Z' })]);
  await power.travelTo('2035-03-05T21:00:00.000Z');
  t.deepEqual(await power.states(ids), ['running', 'stopped', 'running', 'stopped', 'stopped', 'running']);
  const before = await power.changes();

  await power.halt();
  power.clock.set('2035-03-06T06:30:00.000Z');
  await power.begin();
  await power.travelTo('2035-03-06T06:40:00.000Z');

  t.deepEqual(await power.states(ids), ['stopped', 'running', 'running', 'running', 'stopped', 'stopped']);
  const after = (await power.changes()).slice(before.length).map(({ at, action, resourceId }) => `${resourceId} ${action} ${at.slice(11, 16)}`);
  t.deepEqual(after.toSorted(), [
    `${sleeping} stop 06:30`,
    `${waking} start 06:30`,
    // Its hold ended at 03:00: what its schedule had said before applies.
    `${held} start 06:30`,
    `${idle} stop 06:31`,
  ].toSorted());
  const newest = async (id: string) => {
    const item = (await power.items(id)).at(-1);
    return [item?.localTime, item?.dueAt, item?.state, item?.attempts];
  };
  t.deepEqual(await newest(sleeping), ['2035-03-06T06:00', '2035-03-06T05:00:00.000Z', 'settled', 1]);
  t.deepEqual(await newest(waking), ['2035-03-06T07:15', '2035-03-06T06:15:00.000Z', 'settled', 1]);
  t.deepEqual(await newest(there), ['2035-03-06T07:00', '2035-03-06T06:00:00.000Z', 'settled', 0], 'it was there: applied, and nothing called');
  // Of four missed triggers one spoke.
  const missed = await site.db('power_run_items').where('due_at', '>', '2035-03-05T21:00:00.000Z').whereIn('resource_id', [sleeping, waking, there]);
  t.is(missed.length, 3);
  t.is((await power.items(booked)).length, 1, 'a booking that began and ended meanwhile leaves nothing to do');
  t.deepEqual(await site.db('power_runs').where({ state: 'running' }), []);
});

test('machines that were booting when everything went down are found as they are, and nothing is called twice', async (t) => {
  const power = await powerSite(t, '2035-03-05T06:50:00.000Z');
  const ids = await power.sandbox.machines(3, { bootSeconds: 240, stopSeconds: 30 });
  await power.schedule({ triggers: [on('07:00'), off('20:00')] }, ids);
  await power.travelTo('2035-03-05T07:01:00.000Z');
  t.deepEqual(await power.states(ids), ['starting', 'starting', 'starting']);
  await power.halt();
  power.clock.set('2035-03-05T09:00:00.000Z');
  await power.begin();
  t.deepEqual((await power.changes()).map(({ action }) => action), ['start', 'start', 'start']);
  for (const id of ids) t.deepEqual((await power.items(id)).map(({ state, attempts }) => [state, attempts]), [['settled', 1]]);
});
