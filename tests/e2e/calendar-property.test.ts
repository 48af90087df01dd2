import test from 'ava';
import { settleOverdue } from '../../commands/bookings/book-environment.ts';
import { editBooking, releaseBooking } from '../../commands/bookings/change-booking.ts';
import { eventsOf } from '../../db/calendar/event-store.ts';
import { openBookingsOf } from '../../db/bookings/booking-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { eventOf, isAsWanted, MARKS } from '../../domain/calendar/booking-event.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { fromGoogleEvent } from '../../providers/google-calendar/events.ts';
import { book } from '../helpers/bookings.ts';
import { calendarSite, insertConnected, runCalendar, type CalendarSite } from '../helpers/calendar-site.ts';
import { tester } from '../helpers/connect.ts';
import { soak } from '../helpers/environment.ts';
import { REFUSALS } from '../helpers/peers/google-calendar/stand-in.ts';
import { randomOf } from '../helpers/random.ts';
import { testClock, type TestClock } from '../helpers/test-clock.ts';

const HOUR_MS = 3_600_000;
const STEPS = 60;
const SEEDS = soak ? 200 : 1;

/** Lets time pass in steps of a minute at least, with bookings and the calendar doing what is due. */
async function pass(at: CalendarSite, clock: TestClock, id: string, minutes: number): Promise<void> {
  const { site, organizationId, environmentId } = at;
  for (let left = minutes; left > 0; left -= 5) {
    clock.set(plusMilliseconds(clock.now(), Math.min(left, 5) * 60_000));
    await inTransaction(site.db, (tx) => settleOverdue(tx, organizationId, environmentId, clock.now()));
    await runCalendar(at, clock, id);
  }
}

/** What may happen, here or there, one after another. */
async function something(at: CalendarSite, clock: TestClock, calendarId: string, random: () => number, ids: string[]): Promise<void> {
  const { site, google, organizationId, environmentId, booker } = at;
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];
  const since = plusMilliseconds(clock.now(), Math.floor(random() * 40) * HOUR_MS);
  const until = random() < 0.1 ? null : plusMilliseconds(since, (1 + Math.floor(random() * 3)) * HOUR_MS + Math.floor(random() * 1000));
  const id = pick(ids);
  const event = pick(google.state.shown().filter(({ extendedProperties }) => extendedProperties?.private?.[MARKS.booking] !== undefined));
  const decision = { at: clock.now(), by: tester, booker };
  const choice = Math.floor(random() * 9);
  if (choice < 3) ids.push((await book(site.db, { organizationId, environmentId, booker, at: clock.now(), since, until })).id);
  else if (choice === 3 && id !== undefined) await inTransaction(site.db, (tx) => editBooking(tx, { organizationId, id }, { until }, decision));
  else if (choice === 4 && id !== undefined) await inTransaction(site.db, (tx) => releaseBooking(tx, { organizationId, id }, decision));
  else if (choice === 5 && event !== undefined) google.state.delete(event.id);
  else if (choice === 6 && event !== undefined) google.state.edit(event.id, { start: { dateTime: since }, end: { dateTime: plusMilliseconds(since, HOUR_MS) } });
  else if (choice === 7) google.fail(pick([REFUSALS.backend, REFUSALS.rateLimit, 'answer-lost', 'no-answer'] as const) ?? 'no-answer');
  else await pass(at, clock, calendarId, Math.floor(random() * 100));
}

for (let seed = 1; seed <= SEEDS; seed += 1) {
  for (const twoWay of [false, true]) {
    test.serial(`whatever happens here and there, the calendar comes to equal the bookings (${twoWay ? 'two ways' : 'one way'}, seed ${seed})`, async (t) => {
      t.timeout(60_000);
      const clock = testClock('2035-06-01T08:00:00.000Z');
      const at = await calendarSite(t, clock);
      const { site, google, organizationId, environmentId } = at;
      const calendar = await insertConnected(at, clock, twoWay);
      const theirs = google.state.make({ summary: 'Lunch', start: { dateTime: clock.now() }, end: { dateTime: plusMilliseconds(clock.now(), HOUR_MS) } });
      const random = randomOf(seed * 2 + Number(twoWay));
      const ids: string[] = [];
      for (let count = 0; count < STEPS; count += 1) {
        await something(at, clock, calendar.id, random, ids).catch((error: unknown) => {
          // A wish that the rules refuse changes nothing.
          if (!(error instanceof DomainError)) throw error;
        });
      }
      google.heal();
      await pass(at, clock, calendar.id, 130);
      t.true(ids.length > 3);
      const rows = await eventsOf(site.db, { organizationId, id: calendar.id }, ids);
      const wanted = ids.flatMap((id) => {
        const row = rows.get(id);
        const content = row === undefined ? null : eventOf(row.booked, { openUntil: row.openUntil, note: row.note, publicUrl: site.config.http.publicUrl });
        return content === null ? [] : [content];
      });
      const shown = google.state.shown().filter(({ id }) => id !== theirs.id);
      t.is(shown.length, wanted.length);
      for (const content of wanted) t.is(shown.filter((event) => isAsWanted(fromGoogleEvent(event), content)).length, 1, content.description);
      for (const { id, state } of await openBookingsOf(site.db, organizationId, environmentId)) t.true(state === 'offered' || rows.has(id), 'each open booking has its row');
      t.like(google.state.get(theirs.id), { summary: 'Lunch' });
    });
  }
}
