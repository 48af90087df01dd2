import { writeFileSync } from 'node:fs';
import test from 'ava';
import { RESOURCE_COLUMNS } from '../../domain/billing/period-columns.ts';
import type { PeriodReading } from '../../domain/billing/ports.ts';
import { freshDatabase, type FreshDatabase } from '../../tests/helpers/database.ts';
import { billOwner, costRow, importMonth, resourceRow, SOURCE, type Bill, type CostRow } from '../../tests/helpers/period-readings.ts';
import type { Database } from '../shared/connection.ts';
import { getPeriod, listPeriods } from './billing-period-store.ts';

let database: FreshDatabase;
test.before(async () => {
  database = await freshDatabase();
});
test.after.always(() => database.drop());

async function costsOf(db: Database, { dataSourceId }: Pick<Bill, 'dataSourceId'>) {
  const { rows } = await db.raw(
    `select billing_period, charge_date, r.native_id, c.service_name, c.billing_currency, trim_scale(c.billed_cost)::text as billed
     from daily_costs c join resources r on r.id = c.resource_id where data_source_id = ? order by 1, 2, 3, 4, 5`,
    [dataSourceId],
  );
  return rows as { billing_period: string; charge_date: string; native_id: string; billed: string }[];
}

/** Every row of the record with its system columns: a row that was written again has others. */
async function versionsOf(db: Database): Promise<unknown> {
  const tables = ['billing_periods', 'resources', 'resource_periods', 'tag_keys', 'charge_kinds', 'daily_cost_facts', 'daily_service_costs', 'monthly_service_costs', 'monthly_resource_costs'];
  const versions: Record<string, unknown> = {};
  for (const table of tables) {
    const { rows } = await db.raw(`select xmin::text, xmax::text, ctid::text, * from ${table} order by ctid`);
    versions[table] = rows;
  }
  return versions;
}

/** The record without its keys: what two orders of import must agree on. */
async function contentOf(db: Database, { organizationId }: Pick<Bill, 'organizationId'>): Promise<unknown> {
  const facts = await db.raw(
    `select c.billing_period, charge_date, native_id, c.service_name, billed_cost from daily_costs c join resources r on r.id = c.resource_id
     where c.organization_id = ? order by 1, 2, 3, 4`,
    [organizationId],
  );
  const resources = await db.raw(
    `select native_id, resource_name, resource_type, service_name, region_id, tags, first_seen, last_seen from resources
     where organization_id = ? order by 1`,
    [organizationId],
  );
  return { facts: facts.rows, resources: resources.rows };
}

async function assertRollUpsAgree(t: { deepEqual(a: unknown, b: unknown): void }, db: Database): Promise<void> {
  const measures = ['billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'];
  const sums = measures.map((column) => `trim_scale(sum(${column}))::text as ${column}`).join(', ');
  const stored = measures.map((column) => `trim_scale(${column})::text as ${column}`).join(', ');
  const byService = await db.raw(
    `select bill_key, charge_date, account_id as sub_account_id, kind_key, count(*) as cost_rows, ${sums}
     from daily_cost_facts f join resources r on r.key = f.resource_key group by 1, 2, 3, 4 order by 1, 2, 3, 4`,
  );
  const services = await db.raw(`select bill_key, charge_date, sub_account_id, kind_key, cost_rows, ${stored} from daily_service_costs order by 1, 2, 3, 4`);
  t.deepEqual(services.rows, byService.rows);
  const byBill = await db.raw(
    `select bill_key, account_id as sub_account_id, kind_key, count(*) as cost_rows, ${sums}
     from daily_cost_facts f join resources r on r.key = f.resource_key group by 1, 2, 3 order by 1, 2, 3`,
  );
  const bills = await db.raw(`select bill_key, sub_account_id, kind_key, cost_rows, ${stored} from monthly_service_costs order by 1, 2, 3`);
  t.deepEqual(bills.rows, byBill.rows);
  const byResource = await db.raw(
    `select bill_key, resource_key, k.billing_currency, count(*) as cost_rows, ${sums}
     from daily_cost_facts f join charge_kinds k on k.key = f.kind_key group by 1, 2, 3 order by 1, 2, 3`,
  );
  const resources = await db.raw(`select bill_key, resource_key, billing_currency, cost_rows, ${stored} from monthly_resource_costs order by 1, 2, 3`);
  t.deepEqual(resources.rows, byResource.rows);
}

const october: CostRow[] = [
  costRow({ billed: '0.1000000001', nativeId: 'i-1', date: '2026-10-01' }),
  costRow({ billed: '0.2', nativeId: 'i-1', date: '2026-10-02' }),
  costRow({ billed: '-35.576771', nativeId: 'line:Credit:AmazonEC2', date: '2026-10-01', category: 'Credit', unit: '', quantity: '0' }),
  costRow({ billed: '12.50', nativeId: 'bucket', service: 'AmazonS3', unit: 'GB-Mo', date: '2026-10-01' }),
];

test.serial('a first import stores every row to the last digit, and its roll-ups agree', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  const tiny = costRow({ billed: '0.000000000000000000000001', nativeId: 'i-2', date: '2026-10-03' });
  const differences = await importMonth(db, owner, '2026-10', { costs: [...october, tiny] });
  t.is(differences.outcome, 'replaced');
  t.deepEqual(differences.costRows, { added: 5, changed: 0, removed: 0 });
  t.deepEqual(differences.billed, [{ currency: 'USD', before: '0', after: '-22.776770999899999999999999' }]);
  t.deepEqual(
    (await costsOf(db, owner)).map((row) => [row.charge_date, row.native_id, row.billed]),
    [
      ['2026-10-01', 'bucket', '12.5'],
      ['2026-10-01', 'i-1', '0.1000000001'],
      ['2026-10-01', 'line:Credit:AmazonEC2', '-35.576771'],
      ['2026-10-02', 'i-1', '0.2'],
      ['2026-10-03', 'i-2', '0.000000000000000000000001'],
    ],
  );
  await assertRollUpsAgree(t, db);
  const period = await getPeriod(db, owner.organizationId, owner.dataSourceId, '2026-10-01');
  t.is(period?.generationId, differences.generationId);
  t.deepEqual(period?.objects, SOURCE.objects);
  t.deepEqual(period?.totals.map((one) => [one.currency, one.costRows, one.billedCost]), [['USD', 5, '-22.776770999899999999999999']]);
});

test.serial('importing the same again writes no row of any table', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  const content = { costs: october, resources: [resourceRow({ tags: { user_team: 'a' } })], tagKeys: [{ sourceKey: 'user:Team', normalisedKey: 'user_team' }] };
  const first = await importMonth(db, owner, '2026-10', content);
  const before = await versionsOf(db);
  const again = await importMonth(db, owner, '2026-10', { ...content, costs: october.toReversed().map((row) => ({ ...row, billed: `${row.billed}${row.billed.includes('.') ? '0' : ''}` })) });
  t.is(again.outcome, 'unchanged');
  t.is(again.generationId, first.generationId);
  t.deepEqual(again.costRows, { added: 0, changed: 0, removed: 0 });
  t.deepEqual(await versionsOf(db), before);
});

test.serial('only rows that differ are written again', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  await importMonth(db, owner, '2026-10', { costs: october });
  const xminOf = async (): Promise<Map<string, string>> => {
    const { rows } = await db.raw(
      `select r.native_id || '/' || charge_date as row, f.xmin::text from daily_cost_facts f join resources r on r.key = f.resource_key
       join billing_periods b on b.key = f.bill_key where b.data_source_id = ?`,
      [owner.dataSourceId],
    );
    return new Map((rows as { row: string; xmin: string }[]).map(({ row, xmin }) => [row, xmin]));
  };
  const before = await xminOf();
  const [first, second, credit] = october as [CostRow, CostRow, CostRow, CostRow];
  const added = costRow({ billed: '7', nativeId: 'i-9', date: '2026-10-04' });
  const differences = await importMonth(db, owner, '2026-10', { costs: [first, { ...second, billed: '0.3' }, credit, added] });
  t.deepEqual(differences.costRows, { added: 1, changed: 1, removed: 1 });
  t.deepEqual(differences.services, [
    { serviceName: 'AmazonEC2', currency: 'USD', billedChange: '7.1' },
    { serviceName: 'AmazonS3', currency: 'USD', billedChange: '-12.5' },
  ]);
  const after = await xminOf();
  t.deepEqual([...after.keys()].toSorted(), ['i-1/2026-10-01', 'i-1/2026-10-02', 'i-9/2026-10-04', 'line:Credit:AmazonEC2/2026-10-01']);
  for (const same of ['i-1/2026-10-01', 'line:Credit:AmazonEC2/2026-10-01']) t.is(after.get(same), before.get(same));
  t.not(after.get('i-1/2026-10-02'), before.get('i-1/2026-10-02'));
  t.deepEqual(await db('resources').where({ organization_id: owner.organizationId, native_id: 'bucket' }), []);
  await assertRollUpsAgree(t, db);
});

test.serial('a reading that disagrees with its files changes nothing and names both figures', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  await importMonth(db, owner, '2026-10', { costs: october });
  const before = await versionsOf(db);
  const changed = october.map((row) => ({ ...row, billed: '1' }));
  const lie = (billedCost: string) => (reading: PeriodReading): PeriodReading => ({
    ...reading,
    files: reading.files.map((file) => ({ ...file, taken: [{ currency: 'USD', rows: 4, billedCost }] })),
  });
  const wrongSum = await t.throwsAsync(importMonth(db, owner, '2026-10', { costs: changed }, { tamper: lie('4.000000000000000000000001') }));
  t.like(wrongSum, { code: 'billing.reconciliation-failed', details: { files: '4.000000000000000000000001', stored: '4' } });
  const lostRow = await t.throwsAsync(importMonth(db, owner, '2026-10', { costs: changed }, { tamper: (reading) => ({ ...reading, costRows: 5 }) }));
  t.like(lostRow, { code: 'billing.reconciliation-failed', details: { expectedRows: 5, arrivedRows: 4 } });
  const twice = await t.throwsAsync(importMonth(db, owner, '2026-10', { costs: [...october, { ...october[0] } as CostRow] }));
  t.like(twice, { code: 'billing.reconciliation-failed' });
  t.deepEqual(await versionsOf(db), before);
});

test.serial('until the commit everyone sees the previous figures, and without it they stay', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  await importMonth(db, owner, '2026-10', { costs: october });
  const content = await contentOf(db, owner);
  const next = { costs: [costRow({ billed: '9', nativeId: 'i-new' })] };
  const killed = importMonth(db, owner, '2026-10', next, {
    async beforeCommit() {
      t.deepEqual(await contentOf(db, owner), content);
      throw new Error('killed');
    },
  });
  await t.throwsAsync(killed, { message: 'killed' });
  t.deepEqual(await contentOf(db, owner), content);
  t.is((await importMonth(db, owner, '2026-10', next)).billed[0]?.after, '9');
});

test.serial('a charge without its resource is refused, not lost', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  const strayed = await t.throwsAsync(
    importMonth(db, owner, '2026-10', { costs: october }, {
      tamper: (reading) => {
        writeFileSync(reading.resourcesPath, `${RESOURCE_COLUMNS.join(',')}\n`);
        return { ...reading, resourceRows: 0 };
      },
    }),
  );
  t.like(strayed, { code: 'billing.reconciliation-failed' });
  t.deepEqual(await listPeriods(db, owner.organizationId, owner.dataSourceId), []);
});

test.serial('new source objects with the same figures make a new generation without touching a cost', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  const first = await importMonth(db, owner, '2026-10', { costs: october });
  const facts = await db.raw('select xmin::text, ctid::text from daily_cost_facts order by ctid');
  const objects = SOURCE.objects.map((object) => ({ ...object, etag: 'e2' }));
  const again = await importMonth(db, owner, '2026-10', { costs: october }, { source: { ...SOURCE, dialect: 'cur2', objects } });
  t.is(again.outcome, 'replaced');
  t.not(again.generationId, first.generationId);
  t.deepEqual(again.costRows, { added: 0, changed: 0, removed: 0 });
  t.deepEqual((await db.raw('select xmin::text, ctid::text from daily_cost_facts order by ctid')).rows, facts.rows);
  const period = await getPeriod(db, owner.organizationId, owner.dataSourceId, '2026-10-01');
  t.is(period?.dialect, 'cur2');
  t.is(period?.objects[0]?.etag, 'e2');
});

test.serial('late corrections in any order end in the same record', async (t) => {
  const { db } = database;
  const steps = [
    { month: '2026-08', costs: [costRow({ billed: '1', date: '2026-08-05' })], tags: { team: 'old' }, seen: '08' },
    { month: '2026-10', costs: [costRow({ billed: '3' })], tags: { team: 'new' }, seen: '10' },
    { month: '2026-09', costs: [costRow({ billed: '2', date: '2026-09-05' }), costRow({ billed: '5', nativeId: 'i-2', date: '2026-09-06' })], tags: {}, seen: '09' },
  ];
  const import_ = (owner: Bill, { month, costs, tags, seen }: (typeof steps)[number]) =>
    importMonth(db, owner, month, {
      costs,
      resources: [resourceRow({ name: `name of ${month}`, tags: tags as Record<string, string>, firstSeen: `2026-${seen}-01T00:00:00.000Z`, lastSeen: `2026-${seen}-28T00:00:00.000Z` })],
    });
  const contents: unknown[] = [];
  for (const order of [[0, 1, 2], [2, 1, 0], [1, 0, 2, 1, 0]]) {
    const owner = await billOwner(db);
    for (const index of order) await import_(owner, steps[index] as (typeof steps)[number]);
    contents.push(await contentOf(db, owner));
  }
  t.deepEqual(contents[1], contents[0]);
  t.deepEqual(contents[2], contents[0]);
  const { resources } = contents[0] as { resources: Record<string, unknown>[] };
  t.like(resources[0], { native_id: 'i-1', resource_name: 'name of 2026-10', tags: { team: 'new' }, first_seen: '2026-08-01T00:00:00.000Z', last_seen: '2026-10-28T00:00:00.000Z' });
});

test.serial('a correction to an older month leaves the row of a resource as it is', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  const september = (name: string) => ({
    costs: [costRow({ billed: '1', date: '2026-09-05' })],
    resources: [resourceRow({ name, firstSeen: '2026-09-01T00:00:00.000Z', lastSeen: '2026-09-30T00:00:00.000Z' })],
  });
  await importMonth(db, owner, '2026-09', september('before'));
  await importMonth(db, owner, '2026-10', { costs: [costRow({ billed: '2' })], resources: [resourceRow({ name: 'newest' })] });
  const rowOf = () => db('resources').where('organization_id', owner.organizationId).first(db.raw('xmin::text, ctid::text, resource_name'));
  const before = await rowOf();
  const differences = await importMonth(db, owner, '2026-09', september('after'));
  t.deepEqual(differences.resources, { added: 0, changed: 1, removed: 0 });
  t.is(before.resource_name, 'newest');
  t.deepEqual(await rowOf(), before);
});

test.serial('two data sources share a resource; each keeps its own costs', async (t) => {
  const { db } = database;
  const one = await billOwner(db);
  const two = await billOwner(db, one.organizationId);
  await Promise.all([
    importMonth(db, one, '2026-10', { costs: [costRow({ billed: '1' }), costRow({ billed: '4', nativeId: 'i-2' })] }),
    importMonth(db, two, '2026-10', { costs: [costRow({ billed: '2' }), costRow({ billed: '8', nativeId: 'i-3' })] }),
  ]);
  t.deepEqual((await db('resources').where('organization_id', one.organizationId).orderBy('native_id')).map((row: { native_id: string }) => row.native_id), ['i-1', 'i-2', 'i-3']);
  await importMonth(db, one, '2026-10', { costs: [costRow({ billed: '4', nativeId: 'i-2' })] });
  t.deepEqual((await costsOf(db, one)).map((row) => row.billed), ['4']);
  t.deepEqual((await costsOf(db, two)).map((row) => row.billed), ['2', '8']);
  await assertRollUpsAgree(t, db);
});

test.serial('currencies stay apart, also where one adds up to nothing', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  const costs = [
    costRow({ billed: '1', currency: 'USD' }),
    costRow({ billed: '5', currency: 'CNY' }),
    costRow({ billed: '-5', currency: 'CNY', date: '2026-10-06' }),
  ];
  const differences = await importMonth(db, owner, '2026-10', { costs });
  t.deepEqual(differences.billed, [
    { currency: 'CNY', before: '0', after: '0' },
    { currency: 'USD', before: '0', after: '1' },
  ]);
  const missing = await t.throwsAsync(
    importMonth(db, owner, '2026-10', { costs: costs.slice(0, 1) }, {
      tamper: (reading) => ({ ...reading, files: reading.files.map((file) => ({ ...file, taken: [...file.taken, { currency: 'CNY', rows: 2, billedCost: '0' }] })) }),
    }),
  );
  t.like(missing, { code: 'billing.reconciliation-failed', details: { currency: 'CNY', stored: null } });
});

test.serial('a period may become empty, and full again', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  await importMonth(db, owner, '2026-10', { costs: october });
  const emptied = await importMonth(db, owner, '2026-10', { costs: [] });
  t.deepEqual(emptied.costRows, { added: 0, changed: 0, removed: 4 });
  t.deepEqual(emptied.billed, [{ currency: 'USD', before: '-22.7767709999', after: '0' }]);
  t.deepEqual(await db('resources').where('organization_id', owner.organizationId), []);
  await importMonth(db, owner, '2026-10', { costs: october });
  t.is((await costsOf(db, owner)).length, 4);
  await assertRollUpsAgree(t, db);
});
