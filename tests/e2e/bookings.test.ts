import test from 'ava';
import { holdInstance, releaseInstance } from '../../commands/power/hold-instances.ts';
import { releaseBooking } from '../../commands/bookings/change-booking.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { system } from '../../domain/shared/entity.ts';
import { book, insertEnvironment, insertPerson } from '../helpers/bookings.ts';
import { actionsOf } from '../helpers/histories.ts';
import { powerSite } from '../helpers/power-site.ts';

const by = system('test');

test('bookings made before anybody knew how long the machine boots are early enough from the second on', async (t) => {
  const power = await powerSite(t, '2035-03-05T05:00:00.000Z');
  const { db } = power.site;
  const { organizationId } = power.sandbox;
  const [resourceId = ''] = await power.sandbox.machines(1, { bootSeconds: 420, stopSeconds: 60 });
  const at = power.clock.now();
  const environmentId = await insertEnvironment(db, organizationId, { resourceId, powerOnBefore: true, powerOffAfter: true }, at);
  const booker = await insertPerson(db, organizationId, 'engineer', at);
  const hours = [['06', '07'], ['09', '10'], ['12', '13']] as const;
  for (const [since, until] of hours) await book(db, { organizationId, environmentId, booker, at, since: `2035-03-05T${since}:00:00.000Z`, until: `2035-03-05T${until}:00:00.000Z` });
  await power.travelTo('2035-03-05T06:00:00.000Z');
  t.deepEqual(await power.states([resourceId]), ['starting'], 'five minutes are too few');
  for (const [since] of hours.slice(1)) {
    await power.travelTo(`2035-03-05T${since}:00:00.000Z`);
    t.deepEqual(await power.states([resourceId]), ['running']);
  }
  const starts = (await power.changes([resourceId])).filter(({ action }) => action === 'start').map(({ at: started }) => started.slice(11, 16));
  t.is(starts.length, 3);
  t.regex(starts.join(' '), /^05:55 08:5[0-2] 11:5[0-2]$/);
});

test('a machine that takes seven minutes to boot is ready when its booking begins, stays on for the next one, and is off after the last', async (t) => {
  const power = await powerSite(t, '2035-03-05T05:00:00.000Z');
  const { db } = power.site;
  const { organizationId } = power.sandbox;
  const [resourceId = ''] = await power.sandbox.machines(1, { bootSeconds: 420, stopSeconds: 60 });
  // One start tells how long it takes.
  const hold = (wanted: 'on' | 'off') => inTransaction(db, (tx) => holdInstance(tx, organizationId, { resourceId, wanted, until: null, reason: '' }, { at: power.clock.now(), by, cause: 'start' }));
  await hold('on');
  await power.travelTo('2035-03-05T05:30:00.000Z');
  await hold('off');
  await power.travelTo('2035-03-05T06:00:00.000Z');
  await inTransaction(db, (tx) => releaseInstance(tx, organizationId, resourceId, { at: power.clock.now(), by }));
  t.deepEqual(await power.states([resourceId]), ['stopped']);

  const at = power.clock.now();
  const environmentId = await insertEnvironment(db, organizationId, { resourceId, powerOnBefore: true, powerOffAfter: true }, at);
  const [one, two] = [await insertPerson(db, organizationId, 'engineer', at), await insertPerson(db, organizationId, 'engineer', at)];
  const first = await book(db, { organizationId, environmentId, booker: one, at, since: '2035-03-05T09:00:00.000Z', until: '2035-03-05T10:00:00.000Z' });
  const second = await book(db, { organizationId, environmentId, booker: two, at, since: '2035-03-05T10:00:00.000Z', until: '2035-03-05T12:00:00.000Z' });

  await power.travelTo('2035-03-05T08:50:00.000Z');
  t.deepEqual(await power.states([resourceId]), ['stopped']);
  await power.travelTo('2035-03-05T09:00:00.000Z');
  t.deepEqual(await power.states([resourceId]), ['running']);
  t.like(await db('bookings').where({ id: first.id }).first(), { state: 'active' });
  await power.travelTo('2035-03-05T10:30:00.000Z');
  t.deepEqual(await power.states([resourceId]), ['running']);
  t.deepEqual(await db('bookings').orderBy('since').pluck('state'), ['released', 'active']);
  await inTransaction(db, (tx) => releaseBooking(tx, { organizationId, id: second.id }, { at: power.clock.now(), by, booker: two }));
  await power.travelTo('2035-03-05T10:35:00.000Z');
  t.deepEqual(await power.states([resourceId]), ['stopped']);
  await power.travelTo('2035-03-06T12:00:00.000Z');
  t.deepEqual(await power.states([resourceId]), ['stopped']);

  const changes = (await power.changes([resourceId])).map((change) => `${change.at.slice(11, 16)} ${change.action}`);
  t.is(changes.length, 4);
  t.deepEqual(changes.slice(0, 2), ['05:00 start', '05:30 stop']);
  t.regex(changes[2] ?? '', /^08:5[0-2] start$/, 'as long before as nine of ten boots took');
  t.is(changes[3], '10:30 stop');
  // Ended by themselves, each with few actions; who releases a booking asks for three more.
  for (const [{ id }, budget] of [[first, 8], [second, 11]] as const) {
    const handle = power.site.client.workflow.getHandle(`booking/${id}`);
    t.is((await handle.describe()).status.name, 'COMPLETED');
    const actions = actionsOf(await handle.fetchHistory());
    t.true(actions <= budget, `${actions} actions`);
  }
});
