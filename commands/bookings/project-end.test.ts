import test from 'ava';
import { newCalendar } from '../../domain/calendar/calendar.ts';
import { system } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { book, insertEnvironment, insertPerson } from '../../tests/helpers/bookings.ts';
import { freshDatabase } from '../../tests/helpers/database.ts';
import { insertInstances, insertSandbox } from '../../tests/helpers/power.ts';
import { anApprovedProject } from '../../tests/helpers/projects.ts';
import { calendarEntity } from '../calendar/calendar-entity.ts';
import { createEntity } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { lockEnvironment } from '../environments/port.ts';
import { bookEnvironment } from './book-environment.ts';
import { endBookingsOfProject } from './port.ts';
import { joinWaitlist } from './waitlist.ts';

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

test('what follows from each booking that ends with its project is written, and repeating it writes nothing more', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  const organizationId = newId('organization');
  await db('organizations').insert({ id: organizationId, name: 'Acme', created_at: AT, last_at: AT });
  const booker = await insertPerson(db, organizationId, 'manager', AT);
  const waiter = await insertPerson(db, organizationId, 'engineer', AT);
  const dataSourceId = await insertSandbox(db, organizationId);
  const resources = await insertInstances(db, { organizationId, dataSourceId }, [{ state: 'stopped' }, { state: 'stopped' }], AT);
  const environments: string[] = [];
  for (const resourceId of resources) environments.push(await insertEnvironment(db, organizationId, { resourceId, powerOnBefore: true, powerOffAfter: true }, AT));
  const [busy = '', other = ''] = environments;
  const { id: projectId } = await anApprovedProject(db, { organizationId, managers: [booker.userId] }, AT);
  const calendar = { id: newId('calendar'), organizationId, provider: 'sandbox' as const, calendarId: 'sandbox', account: null, twoWay: false, createdBy: by };
  await db.transaction(async (tx) => void (await createEntity(tx, calendarEntity, newCalendar(calendar, AT), 'calendar.connect', { at: AT, by })));
  await db('webhooks').insert({
    id: newId('webhook'), organization_id: organizationId, environment_id: busy, name: 'Hook', url: 'https://hook.example.org', events: ['booking.released', 'booking.cancelled'],
    header_names: [], sealed: Buffer.alloc(1), key_id: 'test', enabled: true, created_by: JSON.stringify(by), created_at: AT, last_at: AT,
  });
  // Under way and ahead in one, ahead in the other; and one that is nobody's project's.
  const places: [string, Instant][] = [[busy, AT], [busy, '2035-02-10T09:00:00.000Z'], [other, '2035-02-10T09:00:00.000Z'], [other, '2035-02-10T10:00:00.000Z']];
  const ids: string[] = [];
  for (const [environmentId, since] of places) {
    const until = new Date(Date.parse(since) + 3_600_000).toISOString();
    ids.push((await book(db, { organizationId, environmentId, booker, at: AT, since, until })).id);
  }
  const [active = '', ahead = '', elsewhere = '', kept = ''] = ids;
  await db('bookings').whereIn('id', [active, ahead, elsewhere]).update({ project_id: projectId });
  await db.transaction((tx) => joinWaitlist(tx, { organizationId, environmentId: busy, since: '2035-02-10T09:00:00.000Z', until: '2035-02-10T10:00:00.000Z' }, { at: AT, by, booker: waiter }));
  await db('wake_ups').delete();
  const mailsBefore = (await db('mails')).length;

  const at: Instant = '2035-02-10T08:30:00.000Z';
  const end = () => db.transaction((tx) => endBookingsOfProject(tx, organizationId, projectId, { at, by }, 'key'));
  t.like(await end(), { ended: { length: 3 }, left: false });
  const rows = await db('bookings').whereIn('id', ids).orderBy('id').select('id', 'state', 'end_reason', 'ended_at', 'until', 'next_due_at');
  t.like(rows.find(({ id }) => id === active), { state: 'released', end_reason: 'project-ended', ended_at: at, until: at, next_due_at: null });
  t.like(rows.find(({ id }) => id === ahead), { state: 'cancelled', end_reason: 'project-ended', ended_at: at, until: '2035-02-10T10:00:00.000Z' });
  t.like(rows.find(({ id }) => id === kept), { state: 'reserved', end_reason: null });
  t.deepEqual(await db('power_claims').whereIn('source_id', ids).where('wanted', 'on').pluck('source_id'), [kept], 'machines are left to others');
  t.deepEqual(await db('power_claims').where({ source_id: active, wanted: 'off' }).pluck('from_at'), [at]);
  t.deepEqual(await db('webhook_deliveries').orderBy('event_type').pluck('event_type'), ['booking.cancelled', 'booking.released']);
  t.deepEqual((await db('wake_ups').whereNot('kind', 'mail').whereNot('kind', 'power-run').orderBy('kind').pluck('kind')), ['booking', 'booking', 'booking', 'booking', 'calendar', 'webhook-delivery', 'webhook-delivery']);
  t.deepEqual((await db('calendar_events').where('wanted_version', 2).orderBy('booking_id').pluck('booking_id')), [active, ahead, elsewhere].toSorted());
  t.like(await db('bookings').where({ environment_id: busy, state: 'offered' }).first(), { holder_user_id: waiter.userId, since: '2035-02-10T09:00:00.000Z' });
  t.is((await db('mails')).length - mailsBefore, 4, 'three that ended, and an offer');
  t.deepEqual(await db('ledger').whereLike('outcome_key', 'key/%').orderBy('subject').pluck('outcome_key'), [active, ahead, elsewhere].toSorted().map((id) => `key/${id}`));
  const written = (await db('ledger')).length;
  t.like(await end(), { ended: { length: 0 }, left: false });
  t.is((await db('ledger')).length, written);
});
