import test from 'ava';
import { calendarEntity } from '../../commands/calendar/calendar-entity.ts';
import { createEntity } from '../../commands/shared/entity-commands.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { newCalendar } from '../../domain/calendar/calendar.ts';
import { system } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { book, insertEnvironment, insertPerson } from '../../tests/helpers/bookings.ts';
import { freshDatabase } from '../../tests/helpers/database.ts';
import { inTransaction } from '../shared/transaction.ts';
import { eventsOf, recordRefused, wantEvents } from './event-store.ts';

const AT: Instant = '2035-02-10T08:00:00.000Z';
const LATER: Instant = '2035-02-10T14:00:00.000Z';
const by = system('test');

test('what a calendar refused puts off that alone, and not what is wanted since', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  const organizationId = newId('organization');
  await db('organizations').insert({ id: organizationId, name: 'Acme', created_at: AT, last_at: AT });
  const booker = await insertPerson(db, organizationId, 'engineer', AT);
  const environmentId = await insertEnvironment(db, organizationId, {}, AT);
  const calendar = { id: newId('calendar'), organizationId, provider: 'sandbox' as const, calendarId: 'sandbox', account: null, twoWay: false, createdBy: by };
  await inTransaction(db, (tx) => createEntity(tx, calendarEntity, newCalendar(calendar, AT), 'calendar.connect', { at: AT, by }));
  const { id } = await book(db, { organizationId, environmentId, booker, at: AT, since: '2035-02-11T09:00:00.000Z', until: null });
  const row = async () => (await eventsOf(db, calendar, [id])).get(id);
  const refusal = { code: 'calendar.rejected', message: 'no', fields: [], details: {}, kind: 'invariant' as const };

  const tried = (await row())?.wantedVersion ?? 0;
  await recordRefused(db, calendar, id, tried, refusal, LATER);
  t.like(await row(), { dueAt: LATER, attempts: 1, lastError: { code: 'calendar.rejected' } });
  await inTransaction(db, (tx) => wantEvents(tx, organizationId, [id], AT));
  await recordRefused(db, calendar, id, tried, refusal, LATER);
  t.like(await row(), { dueAt: AT, attempts: 0, lastError: null });
});
