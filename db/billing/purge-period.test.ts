import test from 'ava';
import { freshDatabase, type FreshDatabase } from '../../tests/helpers/database.ts';
import { billOwner, costRow, importMonth, resourceRow, type Bill, type CostRow } from '../../tests/helpers/period-readings.ts';
import { NO_FILTERS } from '../../domain/billing/expense-query.ts';
import type { Database } from '../shared/connection.ts';
import { readExpenses } from './expenses.ts';
import { purgeStep } from './purge-period.ts';

let database: FreshDatabase;
test.before(async () => {
  database = await freshDatabase();
});
test.after.always(() => database.drop());

const TABLES = ['daily_cost_facts', 'daily_service_costs', 'monthly_service_costs', 'monthly_resource_costs', 'resource_periods', 'billing_periods', 'resources'];

async function countsOf(db: Database, { organizationId }: Bill): Promise<number[]> {
  const counts: number[] = [];
  for (const table of TABLES) {
    const [row] = await db(table).where('organization_id', organizationId).count<{ count: number }[]>('* as count');
    counts.push(row?.count ?? 0);
  }
  return counts;
}

async function twoSources(db: Database): Promise<{ leaving: Bill; staying: Bill }> {
  const leaving = await billOwner(db);
  const staying = await billOwner(db, leaving.organizationId);
  const many = (month: string): CostRow[] =>
    Array.from({ length: 30 }, (_, n) => costRow({ billed: '1', nativeId: `i-${n % 10}`, date: `${month}-${String(1 + n).padStart(2, '0')}` }));
  const shared = { nativeId: 'i-1', lastSeen: '2026-10-31T00:00:00.000Z' };
  await importMonth(db, leaving, '2026-09', { costs: many('2026-09') });
  await importMonth(db, leaving, '2026-10', { costs: many('2026-10'), resources: [resourceRow({ ...shared, name: 'newest' })] });
  await importMonth(db, staying, '2026-08', {
    costs: [costRow({ billed: '3', nativeId: 'i-1', date: '2026-08-01' })],
    resources: [resourceRow({ nativeId: 'i-1', name: 'oldest', firstSeen: '2026-08-01T00:00:00.000Z', lastSeen: '2026-08-02T00:00:00.000Z' })],
  });
  return { leaving, staying };
}

test.serial('deletes in bounded steps, survives being killed in any of them, and keeps what others report', async (t) => {
  const { db } = database;
  const { leaving } = await twoSources(db);
  const limit = 7;
  let steps = 0;
  for (let done = false; !done; steps += 1) {
    t.true(steps < 100, 'it never ends');
    const before = await countsOf(db, leaving);
    // Killed before the commit: the step leaves nothing behind.
    await t.throwsAsync(
      db.transaction(async (tx) => {
        await purgeStep(tx, leaving.organizationId, leaving.dataSourceId, limit);
        throw new Error('killed');
      }),
      { message: 'killed' },
    );
    t.deepEqual(await countsOf(db, leaving), before);
    done = await db.transaction((tx) => purgeStep(tx, leaving.organizationId, leaving.dataSourceId, limit));
    const after = await countsOf(db, leaving);
    for (const [index, count] of after.entries()) t.true((before[index] ?? 0) - count <= limit, `${TABLES[index]} lost too many at once`);
  }
  t.deepEqual(await countsOf(db, leaving), TABLES.map(() => 1));
  const left = await db('resources').where('organization_id', leaving.organizationId).first();
  t.like(left, { native_id: 'i-1', resource_name: 'oldest', last_seen: '2026-08-02T00:00:00.000Z' });
  t.true(await db.transaction((tx) => purgeStep(tx, leaving.organizationId, leaving.dataSourceId, limit)));
});

test.serial('several steps fit in one transaction', async (t) => {
  const { db } = database;
  const { leaving } = await twoSources(db);
  await db.transaction(async (tx) => {
    while (!(await purgeStep(tx, leaving.organizationId, leaving.dataSourceId, 1000)));
  });
  t.deepEqual(await countsOf(db, leaving), TABLES.map(() => 1));
});

test.serial('a data source being deleted is out of all answers at once', async (t) => {
  const { db } = database;
  const { leaving } = await twoSources(db);
  const ask = () =>
    readExpenses(db, leaving.organizationId, { start: '2026-08-01', end: '2026-11-01', basis: 'billing_period', metric: 'billed', groupBy: [], filters: NO_FILTERS }, null);
  t.is((await ask()).totals[0]?.cost, '63');
  await db('data_sources').where('id', leaving.dataSourceId).update({ state: 'deleting' });
  t.is((await ask()).totals[0]?.cost, '3');
});
