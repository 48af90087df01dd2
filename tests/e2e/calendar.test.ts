import test, { type ExecutionContext } from 'ava';
import { disconnectCalendar, editCalendar, retryCalendar } from '../../commands/calendar/edit-calendar.ts';
import { editBooking, releaseBooking } from '../../commands/bookings/change-booking.ts';
import { getBooking } from '../../db/bookings/booking-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Booking } from '../../domain/bookings/booking.ts';
import { calendarStatus, type Calendar } from '../../domain/calendar/calendar.ts';
import { eventIdOf } from '../../domain/calendar/event-id.ts';
import { plusMilliseconds, toInstant, type Instant } from '../../domain/shared/time.ts';
import { book, insertPerson } from '../helpers/bookings.ts';
import { askForCalendar, calendarNow, calendarSite, connectCalendar, type CalendarSite } from '../helpers/calendar-site.ts';
import { outcomeOf, tester } from '../helpers/connect.ts';
import { REFUSALS, type Fault } from '../helpers/peers/google-calendar/stand-in.ts';
import { testClock, type TestClock } from '../helpers/test-clock.ts';
import { travel, untilQuiet } from '../helpers/travel.ts';

const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000];

/** A calendar that is connected, and time at hand. */
interface Stage {
  at: CalendarSite;
  clock: TestClock;
  calendar: Calendar;
  /** An instant so many hours from the beginning. */
  hour(hours: number): Instant;
  book(since: number, until: number | null): Promise<Booking>;
  quiet(): Promise<void>;
  pass(milliseconds: number): Promise<void>;
  now(): Promise<Calendar>;
  idOf(booking: Pick<Booking, 'id'>): string;
  booking(id: string): Promise<Booking>;
}

async function stage(t: ExecutionContext, wish: { twoWay?: boolean } = {}): Promise<Stage> {
  const clock = testClock('2035-06-01T08:00:00.000Z');
  const at = await calendarSite(t, clock);
  const workers = await at.site.startWorkers(clock);
  t.teardown(() => workers.stop());
  const calendar = await connectCalendar(at, clock, wish);
  const began = clock.now();
  const { site, organizationId, environmentId, booker } = at;
  const hour = (hours: number): Instant => plusMilliseconds(began, hours * HOUR_MS);
  return {
    at, clock, calendar, hour,
    book: (since, until) => book(site.db, { organizationId, environmentId, booker, at: clock.now(), since: hour(since), until: until === null ? null : hour(until) }),
    quiet: () => untilQuiet(site, clock.now()),
    pass: (milliseconds) => travel(site, clock, plusMilliseconds(clock.now(), milliseconds)),
    now: () => calendarNow(at, calendar.id),
    idOf: ({ id }) => eventIdOf({ bookingId: id, generation: calendar.generation, incarnation: 0 }),
    async booking(id) {
      const booking = await getBooking(site.db, organizationId, id);
      if (booking === null) throw new Error(`no booking ${id}`);
      return booking;
    },
  };
}

/** Times of the events that are shown, by id. */
const times = ({ google }: CalendarSite): string[] => google.state.shown().map(({ id, start, end }) => spanText(id, start?.dateTime, end?.dateTime));
const spanText = (id: string, since = '', until = ''): string => [id, toInstant(since), toInstant(until)].join(' ');
const spans = (s: Stage, ...bookings: [Pick<Booking, 'id'>, Instant, Instant][]) => bookings.map(([booking, since, until]) => spanText(s.idOf(booking), since, until));

test.serial('a booking becomes one event, follows its changes, and goes with the calendar', async (t) => {
  const s = await stage(t);
  const { google, site, organizationId, booker } = s.at;
  const first = await s.book(1, 2);
  await s.quiet();
  const [event] = google.state.shown();
  t.like(event, { id: s.idOf(first), summary: 'Bench is booked by A engineer', transparency: 'transparent', status: 'confirmed' });
  t.deepEqual(times(s.at), spans(s, [first, s.hour(1), s.hour(2)]));
  await inTransaction(site.db, (tx) => editBooking(tx, { organizationId, id: first.id }, { until: s.hour(3) }, { at: s.clock.now(), by: tester, booker }));
  const cancelled = await s.book(5, null);
  await s.quiet();
  t.is(google.state.shown().length, 2);
  const decision = { at: s.clock.now(), by: tester, booker };
  await inTransaction(site.db, (tx) => releaseBooking(tx, { organizationId, id: cancelled.id }, decision));
  await s.quiet();
  t.deepEqual(times(s.at), spans(s, [first, s.hour(1), s.hour(3)]));
  await s.pass(1.5 * HOUR_MS);
  await inTransaction(site.db, (tx) => releaseBooking(tx, { organizationId, id: first.id }, { ...decision, at: s.clock.now() }));
  await s.quiet();
  t.deepEqual(times(s.at), spans(s, [first, s.hour(1), s.hour(1.5)]), 'released early, its event ends early');
  t.is(calendarStatus(await s.now()), 'connected');
  t.is(google.calls.filter(({ method }) => method === 'calendar.events.insert').length, 3, 'the probe and two bookings');

  await inTransaction(site.db, (tx) => disconnectCalendar(tx, { organizationId, id: s.calendar.id }, false, { at: s.clock.now(), by: tester }));
  await s.quiet();
  t.deepEqual(google.state.shown(), []);
  for (const table of ['calendars', 'calendar_events', 'calendar_credentials']) t.deepEqual(await site.db(table), [], table);
  t.is((await site.client.workflow.getHandle(`calendar/${s.calendar.id}`).describe()).status.name, 'COMPLETED');
  await t.notThrowsAsync(s.book(10, 11));
});

test.serial('what Google refuses for a while is written later, once, and delays no booking', async (t) => {
  const s = await stage(t);
  await s.quiet();
  const faults: Fault[] = [REFUSALS.rateLimit, REFUSALS.userRateLimit, { ...REFUSALS.tooMany, retryAfter: '90' }, REFUSALS.backend, REFUSALS.unavailable, 'no-answer', 'answer-lost', REFUSALS.quota];
  for (const fault of faults) s.at.google.fail(fault, { of: 'calendar.events.insert' });
  const bookings = [await s.book(20, 21), await s.book(30, 31), await s.book(40, 41)];
  await s.quiet();
  const waiting = await s.now();
  t.is(calendarStatus(waiting), 'syncing');
  t.is(waiting.backlog.count, 3);
  t.is(waiting.problem?.code, 'calendar.throttled');
  t.true((waiting.retryAt ?? '') > s.clock.now());
  await s.pass(2 * HOUR_MS);
  t.deepEqual(times(s.at).toSorted(), spans(s, ...bookings.map(({ id }, index): [Pick<Booking, 'id'>, Instant, Instant] => [{ id }, s.hour(20 + 10 * index), s.hour(21 + 10 * index)])).toSorted());
  t.like(await s.now(), { state: 'connected', problem: null, attempts: 0, backlog: { count: 0 } });
});

test.serial('a calendar that is no longer shared is broken, says why, and is whole again once it is', async (t) => {
  const s = await stage(t);
  const { google, key, site, organizationId } = s.at;
  await s.quiet();
  google.share(key.client_email, 'reader');
  const booking = await s.book(1, 2);
  await s.quiet();
  t.is(calendarStatus(await s.now()), 'broken');
  t.like(await s.now(), { problem: { code: 'calendar.not-allowed' }, brokenSince: s.clock.now() });
  google.share(key.client_email, null);
  await s.pass(HOUR_MS);
  t.like((await s.now()).problem, { code: 'calendar.not-shared' });
  google.share(key.client_email, 'writer');
  await inTransaction(site.db, (tx) => retryCalendar(tx, { organizationId, id: s.calendar.id }, { at: s.clock.now(), by: tester }));
  await s.quiet();
  t.deepEqual(times(s.at), spans(s, [booking, s.hour(1), s.hour(2)]));
  t.like(await s.now(), { state: 'connected', problem: null, brokenSince: null });
  const steps = await site.db('ledger').where({ subject: s.calendar.id }).orderBy('id').pluck('action');
  t.deepEqual(steps, ['calendar.connect', 'calendar.break', 'calendar.break', 'calendar.retry', 'calendar.recover']);

  const other = google.accounts.create('other', undefined, { privateKey: key.private_key });
  const refused = await outcomeOf(site, await askForCalendar(s.at, s.clock, { calendarId: s.calendar.id, key: other }));
  t.is(refused.error?.code, 'calendar.not-shared');
  google.share(other.client_email, 'writer');
  t.is((await outcomeOf(site, await askForCalendar(s.at, s.clock, { calendarId: s.calendar.id, key: other }))).error, null);
  t.is((await s.now()).account, other.client_email);
});

test.serial('what people change in our events is undone within the hour, and theirs is left alone', async (t) => {
  const s = await stage(t);
  const { google } = s.at;
  const [moved, deleted, purged] = [await s.book(20, 21), await s.book(30, 31), await s.book(40, 41)];
  await s.quiet();
  const before = new Set(times(s.at));
  const theirs = google.state.make({ summary: 'Lunch', start: { dateTime: s.hour(4) }, end: { dateTime: s.hour(5) } });
  google.state.edit(s.idOf(moved), { start: { dateTime: s.hour(50) }, end: { dateTime: s.hour(51) }, summary: 'Mine' });
  google.state.delete(s.idOf(deleted));
  google.state.delete(s.idOf(purged));
  google.state.purge(s.idOf(purged));
  const marks = google.state.shown().find(({ id }) => id === s.idOf(moved))?.extendedProperties;
  google.state.make({ summary: 'A copy', start: { dateTime: s.hour(6) }, end: { dateTime: s.hour(7) }, ...(marks !== undefined && { extendedProperties: marks }) });
  google.state.forgetTokens();
  await s.pass(HOUR_MS + MINUTE_MS);
  const shown = google.state.shown();
  t.true(shown.some(({ id }) => id === theirs.id));
  t.is(shown.length, 4);
  const again = eventIdOf({ bookingId: purged.id, generation: s.calendar.generation, incarnation: 1 });
  t.deepEqual(new Set(times(s.at).filter((one) => !one.startsWith(theirs.id)).map((one) => one.replace(again, s.idOf(purged)))), before);
  t.deepEqual(await Promise.all([moved, deleted, purged].map(async ({ id }) => (await s.booking(id)).state)), ['reserved', 'reserved', 'reserved']);
});

test.serial('with two ways a moved event moves its booking and a deleted one ends it; what is refused is put back with the reason', async (t) => {
  const s = await stage(t, { twoWay: true });
  const { google, site, organizationId, environmentId } = s.at;
  const [moved, deleted, blocked] = [await s.book(20, 21), await s.book(30, 31), await s.book(40, 41)];
  const colleague = await insertPerson(site.db, organizationId, 'engineer', s.clock.now());
  const other = await book(site.db, { organizationId, environmentId, booker: colleague, at: s.clock.now(), since: s.hour(41), until: s.hour(42) });
  await s.quiet();
  google.state.edit(s.idOf(moved), { start: { dateTime: s.hour(22) }, end: { dateTime: s.hour(24) } });
  google.state.delete(s.idOf(deleted));
  google.state.edit(s.idOf(blocked), { end: { dateTime: s.hour(41.5) } });
  await s.pass(2 * MINUTE_MS);
  t.like(await s.booking(moved.id), { since: s.hour(22), until: s.hour(24), state: 'reserved' });
  t.like(await s.booking(deleted.id), { state: 'cancelled' });
  t.like(await s.booking(blocked.id), { until: s.hour(41) });
  t.deepEqual(times(s.at).toSorted(), spans(s, [moved, s.hour(22), s.hour(24)], [blocked, s.hour(40), s.hour(41)], [other, s.hour(41), s.hour(42)]).toSorted());
  const shown = (booking: Pick<Booking, 'id'>): string => google.state.shown().find(({ id }) => id === s.idOf(booking))?.description ?? '';
  t.regex(shown(blocked), /^Not changed: Bench is booked from/);
  google.state.edit(s.idOf(blocked), { start: { dateTime: s.hour(-30) } });
  await s.pass(2 * MINUTE_MS);
  t.regex(shown(blocked), /^Not changed: since: .* is in the past/);
  t.deepEqual(await site.db('ledger').where({ subject: moved.id, action: 'bookings.edit' }).pluck('actor_name'), ['calendar']);

  // Its holder may not any more, so neither may who moves it there.
  await site.db('memberships').where({ user_id: colleague.userId }).update({ role: 'member' });
  google.state.delete(s.idOf(other));
  await s.pass(2 * MINUTE_MS);
  t.like(await s.booking(other.id), { state: 'reserved' });
  t.regex(shown(other), /^Not changed: Its holder may not/);
  const decision = { at: s.clock.now(), by: tester };
  await inTransaction(site.db, (tx) => editCalendar(tx, { organizationId, id: s.calendar.id }, { twoWay: false }, decision));
  google.state.delete(s.idOf(moved));
  await s.pass(HOUR_MS + MINUTE_MS);
  t.like(await s.booking(moved.id), { state: 'reserved' });
});

test.serial('the end of an open booking is moved on before it comes near', async (t) => {
  const s = await stage(t);
  const open = await s.book(1, null);
  await s.quiet();
  const end = (): number => Date.parse(s.at.google.state.shown()[0]?.end?.dateTime ?? '');
  t.is(end(), Date.parse(s.hour(1)) + 365 * DAY_MS);
  // Only what is due by itself is to happen.
  const later = plusMilliseconds(s.clock.now(), 400 * DAY_MS);
  await s.at.site.db('calendars').update({ look_at: later, full_at: later });
  await s.pass(186 * DAY_MS);
  t.true(end() >= Date.parse(s.clock.now()) + 180 * DAY_MS);
  t.like(await s.booking(open.id), { state: 'active', until: null });
});

test.serial('switched off, a calendar is not called; switched on, it catches up', async (t) => {
  const s = await stage(t);
  const { google, site, organizationId } = s.at;
  const ref = { organizationId, id: s.calendar.id };
  await s.quiet();
  await inTransaction(site.db, (tx) => editCalendar(tx, ref, { enabled: false }, { at: s.clock.now(), by: tester }));
  const calls = google.calls.length;
  const booking = await s.book(20, 21);
  await s.pass(5 * HOUR_MS);
  t.is(google.calls.length, calls);
  t.is(calendarStatus(await s.now()), 'paused');
  await inTransaction(site.db, (tx) => editCalendar(tx, ref, { enabled: true }, { at: s.clock.now(), by: tester }));
  await s.quiet();
  t.deepEqual(times(s.at), spans(s, [booking, s.hour(20), s.hour(21)]));
});

test.serial('one calendar an organization: a second is refused by the name of the first', async (t) => {
  const s = await stage(t);
  const error = await t.throwsAsync(askForCalendar(s.at, s.clock));
  t.like(error, { code: 'calendar.already-connected' });
  t.true(error.message.includes(s.calendar.id));
});
