import test from 'ava';
import { disconnectCalendar } from '../../commands/calendar/edit-calendar.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { book } from '../helpers/bookings.ts';
import { calendarSite, connectCalendar } from '../helpers/calendar-site.ts';
import { tester } from '../helpers/connect.ts';
import { actionsOf, recordHistory, replay } from '../helpers/histories.ts';
import { eventually } from '../helpers/platform.ts';

test('a calendar costs four actions a batch of bookings at most, and its history replays', async (t) => {
  const at = await calendarSite(t, systemClock);
  const { site, organizationId, environmentId, booker } = at;
  const workers = await site.startWorkers();
  t.teardown(() => workers.stop());
  const calendar = await connectCalendar(at, systemClock);
  const handle = site.client.workflow.getHandle(`calendar/${calendar.id}`);
  const atRest = async (): Promise<number> =>
    await eventually(async () => {
      const row = await site.db('calendars').where({ id: calendar.id }).first<{ next_due_at: string; last_reconciled_at: string | null }>();
      const waits = (await site.db('calendar_events').whereNotNull('waiting_since')).length + (await site.db('wake_ups')).length;
      // After the rows: what they asked for has arrived by then. A task that is under way has not yet started its timer.
      const { raw } = await handle.describe();
      const works = (raw.pendingActivities ?? []).length > 0 || (raw.pendingWorkflowTask ?? null) !== null;
      if (waits > 0 || row.last_reconciled_at === null || works) return null;
      return actionsOf(await handle.fetchHistory());
    }, 'the calendar to rest');
  const before = await atRest();
  const since = (hours: number): string => plusMilliseconds(systemClock.now(), hours * 3_600_000);
  await book(site.db, { organizationId, environmentId, booker, at: systemClock.now(), since: since(2), until: since(3) });
  const after = await atRest();
  // The signal, a look, the act, and the timer until the next look at the calendar; one more where two signals meet.
  t.true(after - before <= 5, `${after - before} actions`);
  await inTransaction(site.db, (tx) => disconnectCalendar(tx, { organizationId, id: calendar.id }, false, { at: systemClock.now(), by: tester }));
  await eventually(async () => (await handle.describe()).status.name === 'COMPLETED', 'the calendar to go');
  const history = await handle.fetchHistory();
  await replay(history, `calendar/${calendar.id}`);
  recordHistory('calendar', history);
});
