import test from 'ava';
import { weeksOf } from '../../domain/bookings/recurrence.ts';
import { bookEnvironment } from '../../commands/bookings/book-environment.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { book, insertEnvironment, insertPerson } from '../helpers/bookings.ts';
import { actionsOf, recordHistory, replay } from '../helpers/histories.ts';
import { powerSite } from '../helpers/power-site.ts';

const BERLIN = 'Europe/Berlin';

interface Entry {
  action: string;
  at: Instant;
  due_at: Instant | null;
}

test.serial('bookings across a change of clocks last their hours, each week its local times, and begin and end when they are due', async (t) => {
  const { site, clock, sandbox, travelTo } = await powerSite(t, '2035-03-17T12:00:00.000Z');
  const { organizationId } = sandbox;
  const { db } = site;
  const at = clock.now();
  const environmentId = await insertEnvironment(db, organizationId, {}, at);
  const booker = await insertPerson(db, organizationId, 'engineer', at);
  // Saturday 23:00 to Sunday 05:00 in Berlin; on 25 March clocks go forward at 02:00, and one hour of the night is missing.
  const night = { since: '2035-03-17T22:00:00.000Z', until: '2035-03-18T04:00:00.000Z' };
  const periods = weeksOf(night, { timeZone: BERLIN, untilDate: '2035-03-31' });
  const hours = periods.map(({ since, until }) => (Date.parse(until ?? '') - Date.parse(since)) / 3_600_000);
  t.deepEqual(hours, [6, 5, 6]);
  const request = { organizationId, environmentId, holderUserId: booker.userId, periods, note: '', sshKeyId: null, projectId: null };
  const made = await inTransaction(db, (tx) => bookEnvironment(tx, request, { at, by: { kind: 'person', id: booker.userId, name: 'Test' }, booker }));
  const changing = made[1];
  t.like(changing, { since: '2035-03-24T22:00:00.000Z', until: '2035-03-25T03:00:00.000Z' });
  // Whoever books the hour that local clocks skip gets no time: what touches it on both sides is legal.
  await book(db, { organizationId, environmentId, booker, at, since: '2035-03-25T03:00:00.000Z', until: '2035-03-25T04:00:00.000Z' });

  // Not nearer: between travels clocks go on by themselves.
  await travelTo('2035-03-25T02:30:00.000Z');
  t.like(await db('bookings').where('id', changing?.id).first(), { state: 'active' });
  await travelTo('2035-03-25T03:00:00.000Z');
  t.like(await db('bookings').where('id', changing?.id).first(), { state: 'released', ended_at: '2035-03-25T03:00:00.000Z' });
  await travelTo('2035-04-02T00:00:00.000Z');
  t.deepEqual(await db('bookings').distinct().pluck('state'), ['released']);
  for (const { id, since, until } of made) {
    const entries = await db('ledger').where('subject', id).orderBy('id').select<Entry[]>('action', 'at', 'due_at');
    t.deepEqual(entries.slice(1).map(({ action, due_at }) => [action, due_at]), [['bookings.start', since], ['bookings.end', until]]);
    // No workflow waits for a local time: it has no zone, only the instant.
    t.true(entries.slice(1).every((entry) => Date.parse(entry.at) - Date.parse(entry.due_at ?? '') < 60_000));
  }
  const workflowId = `booking/${changing?.id}`;
  const history = await site.client.workflow.getHandle(workflowId).fetchHistory();
  t.true(actionsOf(history) <= 8, `${actionsOf(history)} actions`);
  await replay(history, workflowId);
  recordHistory('booking', history);
});

test.serial('what began and ended while API and workers were down has begun and ended when it was due, for who asks first and for the workers', async (t) => {
  const { site, clock, sandbox, travelTo, halt, begin } = await powerSite(t, '2035-03-05T08:00:00.000Z');
  const { organizationId } = sandbox;
  const { db } = site;
  const at = clock.now();
  const booker = await insertPerson(db, organizationId, 'engineer', at);
  const [left, asked] = [await insertEnvironment(db, organizationId, {}, at), await insertEnvironment(db, organizationId, {}, at)];
  const wish = { organizationId, booker, at };
  const active = await book(db, { ...wish, environmentId: left, since: at, until: '2035-03-05T10:00:00.000Z' });
  const whole = await book(db, { ...wish, environmentId: asked, since: '2035-03-05T09:00:00.000Z', until: '2035-03-05T11:00:00.000Z' });
  await travelTo('2035-03-05T08:30:00.000Z');

  await halt();
  clock.set('2035-03-05T12:00:00.000Z');
  // Nobody told the row: whoever books next finds the time that is over free.
  const next = await book(db, { ...wish, at: clock.now(), environmentId: asked, since: '2035-03-05T12:00:00.000Z', until: null });
  t.like(await db('bookings').where('id', whole.id).first(), { state: 'released', ended_at: '2035-03-05T11:00:00.000Z', end_reason: 'ended' });
  t.like(await db('bookings').where('id', active.id).first(), { state: 'active' });

  await begin();
  await travelTo('2035-03-05T12:10:00.000Z');
  t.like(await db('bookings').where('id', active.id).first(), { state: 'released', ended_at: '2035-03-05T10:00:00.000Z', end_reason: 'ended' });
  t.like(await db('bookings').where('id', next.id).first(), { state: 'active' });
  const dueOf = async (id: string) => await db('ledger').where('subject', id).whereNotNull('due_at').orderBy('id').pluck<Instant[]>('due_at');
  t.deepEqual(await dueOf(active.id), ['2035-03-05T10:00:00.000Z']);
  t.deepEqual(await dueOf(whole.id), ['2035-03-05T09:00:00.000Z', '2035-03-05T11:00:00.000Z']);
  for (const { id } of [active, whole]) t.is((await site.client.workflow.getHandle(`booking/${id}`).describe()).status.name, 'COMPLETED');
  t.is((await site.client.workflow.getHandle(`booking/${next.id}`).describe()).status.name, 'RUNNING');
});
