import test from 'ava';
import { disconnectCalendar } from '../../commands/calendar/edit-calendar.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { book } from '../helpers/bookings.ts';
import { calendarSite, connectCalendar } from '../helpers/calendar-site.ts';
import { tester } from '../helpers/connect.ts';
import { ownServers } from '../helpers/own-servers.ts';
import { eventually } from '../helpers/platform.ts';
import { startWorkerProcess, type WorkerProcess } from '../helpers/worker-process.ts';

const HOUR_MS = 3_600_000;

test('workers are killed between a calendar’s effect and its record, and Temporal loses its database: every booking has its event once', async (t) => {
  t.timeout(300_000);
  const servers = await ownServers();
  t.teardown(() => servers.stop());
  const at = await calendarSite(t, systemClock, servers);
  const { site, google, organizationId, environmentId, booker } = at;
  let workers: WorkerProcess | null = null;
  t.teardown(async () => await workers?.kill());
  const begin = async (): Promise<void> => {
    workers = startWorkerProcess(site.config);
    await workers.ready;
  };
  /** Kills the workers when a call of this method has had its effect; its answer is nobody's. */
  const killAfter = async (method: string): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    google.onEffect((called) => {
      if (called !== method) return;
      google.onEffect(() => undefined);
      void workers?.kill().then(resolve);
    });
    await promise;
  };
  const began = systemClock.now();
  const bookings: string[] = [];
  const bookNext = async (): Promise<void> => {
    const since = plusMilliseconds(began, (bookings.length + 2) * HOUR_MS);
    const made = await book(site.db, { organizationId, environmentId, booker, at: systemClock.now(), since, until: plusMilliseconds(since, HOUR_MS) });
    bookings.push(made.id);
  };
  const shown = (): string[] => google.state.shown().map(({ extendedProperties }) => extendedProperties?.private?.orreryBooking ?? '');
  const inLine = async (): Promise<boolean> => (await site.db('calendar_events').whereNotNull('waiting_since')).length === 0 && shown().length === bookings.length;

  await bookNext();
  await begin();
  const calendar = await connectCalendar(at, systemClock);
  const killed = killAfter('calendar.events.insert');
  await bookNext();
  await bookNext();
  await killed;
  await begin();
  await eventually(inLine, 'three events', 90);
  t.deepEqual(shown().toSorted(), bookings.toSorted());

  google.fail({ status: 500, reason: 'backendError', message: 'Backend Error' });
  await bookNext();
  await (workers as WorkerProcess | null)?.kill();
  await servers.crashTemporal({ forget: true });
  await bookNext();
  await begin();
  await eventually(inLine, 'five events', 90);
  t.deepEqual(shown().toSorted(), bookings.toSorted());
  t.is(new Set(google.state.shown().map(({ id }) => id)).size, 5);

  const leaving = killAfter('calendar.events.delete');
  await inTransaction(site.db, (tx) => disconnectCalendar(tx, { organizationId, id: calendar.id }, false, { at: systemClock.now(), by: tester }));
  await leaving;
  await begin();
  await eventually(async () => (await site.db('calendars')).length === 0, 'the calendar to go', 90);
  t.deepEqual(google.state.shown(), []);
});
