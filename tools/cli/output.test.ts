import test from 'ava';
import { expensesTable } from './costs.ts';
import { describeImport, readPlace } from './import.ts';
import { describeImports } from './imports.ts';
import { formatTable } from './table.ts';

test('a place is a directory or a bucket with its prefix kept as it is, but for a slash at the end', (t) => {
  t.deepEqual(readPlace('/bills/'), { scheme: 'directory', path: '/bills' });
  t.deepEqual(readPlace('s3://acme-billing'), { scheme: 'bucket-only', bucket: 'acme-billing', prefix: '' });
  t.deepEqual(readPlace('s3://acme-billing//cur/daily/'), { scheme: 'bucket-only', bucket: 'acme-billing', prefix: '/cur/daily' });
  t.throws(() => readPlace('s3://'), { message: /names no bucket/ });
});

test('columns are as wide as their widest cell, numbers at the right', (t) => {
  const table = formatTable([{ title: 'service', align: 'left' }, { title: 'cost', align: 'right' }], [['AmazonS3', '1.00'], ['EC2', '1000.00']]);
  t.is(table, 'service      cost\n────────  ───────\nAmazonS3     1.00\nEC2       1000.00');
});

const expenses = { start: '2026-10-01', end: '2026-11-01', metric: 'billed', group_by: ['service'], totals: [], groups: [], total: 0, displayed: 0 };

test('currencies have totals of their own, and a missing value has a name', (t) => {
  const beside = { cost: '1.005', previous_cost: '0' };
  const table = expensesTable({
    ...expenses,
    groups: [
      { keys: [{ value: 'AmazonEC2', name: null }], currency: 'USD', ...beside },
      { keys: [{ value: null, name: null }], currency: 'EUR', ...beside },
    ],
    totals: [{ currency: 'USD', ...beside }, { currency: 'EUR', ...beside }],
    total: 3,
    displayed: 2,
  });
  t.regex(table, /\(none\)\s+1\.01\s+0\.00\s+EUR\nTotal\s+1\.01\s+0\.00\s+USD\nTotal\s+1\.01\s+0\.00\s+EUR\n2 of 3 groups shown\.$/);
});

test('a month without costs says so instead of an empty table', (t) => {
  t.is(expensesTable(expenses), '2026-10-01 to 2026-11-01 (exclusive): no costs are recorded.');
});

test('the sum of an import is exact, per currency', (t) => {
  const taken = (currency: string, cost: string) => ({ currency, billed_cost: cost });
  const files = [
    { rows: 1200, taken: [taken('USD', '0.1'), taken('EUR', '5')] },
    { rows: 1, taken: [taken('USD', '0.2')] },
  ];
  t.is(describeImport({ months: [{ month: '2026-10', state: 'replaced' }], files }), '2026-10 replaced\nRead 1,201 rows of 2 files, billed 0.3 USD, 5 EUR.');
});

test('a failed import is listed with its reason', (t) => {
  const failed = {
    id: 'imp_1',
    data_source_id: 'ds_1',
    state: 'failed',
    months: [],
    started_at: '2026-11-21T08:24:40.289Z',
    finished_at: null,
    error: { code: 'billing.malformed', message: 'Line 7 has 3 columns.' },
  };
  const text = describeImports([failed], []);
  t.regex(text, /imp_1\s+ds_1\s+failed\s+2026-11-21 08:24\nimp_1: Line 7 has 3 columns\. \(billing\.malformed\)$/);
});
