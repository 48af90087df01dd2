import test from 'ava';
import { newCalendar } from '../../domain/calendar/calendar.ts';
import { system } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { insertEnvironment, insertPerson } from '../../tests/helpers/bookings.ts';
import { freshDatabase } from '../../tests/helpers/database.ts';
import { anApprovedProject } from '../../tests/helpers/projects.ts';
import { calendarEntity } from '../calendar/calendar-entity.ts';
import { createEntity } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { lockEnvironment } from '../environments/port.ts';
import { bookEnvironment } from './book-environment.ts';
import { endBookingsOfProject } from './port.ts';

const AT: Instant = '2035-02-10T08:00:00.000Z';
const by = system('test');

test('a project whose bookings end in many environments waits for somebody who books in one of them, and never the other way round', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  const organizationId = newId('organization');
  await db('organizations').insert({ id: organizationId, name: 'Acme', created_at: AT, last_at: AT });
  const booker = await insertPerson(db, organizationId, 'manager', AT);
  const environments = [await insertEnvironment(db, organizationId, {}, AT), await insertEnvironment(db, organizationId, {}, AT)];
  const busy = environments.toSorted().at(-1) as string;
  const { id: projectId } = await anApprovedProject(db, { organizationId, managers: [booker.userId] }, AT);
  // All bookings of an organization meet in its calendar.
  const calendar = { id: newId('calendar'), organizationId, provider: 'sandbox' as const, calendarId: 'sandbox', account: null, twoWay: false, createdBy: by };
  await db.transaction(async (tx) => void (await createEntity(tx, calendarEntity, newCalendar(calendar, AT), 'calendar.connect', { at: AT, by })));
  const wish = (environmentId: string, day: number, project: string | null) => ({
    organizationId, environmentId, holderUserId: booker.userId, note: '', sshKeyId: null, projectId: project,
    periods: [{ since: `2035-02-${day}T09:00:00.000Z`, until: `2035-02-${day}T10:00:00.000Z` }],
  });
  for (const environmentId of environments) await db.transaction((tx) => bookEnvironment(tx, wish(environmentId, 11, projectId), { at: AT, by, booker }));

  // Neither is repeated after a deadlock, as inTransaction would.
  const ending: Promise<unknown>[] = [];
  await db.transaction(async (tx) => {
    await lockEnvironment(tx, organizationId, busy);
    ending.push(db.transaction((other) => endBookingsOfProject(other, organizationId, projectId, { at: AT, by })));
    while ((await db.raw(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)).rows.length === 0);
    await tx.raw(`set local lock_timeout = '500ms'`);
    await bookEnvironment(tx, wish(busy, 12, null), { at: AT, by, booker });
  });
  t.like(await ending[0], { ended: { length: 2 }, left: false });
  t.deepEqual(await db('bookings').where('project_id', projectId).pluck('end_reason'), ['project-ended', 'project-ended']);
});
