import type { BillCase, ImportedMonth, Refusal } from './bill-case.ts';
import type { BillLine, CsvOptions } from './bill-lines.ts';
import { billLine, csvText, cur2Csv, legacyCsv, parquetSelect, replaceField, USUAL_COLUMNS } from './bill-lines.ts';
import { MARCH } from './export-directory.ts';

const KEY = `${MARCH}/acme-00001.csv`;
const THREE = [billLine({ unblendedCost: '1' }), billLine({ unblendedCost: '2' }), billLine({ unblendedCost: '4' })];

function csv(title: string, content: string | Buffer, outcome: ImportedMonth | Refusal): BillCase {
  return { title, write: async (directory) => void (await directory.write(KEY, content)), months: { '2026-03': outcome } };
}

function bill(title: string, lines: BillLine[], outcome: ImportedMonth | Refusal, options: CsvOptions = {}): BillCase {
  return csv(title, legacyCsv(lines, options), outcome);
}

function parquet(title: string, select: string, outcome: ImportedMonth | Refusal): BillCase {
  const key = 'cur/acme/acme/year=2026/month=3/acme-00001.snappy.parquet';
  return { title, write: async (directory) => void (await directory.writeParquet(key, select)), months: { '2026-03': outcome } };
}

const at = (code: string, place: string): Refusal => ({ code, message: new RegExp(`acme-00001\\.csv, ${place}`) });
const WITHOUT_RESOURCES = USUAL_COLUMNS.filter((column) => column !== 'resourceId');

/** What stands in the files: text, numbers, instants, headers. */
export const CONTENT_CASES: BillCase[] = [
  bill('a byte order mark does not hide the first column', THREE, { billed: { USD: '7' } }, { bom: true }),
  bill('a byte order mark before a quoted header does not hide the first column', THREE, { billed: { USD: '7' } }, { bom: true, quoteAll: true }),
  bill('lines may end in CR LF', THREE, { billed: { USD: '7' }, rows: 3 }, { newline: '\r\n' }),
  bill(
    'commas, quotes and line breaks inside quoted fields are text',
    [billLine({ description: 'Amazon Web Services, Inc. "quoted"\nsecond line', unblendedCost: '0.1' }), billLine({ unblendedCost: '0.2' })],
    { billed: { USD: '0.3' }, rows: 2 },
  ),
  csv('a line with too few fields is refused', legacyCsv(THREE).replace(/\n(2026[^\n]*),\n$/, '\n$1\n'), at('billing.column-count', 'line 4')),
  csv('a line with too many fields is refused', legacyCsv(THREE).replace(/\n([^\n]*)\n$/, '\n$1,more\n'), at('billing.column-count', 'line 4')),
  csv('a cost that is no number is refused', replaceField(legacyCsv(THREE), 3, 'unblendedCost', '12 USD'), at('billing.not-a-number', 'line 3, column lineItem/UnblendedCost')),
  csv('a cost with a grouping sign is refused', replaceField(legacyCsv(THREE), 2, 'usageAmount', '1_000'), at('billing.not-a-number', 'line 2, column lineItem/UsageAmount')),
  csv(
    'the line of a bad value is right behind line breaks inside quotes',
    legacyCsv([billLine({ description: 'a\nb\nc' }), billLine({ unblendedCost: 'NaN' })]),
    at('billing.not-a-number', 'line 5, column lineItem/UnblendedCost'),
  ),
  csv('a missing cost is refused', replaceField(legacyCsv(THREE), 3, 'unblendedCost', ''), at('billing.value-missing', 'line 3, column lineItem/UnblendedCost')),
  csv('a missing account is refused', replaceField(legacyCsv(THREE), 4, 'accountId', ''), at('billing.value-missing', 'line 4, column lineItem/UsageAccountId')),
  bill('24 fractional digits are kept', [billLine({ unblendedCost: '0.123456789012345678901234' })], { billed: { USD: '0.123456789012345678901234' } }),
  bill('25 fractional digits are refused, never rounded', [billLine({ unblendedCost: '0.1234567890123456789012345' })], at('billing.too-many-digits', 'line 2, column lineItem/UnblendedCost')),
  bill('15 digits before the point are refused', [billLine({ usageAmount: '123456789012345' })], at('billing.too-many-digits', 'line 2, column lineItem/UsageAmount')),
  bill(
    'a sum that outgrows the column is refused',
    Array.from({ length: 20 }, () => billLine({ unblendedCost: '90000000000000' })),
    { code: 'billing.too-many-digits', message: /acme-00001\.csv/ },
  ),
  bill('exponents are read exactly', [billLine({ unblendedCost: '1.5e-7' }), billLine({ unblendedCost: '2E+2' }), billLine({ unblendedCost: '-1e-24' })], {
    billed: { USD: '200.000000149999999999999999' },
  }),
  bill('plain and short forms of numbers add up exactly', [billLine({ unblendedCost: '1.' }), billLine({ unblendedCost: '.5' }), billLine({ unblendedCost: '+0.25' }), billLine({ unblendedCost: '-0.0000000001' })], {
    billed: { USD: '1.7499999999' },
  }),
  bill('two currencies are summed apart', [billLine({ unblendedCost: '1' }), billLine({ unblendedCost: '7', currency: 'CNY' })], { billed: { USD: '1', CNY: '7' } }),
  bill('instants may have milliseconds and nanoseconds', [billLine({ usageStart: '2026-03-04T05:00:00.000Z' }), billLine({ usageEnd: '2026-03-04T06:00:00.000000000Z' })], { billed: { USD: '0.192' } }),
  bill('local time is refused', [billLine(), billLine({ usageStart: '2026-03-04T05:00:00' })], at('billing.not-an-instant', 'line 3, column lineItem/UsageStartDate')),
  bill('an offset from UTC is refused', [billLine({ usageEnd: '2026-03-04T05:00:00+02:00' })], at('billing.not-an-instant', 'line 2, column lineItem/UsageEndDate')),
  bill(
    'a line of another billing period is refused',
    [billLine(), billLine({ periodStart: '2026-02-01T00:00:00Z' })],
    at('billing.other-period', 'line 3, column bill/BillingPeriodStartDate'),
  ),
  bill('usage in the future or over the edge of the period stays in the bill', [billLine({ usageStart: '2026-03-31T23:00:00Z', usageEnd: '2026-04-01T01:00:00Z' }), billLine({ usageStart: '2026-02-28T23:00:00Z' })], {
    billed: { USD: '0.192' },
    check: (_, { costs }) => (costs.map((row) => row['charge_date']).join() === '2026-02-28,2026-03-31' ? null : 'wrong charge dates'),
  }),
  bill('an account keeps its leading zero', [billLine({ accountId: '076278350205' })], {
    billed: { USD: '0.096' },
    check: (_, { costs }) => (costs[0]?.['sub_account_id'] === '076278350205' ? null : 'the account changed'),
  }),
  bill('a missing required column is named', THREE, at('billing.column-missing', 'column lineItem/CurrencyCode'), {
    columns: USUAL_COLUMNS.filter((column) => column !== 'currency'),
  }),
  bill('without resource ids the money stands on named lines, with a warning', THREE, { billed: { USD: '7' }, nativeIds: ['line:Usage:AmazonEC2'], warnings: [/no resource ids/] }, { columns: WITHOUT_RESOURCES }),
  csv('a repeated cost column is refused', legacyCsv(THREE).replace('lineItem/UsageType', 'lineitem/unblendedcost'), at('billing.column-repeated', 'column lineItem/UnblendedCost')),
  csv('a repeated descriptive column is read by its first position', legacyCsv(THREE).replace('reservation/ReservationARN', 'lineItem/ProductCode'), { billed: { USD: '7' }, warnings: [/twice/] }),
  csv('fixed columns are found whatever their case', legacyCsv(THREE).replace('lineItem/UnblendedCost', 'LineItem/unblendedcost'), { billed: { USD: '7' } }),
  csv('a nameless column without values is ignored', legacyCsv(THREE).replace('reservation/UnusedRecurringFee', ''), { billed: { USD: '7' } }),
  csv('a nameless column with values is refused', legacyCsv(THREE).replace('lineItem/UsageType', ''), at('billing.column-unnamed', 'line 2, column 9')),
  csv('text that is not UTF-8 is refused', Buffer.from(legacyCsv([billLine(), billLine({ description: 'caf\u00e9' })]), 'latin1'), at('billing.csv-malformed', 'line 3')),
  csv('an open quote is refused', legacyCsv(THREE).replace(/\n(2026[^\n]*)\n$/, '\n"$1\n'), at('billing.csv-malformed', 'line 4')),
  csv('text behind a closing quote is refused', legacyCsv(THREE).replace(/AWS(?![\s\S]*AWS)/, '"AWS"x'), at('billing.csv-malformed', 'line 4')),
  csv('a header alone in another language is refused by the column it lacks', csvText([['Konto', 'Kosten'], ['1', '2']]), at('billing.column-missing', 'column line_item_usage_account_id')),
  bill('identical lines are both counted', [billLine({ unblendedCost: '1.1' }), billLine({ unblendedCost: '1.1' })], { billed: { USD: '2.2' }, rows: 2 }),
  bill('tags that differ by case are two tags', [billLine({ tags: { 'user:Owner': 'ann', 'user:OWNER': 'bob' } })], { billed: { USD: '0.096' }, tags: { user_owner: 'ann', user_o_w_n_e_r: 'bob' } }),
  bill('tags that get one normalised name keep both values', [billLine({ tags: { 'user:cost-center': '1', 'user:cost_center': '2', 'user:a.b/c d': 'x' } })], {
    billed: { USD: '0.096' },
    tags: { user_cost_center: '1', 'user:cost_center': '2', user_a_b_c_d: 'x' },
    warnings: [/user:cost_center/],
  }),
  {
    title: 'a map that is not JSON loses its tags and keeps its cost',
    write: async (directory) => {
      const text = cur2Csv([billLine({ tags: { 'user:Name': 'web' } }), billLine({ resourceId: 'i-2' })]).replace(/\{\}\n$/, '{broken\n');
      await directory.write('cur2/acme2/data/BILLING_PERIOD=2026-03/acme2-00001.csv', text);
    },
    months: { '2026-03': { billed: { USD: '0.192' }, tags: { user_name: 'web' }, warnings: [/1 line\(s\) have resource_tags that are not a JSON object/] } },
  },
  parquet('doubles become the decimals that they print as', parquetSelect([billLine({ unblendedCost: '0.1' }), billLine({ unblendedCost: '0.2' }), billLine({ unblendedCost: '1.2345e-9' })], 'legacy'), {
    billed: { USD: '0.3000000012345' },
  }),
  parquet('a double that is no number is refused by its row', parquetSelect([billLine(), billLine({ unblendedCost: 'NaN' })], 'legacy'), {
    code: 'billing.not-a-number',
    message: /acme-00001\.snappy\.parquet, row 2, column line_item_unblended_cost/,
  }),
  parquet('a double with too many digits is refused by its row', parquetSelect([billLine({ usageAmount: '1e-30' })], 'cur2'), {
    code: 'billing.too-many-digits',
    message: /row 1, column line_item_usage_amount/,
  }),
  {
    title: 'a hand-made file without a folder is read as the month that its lines name',
    write: async (directory) => void (await directory.write('my-cur.csv', legacyCsv(THREE))),
    months: { '2026-03': { billed: { USD: '7' }, completeness: 'unproven' } },
  },
  {
    title: 'a hand-made file of two months is refused with its line',
    write: async (directory) => void (await directory.write('my-cur.csv', legacyCsv([...THREE, billLine({ periodStart: '2026-04-01T00:00:00Z' })]))),
    months: { '2026-03': { code: 'billing.other-period', message: /my-cur\.csv, line 5.*split it by month/ } },
  },
];
