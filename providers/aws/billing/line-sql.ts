import { AMOUNT_COLUMNS } from '../../../domain/billing/cost-rules.ts';
import type { BillColumn, ColumnPositions } from '../../../domain/billing/bill-columns.ts';
import { BILL_COLUMNS, PRODUCT_MAP_KEYS } from '../../../domain/billing/bill-columns.ts';
import type { CalendarDate } from '../../../domain/shared/time.ts';
import { sqlText } from '../../duckdb/duckdb-process.ts';
import {
  costSql,
  IS_BILLED_ON_PLAN_SQL,
  IS_NAMED_LINE_SQL,
  IS_SPLIT_SQL,
  NATIVE_ID_SQL,
  PLAN_LINE_ID_SQL,
  quantitySql,
  ruleNumberSql,
} from './cost-sql.ts';
import { AMOUNT_TYPES, doubleDecimalSql, isLongDoubleSql, isLongTextSql, smallDecimalSql, textDecimalSql } from './exact-decimal-sql.ts';
import type { DecimalMode, DoubleColumn } from './exact-decimal-sql.ts';

export interface SourceColumn {
  /** SQL, NULL where text is blank. */
  name: string;
  /** VARCHAR throughout for CSV. */
  type: string;
  /** The file says that every number in it is below `LARGE_DOUBLE`. */
  isSmall?: boolean;
}

/** One file as DuckDB reads it. */
export interface FileSource {
  key: string;
  position: number;
  /** A table function call over the plain CSV or the Parquet file. */
  relation: string;
  positions: ColumnPositions;
  /** The columns by position. */
  columns: SourceColumn[];
  warnings: string[];
}

const AMOUNTS: readonly BillColumn[] = [...AMOUNT_COLUMNS, 'usageAmount'];
const INSTANTS: readonly BillColumn[] = ['usageStart', 'usageEnd'];
const TEXTS = (Object.keys(BILL_COLUMNS) as BillColumn[]).filter(
  (column) => !AMOUNTS.includes(column) && !INSTANTS.includes(column) && column !== 'periodStart' && column !== 'accountId',
);

/** Values of amounts that are always there; the reading fails where one is blank. */
const REQUIRED_TEXTS = ['accountId', 'lineItemType', 'currency'] as const;

/**
 * A SELECT with one row a line: the domain's columns, the parsed amounts, `rule`, `native_id`, `is_named_line`,
 * `plan_line_id` (where billed cost stands on the plan's line), the four costs, `is_long`, which is
 * true when an amount needs the exact mode, and `is_bad`, which is true when anything else (in exact mode: anything) on the
 * line cannot be read exactly. Nothing is filtered.
 */
export function lineSql(source: FileSource, period: CalendarDate | null, mode: DecimalMode): string {
  const { amount } = AMOUNT_TYPES[mode];
  return `
    SELECT *, ${NATIVE_ID_SQL} AS native_id, ${IS_NAMED_LINE_SQL} AS is_named_line, ${IS_SPLIT_SQL} AS is_split,
      CASE WHEN ${IS_BILLED_ON_PLAN_SQL} THEN ${PLAN_LINE_ID_SQL} END AS plan_line_id,
      ${serviceSql(source)} AS service_name, ${regionSql(source)} AS region_id,
      ${quantitySql(amount)} AS quantity, ${costSql('effective', amount)} AS effective_cost,
      ${costSql('contracted', amount)} AS contracted_cost, ${costSql('list', amount)} AS list_cost
    FROM (SELECT *, ${ruleNumberSql()} AS rule, ${badSql(source, period, mode)} AS is_bad FROM (${parsedSql(source, mode)}))`;
}

function parsedSql(source: FileSource, mode: DecimalMode): string {
  const parts = [
    `${accountSql(source)} AS accountId`,
    ...TEXTS.map((column) => `${textSql(source, column)} AS ${column}`),
    ...INSTANTS.map((column) => `${instantSql(source, column)} AS ${column}`),
    ...AMOUNTS.map((column) => `${amountSql(source, column, mode)} AS ${column}`),
    ...[...AMOUNTS, ...INSTANTS, 'periodStart' as const].map((column) => `${rawSql(source, column)} AS raw_${column}`),
    `${isLongSql(source, mode)} AS is_long`,
    ...mapColumns(source),
    ...source.positions.unnamed.map((index, order) => `${nameAt(source, index)} AS unnamed_${order}`),
    ...source.positions.tags.map(({ index }, order) => `${nameAt(source, index)} AS tag_${order}`),
  ];
  return `SELECT ${parts.join(',\n      ')} FROM ${withSmallDecimals(source)}`;
}

/** The file's rows, with the decimals of doubles beside them: each is used more than once. */
function withSmallDecimals(source: FileSource): string {
  const decimals = AMOUNTS.flatMap((column) => {
    const double = doubleOf(source, column);
    return double === null ? [] : [`${smallDecimalSql(double.name)} AS ${double.small}`];
  });
  return decimals.length === 0 ? source.relation : `(SELECT *, ${decimals.join(', ')} FROM ${source.relation})`;
}

function doubleOf(source: FileSource, column: BillColumn): DoubleColumn | null {
  const found = columnOf(source, column);
  return found?.type === 'DOUBLE' ? { name: found.name, small: `small_${column}`, maybeLarge: found.isSmall !== true } : null;
}

/** Maps of tags as JSON text, which is what CSV has: text groups quicker than a MAP. */
function mapColumns(source: FileSource): string[] {
  return Object.entries(source.positions.maps).map(([map, index]) => {
    const column = source.columns[index];
    if (map === 'product') return `${column?.name ?? 'NULL'} AS map_product`;
    const text = column?.type === 'VARCHAR' ? column.name : `CAST(to_json(${column?.name ?? 'NULL'}) AS VARCHAR)`;
    return `${text} AS map_${map}`;
  });
}

function nameAt(source: FileSource, index: number): string {
  return source.columns[index]?.name ?? 'NULL';
}

/** A column, or null when the file lacks it. */
export function columnOf(source: FileSource, column: BillColumn): SourceColumn | null {
  const index = source.positions.fixed[column];
  return index === undefined ? null : (source.columns[index] ?? null);
}

function textSql(source: FileSource, column: BillColumn): string {
  const found = columnOf(source, column);
  if (found === null) return 'CAST(NULL AS VARCHAR)';
  return found.type === 'VARCHAR' ? found.name : `CAST(${found.name} AS VARCHAR)`;
}

/** Account ids are text: where a file has them as numbers, the leading zeros they lost come back. */
function accountSql(source: FileSource): string {
  const found = columnOf(source, 'accountId');
  const text = textSql(source, 'accountId');
  return found !== null && /INT/.test(found.type) ? `lpad(${text}, 12, '0')` : text;
}

function instantSql(source: FileSource, column: BillColumn): string {
  const name = columnOf(source, column)?.name ?? 'NULL';
  return `TRY_CAST(${name} AS TIMESTAMP)`;
}

function amountSql(source: FileSource, column: BillColumn, mode: DecimalMode): string {
  const found = columnOf(source, column);
  const { amount } = AMOUNT_TYPES[mode];
  if (found === null) return `CAST(NULL AS ${amount})`;
  if (found.type === 'VARCHAR') return textDecimalSql(found.name, mode);
  const double = doubleOf(source, column);
  if (double !== null) return doubleDecimalSql(double, mode);
  return textDecimalSql(`CAST(${found.name} AS VARCHAR)`, mode);
}

/** Whether a line has an amount that the short mode cannot hold exactly. */
function isLongSql(source: FileSource, mode: DecimalMode): string {
  const tests = AMOUNTS.flatMap((column) => {
    const found = columnOf(source, column);
    if (found === null) return [];
    const double = doubleOf(source, column);
    if (double !== null) return [isLongDoubleSql(double)];
    return [isLongTextSql(found.type === 'VARCHAR' ? found.name : `CAST(${found.name} AS VARCHAR)`)];
  });
  return mode === 'exact' ? 'false' : `(${tests.map((test) => `(${test})`).join(' OR ')})`;
}

function rawSql(source: FileSource, column: BillColumn): string {
  return columnOf(source, column)?.name ?? 'CAST(NULL AS VARCHAR)';
}

/** What makes a line unreadable: a missing value, a local time, a number that is none or has too many digits, another period. */
function badSql(source: FileSource, period: CalendarDate | null, mode: DecimalMode): string {
  // In short mode `is_long` has told of every amount that could not be read.
  const present = mode === 'short' ? [] : AMOUNTS.filter((column) => columnOf(source, column) !== null);
  const tests = [
    ...REQUIRED_TEXTS.map((column) => `${column} IS NULL`),
    'unblendedCost IS NULL',
    ...present.map((column) => `${column} IS NULL AND raw_${column} IS NOT NULL`),
    ...INSTANTS.flatMap((column) => badInstantSql(source, column)),
    ...source.positions.unnamed.map((_, order) => `unnamed_${order} IS NOT NULL`),
    ...(period === null ? [] : [otherPeriodSql(source, period)]),
  ];
  return `(${tests.map((test) => `(${test})`).join(' OR ')})`;
}

function otherPeriodSql(source: FileSource, period: CalendarDate): string {
  const isText = columnOf(source, 'periodStart')?.type === 'VARCHAR';
  const same = isText ? `starts_with(raw_periodStart, ${sqlText(period)})` : `CAST(raw_periodStart AS DATE) = DATE ${sqlText(period)}`;
  return `NOT coalesce(${same}, false)`;
}

/** Text must be in UTC: local time and offsets are refused. Parquet's timestamps are UTC by its format. */
function badInstantSql(source: FileSource, column: BillColumn): string[] {
  const isText = columnOf(source, column)?.type === 'VARCHAR';
  return [`${column} IS NULL`, ...(isText ? [`NOT ends_with(raw_${column}, 'Z')`] : [])];
}

/** The product code, which every format has; marketplace products are known only by their name. */
function serviceSql(source: FileSource): string {
  return `coalesce(CASE WHEN billingEntity = 'AWS Marketplace' THEN ${orProductMap(source, 'productName')} END, productCode, '')`;
}

/**
 * The region's code; only an old legacy report without that column is read by its older column. Lines without
 * either have the region of their zone.
 */
function regionSql(source: FileSource): string {
  const code = columnOf(source, 'regionCode') === null ? orProductMap(source, 'region') : 'regionCode';
  return `coalesce(${code}, nullif(regexp_extract(availabilityZone, '^[a-z]{2}(-[a-z]+)+-[0-9]+'), ''), '')`;
}

/** A column, or where the file has a `product` map in its place, that map's key. */
function orProductMap(source: FileSource, column: keyof typeof PRODUCT_MAP_KEYS): string {
  const index = source.positions.maps.product;
  if (columnOf(source, column) !== null || index === undefined) return column;
  const key = PRODUCT_MAP_KEYS[column];
  const isMap = source.columns[index]?.type.startsWith('MAP') ?? false;
  const value = isMap
    ? `map_product[${sqlText(key)}]`
    : `json_extract_string(TRY_CAST(CAST(map_product AS VARCHAR) AS JSON), ${sqlText(`$.${key}`)})`;
  return `nullif(CAST(${value} AS VARCHAR), '')`;
}
