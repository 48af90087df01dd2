import test from 'ava';
import { editBooking } from '../../commands/bookings/change-booking.ts';
import { getBooking } from '../../db/bookings/booking-store.ts';
import { eventsOf } from '../../db/calendar/event-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { eventIdOf } from '../../domain/calendar/event-id.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import { book } from '../../tests/helpers/bookings.ts';
import { calendarNow, calendarSite, insertConnected, runCalendar } from '../../tests/helpers/calendar-site.ts';
import { tester } from '../../tests/helpers/connect.ts';
import { testClock } from '../../tests/helpers/test-clock.ts';
import { calendarProviders, vaultOf } from '../../workers/dependencies.ts';
import { bringBack } from './compare-events.ts';
import type { Opened } from './opened.ts';

const hour = (of: number): Instant => `2035-06-02T${String(of).padStart(2, '0')}:00:00.000Z`;

test('a booking that is changed here while a change of its event is being asked for keeps what was decided here', async (t) => {
  const clock = testClock('2035-06-01T08:00:00.000Z');
  const at = await calendarSite(t, clock);
  const { site, key, organizationId, environmentId, booker } = at;
  const { db, config } = site;
  const { id } = await insertConnected(at, clock, true);
  const { id: bookingId } = await book(db, { organizationId, environmentId, booker, at: clock.now(), since: hour(9), until: hour(10) });
  await runCalendar(at, clock, id);

  const [ref, calendar, vault] = [{ organizationId, id }, await calendarNow(at, id), vaultOf(config)];
  const calendars = calendarProviders(config, { db });
  const opened: Opened = {
    deps: { db, clock, vault, calendars, publicUrl: config.http.publicUrl, channels: null },
    ref, calendar, clock,
    open: calendars.google.open({ organizationId, calendarId: calendar.calendarId }, key),
    signal: new AbortController().signal,
    decision: () => ({ at: clock.now(), by: tester }),
  };
  const row = (await eventsOf(db, ref, [bookingId])).get(bookingId);
  const event = await opened.open.get(eventIdOf({ bookingId, generation: calendar.generation, incarnation: 0 }), opened.signal);
  if (row === undefined || event === null) throw new Error('the booking has no event');
  // Somebody moved the event; before that is asked for, somebody else moves the booking.
  clock.set(plusMilliseconds(clock.now(), 1_000));
  await inTransaction(db, (tx) => editBooking(tx, { organizationId, id: bookingId }, { since: hour(14), until: hour(15) }, { at: clock.now(), by: tester, booker }));
  t.is(await bringBack(opened, row, { ...event, start: hour(11), end: hour(12) }), 'equal');
  t.like(await getBooking(db, organizationId, bookingId), { since: hour(14), until: hour(15) });
  t.is(await bringBack(opened, row, { ...event, status: 'cancelled' }), 'equal');
  t.like(await getBooking(db, organizationId, bookingId), { state: 'reserved' });
});
