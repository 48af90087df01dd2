import test from 'ava';
import { readChannelToken } from '../../commands/calendar/channel-token.ts';
import { editCalendar } from '../../commands/calendar/edit-calendar.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { calendarNow, calendarSite, insertConnected, runCalendar } from '../../tests/helpers/calendar-site.ts';
import { tester } from '../../tests/helpers/connect.ts';
import { testClock } from '../../tests/helpers/test-clock.ts';

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
