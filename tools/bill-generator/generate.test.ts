import test from 'ava';
import { DuckDBInstance } from '@duckdb/node-api';
import { parse } from 'csv-parse/sync';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { demonstrationBill } from './demonstration.ts';
import { BILL_DEFAULTS, generateBill } from './generate.ts';
import type { BillOptions, WrittenBill } from './generate.ts';
import { sumText } from './units.ts';

const SMALL = {
  ...BILL_DEFAULTS, items: 4_000, resources: 100, firstDay: '2026-03-20', days: 30, filesPerMonth: 2, lastMonthRuns: true,
  dialects: ['cur-csv', 'cur2-csv', 'cur2-parquet'], currencies: ['USD', 'INR'],
} as const;

type Row = Record<string, string>;

async function inDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'bill-'));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function digests(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(await Promise.all(paths.map(async (path) =>
    [path.slice(directory.length), createHash('sha256').update(await readFile(path)).digest('hex')])));
}

async function rowsOf(directory: string, bill: WrittenBill, dialect: string, month: string): Promise<Row[]> {
  const written = bill.months.find((candidate) => candidate.dialect === dialect && candidate.month === month);
  const files = await Promise.all((written?.keys ?? []).map(async (key) => gunzipSync(await readFile(join(directory, key)))));
  return files.flatMap((file): Row[] => parse(file, { columns: true }));
}

/** Decimal text to 1e-10, without any arithmetic of the generator's. */
function units(text: string | undefined): bigint {
  const match = /^(-?)(\d+)\.(\d{10})$/.exec(text === undefined || text === '' ? '0.0000000000' : text);
  if (match === null) throw new Error(`${text} is not an amount with ten decimals`);
  return BigInt(`${match[1]}${match[2]}${match[3]}`);
}

const effectiveOf: Record<string, (row: Row) => bigint> = {
  SavingsPlanCoveredUsage: (row) => units(row['savingsPlan/SavingsPlanEffectiveCost']),
  SavingsPlanRecurringFee: (row) => units(row['savingsPlan/TotalCommitmentToDate']) - units(row['savingsPlan/UsedCommitment']),
  SavingsPlanNegation: () => 0n,
  SavingsPlanUpfrontFee: () => 0n,
  DiscountedUsage: (row) => units(row['reservation/EffectiveCost']),
  RIFee: (row) => units(row['reservation/UnusedAmortizedUpfrontFeeForBillingPeriod']) + units(row['reservation/UnusedRecurringFee']),
};

function effective(row: Row): bigint {
  const unblended = units(row['lineItem/UnblendedCost']);
  const type = row['lineItem/LineItemType'] ?? '';
  if (type === 'Fee' && row['reservation/ReservationARN'] !== '') return 0n;
  if (type === 'Refund' && row['lineItem/LineItemDescription']?.startsWith('Refund for one-time fee for Savings Plan ID')) return 0n;
  return effectiveOf[type]?.(row) ?? unblended;
}

const total = (rows: readonly Row[], cost: (row: Row) => bigint): string => sumText(rows.reduce((sum, row) => sum + cost(row), 0n));
const unblended = (row: Row): bigint => units(row['lineItem/UnblendedCost']);

function sumsBy(rows: readonly Row[], key: (row: Row) => string | undefined): Record<string, string> {
  return Object.fromEntries([...Map.groupBy(rows, (row) => key(row) ?? '')].map(([name, group]) => [name, total(group, unblended)]));
}

const billedOf = (totals: Record<string, { billed: string }> | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(totals ?? {}).map(([name, { billed }]) => [name, billed]));

test('the same options give the same bytes in every file', async (t) => {
  const write = async (options: Partial<BillOptions>): Promise<Record<string, string>> =>
    await inDirectory(async (directory) => {
      await generateBill({ ...SMALL, ...options, directory });
      return await digests(directory);
    });
  const first = await write({});
  t.is(Object.keys(first).length, 3 * 2 * 2 + 4 + 2 + 2 + 1);
  t.deepEqual(await write({}), first);
  const other = await write({ seed: 7 });
  t.notDeepEqual(Object.values(other).sort(), Object.values(first).sort());
});

test('the truth equals what the written legacy files add up to', async (t) => {
  await inDirectory(async (directory) => {
    const bill = await generateBill({ ...SMALL, directory });
    t.is(bill.truth.periods.length, 2);
    for (const period of bill.truth.periods) {
      const rows = await rowsOf(directory, bill, 'cur-csv', period.billingPeriod);
      for (const currency of SMALL.currencies) {
        const own = rows.filter((row) => row['lineItem/CurrencyCode'] === currency);
        t.like(period.totals[currency], { rows: own.length, billed: total(own, unblended), effective: total(own, effective) });
        t.deepEqual(billedOf(period.byService[currency]), sumsBy(own, (row) => row['lineItem/ProductCode']));
        t.deepEqual(billedOf(period.byAccount[currency]), sumsBy(own, (row) => row['lineItem/UsageAccountId']));
        t.deepEqual(billedOf(period.byDay[currency]), sumsBy(own, (row) => row['lineItem/UsageStartDate']?.slice(0, 10)));
      }
      const days = new Set(rows.filter((row) => row['lineItem/ResourceId'] !== '')
        .map((row) => `${row['lineItem/UsageAccountId']} ${row['lineItem/ResourceId']} ${row['lineItem/UsageStartDate']?.slice(0, 10)}`));
      t.is(period.resourceDays, days.size);
      t.is(rows.every((row) => row['bill/InvoiceId'] !== ''), period.isFinal);
    }
  });
});

test('a bill holds every kind of row and value that makes imports hard', async (t) => {
  await inDirectory(async (directory) => {
    const bill = await generateBill({ ...SMALL, directory });
    const rows = await rowsOf(directory, bill, 'cur-csv', '2026-04');
    t.true(Object.keys(rows[0] ?? {}).length >= 120);
    const first = await rowsOf(directory, bill, 'cur-csv', '2026-03');
    t.deepEqual([...new Set([...first, ...rows].map((row) => row['lineItem/LineItemType'] ?? ''))].sort(), [
      'Credit', 'DiscountedUsage', 'EdpDiscount', 'Fee', 'FlatRateSubscription', 'RIFee', 'Refund', 'SavingsPlanCoveredUsage',
      'SavingsPlanNegation', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee', 'Tax', 'Usage',
    ]);
    const descriptions = rows.map((row) => row['lineItem/LineItemDescription'] ?? '');
    for (const mark of [',', '"', '\n']) t.true(descriptions.some((text) => text.includes(mark)));
    t.true(rows.some((row) => row['lineItem/UsageAccountId']?.startsWith('0')));
    const covered = rows.filter((row) => /^SavingsPlan(Covered|Negation)/.test(row['lineItem/LineItemType'] ?? ''));
    t.is(total(covered, unblended), '0');
  });
});

test('parquet and CSV of CUR 2.0 hold the rows of the legacy report', async (t) => {
  await inDirectory(async (directory) => {
    const bill = await generateBill({ ...SMALL, directory });
    const truth = bill.truth.periods[0]?.totals['USD'];
    if (truth === undefined) throw new Error('the bill has no first period in USD');
    const rows = await rowsOf(directory, bill, 'cur2-csv', '2026-03');
    const sum = rows.filter((row) => row['line_item_currency_code'] === 'USD').reduce((sum, row) => sum + units(row['line_item_unblended_cost']), 0n);
    t.is(sumText(sum), truth.billed);
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const reader = await connection.runAndReadAll(
      `SELECT line_item_currency_code, count(*)::INTEGER, sum(line_item_unblended_cost::VARCHAR::DECIMAL(38, 10))::VARCHAR,
        count(resource_tags['user_team'])::INTEGER, typeof(any_value(resource_tags)), typeof(any_value(discount))
      FROM read_parquet('${directory}/cur2/acme/data/BILLING_PERIOD=2026-03/*.parquet') GROUP BY 1 ORDER BY 1 DESC`);
    const tagged = rows.filter((row) => row['line_item_currency_code'] === 'USD' && row['resource_tags']?.includes('"user_team"')).length;
    const [dollars] = reader.getRows();
    t.deepEqual(dollars?.slice(0, 2), ['USD', truth.rows]);
    t.is(sumText(units(String(dollars?.[2]))), truth.billed);
    t.deepEqual(dollars?.slice(3), [tagged, 'MAP(VARCHAR, VARCHAR)', 'MAP(VARCHAR, DOUBLE)']);
  });
});

test('a correction changes the share of usage rows asked for and no others', async (t) => {
  const write = async (version: number): Promise<Row[]> =>
    await inDirectory(async (directory) => {
      const bill = await generateBill({ ...SMALL, days: 10, dialects: ['cur-csv'], currencies: ['USD'], directory, correction: { version, share: 0.1 } });
      return await rowsOf(directory, bill, 'cur-csv', '2026-03');
    });
  const [before, after] = [await write(0), await write(1)];
  t.is(after.length, before.length);
  const usage = before.map((row, index) => ({ row, other: after[index] })).filter(({ row }) => row['lineItem/LineItemType'] === 'Usage');
  const changed = usage.filter(({ row, other }) => row['lineItem/UnblendedCost'] !== other?.['lineItem/UnblendedCost']).length;
  t.true(changed / usage.length > 0.08 && changed / usage.length < 0.12, `${changed} of ${usage.length}`);
});

test('the demonstration bill has three full months, the running one, and over 20,000 rows', async (t) => {
  await inDirectory(async (directory) => {
    const { truth } = await demonstrationBill(directory, '2026-05-02');
    t.true(truth.rows >= 20_000, String(truth.rows));
    t.deepEqual(truth.periods.map(({ billingPeriod, isFinal }) => [billingPeriod, isFinal]),
      [['2026-02', true], ['2026-03', true], ['2026-04', true], ['2026-05', false]]);
    t.deepEqual(Object.keys(truth.periods[3]?.byDay['USD'] ?? {}), ['2026-05-01', '2026-05-02']);
  });
});
