import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** One row of a hand-made legacy bill; what is not given is empty. */
export interface HandMadeRow {
  account?: string;
  type?: string;
  day: string;
  product?: string;
  resource?: string;
  unblended: string;
  currency?: string;
  usage?: string;
}

export interface HandMadePeriod {
  month: string;
  rows: HandMadeRow[];
  /** Opaque; another one is another delivery. */
  assembly: string;
  /** Where a delivery's files lie in the month's folder: by the assembly's own name, or always in the same place where a report overwrites. */
  folder?: string;
  /** Rows a file; all in one by default. */
  rowsPerFile?: number;
}

const HEADER = [
  'identity/LineItemId',
  'identity/TimeInterval',
  'bill/InvoiceId',
  'bill/PayerAccountId',
  'bill/BillingPeriodStartDate',
  'bill/BillingPeriodEndDate',
  'lineItem/UsageAccountId',
  'lineItem/LineItemType',
  'lineItem/UsageStartDate',
  'lineItem/UsageEndDate',
  'lineItem/ProductCode',
  'lineItem/UsageType',
  'lineItem/Operation',
  'lineItem/ResourceId',
  'lineItem/UsageAmount',
  'lineItem/CurrencyCode',
  'lineItem/UnblendedCost',
  'lineItem/LineItemDescription',
  'product/region',
  'pricing/unit',
  'resourceTags/user:Team',
];

/** Writes a legacy CUR delivery below a directory: period manifest, assembly folder, gzip parts. */
export function writeHandMadePeriod(root: string, prefix: string, name: string, period: HandMadePeriod): void {
  const next = nextMonth(period.month);
  const range = `${period.month.replace('-', '')}01-${next.replace('-', '')}01`;
  const folder = join(prefix, name, range);
  const perFile = period.rowsPerFile ?? Math.max(1, period.rows.length);
  const reportKeys: string[] = [];
  for (let first = 0; first < Math.max(1, period.rows.length); first += perFile) {
    const key = `${join(folder, period.folder ?? period.assembly)}/${name}-${String(reportKeys.length + 1).padStart(5, '0')}.csv.gz`;
    const lines = period.rows.slice(first, first + perFile).map((row, index) => line(row, period.month, next, first + index));
    put(root, key, gzipSync(`${[HEADER.join(','), ...lines].join('\n')}\n`));
    reportKeys.push(key);
  }
  const manifest = {
    assemblyId: period.assembly,
    account: '012345678901',
    columns: HEADER.map((column) => ({ category: column.split('/')[0], name: column.split('/').slice(1).join('/') })),
    charset: 'UTF-8',
    compression: 'GZIP',
    contentType: 'text/csv',
    reportId: 'f'.repeat(64),
    reportName: name,
    billingPeriod: { start: `${period.month.replace('-', '')}01T000000.000Z`, end: `${next.replace('-', '')}01T000000.000Z` },
    bucket: 'bills',
    reportKeys,
  };
  put(root, `${folder}/${name}-Manifest.json`, Buffer.from(JSON.stringify(manifest)));
}

function line(row: HandMadeRow, month: string, next: string, index: number): string {
  const start = `${row.day}T00:00:00Z`;
  const end = `${row.day}T01:00:00Z`;
  const fields = [
    `id${index}`,
    `${start}/${end}`,
    '',
    '012345678901',
    `${month}-01T00:00:00Z`,
    `${next}-01T00:00:00Z`,
    row.account ?? '012345678901',
    row.type ?? 'Usage',
    start,
    end,
    row.product ?? 'AmazonEC2',
    'BoxUsage:m5.large',
    'RunInstances',
    row.resource ?? '',
    row.usage ?? '1.0000000000',
    row.currency ?? 'USD',
    row.unblended,
    `"a ""quoted"", description"`,
    'eu-west-1',
    'Hrs',
    'blue',
  ];
  return fields.join(',');
}

function put(root: string, key: string, bytes: Buffer): void {
  const path = join(root, key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

export function nextMonth(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`;
}
