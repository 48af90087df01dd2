import type { Cur2Column } from './cur2-columns.ts';
import type { Column } from './legacy-columns.ts';
import type { BillMonth } from './line-item.ts';
import type { BillDialect } from './generate.ts';

/** The report's or export's name, which is part of every key. */
export const BILL_NAME = 'acme';
const BUCKET = 'acme-bills';

/** The prefix a data source is given for each dialect's report; the bucket is the generator's directory. */
export const PREFIXES: Readonly<Record<BillDialect, string>> = { 'cur-csv': 'cur', 'cur2-parquet': 'cur2', 'cur2-csv': 'cur2-csv' };

const EXTENSIONS: Readonly<Record<BillDialect, string>> = {
  'cur-csv': 'csv.gz', 'cur2-parquet': 'snappy.parquet', 'cur2-csv': 'csv.gz',
};

const compact = (text: string): string => text.replaceAll(/[-:]/g, '');

/** `20260301-20260401`: how a legacy report names a month. */
function legacyPeriod(month: BillMonth): string {
  return `${compact(month.startText.slice(0, 10))}-${compact(month.endText.slice(0, 10))}`;
}

/** Names the version of a delivery: a UTC stamp on the day after the month's end, later for later versions. */
export function versionStamp(month: BillMonth, version: number): string {
  return `${compact(month.endText.slice(0, 10))}T${String(version % 24).padStart(2, '0')}1500Z`;
}

/** The key of one data file below the bucket. */
export function dataKey(dialect: BillDialect, month: BillMonth, file: number, version: number): string {
  const name = `${BILL_NAME}-${String(file + 1).padStart(5, '0')}.${EXTENSIONS[dialect]}`;
  const root = `${PREFIXES[dialect]}/${BILL_NAME}`;
  if (dialect === 'cur-csv') return `${root}/${legacyPeriod(month)}/${versionStamp(month, version)}/${name}`;
  return `${root}/data/BILLING_PERIOD=${month.month}/${name}`;
}

/** Keys and texts of a month's manifests: the one that counts, then copies of it. */
export function manifests(
  dialect: BillDialect, month: BillMonth, keys: readonly string[], version: number, columns: readonly (Column | Cur2Column)[],
): { key: string; text: string }[] {
  const root = `${PREFIXES[dialect]}/${BILL_NAME}`;
  if (dialect === 'cur-csv') {
    const text = legacyManifest(month, keys, version, columns);
    const period = `${root}/${legacyPeriod(month)}`;
    return [period, `${period}/${versionStamp(month, version)}`].map((folder) => ({ key: `${folder}/${BILL_NAME}-Manifest.json`, text }));
  }
  const text = exportManifest(month, keys, version, columns);
  return [{ key: `${root}/metadata/BILLING_PERIOD=${month.month}/${BILL_NAME}-Manifest.json`, text }];
}

/** Fields as in a delivered legacy manifest; `billingPeriod` in basic ISO with milliseconds, end exclusive. */
function legacyManifest(month: BillMonth, keys: readonly string[], version: number, columns: readonly Column[]): string {
  const instant = (text: string): string => `${compact(text).slice(0, 15)}.000Z`;
  return JSON.stringify({
    assemblyId: versionStamp(month, version), account: '012345678901',
    columns: columns.map(({ name }) => ({ category: name.slice(0, name.indexOf('/')), name: name.slice(name.indexOf('/') + 1) })),
    charset: 'UTF-8', compression: 'GZIP', contentType: 'text/csv', reportId: 'a1'.repeat(32), reportName: BILL_NAME,
    billingPeriod: { start: instant(month.startText), end: instant(month.endText) },
    bucket: BUCKET, reportKeys: keys, additionalArtifactKeys: [],
  }, null, 1);
}

/** `dataFiles` with full URLs and typed columns, as Data Exports deliver them. */
function exportManifest(month: BillMonth, keys: readonly string[], version: number, columns: readonly (Column | Cur2Column)[]): string {
  return JSON.stringify({
    executionId: `${versionStamp(month, version)}-8c5a76cc`,
    exportArn: `arn:aws:bcm-data-exports:us-east-1:012345678901:export/${BILL_NAME}-5e1f`, exportName: BILL_NAME,
    billingPeriod: month.month, dataFiles: keys.map((key) => `s3://${BUCKET}/${key}`),
    columns: columns.map((column) => ({ name: column.name, type: 'type' in column ? column.type.replace(/<.*/, '') : 'string' })),
  }, null, 1);
}
