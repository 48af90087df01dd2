import test from 'ava';
import { dayTimeline, previewFires } from '../../domain/power-schedules/recurrence.ts';
import { holdInstance } from '../../commands/power/hold-instances.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { powerSite, type PowerSite } from '../helpers/power-site.ts';

/** What a test reads of the cloud's log. */
const changesOf = async (power: PowerSite, resourceId: string): Promise<string[]> =>
  (await power.changes([resourceId])).map(({ at, action }) => `${at.slice(0, 16)} ${action}`);

const localTimes = async (power: PowerSite, resourceId: string): Promise<(string | null)[]> => (await power.items(resourceId)).map((item) => item.localTime);

test('for two days a schedule is followed to the second, by machines that take minutes to boot', async (t) => {
  t.timeout(240_000);
  // Berlin is an hour ahead of UTC in March.
  const power = await powerSite(t, '2035-03-05T05:00:00.000Z');
  const ids = await power.sandbox.machines(3, { bootSeconds: 150, stopSeconds: 40 });
  const triggers = [{ time: '08:00', action: 'power_on' }, { time: '20:00', action: 'power_off' }];
  await power.schedule({ time_zone: 'Europe/Berlin', triggers }, ids);
  const all = (state: string): string[] => ids.map(() => state);
  for (const day of ['2035-03-05', '2035-03-06']) {
    await power.travelTo(`${day}T06:59:59.999Z`);
    t.deepEqual(await power.states(ids), all('stopped'));
    await power.travelTo(`${day}T07:00:00.000Z`);
    t.deepEqual(await power.states(ids), all('starting'), 'called for at 08:00:00');
    await power.travelTo(`${day}T07:02:29.000Z`);
    t.deepEqual(await power.states(ids), all('starting'));
    await power.travelTo(`${day}T07:05:00.000Z`);
    t.deepEqual(await power.states(ids), all('running'));
    t.deepEqual((await power.items(ids[0] ?? '')).map((item) => item.state).at(-1), 'settled');
    await power.travelTo(`${day}T18:59:59.999Z`);
    t.deepEqual(await power.states(ids), all('running'));
    await power.travelTo(`${day}T19:00:39.000Z`);
    t.deepEqual(await power.states(ids), all('stopping'));
    await power.travelTo(`${day}T19:02:00.000Z`);
    t.deepEqual(await power.states(ids), all('stopped'));
  }
  for (const id of ids) {
    t.deepEqual(
      (await power.changes([id])).map(({ at, action }) => [at, action]),
      [
        ['2035-03-05T07:00:00.000Z', 'start'],
        ['2035-03-05T19:00:00.000Z', 'stop'],
        ['2035-03-06T07:00:00.000Z', 'start'],
        ['2035-03-06T19:00:00.000Z', 'stop'],
      ],
    );
    t.deepEqual(await localTimes(power, id), ['2035-03-05T08:00', '2035-03-05T20:00', '2035-03-06T08:00', '2035-03-06T20:00']);
    t.true((await power.items(id)).every((item) => item.state === 'settled' && item.attempts === 1));
  }
  t.deepEqual((await power.site.db('power_runs').orderBy('id')).map((run) => run.state), ['completed', 'completed', 'completed', 'completed']);
});

test('of two triggers in the hour that spring leaves out only the latest acts, at the gap’s end', async (t) => {
  // On 25 March 2035 clocks in Berlin go from 02:00 to 03:00, at 01:00 UTC.
  const power = await powerSite(t, '2035-03-24T23:10:00.000Z');
  const [stopping = '', staying = ''] = await power.sandbox.machines(2, { state: 'running', bootSeconds: 60, stopSeconds: 60 });
  const inGap = (first: string, second: string) => ({
    time_zone: 'Europe/Berlin',
    triggers: [{ time: '02:15', action: first }, { time: '02:45', action: second }, { time: '05:00', action: 'power_on' }],
  });
  const off = await power.schedule(inGap('power_on', 'power_off'), [stopping]);
  await power.schedule(inGap('power_off', 'power_on'), [staying]);

  const preview = previewFires(off.rule, power.clock.now(), 2).map(({ at, localTime, moved, supersededBy }) => [at, localTime, moved, supersededBy]);
  t.deepEqual(preview, [
    ['2035-03-25T01:00:00.000Z', '2035-03-25T02:15', 'gap', '2035-03-25T02:45'],
    ['2035-03-25T01:00:00.000Z', '2035-03-25T02:45', 'gap', null],
    ['2035-03-25T03:00:00.000Z', '2035-03-25T05:00', null, null],
  ]);
  const day = dayTimeline(off.rule, '2035-03-25');
  t.is(day.seconds, 23 * 3600);
  t.deepEqual(day.intervals.map(({ state, localFrom }) => [state, localFrom.slice(11)]), [['on', '00:00'], ['off', '03:00'], ['on', '05:00']]);

  await power.travelTo('2035-03-25T00:59:59.000Z');
  t.deepEqual(await power.changes(), []);
  await power.travelTo('2035-03-25T04:00:00.000Z');
  t.deepEqual(await changesOf(power, stopping), ['2035-03-25T01:00 stop', '2035-03-25T03:00 start']);
  t.deepEqual(await localTimes(power, stopping), ['2035-03-25T02:45', '2035-03-25T05:00']);
  t.deepEqual((await power.items(stopping)).map(({ moved, superseded }) => [moved, superseded]), [
    ['gap', [{ localTime: '2035-03-25T02:15', wanted: 'on' }]],
    [null, []],
  ]);
  t.deepEqual(await changesOf(power, staying), [], 'the superseded power_off never reached it');
  t.deepEqual(await localTimes(power, staying), ['2035-03-25T02:45', '2035-03-25T05:00']);
});

test('a local time that autumn repeats acts once, at its first pass or, when the schedule says so, at its second', async (t) => {
  // On 28 October 2035 clocks in Berlin go from 03:00 back to 02:00, at 01:00 UTC: 02:30 is 00:30 and 01:30 UTC.
  const power = await powerSite(t, '2035-10-27T22:10:00.000Z');
  const [first = '', second = ''] = await power.sandbox.machines(2, { state: 'running', bootSeconds: 60, stopSeconds: 60 });
  const rule = { time_zone: 'Europe/Berlin', triggers: [{ time: '02:30', action: 'power_off' }] };
  await power.schedule(rule, [first]);
  await power.schedule({ ...rule, overlap_policy: 'second' }, [second]);

  await power.travelTo('2035-10-28T00:40:00.000Z');
  t.deepEqual(await power.states([first, second]), ['stopped', 'running']);
  // Somebody needs it between the passes: were the time to act twice, it would go off again.
  await inTransaction(power.site.db, (tx) =>
    holdInstance(tx, power.sandbox.organizationId, { resourceId: first, wanted: 'on', until: null, reason: '' }, { ...power.decision(), cause: 'start' }),
  );
  await power.travelTo('2035-10-28T12:00:00.000Z');
  t.deepEqual(await power.states([first, second]), ['running', 'stopped']);
  t.deepEqual(await changesOf(power, first), ['2035-10-28T00:30 stop', '2035-10-28T00:40 start']);
  t.deepEqual(await changesOf(power, second), ['2035-10-28T01:30 stop']);
  t.deepEqual(await localTimes(power, first), ['2035-10-28T02:30', null]);
  t.deepEqual(await localTimes(power, second), ['2035-10-28T02:30']);
});
