import test from 'ava';
import { createSandboxEvent } from '../../commands/calendar/sandbox-events.ts';
import { createSandboxCalendarStore } from '../../db/calendar/sandbox-calendar-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { runCalendarContract } from '../../tests/helpers/calendar-contract.ts';
import { anOrganization } from '../../tests/helpers/connect.ts';
import { freshDatabase, type FreshDatabase } from '../../tests/helpers/database.ts';
import { createSandboxCalendar } from './calendar.ts';

const NEVER = new AbortController().signal;
const PAGE = 3;
let database: FreshDatabase;
test.before(async () => {
  database = await freshDatabase();
});
test.after.always(async () => {
  await database?.drop();
});

const storeOf = ({ db }: FreshDatabase) => createSandboxCalendarStore({ db, newEventId: () => newId('sandbox-calendar-event') });

runCalendarContract('the sandbox calendar', async () => {
  const place = { organizationId: await anOrganization(database), calendarId: 'sandbox' };
  const store = storeOf(database);
  return {
    open: createSandboxCalendar({ store, pageSize: PAGE }).open(place, null),
    pageSize: PAGE,
    move: async (id, { start, end }) => void (await store.update(place, id, { start, end })),
    remove: async (id) => void (await store.update(place, id, { status: 'cancelled' })),
    make: async (summary) => (await inTransaction(database.db, (tx) => createSandboxEvent(tx, place, { summary, start: '2035-06-02T10:00:00.000Z', end: '2035-06-02T11:00:00.000Z' }))).eventId,
    end: () => Promise.resolve(),
  };
});

test('two organizations with a calendar of the same name have nothing in common', async (t) => {
  const provider = createSandboxCalendar({ store: storeOf(database) });
  const [one, other] = [await anOrganization(database), await anOrganization(database)].map((organizationId) => provider.open({ organizationId, calendarId: 'sandbox' }, null));
  const content = { summary: 'Bench', description: '', start: '2035-06-01T08:00:00.000Z', end: '2035-06-01T09:00:00.000Z', marks: {} };
  await one?.insert('bkg00000', content, NEVER);
  t.is(await other?.get('bkg00000', NEVER), null);
});

test('ids and keys of a wrong form are refused by field', (t) => {
  const provider = createSandboxCalendar({ store: storeOf(database) });
  t.like(t.throws(() => provider.refuseMalformed('Not a name', null)), { code: 'calendar.malformed-id' });
  const key = { kind: 'service-account-key' as const, client_email: 'a@b.iam.gserviceaccount.com', private_key: '' };
  t.like(t.throws(() => provider.refuseMalformed('sandbox', key)), { code: 'calendar.takes-no-key' });
  t.notThrows(() => provider.refuseMalformed('sandbox', null));
});
