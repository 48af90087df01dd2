import { bindColumns, columnName } from '../../../domain/billing/bill-columns.ts';
import type { BillColumn } from '../../../domain/billing/bill-columns.ts';

/** One line of a bill by our column names; `tags` by source key (`user:Team`). Missing columns are blank. */
export type BillLine = Partial<Record<BillColumn, string>> & { tags?: Record<string, string> };

/** Amount columns, which are doubles in Parquet. */
const DOUBLES: ReadonlySet<BillColumn> = new Set<BillColumn>([
  'usageAmount', 'unblendedCost', 'netUnblendedCost', 'publicOnDemandCost', 'reservationEffectiveCost', 'unusedAmortizedUpfrontFee',
  'unusedRecurringFee', 'savingsPlanEffectiveCost', 'totalCommitmentToDate', 'usedCommitment',
]);
const TIMES: ReadonlySet<BillColumn> = new Set<BillColumn>(['periodStart', 'usageStart', 'usageEnd']);

export const ACCOUNT = '012345678901';
export const PLAN_ARN = `arn:aws:savingsplans::${ACCOUNT}:savingsplan/11111111-2222-3333-4444-555555555555`;
export const RESERVATION_ARN = `arn:aws:ec2:us-east-1:${ACCOUNT}:reserved-instances/66666666-7777-8888-9999-000000000000`;

/** The columns a test bill has unless told otherwise. */
export const USUAL_COLUMNS: readonly BillColumn[] = [
  'periodStart', 'invoiceId', 'billingEntity', 'accountId', 'lineItemType', 'usageStart', 'usageEnd', 'productCode', 'usageType',
  'operation', 'availabilityZone', 'resourceId', 'usageAmount', 'currency', 'description', 'unblendedCost', 'publicOnDemandCost',
  'pricingUnit', 'productName', 'regionCode', 'reservationArn', 'reservationEffectiveCost', 'unusedAmortizedUpfrontFee',
  'unusedRecurringFee', 'savingsPlanArn', 'savingsPlanEffectiveCost', 'totalCommitmentToDate', 'usedCommitment',
];

/** An hour of an EC2 instance in March 2026, with what a test changes about it. */
export function billLine(changes: BillLine = {}): BillLine {
  return {
    periodStart: '2026-03-01T00:00:00Z',
    billingEntity: 'AWS',
    accountId: ACCOUNT,
    lineItemType: 'Usage',
    usageStart: '2026-03-04T05:00:00Z',
    usageEnd: '2026-03-04T06:00:00Z',
    productCode: 'AmazonEC2',
    usageType: 'BoxUsage:m5.large',
    operation: 'RunInstances',
    availabilityZone: 'us-east-1a',
    resourceId: 'i-0123456789abcdef0',
    usageAmount: '1',
    currency: 'USD',
    description: '$0.096 per On Demand Linux m5.large Instance Hour',
    unblendedCost: '0.0960000000',
    publicOnDemandCost: '0.0960000000',
    pricingUnit: 'Hrs',
    regionCode: 'us-east-1',
    ...changes,
  };
}

export interface CsvOptions {
  columns?: readonly BillColumn[];
  /** Tag columns; by default those that any line has, in order of appearance. */
  tagKeys?: readonly string[];
  newline?: '\n' | '\r\n';
  /** Every field in quotes, the header's too. */
  quoteAll?: boolean;
  bom?: boolean;
}

/** A legacy report as CSV text. */
export function legacyCsv(lines: readonly BillLine[], options: CsvOptions = {}): string {
  const columns = options.columns ?? USUAL_COLUMNS;
  const tagKeys = options.tagKeys ?? [...new Set(lines.flatMap((line) => Object.keys(line.tags ?? {})))];
  const header = [...columns.map((column) => columnName(column, 'slashed')), ...tagKeys.map((key) => `resourceTags/${key}`)];
  const rows = lines.map((line) => [...columns.map((column) => line[column] ?? ''), ...tagKeys.map((key) => line.tags?.[key] ?? '')]);
  return csvText([header, ...rows], options);
}

/** Records as CSV, quoted where RFC 4180 needs it. */
export function csvText(records: readonly (readonly string[])[], options: CsvOptions = {}): string {
  const newline = options.newline ?? '\n';
  const field = (text: string): string =>
    options.quoteAll === true || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  return (options.bom === true ? '\uFEFF' : '') + records.map((record) => record.map(field).join(',') + newline).join('');
}

/** The columns that CUR 2.0 has for a bill: fixed ones by their snake names, but product name in the `product` map. */
const CUR2_COLUMNS = USUAL_COLUMNS.filter((column) => column !== 'productName');

/** A CUR 2.0 export as CSV: maps are JSON text, tag keys normalised as AWS does it. `tags` adds the map with source keys. */
export function cur2Csv(lines: readonly BillLine[], options: { tagsMap?: boolean } & CsvOptions = {}): string {
  const maps = ['product', 'resource_tags', ...(options.tagsMap === true ? ['tags'] : [])];
  const header = [...CUR2_COLUMNS.map((column) => columnName(column, 'snake')), ...maps];
  const rows = lines.map((line) => [
    ...CUR2_COLUMNS.map((column) => line[column] ?? ''),
    ...mapsOf(line, options.tagsMap === true).map((map) => JSON.stringify(map)),
  ]);
  return csvText([header, ...rows], options);
}

function mapsOf(line: BillLine, withTags: boolean): Record<string, string>[] {
  const tags = Object.entries(line.tags ?? {}).filter(([, value]) => value !== '');
  const normalised = tags.map(([key, value]) => [AWS_TAG_NAMES[key] ?? key, value]);
  const product: Record<string, string> = line.productName === undefined ? {} : { product_name: line.productName };
  const sources = tags.map(([key, value]) => [`resourceTags/${key}`, value]);
  return [product, Object.fromEntries(normalised), ...(withTags ? [Object.fromEntries(sources)] : [])];
}

/** What AWS makes of the tag keys that tests use: written down, not computed. */
const AWS_TAG_NAMES: Record<string, string> = {
  'user:Name': 'user_name',
  'user:CostCenter': 'user_cost_center',
  'user:kubernetes.io/created-for/pvc/name': 'user_kubernetes_io_created_for_pvc_name',
  'aws:createdBy': 'aws_created_by',
};

/** A SELECT that DuckDB writes as Parquet: doubles, timestamps, text, and for CUR 2.0 maps. */
export function parquetSelect(lines: readonly BillLine[], style: 'legacy' | 'cur2'): string {
  const columns = style === 'cur2' ? CUR2_COLUMNS : USUAL_COLUMNS;
  const tagKeys = style === 'cur2' ? [] : [...new Set(lines.flatMap((line) => Object.keys(line.tags ?? {})))];
  const selects = lines.map((line) => {
    const fixed = columns.map((column) => `${parquetValue(column, line[column] ?? '')} AS ${columnName(column, 'snake')}`);
    const tags = tagKeys.map((key) => `${text(line.tags?.[key] ?? '')} AS resource_tags_${AWS_TAG_NAMES[key] ?? key}`);
    const maps = style === 'cur2' ? mapsOf(line, false).map((map, order) => `${mapSql(map)} AS ${order === 0 ? 'product' : 'resource_tags'}`) : [];
    return `SELECT ${[...fixed, ...tags, ...maps].join(', ')}`;
  });
  return selects.join(' UNION ALL ');
}

function parquetValue(column: BillColumn, value: string): string {
  if (DOUBLES.has(column)) return value === '' ? 'NULL::DOUBLE' : `'${value}'::DOUBLE`;
  return TIMES.has(column) ? `'${value}'::TIMESTAMP` : text(value);
}

function mapSql(map: Record<string, string>): string {
  const entries = Object.entries(map).map(([key, value]) => `${text(key)}: ${text(value)}`);
  return `CAST(MAP {${entries.join(', ')}} AS MAP(VARCHAR, VARCHAR))`;
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** Changes the nth field (from 0) of a line of CSV text (from 1, the header being 1), for lines without quotes. */
export function replaceField(csv: string, line: number, column: BillColumn, value: string): string {
  const lines = csv.split('\n');
  const index = bindColumns((lines[0] ?? '').split(',')).fixed[column] ?? -1;
  const fields = (lines[line - 1] ?? '').split(',');
  fields[index] = value;
  lines[line - 1] = fields.join(',');
  return lines.join('\n');
}
