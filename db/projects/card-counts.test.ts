import anyTest, { type TestFn } from 'ava';
import { applySite } from '../../tests/helpers/applications.ts';
import { freshDatabase, type FreshDatabase } from '../../tests/helpers/database.ts';
import { COUNTED_ROWS, countsOfProjects } from './card-counts.ts';

const test = anyTest as TestFn<FreshDatabase>;
const AT = '2026-12-01T08:00:00.000Z';

test.before(async (t) => {
  t.context = await freshDatabase();
});
test.after.always((t) => t.context.drop?.());

test('a domain that adds its line has its rows counted, project by project, in one organization', async (t) => {
  const { db, organizationId, ada, project, decline, boss } = await applySite(t.context.db, AT);
  const elsewhere = await applySite(t.context.db, AT);
  const [waiting, declined] = [await project(ada, AT), await project(ada, AT)];
  await decline(boss, AT, declined.id);
  const foreign = await elsewhere.project(elsewhere.ada, AT);
  const ids = [waiting.projectId, declined.projectId, foreign.projectId];
  t.is((await countsOfProjects(db, organizationId, ids)).size, 0);
  COUNTED_ROWS.set('jobs', { table: 'applications', open: `o.state = 'reviewing'` });
  t.teardown(() => COUNTED_ROWS.delete('jobs'));
  t.deepEqual([...(await countsOfProjects(db, organizationId, ids))], [[waiting.projectId, { bookings: 0, containers: 0, jobs: 1 }]]);
});
