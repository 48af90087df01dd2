import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import test from 'ava';
import pino from 'pino';
import { createApp } from '../../api/app.ts';
import { expenseRoutes } from '../../api/expenses/routes.ts';
import { expensesBody } from '../../api/expenses/schemas.ts';
import { createLineItemReader } from '../../api/resources/line-item-reader.ts';
import { resourceRoutes } from '../../api/resources/routes.ts';
import { lineItemsBody, resourceBody, resourcesBody } from '../../api/resources/schemas.ts';
import { z } from '../../api/shared/zod.ts';
import { bootstrapAdministrator } from '../../commands/identity/bootstrap.ts';
import { newId } from '../../commands/shared/new-id.ts';
import type { BillObject } from '../../db/billing/billing-period-store.ts';
import { replacePeriod } from '../../db/billing/replace-period.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { RawStore } from '../../domain/billing/ports.ts';
import { createPeriodReader } from '../../providers/aws/billing/period-reader.ts';
import { createDirectoryRawStore } from '../../providers/local/directory-raw-store.ts';
import { createSecretVault } from '../../providers/local/secret-vault.ts';
import { createWebhookTargets } from '../../providers/local/webhook-targets.ts';
import { calendarProviders, cloudProviders } from '../../workers/dependencies.ts';
import { NO_OWN_ENDPOINTS } from '../helpers/cloud-endpoints.ts';
import { freshDatabase, type FreshDatabase } from '../helpers/database.ts';
import { writeHandMadePeriod, type HandMadeRow } from '../helpers/hand-made-bill.ts';
import { billOwner, SOURCE, type Bill } from '../helpers/period-readings.ts';

const NOW = '2026-11-10T09:00:00.000Z';

type Expenses = z.output<typeof expensesBody>;
type LineItems = z.output<typeof lineItemsBody>;
const problemBody = z.object({ code: z.string(), fields: z.array(z.object({ field: z.string(), problem: z.string() })).optional() });

interface Answer<T> {
  status: number;
  body: T;
}

interface Site extends FreshDatabase {
  directory: string;
  owner: Bill;
  importBill(month: string, rows: HandMadeRow[], owner?: Bill): Promise<void>;
  /** GET, from the path after the organization or from `/v1`. */
  ask<S extends z.ZodType>(path: string, schema: S): Promise<Answer<z.output<S>>>;
  end(): Promise<void>;
}

let site: Site;
test.before(async () => {
  site = await startSite();
  await site.importBill('2026-09', [{ day: '2026-09-03', resource: 'i-1', unblended: '0.0000000003' }]);
  await site.importBill('2026-10', [
    ...Array.from({ length: 5 }, (_, n): HandMadeRow => ({ day: `2026-10-0${n + 1}`, resource: 'i-1', unblended: `0.${n + 1}000000001` })),
    { day: '2026-10-02', resource: 'bucket', product: 'AmazonS3', unblended: '12.5' },
    { day: '2026-10-01', type: 'Tax', unblended: '0.03', account: '210987654321' },
  ]);
  await site.importBill('2026-10', [{ day: '2026-10-20', resource: 'i-1', unblended: '100' }], await billOwner(site.db, site.owner.organizationId));
});
test.after.always(() => site?.end());

/** From a delivery on disk, through the reader that imports use, into the record; then the API over it. */
async function startSite(): Promise<Site> {
  const database = await freshDatabase();
  const directory = await mkdtemp(join(tmpdir(), 'orrery-asking-'));
  const clock = { now: () => NOW };
  const { organizationId, token } = await bootstrapAdministrator(database.db, clock, { withSample: false });
  const owner = await billOwner(database.db, organizationId);
  const rawStore = createDirectoryRawStore(join(directory, 'raw'));
  const periodReader = createPeriodReader();
  const lineItems = createLineItemReader({ db: database.db, rawStore, periodReader, scratchDirectory: join(directory, 'scratch') });
  const vault = createSecretVault({ current: randomBytes(32), previous: [] });
  const config = { publicUrl: 'http://127.0.0.1', importRoots: [], trustedProxies: 'loopback', checkAnswers: true };
  const clouds = cloudProviders(NO_OWN_ENDPOINTS, { db: database.db, clock });
  const calendars = calendarProviders({ ...NO_OWN_ENDPOINTS, calendar: { endpoint: null, watch: false } }, { db: database.db });
  const webhookTargets = createWebhookTargets({ allowHttp: false, allowedNetworks: [] });
  const deps = { db: database.db, clock, vault, log: pino({ level: 'silent' }), lineItems, clouds, calendars, calendarChannelSecrets: [], webhookTargets, oidc: null, config };
  const server = createServer(createApp(deps, [...expenseRoutes, ...resourceRoutes]));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...database,
    directory,
    owner,
    async ask(path, schema) {
      const url = path.startsWith('/v1') ? `${base}${path}` : `${base}/v1/organizations/${organizationId}${path}`;
      const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
      return { status: response.status, body: schema.parse(await response.json()) };
    },
    async importBill(month, rows, by = owner) {
      const root = await mkdtemp(join(directory, 'bill-'));
      writeHandMadePeriod(root, '', 'acme', { month, rows, assembly: 'one', rowsPerFile: 3 });
      const objects = await keepObjects(rawStore, organizationId, root);
      const reading = await periodReader.read({
        billingPeriod: `${month}-01`,
        files: objects.map(({ key, format }, position) => ({ position, key, path: join(root, key), format })),
        takenAccounts: 'all',
        workDirectory: await mkdtemp(join(directory, 'work-')),
        signal: AbortSignal.timeout(60_000),
        onProgress: () => undefined,
      });
      await inTransaction(database.db, (tx) => replacePeriod(tx, { ...by, ...mergeOf(month), reading, source: { ...SOURCE, objects } }));
    },
    async end() {
      await closeServer(server);
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function keepObjects(rawStore: RawStore, organizationId: string, root: string): Promise<BillObject[]> {
  const keys = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.csv.gz')).toSorted();
  const keep = async (key: string): Promise<BillObject> => {
    const { sha256, sizeBytes } = await rawStore.put(organizationId, createReadStream(join(root, key)), AbortSignal.timeout(60_000));
    return { key, etag: 'e', sha256, sizeBytes, format: 'csv.gz' };
  };
  return await Promise.all(keys.map(keep));
}

function mergeOf(month: string) {
  return {
    cloud: 'aws',
    importId: newId('billing-import'),
    billingPeriod: `${month}-01`,
    generationId: newId('billing-generation'),
    newResourceIds: (count: number) => Array.from({ length: count }, () => newId('resource')),
    at: NOW,
  };
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

const pageAfter = (token: string): string => (token === '' ? '' : `&page_token=${token}`);
const OCTOBER = 'start=2026-10-01&end=2026-11-01';
const idIn = ({ body }: Answer<z.output<typeof resourcesBody>>): string => body.items[0]?.id ?? 'none';
const resourceId = async (nativeId: string): Promise<string> => idIn(await site.ask(`/resources?${OCTOBER}&search=${nativeId}`, resourcesBody));

test('a month by service stands beside the month before, to the last digit of the file', async (t) => {
  const { status, body } = await site.ask(`/expenses?${OCTOBER}&group_by=service`, expensesBody);
  t.is(status, 200, JSON.stringify(body));
  t.deepEqual(body.totals, [{ currency: 'USD', cost: '114.0300000005', previous_cost: '0.0000000003' }]);
  t.deepEqual(
    body.groups.map((group) => [group.keys, group.cost, group.previous_cost]),
    [
      [[{ dimension: 'service', value: 'AmazonEC2', name: null }], '101.5300000005', '0.0000000003'],
      [[{ dimension: 'service', value: 'AmazonS3', name: null }], '12.5', '0'],
    ],
  );
  t.like(body, { previous_start: '2026-09-01', previous_end: '2026-10-01', basis: 'billing_period', metric: 'billed', total: 2, displayed: 2, next_page_token: null });
  t.is(body.forecast.month, '2026-11');
  t.regex(body.forecast.method, /mean of the last 7 complete days/);
});

test('groupings by resource come in pages that add up', async (t) => {
  const groups: Expenses['groups'] = [];
  for (let token: string | null = ''; token !== null; ) {
    const { status, body }: Answer<Expenses> = await site.ask(`/expenses?${OCTOBER}&group_by=resource&group_by=data_source&page_size=1${pageAfter(token)}`, expensesBody);
    t.is(status, 200, JSON.stringify(body));
    t.is(body.total, 4);
    t.deepEqual(body.totals.map((total) => total.cost), ['114.0300000005']);
    groups.push(...body.groups);
    token = body.next_page_token;
  }
  t.deepEqual(groups.map((group) => group.cost), ['100', '12.5', '1.5000000005', '0.03']);
  t.true(groups.every((group) => group.keys.every((key) => key.name !== null)));
});

test('a tag may be written as the bill writes it', async (t) => {
  const { body } = await site.ask(`/expenses?${OCTOBER}&group_by=tag:user:Team&group_by=account`, expensesBody);
  t.deepEqual(body.group_by, ['tag:user_team', 'account']);
  t.deepEqual(body.groups.map((group) => [group.keys.map((key) => key.value), group.cost]).slice(0, 1), [[['blue', '012345678901'], '114.0000000005']]);
  const untagged = await site.ask(`/expenses?${OCTOBER}&untagged=no:such`, expensesBody);
  t.is(untagged.body.totals[0]?.cost, '114.0300000005');
  t.deepEqual((await site.ask(`/expenses?${OCTOBER}&tag=user:Team%3Dred`, expensesBody)).body.totals, []);
});

const refusals: [string, string, string][] = [
  ['/expenses?group_by=colour', 'billing.unknown-grouping', 'group_by'],
  ['/expenses?start=2026-10-02&end=2026-11-01', 'billing.period-within-month', 'start'],
  ['/expenses?start=2026-13-01', 'request.invalid', 'start'],
  ['/expenses?currency=USD', 'request.invalid', 'currency'],
  [`/resources?${OCTOBER}&page_token=nonsense`, 'request.invalid-page-token', 'page_token'],
  [`/resources?${OCTOBER}&sort=colour`, 'request.invalid', 'sort'],
];
for (const [path, code, field] of refusals) {
  test(`refuses ${path} by name`, async (t) => {
    const { status, body } = await site.ask(path, problemBody);
    t.is(status, 400);
    t.is(body.code, code);
    t.is(body.fields?.[0]?.field, field);
  });
}

test('a page token holds for its own list only', async (t) => {
  const { body } = await site.ask(`/resources?${OCTOBER}&page_size=1`, resourcesBody);
  t.is(body.displayed, 1);
  t.is(body.total, 3);
  t.is((await site.ask(`/resources?${OCTOBER}&page_size=2&page_token=${body.next_page_token}`, resourcesBody)).body.displayed, 2);
  const elsewhere = await site.ask(`/resources?${OCTOBER}&page_size=1&sort=name&page_token=${body.next_page_token}`, problemBody);
  t.is(elsewhere.body.code, 'request.invalid-page-token');
});

test('a resource shows its days, tags and bills, and the same total as the list', async (t) => {
  const id = await resourceId('i-1');
  const { status, body } = await site.ask(`/v1/resources/${id}?${OCTOBER}`, resourceBody);
  t.is(status, 200, JSON.stringify(body));
  t.deepEqual(body.costs, [{ currency: 'USD', cost: '101.5000000005' }]);
  t.deepEqual(body.daily_costs.map((day) => [day.date, day.cost]).at(-1), ['2026-10-20', '100']);
  t.deepEqual(body.tags, [{ key: 'user_team', source_keys: ['user:Team'], value: 'blue' }]);
  t.deepEqual(body.bills.map((bill) => bill.billing_period), ['2026-10', '2026-10', '2026-09']);
  t.deepEqual((await site.ask(`/resources?${OCTOBER}&search=I-1`, resourcesBody)).body.items[0]?.costs, body.costs);
});

test('line items come from the stored files, page by page and bill by bill, and add up to the resource', async (t) => {
  const id = await resourceId('i-1');
  const items: LineItems['items'] = [];
  for (let token: string | null = ''; token !== null; ) {
    const { status, body }: Answer<LineItems> = await site.ask(`/v1/resources/${id}/line-items?billing_period=2026-10&page_size=2${pageAfter(token)}`, lineItemsBody);
    t.is(status, 200, JSON.stringify(body));
    t.true(body.displayed <= 2);
    items.push(...body.items);
    token = body.next_page_token;
  }
  t.deepEqual(items.map((item) => item.billed_cost).toSorted(), ['0.1000000001', '0.2000000001', '0.3000000001', '0.4000000001', '0.5000000001', '100']);
  t.is(new Set(items.map((item) => item.data_source_id)).size, 2);
  t.like(items[0], { line_item_type: 'Usage', usage_type: 'BoxUsage:m5.large', description: 'a "quoted", description', consumed_quantity: '1', currency: 'USD' });
  t.deepEqual((await site.ask(`/v1/resources/${id}/line-items?billing_period=2026-01`, lineItemsBody)).body.items, []);
  t.deepEqual(await readdir(join(site.directory, 'scratch')), [], 'temporary files are gone');
});

test('a page token is refused once the bill was imported anew', async (t) => {
  const by = await billOwner(site.db, site.owner.organizationId);
  const rows = (unblended: string): HandMadeRow[] => ['01', '02', '03'].map((day) => ({ day: `2026-08-${day}`, resource: 'i-late', unblended }));
  await site.importBill('2026-08', rows('1'), by);
  const id = idIn(await site.ask('/resources?start=2026-08-01&end=2026-09-01&search=i-late', resourcesBody));
  const first = await site.ask(`/v1/resources/${id}/line-items?billing_period=2026-08&page_size=2`, lineItemsBody);
  t.is(first.body.displayed, 2);
  await site.importBill('2026-08', rows('2'), by);
  const next = await site.ask(`/v1/resources/${id}/line-items?billing_period=2026-08&page_size=2&page_token=${first.body.next_page_token}`, problemBody);
  t.is(next.status, 409);
  t.is(next.body.code, 'billing.generation-replaced');
});

test('what is not there is 404', async (t) => {
  t.is((await site.ask(`/v1/resources/${newId('resource')}`, problemBody)).status, 404);
  t.is((await site.ask(`/v1/resources/${newId('resource')}/line-items?billing_period=2026-10`, problemBody)).status, 404);
});
