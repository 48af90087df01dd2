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
  QUANTITY_SQL,
  ruleNumberSql,
} from './cost-sql.ts';
import { doubleDecimalSql, doubtfulTextSql, textDecimalSql } from './exact-decimal-sql.ts';
import type { DecimalMode } from './exact-decimal-sql.ts';

/** One file as DuckDB reads it. */
export interface FileSource {
  key: string;
  position: number;
  /** A table function call over the plain CSV or the Parquet file. */
  relation: string;
  positions: ColumnPositions;
  /** SQL expressions of the columns by position, NULL where text is blank, and their types: VARCHAR throughout for CSV. */
  columns: { name: string; type: string }[];
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
 * `plan_line_id` (where billed cost stands on the plan's line), the four costs, and `is_bad`, which is true
 * when anything on the line cannot be read exactly. Nothing is filtered.
 */
export function lineSql(source: FileSource, period: CalendarDate | null, mode: DecimalMode): string {
  return `
    SELECT *, ${NATIVE_ID_SQL} AS native_id, ${IS_NAMED_LINE_SQL} AS is_named_line, ${IS_SPLIT_SQL} AS is_split,
      CASE WHEN ${IS_BILLED_ON_PLAN_SQL} THEN ${PLAN_LINE_ID_SQL} END AS plan_line_id,
      ${serviceSql(source)} AS service_name, ${regionSql(source)} AS region_id,
      ${QUANTITY_SQL} AS quantity, ${costSql('effective')} AS effective_cost,
      ${costSql('contracted')} AS contracted_cost, ${costSql('list')} AS list_cost
    FROM (SELECT *, ${ruleNumberSql()} AS rule FROM (${parsedSql(source, period, mode)}))`;
}

function parsedSql(source: FileSource, period: CalendarDate | null, mode: DecimalMode): string {
  const parts = [
    `${accountSql(source)} AS accountId`,
    ...TEXTS.map((column) => `${textSql(source, column)} AS ${column}`),
    ...INSTANTS.map((column) => `${instantSql(source, column)} AS ${column}`),
    ...AMOUNTS.map((column) => `${amountSql(source, column, mode)} AS ${column}`),
    ...mapColumns(source),
    ...source.positions.tags.map(({ index }, order) => `${nameAt(source, index)} AS tag_${order}`),
    `(${badSql(source, period, mode)}) AS is_bad`,
  ];
  return `SELECT ${parts.join(',\n      ')} FROM ${source.relation}`;
}

function mapColumns(source: FileSource): string[] {
  return Object.entries(source.positions.maps).map(([map, index]) => `${nameAt(source, index)} AS map_${map}`);
}

function nameAt(source: FileSource, index: number): string {
  return source.columns[index]?.name ?? 'NULL';
}

/** The SQL name and type of a column, or null when the file lacks it. */
export function columnOf(source: FileSource, column: BillColumn): { name: string; type: string } | null {
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
  if (found === null) return 'CAST(NULL AS DECIMAL(38,24))';
  if (found.type === 'VARCHAR') return textDecimalSql(found.name, mode);
  return found.type === 'DOUBLE' ? doubleDecimalSql(found.name) : `exact_decimal(CAST(${found.name} AS VARCHAR))`;
}

function badSql(source: FileSource, period: CalendarDate | null, mode: DecimalMode): string {
  const texts = REQUIRED_TEXTS.map((column) => `${columnOf(source, column)?.name ?? 'NULL'} IS NULL`);
  const instants = INSTANTS.map((column) => badInstantSql(source, column));
  const amounts = AMOUNTS.flatMap((column) => badAmountSql(source, column, mode));
  return [...texts, ...instants, ...amounts, ...badPeriodSql(source, period)].map((test) => `(${test})`).join(' OR ');
}

/** Text must be in UTC: local time and offsets are refused. Parquet's timestamps are UTC by its format. */
function badInstantSql(source: FileSource, column: BillColumn): string {
  const found = columnOf(source, column);
  const name = found?.name ?? 'NULL';
  const unread = `${name} IS NULL OR TRY_CAST(${name} AS TIMESTAMP) IS NULL`;
  return found?.type === 'VARCHAR' ? `${unread} OR NOT ends_with(${name}, 'Z')` : unread;
}

function badAmountSql(source: FileSource, column: BillColumn, mode: DecimalMode): string[] {
  const found = columnOf(source, column);
  if (found === null) return [];
  const value = amountSql(source, column, mode);
  const blank = column === 'unblendedCost' ? [`${found.name} IS NULL`] : [];
  if (found.type === 'VARCHAR' && mode === 'quick') return [...blank, doubtfulTextSql(found.name, value)];
  return [...blank, `${found.name} IS NOT NULL AND ${value} IS NULL`];
}

function badPeriodSql(source: FileSource, period: CalendarDate | null): string[] {
  if (period === null) return [];
  const name = columnOf(source, 'periodStart')?.name ?? 'NULL';
  return [`${name} IS NULL OR NOT starts_with(CAST(${name} AS VARCHAR), ${sqlText(period)})`];
}

/** The product code, which every format has; marketplace products are known only by their name. */
function serviceSql(source: FileSource): string {
  return `coalesce(CASE WHEN billingEntity = 'AWS Marketplace' THEN ${orProductMap(source, 'productName')} END, productCode, '')`;
}

/** The region's code, which every format has; else what the product says, else the region of the zone. */
function regionSql(source: FileSource): string {
  const ofZone = "nullif(regexp_extract(availabilityZone, '^[a-z]{2}(-[a-z]+)+-[0-9]+'), '')";
  return `coalesce(regionCode, ${orProductMap(source, 'region')}, ${ofZone}, '')`;
}

function orProductMap(source: FileSource, column: keyof typeof PRODUCT_MAP_KEYS): string {
  const index = source.positions.maps.product;
  const type = index === undefined ? null : source.columns[index]?.type;
  if (type === null || type === undefined) return column;
  const key = PRODUCT_MAP_KEYS[column];
  const value = type.startsWith('MAP')
    ? `map_product[${sqlText(key)}]`
    : `json_extract_string(TRY_CAST(CAST(map_product AS VARCHAR) AS JSON), ${sqlText(`$.${key}`)})`;
  return `coalesce(${column}, nullif(CAST(${value} AS VARCHAR), ''))`;
}
