import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { cancelImport, deleteDataSource, editDataSource } from '../../commands/data-sources/edit-data-source.ts';
import { requestImport } from '../../commands/data-sources/request-import.ts';
import { getDataSource } from '../../db/data-sources/data-source-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { anOrganization, ask, billedTotals, connectDirectory, importOutcome, outcomeOf, tester } from '../helpers/connect.ts';
import { writeHandMadePeriod } from '../helpers/hand-made-bill.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';
import { siteApi } from '../helpers/site-api.ts';

let site: Platform;
let workers: { stop(): Promise<void> };
test.before(async () => {
  site = await platform();
  workers = await site.startWorkers();
});
test.after.always(async () => {
  await workers?.stop();
  await site?.end();
});

function billDirectory(name: string): string {
  const path = join(site.directory, name);
  mkdirSync(path, { recursive: true });
  return path;
}

/** Place and writing transaction of every cost row: any write moves or stamps one. */
async function writtenRows(dataSourceId: string): Promise<unknown[]> {
  const result = await site.db.raw<{ rows: unknown[] }>(
    `select f.ctid::text, f.xmin::text from daily_cost_facts f join billing_periods b on b.key = f.bill_key
     where b.data_source_id = ? order by 1`,
    [dataSourceId],
  );
  return result.rows;
}

const decision = () => ({ at: systemClock.now(), by: tester });

test('a bill in a directory is imported to the last digit, newest month first, and an unchanged month is not read again', async (t) => {
  const organizationId = await anOrganization(site);
  const path = billDirectory('plain');
  for (const month of ['2026-08', '2026-09', '2026-10']) {
    writeHandMadePeriod(path, 'cur', 'acme', {
      month,
      assembly: `${month}-1`,
      rowsPerFile: 2,
      rows: [
        { day: `${month}-03`, resource: 'i-1', unblended: '0.1000000001' },
        { day: `${month}-04`, resource: 'i-1', unblended: '0.2000000002' },
        { day: `${month}-04`, resource: 'i-2', unblended: '100.0000000000', currency: 'EUR' },
        { day: `${month}-01`, type: 'Tax', unblended: '0.0300000000' },
        { day: `${month}-01`, type: 'Credit', unblended: '-0.0100000000' },
      ],
    });
  }
  const id = await connectDirectory(site, organizationId, path);
  const first = await importOutcome(site, organizationId, id);
  t.is(first.operation.state, 'completed', JSON.stringify(first.operation.error));
  t.deepEqual(await billedTotals(site, id), { EUR: '300', USD: '0.9600000009' });

  const months = (await site.db('billing_imports').where({ id: first.importId }).first('periods')).periods as { billingPeriod: string }[];
  t.deepEqual(months.map((period) => period.billingPeriod), ['2026-10-01', '2026-09-01', '2026-08-01']);

  const ref = { organizationId, id };
  await inTransaction(site.db, (tx) => requestImport(tx, ref, { cause: 'request', months: [], ...decision() }));
  const second = await importOutcome(site, organizationId, id);
  t.is(second.operation.state, 'completed');
  t.deepEqual((second.operation.progress.months as { state: string }[]).map(({ state }) => state), ['unchanged', 'unchanged', 'unchanged']);
  t.is(second.operation.progress.files_total, 0);
  t.deepEqual([first.operation.progress.files_done, first.operation.progress.rows], [9, 15]);

  const before = await writtenRows(id);
  await inTransaction(site.db, (tx) => requestImport(tx, ref, { cause: 'request', months: ['2026-09'], ...decision() }));
  const third = await importOutcome(site, organizationId, id);
  t.is(third.operation.state, 'completed');
  const period = await site.db('billing_import_periods').where({ import_id: third.importId }).first();
  t.is(period.outcome, 'unchanged');
  t.deepEqual(await writtenRows(id), before);
});

test('a late correction to a closed month replaces that month alone and records the difference', async (t) => {
  const organizationId = await anOrganization(site);
  const path = billDirectory('late');
  const write = (month: string, assembly: string, cost: string): void =>
    writeHandMadePeriod(path, '', 'acme', { month, assembly, rows: [{ day: `${month}-03`, resource: 'i-1', unblended: cost }] });
  for (const month of ['2026-01', '2026-09', '2026-10']) write(month, 'a', '1.00');
  const id = await connectDirectory(site, organizationId, path);
  t.is((await importOutcome(site, organizationId, id)).operation.state, 'completed');
  write('2026-01', 'b', '1.05');
  await inTransaction(site.db, (tx) => requestImport(tx, { organizationId, id }, { cause: 'request', months: [], ...decision() }));
  const { importId, operation } = await importOutcome(site, organizationId, id);
  t.is(operation.state, 'completed');
  t.deepEqual(await billedTotals(site, id), { USD: '3.05' });
  const periods = await site.db('billing_import_periods').where({ import_id: importId });
  t.deepEqual(periods.map((row) => [row.billing_period, row.outcome]), [['2026-01-01', 'replaced']]);
  t.deepEqual(periods[0].differences.billed.map((one: { before: string; after: string }) => [Number(one.before), Number(one.after)]), [[1, 1.05]]);
});

test('a damaged file fails the import with its name, keeps the numbers of before, and the next good delivery heals it', async (t) => {
  const organizationId = await anOrganization(site);
  const path = billDirectory('damaged');
  const write = (assembly: string, cost: string): void =>
    writeHandMadePeriod(path, '', 'acme', { month: '2026-10', assembly, rows: [{ day: '2026-10-03', resource: 'i-1', unblended: cost }] });
  write('a', '7.00');
  const id = await connectDirectory(site, organizationId, path);
  await importOutcome(site, organizationId, id);
  write('b', 'seven');
  await inTransaction(site.db, (tx) => requestImport(tx, { organizationId, id }, { cause: 'request', months: [], ...decision() }));
  const failed = await importOutcome(site, organizationId, id);
  t.is(failed.operation.state, 'failed');
  t.is(failed.operation.error?.code, 'billing.not-a-number');
  t.regex(failed.operation.error?.message ?? '', /acme-00001\.csv\.gz/);
  t.deepEqual(await billedTotals(site, id), { USD: '7' });
  const source = await getDataSource(site.db, organizationId, id);
  t.is(source?.lastError?.code, 'billing.not-a-number');
  write('c', '8.00');
  await inTransaction(site.db, (tx) => requestImport(tx, { organizationId, id }, { cause: 'request', months: [], ...decision() }));
  t.is((await importOutcome(site, organizationId, id)).operation.state, 'completed');
  t.deepEqual(await billedTotals(site, id), { USD: '8' });
  t.is((await getDataSource(site.db, organizationId, id))?.lastError, null);
});

test('a stored copy that was damaged is told of as that, whatever its bytes read like, and the numbers of before stay', async (t) => {
  const organizationId = await anOrganization(site);
  const path = billDirectory('rotten');
  writeHandMadePeriod(path, '', 'acme', { month: '2026-10', assembly: 'a', rows: [{ day: '2026-10-03', resource: 'i-1', unblended: '7.00' }] });
  const id = await connectDirectory(site, organizationId, path);
  t.is((await importOutcome(site, organizationId, id)).operation.state, 'completed');
  const { sha256 } = await site.db('raw_objects').where('organization_id', organizationId).first<{ sha256: string }>('sha256');
  const copy = join(rawStorePath(), organizationId, 'sha256', sha256.slice(0, 2), sha256);
  const bytes = readFileSync(copy);
  bytes.fill(0, Math.floor(bytes.length / 2));
  writeFileSync(copy, bytes);
  await inTransaction(site.db, (tx) => requestImport(tx, { organizationId, id }, { cause: 'request', months: ['2026-10'], ...decision() }));
  const { operation } = await importOutcome(site, organizationId, id);
  t.is(operation.state, 'failed');
  t.is(operation.error?.code, 'billing.raw-object-damaged');
  t.deepEqual(await billedTotals(site, id), { USD: '7' });
});

test('linked accounts that are not connected are skipped with their totals, until they are taken', async (t) => {
  const organizationId = await anOrganization(site);
  const path = billDirectory('linked');
  writeHandMadePeriod(path, '', 'acme', {
    month: '2026-10',
    assembly: 'a',
    rowsPerFile: 2,
    rows: [
      { day: '2026-10-03', resource: 'i-1', unblended: '1.00' },
      { day: '2026-10-03', account: '099999999999', resource: 'i-9', unblended: '40.90' },
      { day: '2026-10-04', account: '099999999999', resource: 'i-9', unblended: '0.10' },
    ],
  });
  const id = await connectDirectory(site, organizationId, path, { linkedAccounts: 'connected' });
  const { importId } = await importOutcome(site, organizationId, id);
  t.deepEqual(await billedTotals(site, id), { USD: '1' });
  const api = await siteApi(site, organizationId);
  t.teardown(() => api.stop());
  const { status, body } = await api.call('GET', `/v1/billing-imports/${importId}`);
  t.is(status, 200, JSON.stringify(body));
  const skipped = (rows: number, cost: string) => ({ account_id: '099999999999', currency: 'USD', rows, billed_cost: cost });
  t.deepEqual((body.files as { skipped_accounts: object[] }[]).map((file) => file.skipped_accounts), [[skipped(1, '40.9')], [skipped(1, '0.1')]]);
  const [period] = body.periods as object[];
  t.like(period, {
    outcome: 'replaced',
    reconciliation: [{ currency: 'USD', file_rows: 1, files_billed_cost: '1', stored_billed_cost: '1' }],
    differences: { cost_rows: { added: 1, changed: 0, removed: 0 }, resources: { added: 1, changed: 0, removed: 0 }, billed: [{ currency: 'USD', before: '0', after: '1' }] },
    skipped_accounts: [skipped(2, '41')],
  });
  await inTransaction(site.db, (tx) => editDataSource(tx, { organizationId, id }, { linkedAccounts: 'all' }, decision()));
  await importOutcome(site, organizationId, id);
  t.deepEqual(await billedTotals(site, id), { USD: '42' });
});

test('the same account is connected once, and a directory outside the allowed roots never', async (t) => {
  const organizationId = await anOrganization(site);
  const path = billDirectory('once');
  writeHandMadePeriod(path, '', 'acme', { month: '2026-10', assembly: 'a', rows: [{ day: '2026-10-03', unblended: '1' }] });
  const known = await connectDirectory(site, organizationId, path);
  const request = (where: string) => ({ kind: 'root' as const, export: { scheme: 'directory' as const, dialect: null, name: null, path: where, prefix: '' } });
  const again = await outcomeOf(site, await ask(site, organizationId, request(path), { name: 'Another name' }));
  t.deepEqual([again.state, again.error?.code], ['failed', 'data-sources.account-connected']);
  t.deepEqual(again.error?.details, { data_source_id: known, account_id: '012345678901' });
  t.regex(again.error?.message ?? '', /^The account 012345678901 is already connected as the data source Bill\. .*:reconnect.*one directory/);
  const outside = await outcomeOf(site, await ask(site, organizationId, request('/etc'), { name: 'Outside' }));
  t.deepEqual([outside.state, outside.error?.code], ['failed', 'data-sources.directory-not-allowed']);
});

test('a month that the export does not hold is refused by name', async (t) => {
  const organizationId = await anOrganization(site);
  const path = billDirectory('months');
  writeHandMadePeriod(path, '', 'acme', { month: '2026-10', assembly: 'a', rows: [{ day: '2026-10-03', unblended: '1' }] });
  const id = await connectDirectory(site, organizationId, path);
  await importOutcome(site, organizationId, id);
  await inTransaction(site.db, (tx) => requestImport(tx, { organizationId, id }, { cause: 'request', months: ['2025-02'], ...decision() }));
  const { operation } = await importOutcome(site, organizationId, id);
  t.is(operation.error?.code, 'billing.month-not-in-export');
  t.regex(operation.error?.message ?? '', /2025-02.*2026-10/);
});

test('deleting purges costs, raw objects and credentials, ends the Schedule, and keeps the ledger', async (t) => {
  const organizationId = await anOrganization(site);
  const path = billDirectory('deleted');
  writeHandMadePeriod(path, '', 'acme', { month: '2026-10', assembly: 'a', rows: [{ day: '2026-10-03', resource: 'i-1', unblended: '1' }] });
  const id = await connectDirectory(site, organizationId, path);
  const { importId } = await importOutcome(site, organizationId, id);
  const scheduleId = `import-data-source/${id}`;
  await eventually(async () => (await site.client.schedule.getHandle(scheduleId).describe().catch(() => null)) !== null, 'the Schedule');
  await inTransaction(site.db, (tx) => deleteDataSource(tx, { organizationId, id }, decision()));
  await eventually(async () => (await getDataSource(site.db, organizationId, id))?.state === 'deleted', 'the purge');
  await t.throwsAsync(site.client.schedule.getHandle(scheduleId).describe(), { name: 'ScheduleNotFoundError' });
  t.deepEqual(await billedTotals(site, id), {});
  t.is((await site.db('billing_periods').where({ data_source_id: id })).length, 0);
  t.true((await site.db('ledger').where({ subject: id })).length >= 4);
  await inTransaction(site.db, (tx) => cancelImport(tx, { organizationId, id }, importId, decision()));
  t.is((await site.db('billing_imports').where({ id: importId }).first('state')).state, 'completed');
});

test('a single file that lies in no folder of an export is a bill, too: its first record tells the month', async (t) => {
  const organizationId = await anOrganization(site);
  const path = billDirectory('loose');
  const columns = 'bill/BillingPeriodStartDate,lineItem/UsageAccountId,lineItem/LineItemType,lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/ProductCode,lineItem/CurrencyCode,lineItem/UnblendedCost';
  const row = (cost: string): string => `2026-10-01T00:00:00Z,012345678901,Usage,2026-10-02T00:00:00Z,2026-10-02T01:00:00Z,AmazonEC2,USD,${cost}`;
  writeFileSync(join(path, 'my-cur.csv'), `${[columns, row('1.2345678901'), row('0.0000000001')].join('\n')}\n`);
  const id = await connectDirectory(site, organizationId, path, { name: 'Hand-made' });
  const { operation } = await importOutcome(site, organizationId, id);
  t.is(operation.state, 'completed', JSON.stringify(operation.error));
  t.deepEqual(await billedTotals(site, id), { USD: '1.2345678902' });
});

function rawStorePath(): string {
  const { rawStore } = site.config;
  if (rawStore.kind !== 'directory') throw new Error('the platform of tests keeps raw objects in a directory');
  return rawStore.path;
}
