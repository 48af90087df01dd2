import test from 'ava';
import { readChannelToken } from '../../commands/calendar/channel-token.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { editCalendar } from '../../commands/calendar/edit-calendar.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { MARKS } from '../../domain/calendar/booking-event.ts';
import { eventIdOf } from '../../domain/calendar/event-id.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { book } from '../../tests/helpers/bookings.ts';
import { calendarNow, calendarSite, insertConnected, runCalendar } from '../../tests/helpers/calendar-site.ts';
import { tester } from '../../tests/helpers/connect.ts';
import { testClock } from '../../tests/helpers/test-clock.ts';
import { calendarProviders } from '../../workers/dependencies.ts';

const HOUR_MS = 3_600_000;

test('a channel that Google refuses breaks nothing and is asked for once a day; one that nears its end is renewed', async (t) => {
  const clock = testClock('2035-06-01T08:00:00.000Z');
  const at = await calendarSite(t, clock);
  const { google, organizationId } = at;
  const { id } = await insertConnected(at, clock, true);
  const channels = { publicUrl: 'https://orrery.example.org', secret: new Uint8Array(32) };
  const pass = async (milliseconds: number): Promise<void> => {
    clock.set(plusMilliseconds(clock.now(), milliseconds));
    await runCalendar(at, clock, id, channels);
  };
  const asked = (): number => google.calls.filter(({ method }) => method === 'calendar.events.watch').length;
  google.fail({ status: 401, reason: 'push.webhookUrlUnauthorized', message: 'Unauthorized WebHook callback channel' }, { of: 'calendar.events.watch' });
  await pass(1_000);
  t.like(await calendarNow(at, id), { state: 'connected', channel: null, problem: null });
  t.is(google.channels.size, 0);
  await pass(HOUR_MS);
  t.is(asked(), 0, 'not each minute');
  await pass(24 * HOUR_MS);
  const [channel] = google.channels.values();
  t.is(asked(), 1);
  t.deepEqual(readChannelToken(channels.secret, channel?.token ?? ''), { organizationId, id });
  t.is(readChannelToken(new Uint8Array(32).fill(1), channel?.token ?? ''), null);
  // The stand-in's clock is the computer's, and so is when it lets a channel end: long ago by ours.
  await pass(HOUR_MS);
  t.is(asked(), 2);
  t.is(google.channels.size, 1);
  t.not([...google.channels.keys()][0], channel?.id);
});

test('a channel that Google does not close holds nothing up: a new one takes its place, and one way needs none', async (t) => {
  const clock = testClock('2035-06-01T08:00:00.000Z');
  const at = await calendarSite(t, clock);
  const { google, site, organizationId } = at;
  const { id } = await insertConnected(at, clock, true);
  const channels = { publicUrl: 'https://orrery.example.org', secret: new Uint8Array(32) };
  const pass = async (): Promise<void> => {
    clock.set(plusMilliseconds(clock.now(), HOUR_MS));
    await runCalendar(at, clock, id, channels);
  };
  await pass();
  const first = (await calendarNow(at, id)).channel?.id;
  const refuse = (): void => google.fail({ status: 403, reason: 'forbidden', message: 'Forbidden' }, { of: 'calendar.channels.stop' });
  // The stand-in's channels ended long ago by our clock: each look renews.
  refuse();
  await pass();
  const second = await calendarNow(at, id);
  t.not(second.channel?.id, first);
  t.true(google.channels.has(second.channel?.id ?? ''));
  refuse();
  const decision = { at: clock.now(), by: tester };
  await inTransaction(site.db, (tx) => editCalendar(tx, { organizationId, id }, { twoWay: false }, decision));
  await pass();
  t.like(await calendarNow(at, id), { state: 'connected', problem: null, channel: null });
});

test('a stray that Google does not let go is recorded once and passed over, and the look goes on', async (t) => {
  const clock = testClock('2035-06-01T08:00:00.000Z');
  const at = await calendarSite(t, clock);
  const { google, site, key, organizationId, environmentId, booker } = at;
  const calendar = await insertConnected(at, clock, false);
  const { id, generation } = calendar;
  const { signal } = new AbortController();
  const open = calendarProviders(site.config, { db: site.db }).google.open({ organizationId, calendarId: calendar.calendarId }, key);
  const begin = '2035-06-02T09:00:00.000Z';
  const content = { summary: 'Bench', description: '', start: begin, end: plusMilliseconds(begin, HOUR_MS), marks: { [MARKS.organization]: organizationId, [MARKS.booking]: newId('booking') } };
  for (const incarnation of [1, 2]) await open.insert(eventIdOf({ bookingId: content.marks[MARKS.booking] ?? '', generation, incarnation }), content, signal);
  const { id: bookingId } = await book(site.db, { organizationId, environmentId, booker, at: clock.now(), since: begin, until: plusMilliseconds(begin, HOUR_MS) });
  const eventId = eventIdOf({ bookingId, generation, incarnation: 0 });
  const refuse = (): void => google.fail({ status: 403, reason: 'forbidden', message: 'Forbidden' }, { of: 'calendar.events.delete', times: 2 });
  const recorded = async () => await site.db('ledger').where({ subject: id, action: 'calendar.leave-stray' }).pluck<{ event_id: string; problem: string }[]>('after');
  refuse();
  await runCalendar(at, clock, id);
  t.like(await calendarNow(at, id), { state: 'connected', problem: null, backlog: { count: 0 } });
  t.deepEqual((await recorded()).map(({ problem }) => problem), ['calendar.not-allowed', 'calendar.not-allowed']);

  // Somebody takes the booking's event out. A day later everything is looked at again, and the strays still do not go.
  await open.remove(eventId, signal);
  refuse();
  clock.set(plusMilliseconds(clock.now(), 25 * HOUR_MS));
  await runCalendar(at, clock, id);
  t.like(await calendarNow(at, id), { state: 'connected', lastReconciledAt: clock.now() });
  t.is((await open.get(eventId, signal))?.status, 'confirmed', 'what comes after them is seen to');
  t.is((await recorded()).length, 2, 'once an event');
});
