import { NAMED_LINE_PREFIX } from '../../../domain/billing/named-lines.ts';
import { sqlText } from '../../duckdb/duckdb-process.ts';
import {
  CATEGORY_SQL,
  CLASS_SQL,
  IS_UNKNOWN_RULE_SQL,
  resourceTypeSql,
} from './cost-sql.ts';
import { lineSql } from './line-sql.ts';
import { AMOUNT_TYPES } from './exact-decimal-sql.ts';
import type { DecimalMode } from './exact-decimal-sql.ts';
import type { FileSource } from './line-sql.ts';
import { tagGroupColumns, TAGS_TABLE, tagsJoinSql } from './tag-sql.ts';
import type { CalendarDate } from '../../../domain/shared/time.ts';

/** The table that holds one file's groups until they are added to the period's. */
export const FILE_TABLE = 'file_groups';

/** The table of the period, over all files. */
export const PERIOD_TABLE = 'period_groups';

const KEYS = [
  'accountId', 'native_id', 'is_named_line', 'plan_line_id', 'CAST(usageStart AS DATE) AS charge_date', 'rule', 'is_split',
  'service_name', 'region_id', 'pricingUnit', 'currency',
] as const;

const COSTS = ['quantity', 'billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'] as const;

/** One scan of a file into groups of one resource, day, rule, service, region, unit, currency and set of tags. */
export function groupFileSql(source: FileSource, period: CalendarDate, mode: DecimalMode): string {
  const tags = tagGroupColumns(source);
  return `
    CREATE OR REPLACE TEMP TABLE ${FILE_TABLE} AS
    SELECT ${[...KEYS, ...tags].join(', ')},
      count(*) AS rows, bool_or(is_bad) AS is_bad, bool_or(is_long) AS is_long,
      bool_or(invoiceId IS NULL AND unblendedCost <> 0) AS lacks_invoice,
      max(CASE WHEN ${IS_UNKNOWN_RULE_SQL} THEN lineItemType END) AS unknown_type,
      min(usageStart) AS first_start, max(usageStart) AS last_start, max(usageEnd) AS last_end,
      sum(unblendedCost) AS billed_cost, sum(quantity) AS quantity,
      sum(effective_cost) AS effective_cost, sum(contracted_cost) AS contracted_cost, sum(list_cost) AS list_cost
    FROM (${lineSql(source, period, mode)})
    GROUP BY ALL`;
}

/** What one file holds, by account, currency and whether its lines repeat their parent's cost. */
export const FILE_TOTALS_SQL = `
  SELECT accountId AS account_id, currency, is_split, CAST(sum(rows) AS VARCHAR) AS rows,
    CAST(sum(billed_cost) AS VARCHAR) AS billed_cost, bool_or(lacks_invoice) AS lacks_invoice,
    list_sort(list(DISTINCT unknown_type) FILTER (unknown_type IS NOT NULL)) AS unknown_types
  FROM ${FILE_TABLE} GROUP BY ALL ORDER BY ALL`;

/** The period's table, for files whose amounts are short. */
export const CREATE_PERIOD_TABLE_SQL = `
  CREATE TEMP TABLE ${PERIOD_TABLE} (
    sub_account_id VARCHAR, native_id VARCHAR, is_named_line BOOLEAN, charge_date DATE, charge_category VARCHAR,
    charge_class VARCHAR, service_name VARCHAR, region_id VARCHAR, consumed_unit VARCHAR, billing_currency VARCHAR,
    ${COSTS.map((column) => `${column} ${AMOUNT_TYPES.short.sum}`).join(', ')},
    first_start TIMESTAMP, last_start TIMESTAMP, last_end TIMESTAMP, tags VARCHAR)`;

/** Makes room in the period's table for amounts of 24 fractional digits. May be repeated. */
export const WIDEN_PERIOD_TABLE_SQL: readonly string[] = COSTS.map(
  (column) => `ALTER TABLE ${PERIOD_TABLE} ALTER COLUMN ${column} TYPE ${AMOUNT_TYPES.exact.sum}`,
);

/** Drops what only one file needed, and adds up rows of the period's table that several files share. */
export const COMPACT_PERIOD_TABLE_SQL: readonly string[] = [
  `DROP TABLE ${FILE_TABLE}`,
  `DROP TABLE ${TAGS_TABLE}`,
  `CREATE TEMP TABLE compacted_groups AS
     SELECT sub_account_id, native_id, is_named_line, charge_date, charge_category, charge_class, service_name, region_id, consumed_unit,
       billing_currency, ${COSTS.map((column) => `sum(${column}) AS ${column}`).join(', ')},
       min(first_start) AS first_start, max(last_start) AS last_start, max(last_end) AS last_end, tags
     FROM ${PERIOD_TABLE} GROUP BY ALL`,
  `DROP TABLE ${PERIOD_TABLE}`,
  `ALTER TABLE compacted_groups RENAME TO ${PERIOD_TABLE}`,
];

/** Adds a file's lines, and for lines that a plan covers their billed cost on the plan's own line. */
export function addFileSql(source: FileSource, takenAccounts: 'all' | string[]): string[] {
  const accounts = takenAccounts === 'all' ? '' : ` AND accountId IN (${takenAccounts.map(sqlText).join(', ') || 'NULL'})`;
  const common = `charge_date, ${CATEGORY_SQL}, ${CLASS_SQL}, service_name, region_id, coalesce(pricingUnit, ''), currency`;
  const instants = 'first_start, last_start, last_end';
  const where = `WHERE NOT is_split${accounts}`;
  return [
    `INSERT INTO ${PERIOD_TABLE} SELECT accountId, native_id, is_named_line, ${common}, coalesce(quantity, 0),
       CASE WHEN plan_line_id IS NULL THEN billed_cost ELSE 0 END, effective_cost, contracted_cost, list_cost,
       ${instants}, CASE WHEN is_named_line THEN '{}' ELSE tags END
       FROM ${FILE_TABLE} JOIN ${TAGS_TABLE} ON ${tagsJoinSql(source, FILE_TABLE)} ${where}`,
    `INSERT INTO ${PERIOD_TABLE} SELECT accountId, plan_line_id, true, ${common}, 0, billed_cost, 0, 0, 0,
       ${instants}, '{}' FROM ${FILE_TABLE} ${where} AND plan_line_id IS NOT NULL`,
  ];
}

/** Plain decimal text: no exponent, no trailing zeros. */
function plainSql(column: string): string {
  return `rtrim(rtrim(CAST(${column} AS VARCHAR), '0'), '.')`;
}

function instantText(column: string): string {
  return `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%gZ')`;
}

/** The rows of `COST_COLUMNS`, in a fixed order. */
export function copyCostsSql(path: string): string {
  const keys = [
    'sub_account_id', 'native_id', 'charge_date', 'charge_category', 'charge_class', 'service_name', 'region_id',
    'consumed_unit', 'billing_currency',
  ];
  const sums = COSTS.map((column) => `${plainSql(`sum(${column})`)} AS ${column === 'quantity' ? 'consumed_quantity' : column}`);
  const quoted = keys.filter((key) => key !== 'charge_date');
  return copySql(`SELECT ${[...keys, ...sums].join(', ')} FROM ${PERIOD_TABLE} GROUP BY ALL ORDER BY ${keys.join(', ')}`, path, quoted);
}

/** The rows of `RESOURCE_COLUMNS`, in a fixed order. */
export function copyResourcesSql(path: string): string {
  const main = `
    SELECT sub_account_id, native_id, bool_or(is_named_line) AS is_named_line,
      arg_max({'service': service_name, 'region': region_id}, {'list': list, 'effective': effective, 'service': service_name, 'region': region_id}) AS place,
      arg_max(tags, {'start': last_start, 'tagged': tags <> '{}', 'tags': tags}) AS tags,
      min(first_start) AS first_start, max(last_end) AS last_end
    FROM (SELECT sub_account_id, native_id, service_name, region_id, bool_or(is_named_line) AS is_named_line,
        sum(list_cost) AS list, sum(effective_cost) AS effective, min(first_start) AS first_start, max(last_end) AS last_end,
        max(last_start) AS last_start, arg_max(tags, {'start': last_start, 'tagged': tags <> '{}', 'tags': tags}) AS tags
      FROM ${PERIOD_TABLE} GROUP BY ALL)
    GROUP BY ALL`;
  const rows = `
    SELECT sub_account_id, native_id, is_named_line, ${nameSql()} AS resource_name, ${resourceTypeSql()} AS resource_type,
      service_name, region_id, tags, ${instantText('first_start')} AS first_seen, ${instantText('last_end')} AS last_seen
    FROM (SELECT *, place.service AS service_name, place.region AS region_id FROM (${main}))
    ORDER BY sub_account_id, native_id`;
  const quoted = ['sub_account_id', 'native_id', 'resource_name', 'resource_type', 'service_name', 'region_id', 'tags'];
  return copySql(rows, path, quoted);
}

/** The Name tag, else what follows the last `/` or `:` of an ARN, else the id. */
function nameSql(): string {
  return `CASE WHEN starts_with(native_id, ${sqlText(NAMED_LINE_PREFIX)}) THEN rtrim(concat(split_part(native_id, ':', 2), ' ', split_part(native_id, ':', 3)))
    ELSE coalesce(nullif(json_extract_string(tags, '$.user_name'), ''),
      CASE WHEN starts_with(native_id, 'arn:') THEN nullif(regexp_extract(native_id, '[^/:]+$'), '') END, native_id) END`;
}

/** CSV with a header line of the column names; text is always quoted, so that empty text is not null to COPY. */
function copySql(select: string, path: string, quoted: string[]): string {
  return `COPY (${select}) TO ${sqlText(path)} (FORMAT csv, HEADER true, FORCE_QUOTE (${quoted.join(', ')}))`;
}
