import test from 'ava';
import type { ResourceQuery } from '../../domain/resources/resource-query.ts';
import { freshDatabase, type FreshDatabase } from '../../tests/helpers/database.ts';
import { billOwner, costRow, importMonth, resourceRow, type Bill } from '../../tests/helpers/period-readings.ts';
import { listResources, type ListedResource, type ResourceList } from './resource-list.ts';
import { getResource, organizationOfResource, readResourceCosts } from './resource-store.ts';

let database: FreshDatabase;
let owner: Bill;
let other: Bill;

test.before(async () => {
  database = await freshDatabase();
  const { db } = database;
  owner = await billOwner(db);
  other = await billOwner(db, owner.organizationId);
  const tagKeys = [{ sourceKey: 'user:Team', normalisedKey: 'user_team' }];
  await importMonth(db, owner, '2026-09', { costs: [costRow({ billed: '100', nativeId: 'i-1', date: '2026-09-10' })] });
  await importMonth(db, owner, '2026-10', {
    tagKeys,
    resources: [
      resourceRow({ nativeId: 'i-1', name: 'Web 100%', tags: { user_team: 'blue' } }),
      resourceRow({ nativeId: 'i-2', name: 'db', tags: { user_team: 'red', untold: 'x' }, region: 'eu-west-1' }),
      resourceRow({ nativeId: 'arn:aws:s3:::web-logs', name: 'web-logs', type: 's3:bucket', service: 'AmazonS3' }),
      resourceRow({ nativeId: 'line:Tax:AmazonEC2', name: 'Tax', isNamedLine: true, type: 'ec2:line' }),
    ],
    costs: [
      costRow({ billed: '1.5', nativeId: 'i-1', date: '2026-10-01', list: '2' }),
      costRow({ billed: '2.5', nativeId: 'i-1', date: '2026-10-02', list: '3' }),
      costRow({ billed: '4', nativeId: 'i-2', date: '2026-10-02' }),
      costRow({ billed: '4', nativeId: 'arn:aws:s3:::web-logs', date: '2026-10-03', service: 'AmazonS3' }),
      costRow({ billed: '900', nativeId: 'arn:aws:s3:::web-logs', date: '2026-10-03', currency: 'JPY', service: 'AmazonS3' }),
      costRow({ billed: '-7', nativeId: 'line:Tax:AmazonEC2', date: '2026-10-01', category: 'Tax' }),
    ],
  });
  await importMonth(db, other, '2026-10', {
    resources: [resourceRow({ nativeId: 'i-1', name: 'Web 100%', tags: { user_team: 'blue' } })],
    costs: [costRow({ billed: '10', nativeId: 'i-1', date: '2026-10-02' })],
  });
});
test.after.always(() => database.drop());

const OCTOBER: ResourceQuery = {
  start: '2026-10-01',
  end: '2026-11-01',
  basis: 'billing_period',
  metric: 'billed',
  search: null,
  type: [],
  region: [],
  service: [],
  account: [],
  dataSource: [],
  tags: [],
  sort: 'cost',
  order: 'desc',
};

const list = (change: Partial<ResourceQuery> = {}, page: Parameters<typeof listResources>[3] = { limit: 100, after: null }): Promise<ResourceList> =>
  listResources(database.db, owner.organizationId, { ...OCTOBER, ...change }, page);
const namesOf = ({ rows }: ResourceList): string[] => rows.map((row) => row.name);

test('lists what has costs in the period, dearest first, with the sum of all by currency', async (t) => {
  const found = await list();
  t.deepEqual(namesOf(found), ['web-logs', 'Web 100%', 'db', 'Tax']);
  t.deepEqual(found.rows[0]?.costs, [{ currency: 'JPY', cost: '900' }, { currency: 'USD', cost: '4' }]);
  t.deepEqual(found.rows[1]?.costs, [{ currency: 'USD', cost: '14' }]);
  t.is(found.total, 4);
  t.deepEqual(found.totalCosts, [{ currency: 'JPY', cost: '900' }, { currency: 'USD', cost: '15' }]);
  t.like(found.rows[1], { isNamedLine: false, tags: { user_team: 'blue' }, firstSeen: '2026-10-01T00:00:00.000Z' });
});

test('by usage date the same days give the same costs, and other days theirs', async (t) => {
  const whole = await list({ basis: 'usage_date' });
  t.deepEqual(whole.rows, (await list()).rows);
  const day = await list({ basis: 'usage_date', start: '2026-10-02', end: '2026-10-03', metric: 'list' });
  t.deepEqual(day.rows.map((row) => [row.name, row.costs]), [
    ['Web 100%', [{ currency: 'USD', cost: '13' }]],
    ['db', [{ currency: 'USD', cost: '4' }]],
  ]);
  t.deepEqual(namesOf(await list({ start: '2026-09-01', end: '2026-10-01' })), ['Web 100%']);
});

const filters: [string, Partial<ResourceQuery>, string[]][] = [
  ['text of a name, without case', { search: 'WEB' }, ['web-logs', 'Web 100%']],
  ['text of a native id', { search: 's3:::' }, ['web-logs']],
  ['a per cent sign as such', { search: '0%' }, ['Web 100%']],
  ['an underscore as such', { search: 'w_b' }, []],
  ['types', { type: ['s3:bucket', 'ec2:line'] }, ['web-logs', 'Tax']],
  ['a region', { region: ['eu-west-1'] }, ['db']],
  ['a service', { service: ['AmazonS3'] }, ['web-logs']],
  ['an account', { account: ['999999999999'] }, []],
  ['a tag', { tags: [{ key: 'user_team', values: ['blue', 'green'] }] }, ['Web 100%']],
  ['a tag or none', { tags: [{ key: 'user_team', values: ['red', null] }] }, ['web-logs', 'db', 'Tax']],
  ['two tags', { tags: [{ key: 'user_team', values: ['red'] }, { key: 'untold', values: ['y'] }] }, []],
];
for (const [what, filter, names] of filters) {
  test(`filters by ${what}`, async (t) => {
    const found = await list(filter);
    t.deepEqual(namesOf(found), names);
    t.is(found.total, names.length);
  });
}

test('a data source narrows the costs too', async (t) => {
  const found = await list({ dataSource: [other.dataSourceId] });
  t.deepEqual(found.rows.map((row) => [row.name, row.costs]), [['Web 100%', [{ currency: 'USD', cost: '10' }]]]);
});

for (const sort of ['cost', 'name', 'last_seen'] as const) {
  for (const order of ['asc', 'desc'] as const) {
    test(`pages by ${sort} ${order} join to the whole list`, async (t) => {
      const whole = await list({ sort, order });
      const rows: ListedResource[] = [];
      for (let page = await list({ sort, order }, { limit: 1, after: null }); page.rows.length > 0; ) {
        rows.push(...page.rows);
        t.is(page.total, 4);
        page = await list({ sort, order }, { limit: 1, after: (page.rows[0] as ListedResource).position });
      }
      t.deepEqual(rows, whole.rows);
    });
  }
}

test('a resource shows its tags with the keys that bills use, and its bills', async (t) => {
  const { db } = database;
  const listed = (await list({ search: 'i-2' })).rows[0] as ListedResource;
  t.is(await organizationOfResource(db, listed.id), owner.organizationId);
  const resource = await getResource(db, owner.organizationId, listed.id);
  t.deepEqual(resource?.tags, [
    { key: 'untold', value: 'x', sourceKeys: [] },
    { key: 'user_team', value: 'red', sourceKeys: ['user:Team'] },
  ]);
  t.deepEqual(resource?.bills, [{ billingPeriod: '2026-10-01', dataSourceId: owner.dataSourceId }]);
  const stranger = await billOwner(db);
  t.is(await getResource(db, stranger.organizationId, listed.id), null);
});

test('a resource costs the same day by day as in the list, over all data sources', async (t) => {
  const { db } = database;
  const id = ((await list({ search: 'i-1' })).rows[0] as ListedResource).id;
  const costs = await readResourceCosts(db, owner.organizationId, id, OCTOBER);
  t.deepEqual(costs.totals, [{ currency: 'USD', cost: '14' }]);
  t.deepEqual(costs.days, [
    { date: '2026-10-01', currency: 'USD', cost: '1.5' },
    { date: '2026-10-02', currency: 'USD', cost: '12.5' },
  ]);
  const stranger = await billOwner(db);
  t.deepEqual(await readResourceCosts(db, stranger.organizationId, id, OCTOBER), { totals: [], days: [] });
});
