import test from 'ava';
import { Big } from 'big.js';
import fc from 'fast-check';
import { labelOf } from '../../domain/billing/expense-dimension.ts';
import {
  NO_FILTERS,
  previousPeriod,
  sourceOf,
  type ExpenseDimension,
  type ExpenseFilters,
  type ExpenseQuery,
} from '../../domain/billing/expense-query.ts';
import { freshDatabase, type FreshDatabase } from '../../tests/helpers/database.ts';
import { soak } from '../../tests/helpers/environment.ts';
import { billOwner, costRow, importMonth, resourceRow, type Bill, type CostRow, type ResourceRow } from '../../tests/helpers/period-readings.ts';
import { MAX_GROUPS, readExpenses, readForecastDays, type Expenses } from './expenses.ts';

let database: FreshDatabase;
test.before(async () => {
  database = await freshDatabase();
});
test.after.always(() => database.drop());

const MONTHS = ['2026-08', '2026-09', '2026-10'];
const SERVICES = ['AmazonEC2', 'AmazonS3', 'AmazonRDS'];
const RESOURCES: ResourceRow[] = Array.from({ length: 6 }, (_, n) =>
  resourceRow({
    account: n % 2 === 0 ? '012345678901' : '210987654321',
    nativeId: `i-${n}`,
    type: n < 3 ? 'ec2:instance' : 's3:bucket',
    tags: n % 3 === 0 ? {} : { user_team: n % 3 === 1 ? 'blue' : 'red' },
  }),
);

const cost = fc.bigInt({ min: -(10n ** 14n), max: 10n ** 16n }).map((units) => Big(units.toString()).div('1e12').toFixed());

/** One row of any month; a charge may be dated outside of its bill's month. */
const anyRow = fc.record({
  source: fc.constantFrom(0, 1),
  month: fc.constantFrom(...MONTHS),
  resource: fc.constantFrom(...RESOURCES),
  date: fc.integer({ min: 0, max: 95 }).map((days) => new Date(Date.UTC(2026, 7, 1 + days)).toISOString().slice(0, 10)),
  category: fc.constantFrom('Usage', 'Usage', 'Tax', 'Credit', 'Purchase'),
  service: fc.constantFrom(...SERVICES),
  region: fc.constantFrom('us-east-1', 'eu-west-1', ''),
  currency: fc.constantFrom('USD', 'USD', 'CNY'),
  billed: cost,
  effective: cost,
});
type AnyRow = (typeof anyRow extends fc.Arbitrary<infer R> ? R : never) & { bill: Bill };

const identityOf = (row: Omit<AnyRow, 'bill'>): string =>
  [row.source, row.month, row.resource.nativeId, row.date, row.category, row.service, row.region, row.currency].join('/');

const DIMENSIONS: ExpenseDimension[] = [
  { kind: 'day' },
  { kind: 'week' },
  { kind: 'month' },
  { kind: 'service' },
  { kind: 'account' },
  { kind: 'region' },
  { kind: 'resource' },
  { kind: 'resource_type' },
  { kind: 'charge_category' },
  { kind: 'data_source' },
  { kind: 'tag', key: 'user_team' },
];

const anyFilters: fc.Arbitrary<Partial<ExpenseFilters>> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Partial<ExpenseFilters>>({}) },
  { weight: 1, arbitrary: fc.subarray(SERVICES, { minLength: 1 }).map((service) => ({ service })) },
  { weight: 1, arbitrary: fc.constant<Partial<ExpenseFilters>>({ resource_type: ['s3:bucket'] }) },
  { weight: 1, arbitrary: fc.constant<Partial<ExpenseFilters>>({ account: ['012345678901'], charge_category: ['Usage', 'Tax'] }) },
  { weight: 1, arbitrary: fc.subarray(['blue', 'red', null], { minLength: 1 }).map((values) => ({ tags: [{ key: 'user_team', values }] })) },
);

const anyPeriod = fc.oneof(
  fc.constantFrom(['2026-10-01', '2026-11-01'], ['2026-09-01', '2026-11-01'], ['2026-08-01', '2026-09-01']).map(([start, end]) => ({ basis: 'billing_period' as const, start: start as string, end: end as string })),
  fc.constantFrom(['2026-10-03', '2026-10-10'], ['2026-08-15', '2026-10-20'], ['2026-09-01', '2026-10-01']).map(([start, end]) => ({ basis: 'usage_date' as const, start: start as string, end: end as string })),
);

/** The rows of a period that pass the filters, as plain code sees them. */
function expected(rows: AnyRow[], query: ExpenseQuery, period: { start: string; end: string }): AnyRow[] {
  const { filters } = query;
  const passes = (values: string[], value: string): boolean => values.length === 0 || values.includes(value);
  return rows.filter((row) => {
    const date = query.basis === 'billing_period' ? `${row.month}-01` : row.date;
    return (
      date >= period.start &&
      date < period.end &&
      passes(filters.service, row.service) &&
      passes(filters.account, row.resource.account) &&
      passes(filters.resource_type, row.resource.type) &&
      passes(filters.charge_category, row.category) &&
      filters.tags.every((tag) => tag.values.includes(row.resource.tags[tag.key] ?? null))
    );
  });
}

/** Plain code's value of a dimension; time and ids of resources are left to their own tests. */
function valueOf(row: AnyRow, dimension: ExpenseDimension): string | null {
  switch (dimension.kind) {
    case 'service':
      return row.service;
    case 'region':
      return row.region;
    case 'account':
      return row.resource.account;
    case 'charge_category':
      return row.category;
    case 'data_source':
      return row.bill.dataSourceId;
    case 'resource_type':
      return row.resource.type;
    default:
      return row.resource.tags.user_team ?? null;
  }
}

function sumBy(rows: AnyRow[], metric: 'billed' | 'effective', keyOf: (row: AnyRow) => string): Map<string, string> {
  const sums = new Map<string, Big>();
  for (const row of rows) sums.set(keyOf(row), (sums.get(keyOf(row)) ?? Big(0)).plus(row[metric]));
  return new Map([...sums].map(([key, sum]) => [key, sum.toFixed()]));
}

async function readAll(organizationId: string, query: ExpenseQuery): Promise<Expenses> {
  const { db } = database;
  if (!query.groupBy.some((dimension) => dimension.kind === 'resource')) return readExpenses(db, organizationId, query, null);
  const pages: Expenses[] = [];
  for (let after: Expenses['groups'][number]['position'] | null = null; ; ) {
    const page = await readExpenses(db, organizationId, query, { limit: 3, after });
    pages.push(page);
    if (page.groups.length < 3) break;
    after = page.groups.at(-1)?.position ?? null;
  }
  return { ...(pages[0] as Expenses), groups: pages.flatMap((page) => page.groups) };
}

test.serial('groups of every grouping add up to the totals, and both to the rows, to the last digit', async (t) => {
  const { db } = database;
  const anyBill = fc.uniqueArray(anyRow, { minLength: 1, maxLength: 40, selector: identityOf });
  const anyQuestion = fc.record({
    period: anyPeriod,
    filters: anyFilters,
    groupBy: fc.subarray(DIMENSIONS, { minLength: 0, maxLength: 2 }),
    metric: fc.constantFrom('billed' as const, 'effective' as const),
  });
  const property = fc.asyncProperty(anyBill, fc.array(anyQuestion, { minLength: 6, maxLength: 6 }), async (drawn, questions) => {
    const one = await billOwner(db);
    const bills = [one, await billOwner(db, one.organizationId)];
    const rows = drawn.map((row): AnyRow => ({ ...row, bill: bills[row.source] as Bill }));
    for (const bill of bills) {
      for (const month of MONTHS) {
        const mine = rows.filter((row) => row.bill === bill && row.month === month);
        const costs = mine.map((row): CostRow => costRow({ ...row, account: row.resource.account, nativeId: row.resource.nativeId }));
        await importMonth(db, bill, month, { costs, resources: RESOURCES.filter((resource) => mine.some((row) => row.resource === resource)) });
      }
    }
    for (const { period, filters, groupBy, metric } of questions) {
      const query: ExpenseQuery = { ...period, metric, groupBy, filters: { ...NO_FILTERS, ...filters } };
      checkAnswer(rows, query, metric, await readAll(one.organizationId, query));
    }
  });
  await fc.assert(property, { seed: 20261121, numRuns: soak ? 300 : 12 });
  t.pass();

  function checkAnswer(rows: AnyRow[], query: ExpenseQuery, metric: 'billed' | 'effective', answer: Expenses): void {
    const about = JSON.stringify({ ...query, groupBy: query.groupBy.map(labelOf) });
    const [current, previous] = [expected(rows, query, query), expected(rows, query, previousPeriod(query))];
    const currencies = [...new Set([...current, ...previous].map((row) => row.currency))].toSorted();
    const [totals, previousTotals] = [current, previous].map((some) => sumBy(some, metric, (row) => row.currency)) as [Map<string, string>, Map<string, string>];
    t.deepEqual(
      answer.totals,
      currencies.map((currency) => ({ currency, cost: totals.get(currency) ?? '0', previousCost: previousTotals.get(currency) ?? '0' })),
      about,
    );
    if (query.groupBy.length === 0) return void t.deepEqual(answer.groups, []);
    t.is(answer.groups.length, answer.groupCount, about);
    for (const { currency, cost: total, previousCost } of answer.totals) {
      const groups = answer.groups.filter((group) => group.currency === currency);
      t.is(groups.reduce((sum, group) => sum.plus(group.cost), Big(0)).toFixed(), total, about);
      t.is(groups.reduce((sum, group) => sum.plus(group.previousCost), Big(0)).toFixed(), previousCost, about);
    }
    if (query.groupBy.some(({ kind }) => ['day', 'week', 'month', 'resource'].includes(kind))) return;
    const keyOf = (row: AnyRow): string => JSON.stringify([...query.groupBy.map((dimension) => valueOf(row, dimension)), row.currency]);
    const plain = [current, previous].map((some) => sumBy(some, metric, keyOf)) as [Map<string, string>, Map<string, string>];
    const keys = [...new Set(plain.flatMap((sums) => [...sums.keys()]))].toSorted();
    const answered = answer.groups.map((group) => [JSON.stringify([...group.values, group.currency]), group.cost, group.previousCost]);
    t.deepEqual(
      answered.toSorted(([a], [b]) => ((a as string) < (b as string) ? -1 : 1)),
      keys.map((key) => [key, plain[0].get(key) ?? '0', plain[1].get(key) ?? '0']),
      about,
    );
  }
});

test.serial('each table that can answer a question gives the same answer', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  const costs = RESOURCES.flatMap(({ account, nativeId }, n) =>
    SERVICES.map((service, m) => costRow({ account, nativeId, service, billed: `${n}.${m}`, date: `2026-10-0${1 + n}` })),
  );
  await importMonth(db, owner, '2026-10', { costs, resources: RESOURCES });
  const ask = async (groupBy: ExpenseDimension[], filters: Partial<ExpenseFilters> = {}) => {
    const query: ExpenseQuery = { start: '2026-10-01', end: '2026-11-01', basis: 'billing_period', metric: 'list', groupBy, filters: { ...NO_FILTERS, ...filters } };
    return { source: sourceOf(query), answer: await readAll(owner.organizationId, query) };
  };
  const byBill = await ask([{ kind: 'account' }]);
  const byService = await ask([{ kind: 'account' }, { kind: 'day' }]);
  const byResource = await ask([{ kind: 'account' }, { kind: 'resource' }]);
  const byDay = await ask([{ kind: 'account' }], { service: SERVICES, resource_type: ['ec2:instance', 's3:bucket'] });
  t.deepEqual([byBill.source, byService.source, byResource.source, byDay.source], ['bills', 'services', 'resources', 'days']);
  t.deepEqual(byDay.answer.groups, byBill.answer.groups);
  t.deepEqual(byService.answer.totals, byBill.answer.totals);
  t.deepEqual(byResource.answer.totals, byBill.answer.totals);
});

test.serial('days, weeks and months of the period before stand beside those of the period', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  await importMonth(db, owner, '2026-09', { costs: [costRow({ billed: '1', date: '2026-09-05' }), costRow({ billed: '2', date: '2026-09-30' })] });
  await importMonth(db, owner, '2026-10', { costs: [costRow({ billed: '4', date: '2026-10-05' }), costRow({ billed: '8', date: '2026-10-31' })] });
  const ask = async (kind: 'day' | 'week' | 'month', basis: ExpenseQuery['basis'], start = '2026-10-01', end = '2026-11-01') => {
    const answer = await readExpenses(db, owner.organizationId, { start, end, basis, metric: 'billed', groupBy: [{ kind }], filters: NO_FILTERS }, null);
    return answer.groups.map((group) => [group.values[0], group.cost, group.previousCost]);
  };
  t.deepEqual(await ask('day', 'billing_period'), [['2026-10-05', '4', '1'], ['2026-10-30', '0', '2'], ['2026-10-31', '8', '0']]);
  t.deepEqual(await ask('week', 'billing_period'), [['2026-10-05', '4', '1'], ['2026-10-26', '8', '2']]);
  t.deepEqual(await ask('month', 'billing_period'), [['2026-10-01', '12', '3']]);
  t.deepEqual(await ask('day', 'usage_date', '2026-10-05', '2026-10-06'), [['2026-10-05', '4', '0']]);
  // 31 days before October begin on the last of August.
  t.deepEqual(await ask('month', 'usage_date'), [['2026-10-01', '12', '3']]);
});

test.serial('pages of resources by day follow the days, dearest first on each', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  const costs = ['2026-10-01', '2026-10-02'].flatMap((date, d) => [1, 2, 3].map((n) => costRow({ billed: `${n + 3 * d}`, nativeId: `i-${n}`, date })));
  await importMonth(db, owner, '2026-10', { costs });
  const query: ExpenseQuery = { start: '2026-10-01', end: '2026-11-01', basis: 'billing_period', metric: 'billed', groupBy: [{ kind: 'resource' }, { kind: 'day' }], filters: NO_FILTERS };
  const { groups } = await readAll(owner.organizationId, query);
  t.deepEqual(
    groups.map((group) => [group.values[1], group.names[0], group.cost]),
    [
      ['2026-10-01', 'i-3', '3'], ['2026-10-01', 'i-2', '2'], ['2026-10-01', 'i-1', '1'],
      ['2026-10-02', 'i-3', '6'], ['2026-10-02', 'i-2', '5'], ['2026-10-02', 'i-1', '4'],
    ],
  );
});

test.serial('a charge dated outside its month counts by bill in one basis and by day in the other', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  await importMonth(db, owner, '2026-10', { costs: [costRow({ billed: '1', date: '2026-09-30' }), costRow({ billed: '2', date: '2026-11-15' })] });
  const ask = async (basis: ExpenseQuery['basis'], start: string, end: string) =>
    (await readExpenses(db, owner.organizationId, { start, end, basis, metric: 'billed', groupBy: [], filters: NO_FILTERS }, null)).totals[0]?.cost;
  t.is(await ask('billing_period', '2026-10-01', '2026-11-01'), '3');
  t.is(await ask('usage_date', '2026-09-01', '2026-10-01'), '1');
  t.is(await ask('usage_date', '2026-11-01', '2026-12-01'), '2');
  t.is(await ask('usage_date', '2026-10-01', '2026-11-01'), '0', 'the day before is in the previous period');
});

test.serial('another organization has none of it', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  const stranger = await billOwner(db);
  await importMonth(db, owner, '2026-10', { costs: [costRow({ billed: '1' })] });
  for (const groupBy of [[], [{ kind: 'service' as const }], [{ kind: 'tag' as const, key: 'x' }]]) {
    const query: ExpenseQuery = { start: '2026-10-01', end: '2026-11-01', basis: 'billing_period', metric: 'billed', groupBy, filters: { ...NO_FILTERS, data_source: [owner.dataSourceId] } };
    t.deepEqual((await readExpenses(db, stranger.organizationId, query, null)).totals, []);
  }
});

test.serial('too many groups are refused by number', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  const count = MAX_GROUPS + 1;
  const costs = Array.from({ length: count }, (_, n) => costRow({ billed: '1', nativeId: `i-${n}`, service: `s-${n}` }));
  await importMonth(db, owner, '2026-10', { costs });
  const query: ExpenseQuery = { start: '2026-10-01', end: '2026-11-01', basis: 'billing_period', metric: 'billed', groupBy: [{ kind: 'service' }], filters: NO_FILTERS };
  t.like(await t.throwsAsync(readExpenses(db, owner.organizationId, query, null)), { code: 'billing.too-many-groups', details: { groups: count, limit: MAX_GROUPS } });
});

test.serial('the days of a forecast are those of the month and of the weeks before, usage apart', async (t) => {
  const { db } = database;
  const owner = await billOwner(db);
  await importMonth(db, owner, '2026-10', { costs: [costRow({ billed: '1', date: '2026-10-20' }), costRow({ billed: '2', date: '2026-10-31' })] });
  await importMonth(db, owner, '2026-11', {
    costs: [costRow({ billed: '4', date: '2026-11-01' }), costRow({ billed: '8', date: '2026-11-01', category: 'Tax' }), costRow({ billed: '16', date: '2026-10-01', category: 'Credit' })],
  });
  const ask = async (basis: ExpenseQuery['basis']) =>
    (await readForecastDays(db, owner.organizationId, { basis, metric: 'billed', filters: NO_FILTERS }, '2026-11', '2026-11-10'))
      .map(({ date, isUsage, inMonth, cost }) => [date, isUsage, inMonth, cost])
      .toSorted((a, b) => (String(a) < String(b) ? -1 : 1));
  const nov = [['2026-10-31', true, false, '2'], ['2026-11-01', false, true, '8'], ['2026-11-01', true, true, '4']];
  t.deepEqual(await ask('billing_period'), [['2026-10-01', false, true, '16'], ...nov]);
  t.deepEqual(await ask('usage_date'), nov);
});
