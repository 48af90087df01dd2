import test from 'ava';
import { inTransaction } from '../../db/shared/transaction.ts';
import { system } from '../../domain/shared/entity.ts';
import { book, insertPerson } from '../../tests/helpers/bookings.ts';
import { freshDatabase } from '../../tests/helpers/database.ts';
import { insertInstances, insertSandbox } from '../../tests/helpers/power.ts';
import { purgeInstances } from '../data-sources/purge-instances.ts';
import { newId } from '../shared/new-id.ts';
import { deleteEnvironment, editEnvironment } from './edit-environment.ts';
import { shareResources, unshareResources } from './share-resources.ts';

const by = system('test');
const AT = '2026-11-21T08:00:00.000Z';
const LATER = '2026-11-21T09:00:00.000Z';

async function site(t: { teardown(end: () => Promise<void>): void }) {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  const organizationId = newId('organization');
  await db('organizations').insert({ id: organizationId, name: 'Acme', created_at: AT, last_at: AT });
  const dataSourceId = await insertSandbox(db, organizationId);
  const resourceIds = await insertInstances(db, { organizationId, dataSourceId }, [{}, {}], AT);
  const outcomes = await inTransaction(db, (tx) => shareResources(tx, { organizationId, resourceIds }, { at: AT, by }));
  const [one = '', two = ''] = outcomes.map((outcome) => ('environmentId' in outcome ? outcome.environmentId : ''));
  return { db, organizationId, dataSourceId, resourceIds, one, two };
}

test('an environment whose data source is deleted stays with its bookings, as one made by hand', async (t) => {
  const { db, organizationId, dataSourceId, one, two } = await site(t);
  const booker = await insertPerson(db, organizationId, 'engineer', AT);
  await inTransaction(db, (tx) => editEnvironment(tx, { organizationId, id: one }, { powerOnBefore: true, powerOffAfter: true }, { at: AT, by }));
  await inTransaction(db, (tx) => deleteEnvironment(tx, { organizationId, id: two }, { at: AT, by }));
  const booking = await book(db, { organizationId, environmentId: one, booker, at: AT, since: AT, until: null });
  t.true(await inTransaction(db, (tx) => purgeInstances(tx, { organizationId, id: dataSourceId }, 10)));
  t.like(await db('environments').where('id', one).first(), { resource_id: null, power_on_before: false, power_off_after: false, is_active: true });
  t.like(await db('bookings').where('id', booking.id).first('state'), { state: 'active' });
  t.is((await db('resources').where('organization_id', organizationId)).length, 0);
  // Its booking can still be ended: nothing of the machine is needed for it.
  await inTransaction(db, (tx) => deleteEnvironment(tx, { organizationId, id: one }, { at: LATER, by }));
  t.like(await db('bookings').where('id', booking.id).first('state', 'end_reason'), { state: 'released', end_reason: 'environment-gone' });
});

test('two calls that take the mark from the same instances both succeed, and each mark goes once', async (t) => {
  const { db, organizationId, resourceIds } = await site(t);
  const unshare = (ids: string[]) => inTransaction(db, (tx) => unshareResources(tx, { organizationId, resourceIds: ids }, { at: LATER, by }));
  const both = await Promise.all([unshare(resourceIds), unshare(resourceIds.toReversed())]);
  t.is(both.flat().filter(({ outcome }) => outcome === 'unshared').length, 2);
  t.true(both.flat().every(({ outcome }) => outcome === 'unshared' || outcome === 'not-shared'));
  t.is((await db('ledger').where({ organization_id: organizationId, action: 'environments.delete' })).length, 2);
});

test('edits at the same time lose nothing, and each is recorded', async (t) => {
  const { db, organizationId, one } = await site(t);
  const ref = { organizationId, id: one };
  const names = Array.from({ length: 12 }, (_, index) => `p${index}`);
  await Promise.all(names.map((name) => inTransaction(db, (tx) => editEnvironment(tx, ref, { properties: { [name]: name } }, { at: AT, by }))));
  const row = (await db('environments').where('id', one).first()) as { properties: Record<string, string>; version: number };
  t.deepEqual(names.filter((name) => row.properties[name] !== name), []);
  t.is(row.version, 13);
  // One entry for what it was made with, one an edit.
  t.is((await db('environment_property_changes').where('environment_id', one)).length, 13);
});
