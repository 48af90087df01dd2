import test from 'ava';
import { editBooking } from '../../commands/bookings/change-booking.ts';
import { calendarEntity } from '../../commands/calendar/calendar-entity.ts';
import { disconnectCalendar, editCalendar } from '../../commands/calendar/edit-calendar.ts';
import { advanceEntity } from '../../commands/shared/entity-commands.ts';
import { eventsOf } from '../../db/calendar/event-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import { book } from '../../tests/helpers/bookings.ts';
import { calendarNow, calendarSite, insertConnected, performAct, runCalendar } from '../../tests/helpers/calendar-site.ts';
import { tester } from '../../tests/helpers/connect.ts';
import { testClock } from '../../tests/helpers/test-clock.ts';

const hour = (of: number): Instant => `2035-06-02T${String(of).padStart(2, '0')}:00:00.000Z`;

test('an event that another calendar has become the organizer of waits by itself, and the others are written', async (t) => {
  const clock = testClock('2035-06-01T08:00:00.000Z');
  const at = await calendarSite(t, clock);
  const { google, site, organizationId, environmentId, booker } = at;
  const { id } = await insertConnected(at, clock, false);
  const bookings = [];
  for (const begin of [9, 12]) bookings.push(await book(site.db, { organizationId, environmentId, booker, at: clock.now(), since: hour(begin), until: hour(begin + 1) }));
  await runCalendar(at, clock, id);
  clock.set(plusMilliseconds(clock.now(), 1_000));
  for (const { id: booking, since } of bookings) {
    await inTransaction(site.db, (tx) => editBooking(tx, { organizationId, id: booking }, { until: plusMilliseconds(since, 7_200_000) }, { at: clock.now(), by: tester, booker }));
  }
  google.fail({ status: 403, reason: 'forbiddenForNonOrganizer', message: 'Shared properties can only be changed by the organizer of the event.' }, { of: 'calendar.events.patch' });
  await runCalendar(at, clock, id);
  t.like(await calendarNow(at, id), { state: 'connected', problem: null, backlog: { count: 1 } });
  const [first, second] = bookings.map((one) => one.id);
  const rows = await eventsOf(site.db, { organizationId, id }, [first ?? '', second ?? '']);
  t.like(rows.get(first ?? ''), { lastError: { code: 'calendar.not-organizer' }, attempts: 1 });
  t.like(rows.get(second ?? ''), { lastError: null, waitingSince: null });
});

test('an act that was planned before the calendar was switched off, or began to take leave, writes nothing', async (t) => {
  const clock = testClock('2035-06-01T08:00:00.000Z');
  const at = await calendarSite(t, clock);
  const { google, site, organizationId, environmentId, booker } = at;
  const { db } = site;
  const { id } = await insertConnected(at, clock, false);
  await runCalendar(at, clock, id);
  const ref = { organizationId, id };
  const decision = () => ({ at: clock.now(), by: tester });
  clock.set(plusMilliseconds(clock.now(), 1_000));
  await book(db, { organizationId, environmentId, booker, at: clock.now(), since: hour(9), until: hour(10) });
  const { acts } = await inTransaction(db, (tx) => advanceEntity(tx, calendarEntity, ref, clock.now()));
  t.deepEqual(acts.map(({ name }) => name), ['sync-events']);
  const changes: ((tx: Transaction) => Promise<unknown>)[] = [(tx) => editCalendar(tx, ref, { enabled: false }, decision()), (tx) => disconnectCalendar(tx, ref, false, decision())];
  for (const change of changes) {
    await inTransaction(db, change);
    t.is(await performAct(at, clock, ref, acts[0]), 'no longer wanted');
    t.deepEqual([...google.calls].filter(({ method }) => method === 'calendar.events.insert'), []);
  }
});
