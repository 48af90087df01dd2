import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Big } from 'big.js';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { AMOUNT_COLUMNS, COST_RULES, costsOf } from '../../../domain/billing/cost-rules.ts';
import type { RuledLine } from '../../../domain/billing/cost-rules.ts';
import { identifyLine, planLineId } from '../../../domain/billing/named-lines.ts';
import type { DomainError } from '../../../domain/shared/errors.ts';
import type { LineItem, PeriodFile } from '../../../domain/billing/ports.ts';
import { createDirectoryExportObjects } from '../../local/directory-export-objects.ts';
import { ACCOUNT, billLine, cur2Csv, legacyCsv, parquetSelect, PLAN_ARN, RESERVATION_ARN } from '../../../tests/helpers/bills/bill-lines.ts';
import type { BillLine } from '../../../tests/helpers/bills/bill-lines.ts';
import { ExportDirectory, gzip } from '../../../tests/helpers/bills/export-directory.ts';
import { readDiscovered, spool } from '../../../tests/helpers/bills/read-case.ts';
import { discoverLocations, discoverPeriods } from './discover-periods.ts';
import { createPeriodReader } from './period-reader.ts';

async function temporary(t: ExecutionContext): Promise<{ directory: ExportDirectory; work: string }> {
  const directory = await ExportDirectory.create();
  const work = await mkdtemp(join(tmpdir(), 'orrery-read-'));
  t.teardown(async () => {
    await directory.remove();
    await rm(work, { recursive: true, force: true });
  });
  return { directory, work };
}

async function read(directory: ExportDirectory, work: string, takenAccounts: 'all' | string[] = 'all') {
  const objects = createDirectoryExportObjects({ path: directory.path, allowedRoots: [directory.path] });
  const [period, ...others] = await discoverPeriods(objects, { prefix: '', name: null });
  if (period === undefined || others.length > 0) throw new Error('one period was expected');
  return { period, objects, ...(await readDiscovered(objects, period, work, { takenAccounts })) };
}

const amount = fc.option(fc.integer({ min: -10_000_000, max: 10_000_000 }).map((units) => new Big(units).div(10_000).toFixed()), { nil: null });
const id = (value: string) => fc.constantFrom('', value);
const ruledLine = fc.record({
  lineItemType: fc.constantFrom(...COST_RULES.flatMap((rule) => rule.types), 'SomethingNew'),
  productCode: fc.constantFrom('AmazonEC2', 'ComputeSavingsPlans', ''),
  description: fc.constantFrom('', 'Refund for one-time fee for Savings Plan ID: 1', 'a "quoted", text\nwith lines'),
  resourceId: fc.constantFrom('', 'i-1', `arn:aws:ec2:us-east-1:1:capacity-reservation/cr-1`),
  usageType: fc.constantFrom('', 'USE1-Reservation:m5', 'BoxUsage'),
  usageAmount: amount,
  reservationArn: id(RESERVATION_ARN),
  savingsPlanArn: id(PLAN_ARN),
  ...(Object.fromEntries(AMOUNT_COLUMNS.map((column) => [column, amount])) as Record<(typeof AMOUNT_COLUMNS)[number], typeof amount>),
  unblendedCost: amount.map((text) => text ?? '0'),
});

/** Exact sums by what a line stands on: billed, effective, contracted, list cost and usage. */
function sumsByRule(lines: RuledLine[]): Record<string, string[]> {
  const sums: Record<string, Big[]> = {};
  const add = (nativeId: string, values: string[]): void => {
    const known = sums[nativeId] ?? values.map(() => new Big(0));
    sums[nativeId] = known.map((sum, index) => sum.plus(values[index] ?? '0'));
  };
  for (const line of lines) {
    const { rule, billedCost, effectiveCost, contractedCost, listCost, consumedQuantity } = costsOf(line);
    const onPlan = rule.billedOn === 'plan';
    add(identifyLine(rule.owner, line).nativeId, [onPlan ? '0' : billedCost, effectiveCost, contractedCost, listCost, consumedQuantity ?? '0']);
    if (onPlan) add(planLineId(line), [billedCost, '0', '0', '0', '0']);
  }
  return Object.fromEntries(Object.entries(sums).map(([nativeId, values]) => [nativeId, values.map((value) => value.toFixed())]));
}

function sumsOfRows(costs: Record<string, string>[]): Record<string, string[]> {
  const columns = ['billed_cost', 'effective_cost', 'contracted_cost', 'list_cost', 'consumed_quantity'];
  const byId = Map.groupBy(costs, (row) => row['native_id'] ?? '');
  const sum = (rows: Record<string, string>[], column: string): string => rows.reduce((total, row) => total.plus(row[column] ?? ''), new Big(0)).toFixed();
  return Object.fromEntries([...byId].map(([nativeId, rows]) => [nativeId, columns.map((column) => sum(rows, column))]));
}

test('the costs read by SQL equal those of the rules in code, line by line', async (t) => {
  const { directory, work } = await temporary(t);
  const lines = fc.sample(ruledLine, { numRuns: 3000, seed: 7 }) as RuledLine[];
  const columns = [...Object.keys(lines[0] ?? {}), 'periodStart', 'accountId', 'usageStart', 'usageEnd', 'currency', 'operation'];
  const text = legacyCsv(lines.map((line) => ({ ...billLine(), ...Object.fromEntries(Object.entries(line).map(([name, value]) => [name, value ?? ''])) })), { columns: columns as never });
  await directory.write('cur/acme/20260301-20260401/acme-1.csv', text);
  const { rows, reading } = await read(directory, work);
  t.deepEqual(sumsOfRows(rows.costs), sumsByRule(lines));
  t.is(reading.files[0]?.rows, 3000);
  t.true(reading.warnings.some((warning) => warning.includes('SomethingNew')));
});

/** Seventeen digits of anything larger end before the 24th place. */
function hasPlace(value: number): boolean {
  return value === 0 || Math.abs(value) > 1e-7;
}

const shortDouble = fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((value) => Number(value.toPrecision(7))).filter(hasPlace);
const smallDouble = fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }).map((units) => units / 1e10);
const anyDouble = fc.double({ min: -99_999_999_999, max: 99_999_999_999, noNaN: true }).filter(hasPlace);

/** Each way in which doubles are made decimals: the file's statistics and its longest value choose it. */
const DOUBLES = [
  ['all short and small', fc.oneof(smallDouble, shortDouble.map((value) => value / 1e3).map((value) => Number(value.toPrecision(7))).filter(hasPlace))],
  ['all short, some large', fc.oneof(smallDouble, shortDouble.map((value) => Number(value.toFixed(1))))],
  ['some long', fc.oneof(smallDouble, shortDouble, anyDouble)],
] as const;

for (const [kind, arbitrary] of DOUBLES) {
  test(`doubles read from Parquet, ${kind}, equal the shortest text that JavaScript writes for them`, async (t) => {
    const { directory, work } = await temporary(t);
    const doubles = fc.sample(arbitrary, { numRuns: 2000, seed: 11 });
    const values = doubles.map((value) => `(${value === 0 ? '0.0' : value.toExponential()}::DOUBLE)`).join(', ');
    const base = parquetSelect([billLine({ usageAmount: '' })], 'cur2');
    await directory.writeParquet(
      'e/data/BILLING_PERIOD=2026-03/e-1.parquet',
      `SELECT b.* REPLACE (v.x AS line_item_unblended_cost, 'i-' || v.n AS line_item_resource_id) FROM (${base}) b, (SELECT x, row_number() OVER () AS n FROM (VALUES ${values}) t(x)) v`,
    );
    const { rows } = await read(directory, work);
    const costs = new Map(rows.costs.map((row) => [row['native_id'], row['billed_cost']]));
    for (const [index, value] of doubles.entries()) t.is(costs.get(`i-${index + 1}`), new Big(value).toFixed(), String(value));
  });
}

const MIXED: BillLine[] = [
  billLine({ tags: { 'user:Name': 'web', 'user:CostCenter': 'c 1', 'user:kubernetes.io/created-for/pvc/name': 'pvc', 'aws:createdBy': 'ann' } }),
  billLine({ usageStart: '2026-03-05T00:00:00Z', usageEnd: '2026-03-05T01:00:00Z', tags: { 'user:Name': 'web2', 'user:CostCenter': 'é"q"' }, unblendedCost: '0.0000000001' }),
  billLine({ lineItemType: 'SavingsPlanCoveredUsage', savingsPlanArn: PLAN_ARN, savingsPlanEffectiveCost: '0.06', resourceId: 'arn:aws:ec2:us-east-1:1:instance/i-9' }),
  billLine({ lineItemType: 'SavingsPlanNegation', savingsPlanArn: PLAN_ARN, resourceId: '', unblendedCost: '-0.096' }),
  billLine({ lineItemType: 'Tax', resourceId: '', regionCode: '', availabilityZone: '', publicOnDemandCost: '', pricingUnit: '', unblendedCost: '3.21' }),
  billLine({ billingEntity: 'AWS Marketplace', productCode: 'abc', productName: 'Scanner', resourceId: 'sub-1', regionCode: '' }),
  billLine({ accountId: '000000000042', productCode: 'AmazonS3', resourceId: 'logs', usageAmount: '12.5', pricingUnit: 'GB-Mo', regionCode: 'eu-west-1' }),
];

test('the same bill gives the same rows as legacy CSV, legacy Parquet, CUR 2.0 CSV and CUR 2.0 Parquet', async (t) => {
  const outputs: { costs: string; resources: string }[] = [];
  const writers: ((directory: ExportDirectory) => Promise<unknown>)[] = [
    (directory) => directory.write('cur/acme/20260301-20260401/acme-1.csv', legacyCsv(MIXED)),
    (directory) => directory.writeParquet('cur/acme/acme/year=2026/month=3/acme-1.snappy.parquet', parquetSelect(MIXED, 'legacy')),
    (directory) => directory.write('e/data/BILLING_PERIOD=2026-03/e-1.csv.gz', gzip(cur2Csv(MIXED))),
    (directory) => directory.write('e/data/BILLING_PERIOD=2026-03/e-1.csv', cur2Csv(MIXED.toReversed(), { tagsMap: true })),
    (directory) => directory.writeParquet('e/data/BILLING_PERIOD=2026-03/e-1.snappy.parquet', parquetSelect(MIXED, 'cur2')),
  ];
  for (const write of writers) {
    const { directory, work } = await temporary(t);
    await write(directory);
    const { reading } = await read(directory, work);
    outputs.push({ costs: await readFile(reading.costsPath, 'utf8'), resources: await readFile(reading.resourcesPath, 'utf8') });
  }
  const [first, ...others] = outputs;
  t.regex(first?.resources ?? '', /""user_cost_center"":""é\\""q\\""""/);
  for (const [index, other] of others.entries()) t.deepEqual(other, first, `writer ${index + 1}`);
});

test('source keys of tags are handed over where the bill tells them', async (t) => {
  const { directory, work } = await temporary(t);
  await directory.write('e/data/BILLING_PERIOD=2026-03/e-1.csv', cur2Csv(MIXED, { tagsMap: true }));
  const { reading, period } = await read(directory, work);
  t.is(period.dialect, 'cur2');
  t.deepEqual(reading.tagKeys, [
    { sourceKey: 'aws:createdBy', normalisedKey: 'aws_created_by' },
    { sourceKey: 'user:CostCenter', normalisedKey: 'user_cost_center' },
    { sourceKey: 'user:kubernetes.io/created-for/pvc/name', normalisedKey: 'user_kubernetes_io_created_for_pvc_name' },
    { sourceKey: 'user:Name', normalisedKey: 'user_name' },
  ]);
});

test('accounts that are not taken are left out and told with their totals', async (t) => {
  const { directory, work } = await temporary(t);
  await directory.write('cur/acme/20260301-20260401/acme-1.csv', legacyCsv(MIXED));
  const { reading, rows } = await read(directory, work, [ACCOUNT]);
  t.deepEqual(reading.files[0]?.skippedAccounts, [{ accountId: '000000000042', currency: 'USD', rows: 1, billedCost: '0.096' }]);
  t.deepEqual(reading.files[0]?.taken, [{ currency: 'USD', rows: 6, billedCost: '3.4020000001' }]);
  t.false(rows.resources.some((row) => row['sub_account_id'] === '000000000042'));
});

test('line items are paged over files and add up to what the costs show', async (t) => {
  const { directory, work } = await temporary(t);
  const lines = Array.from({ length: 7 }, (_, hour) => billLine({ usageAmount: String(hour), unblendedCost: `0.${hour}` }));
  await directory.write('cur/acme/20260301-20260401/acme-1.csv', legacyCsv([...lines.slice(0, 4), ...MIXED.slice(2)]));
  await directory.write('cur/acme/20260301-20260401/acme-2.csv.gz', gzip(legacyCsv([...MIXED.slice(2, 4), ...lines.slice(4)])));
  const { objects, period, rows } = await read(directory, work);
  const files = await spool(objects, period, work);
  const page = async (nativeId: string, offset: number, limit: number): Promise<LineItem[]> =>
    await createPeriodReader().readLineItems({ files, accountId: ACCOUNT, nativeId, offset, limit, workDirectory: join(work, 'work'), signal: new AbortController().signal });
  const quantities = async (offset: number, limit: number): Promise<string> =>
    (await page('i-0123456789abcdef0', offset, limit)).map((item) => item.consumedQuantity).join();
  t.is(await quantities(0, 3), '0,1,2');
  t.is(await quantities(3, 3), '3,4,5');
  t.is(await quantities(6, 3), '6');
  t.is(await quantities(7, 3), '');
  const sums = sumsOfRows(rows.costs);
  for (const nativeId of [PLAN_ARN, 'arn:aws:ec2:us-east-1:1:instance/i-9', 'line:Tax:AmazonEC2']) {
    const items = await page(nativeId, 0, 100);
    const add = (pick: (item: LineItem) => string | null): string => items.reduce((sum, item) => sum.plus(pick(item) ?? '0'), new Big(0)).toFixed();
    const added = [add((item) => item.billedCost), add((item) => item.effectiveCost), add((item) => item.contractedCost), add((item) => item.listCost), add((item) => item.consumedQuantity)];
    t.deepEqual(added, sums[nativeId], nativeId);
  }
});

test('quoted line breaks at any place of a file that is read in parallel do not move a cent', async (t) => {
  const { directory, work } = await temporary(t);
  const lines = Array.from({ length: 30_000 }, (_, index) =>
    billLine({ resourceId: `i-${index % 50}`, unblendedCost: `0.${String(index).padStart(6, '0')}`, description: `${'x'.repeat(index % 700)}${index % 3 === 0 ? '"\n,"\r\n' : ''}` }),
  );
  await directory.write('cur/acme/20260301-20260401/acme-1.csv', legacyCsv(lines));
  const { reading } = await read(directory, work);
  t.is(reading.files[0]?.rows, 30_000);
  const expected = lines.reduce((sum, line) => sum.plus(line.unblendedCost ?? ''), new Big(0)).toFixed();
  t.is(reading.files[0]?.taken[0]?.billedCost, expected);
});

test('an aborted reading rejects with the reason', async (t) => {
  const { directory, work } = await temporary(t);
  await directory.write('cur/acme/20260301-20260401/acme-1.csv', legacyCsv(MIXED));
  const { objects, period } = await read(directory, work);
  const abort = new AbortController();
  const reading = createPeriodReader().read({
    billingPeriod: '2026-03-01', files: await spool(objects, period, work), takenAccounts: 'all', workDirectory: join(work, 'work'),
    signal: abort.signal, onProgress: () => undefined,
  });
  abort.abort(new Error('cancelled'));
  await t.throwsAsync(reading, { message: 'cancelled' });
});

test('files are read as they come, several or none, and an error of a later one fails the reading', async (t) => {
  const { directory, work } = await temporary(t);
  await directory.write('cur/acme/20260301-20260401/acme-1.csv', legacyCsv(MIXED.slice(0, 4)));
  await directory.write('cur/acme/20260301-20260401/acme-2.csv.gz', gzip(legacyCsv(MIXED.slice(3))));
  const { objects, period, reading: atOnce } = await read(directory, work);
  const files = await spool(objects, period, work);
  const begin = async (arriving: AsyncIterable<PeriodFile>) =>
    await createPeriodReader().read({
      billingPeriod: '2026-03-01', files: arriving, takenAccounts: 'all', workDirectory: join(work, 'work'),
      signal: new AbortController().signal, onProgress: () => undefined,
    });
  const oneByOne = await begin(Readable.from(files));
  t.deepEqual(oneByOne, atOnce);
  t.is((await begin(Readable.from([]))).costRows, 0);
  const failing = async function* () {
    yield* files.slice(0, 1);
    throw new Error('the second one is gone');
  };
  await t.throwsAsync(begin(failing()), { message: 'the second one is gone' });
});

test('exports are found below a bucket or directory, and a name picks one', async (t) => {
  const { directory } = await temporary(t);
  await directory.write('cur/acme/20260301-20260401/acme-1.csv', legacyCsv(MIXED));
  await directory.write('cur/beta/data/BILLING_PERIOD=2026-02/beta-1.csv', cur2Csv(MIXED));
  await directory.write('cur/beta/data/BILLING_PERIOD=2026-03/beta-1.csv', cur2Csv(MIXED));
  const objects = createDirectoryExportObjects({ path: directory.path, allowedRoots: [directory.path] });
  t.deepEqual(await discoverLocations(objects, ''), [
    { prefix: 'cur', name: 'acme', dialect: 'cur' },
    { prefix: 'cur', name: 'beta', dialect: 'cur2' },
  ]);
  const periods = await discoverPeriods(objects, { prefix: 'cur', name: 'beta' });
  t.deepEqual(periods.map((period) => [period.billingPeriod, period.dialect]), [['2026-03-01', 'cur2'], ['2026-02-01', 'cur2']]);
  t.deepEqual(await discoverPeriods(objects, { prefix: 'cur', name: 'gamma' }), []);
  const error = await t.throwsAsync<DomainError>(discoverPeriods(objects, { prefix: 'cur', name: null }));
  t.is(error?.code, 'billing.several-exports');
});
