import test from 'ava';
import { releaseBooking } from '../../commands/bookings/change-booking.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { calendarStatus } from '../../domain/calendar/calendar.ts';
import { eventIdOf } from '../../domain/calendar/event-id.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { book } from '../helpers/bookings.ts';
import { calendarNow, calendarSite, connectCalendar } from '../helpers/calendar-site.ts';
import { tester } from '../helpers/connect.ts';
import { eventually } from '../helpers/platform.ts';
import { testClock } from '../helpers/test-clock.ts';
import { untilQuiet } from '../helpers/travel.ts';

const HOUR_MS = 3_600_000;

test('a booking becomes one event, follows its changes, and goes with the calendar', async (t) => {
  const clock = testClock('2035-06-01T08:00:00.000Z');
  const at = await calendarSite(t, clock);
  const { site, google, organizationId, environmentId, booker } = at;
  const workers = await site.startWorkers(clock);
  t.teardown(() => workers.stop());
  const early = await book(site.db, { organizationId, environmentId, booker, at: clock.now(), since: plusMilliseconds(clock.now(), HOUR_MS), until: plusMilliseconds(clock.now(), 2 * HOUR_MS) });
  const calendar = await connectCalendar(at, clock);
  await untilQuiet(site, clock.now());
  t.is(google.state.shown().length, 1);
  const [event] = google.state.shown();
  t.like(event, {
    id: eventIdOf({ bookingId: early.id, generation: calendar.generation, incarnation: 0 }),
    summary: 'Bench is booked by A engineer',
    transparency: 'transparent',
    status: 'confirmed',
  });
  t.is(Date.parse(event?.start?.dateTime ?? ''), Date.parse(early.since));
  const open = await book(site.db, { organizationId, environmentId, booker, at: clock.now(), since: plusMilliseconds(clock.now(), 3 * HOUR_MS), until: null });
  await untilQuiet(site, clock.now());
  t.is(google.state.shown().length, 2);
  await inTransaction(site.db, (tx) => releaseBooking(tx, { organizationId, id: open.id }, { at: clock.now(), by: tester, booker }));
  await untilQuiet(site, clock.now());
  t.deepEqual(google.state.shown().map(({ id }) => id), [event?.id]);
  t.is(calendarStatus(await calendarNow(at, calendar.id)), 'connected');
  await eventually(async () => (await site.db('calendar_events').whereNotNull('waiting_since')).length === 0, 'nothing to wait');
});
