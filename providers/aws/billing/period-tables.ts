import { sqlText } from '../../duckdb/duckdb-process.ts';
import { CATEGORY_SQL, CLASS_SQL } from './cost-sql.ts';
import { AMOUNT_TYPES } from './exact-decimal-sql.ts';
import { FILE_TABLE } from './file-groups.ts';
import type { FileSource } from './line-sql.ts';
import { tagGroupColumns, TAGS_TABLE, tagsJoinSql } from './tag-sql.ts';

/**
 * The tables of a period, over all files. Resources and kinds of charge are numbered as files bring them, those of one
 * file in the order of their names, so that the many rows of costs hold numbers instead of long names.
 */
export const RESOURCES = 'period_resources';
export const KINDS = 'period_kinds';
export const COSTS = 'period_costs';
/** What files say of a resource in each service and region. */
export const PLACES = 'period_places';

export const AMOUNTS = ['quantity', 'billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'] as const;
const PLACE_AMOUNTS = ['list_cost', 'effective_cost'] as const;
export const KIND = ['charge_category', 'charge_class', 'service_name', 'region_id', 'consumed_unit', 'billing_currency'] as const;

const typed = (columns: readonly string[], type: string): string => columns.map((column) => `${column} ${type}`).join(', ');
const sums = (columns: readonly string[]): string => columns.map((column) => `sum(${column}) AS ${column}`).join(', ');

/** Makes the period's tables, for files whose amounts are short. */
export const CREATE_PERIOD_TABLES_SQL = `
  CREATE TEMP TABLE ${RESOURCES} (resource_number INTEGER, sub_account_id VARCHAR, native_id VARCHAR);
  CREATE TEMP TABLE ${KINDS} (kind_number INTEGER, ${typed(KIND, 'VARCHAR')});
  CREATE TEMP TABLE ${COSTS} (resource_number INTEGER, kind_number INTEGER, charge_date DATE, ${typed(AMOUNTS, AMOUNT_TYPES.short.sum)});
  CREATE TEMP TABLE ${PLACES} (resource_number INTEGER, service_name VARCHAR, region_id VARCHAR, is_named_line BOOLEAN,
    ${typed(PLACE_AMOUNTS, AMOUNT_TYPES.short.sum)}, ${typed(['first_start', 'last_start', 'last_end'], 'TIMESTAMP')}, tags VARCHAR)`;

/** Makes room in the period's tables for amounts of 24 fractional digits. May be repeated. */
export const WIDEN_PERIOD_TABLES_SQL = [
  ...AMOUNTS.map((column) => `ALTER TABLE ${COSTS} ALTER COLUMN ${column} TYPE ${AMOUNT_TYPES.exact.sum}`),
  ...PLACE_AMOUNTS.map((column) => `ALTER TABLE ${PLACES} ALTER COLUMN ${column} TYPE ${AMOUNT_TYPES.exact.sum}`),
].join(';\n');

const COSTS_BY_DAY = `SELECT resource_number, kind_number, charge_date, ${sums(AMOUNTS)} FROM ${COSTS} GROUP BY resource_number, kind_number, charge_date`;

/** Of lines that begin together, one with tags goes before one without. */
export const LATEST_TAGS_SQL = `arg_max(tags, {'start': last_start, 'tagged': tags <> '{}', 'tags': tags})`;

function placesSql(from: string): string {
  return `SELECT resource_number, service_name, region_id, bool_or(is_named_line) AS is_named_line, ${sums(PLACE_AMOUNTS)},
    min(first_start) AS first_start, max(last_start) AS last_start, max(last_end) AS last_end, ${LATEST_TAGS_SQL} AS tags
    FROM ${from} GROUP BY resource_number, service_name, region_id`;
}

/** Drops what only one file needed, to make room for the next. */
export const DROP_FILE_TABLES_SQL = `DROP TABLE ${FILE_TABLE}; DROP TABLE ${TAGS_TABLE}`;

/** Adds up rows of the period's tables that several files share. */
export const COMPACT_PERIOD_TABLES_SQL = `
  CREATE TEMP TABLE compacted_costs AS ${COSTS_BY_DAY};
  DROP TABLE ${COSTS};
  ALTER TABLE compacted_costs RENAME TO ${COSTS};
  CREATE TEMP TABLE compacted_places AS ${placesSql(PLACES)};
  DROP TABLE ${PLACES};
  ALTER TABLE compacted_places RENAME TO ${PLACES}`;

const FILE_KIND = ['rule', 'service_name', 'region_id', 'pricingUnit', 'currency'] as const;
const FILE_KINDS = 'file_kinds';

/** Adds a file's lines to the period's tables, and for lines that a plan covers their billed cost on the plan's own line. */
export function addFileSql(source: FileSource, takenAccounts: 'all' | string[]): string {
  const tagColumns = tagGroupColumns(source);
  const lines = linesSql(takenAccounts, tagColumns);
  const sameResource = 'r.sub_account_id = l.accountId AND r.native_id = l.native_id';
  const sameKind = FILE_KIND.map((column) => `k.${column} ${column === 'pricingUnit' ? 'IS NOT DISTINCT FROM' : '='} l.${column}`);
  return `
    INSERT INTO ${RESOURCES}
      SELECT ${nextNumberSql(RESOURCES, 'accountId, native_id')}, accountId, native_id FROM (SELECT DISTINCT accountId, native_id FROM (${lines})) l
      WHERE NOT EXISTS (FROM ${RESOURCES} r WHERE ${sameResource});
    ${addKindsSql(lines)};
    INSERT INTO ${COSTS}
      SELECT r.resource_number, k.kind_number, l.charge_date, ${AMOUNTS.map((column) => `l.${column}`).join(', ')}
      FROM (${lines}) l JOIN ${RESOURCES} r ON ${sameResource} JOIN ${FILE_KINDS} k ON ${sameKind.join(' AND ')};
    CREATE OR REPLACE TEMP TABLE file_places AS
      SELECT ${['accountId', 'native_id', 'service_name', 'region_id', 'is_named_line', ...tagColumns].join(', ')}, ${sums(PLACE_AMOUNTS)},
        min(first_start) AS first_start, max(last_start) AS last_start, max(last_end) AS last_end FROM (${lines}) GROUP BY ALL;
    INSERT INTO ${PLACES} ${placesSql(`(
      SELECT r.resource_number, l.*, CASE WHEN l.is_named_line THEN '{}' ELSE ${TAGS_TABLE}.tags END AS tags
      FROM file_places l JOIN ${RESOURCES} r ON ${sameResource} LEFT JOIN ${TAGS_TABLE} ON ${tagsJoinSql(source, 'l')})`)}`;
}

/** A file's groups and the plans' lines beside them, as far as their accounts are taken. */
function linesSql(takenAccounts: 'all' | string[], tagColumns: string[]): string {
  const accounts = takenAccounts === 'all' ? '' : ` AND accountId IN (${takenAccounts.map(sqlText).join(', ') || 'NULL'})`;
  const shared = [...FILE_KIND, 'accountId', 'charge_date', 'first_start', 'last_start', 'last_end'].join(', ');
  const untagged = tagColumns.map((column) => `, NULL AS ${column}`).join('');
  return `
    SELECT ${shared}, native_id, is_named_line, coalesce(quantity, 0) AS quantity, CASE WHEN plan_line_id IS NULL THEN billed_cost ELSE 0 END AS billed_cost,
      effective_cost, contracted_cost, list_cost${tagColumns.map((column) => `, ${column}`).join('')}
    FROM ${FILE_TABLE} WHERE NOT is_split${accounts}
    UNION ALL
    SELECT ${shared}, plan_line_id, true, 0, billed_cost, 0, 0, 0${untagged} FROM ${FILE_TABLE} WHERE NOT is_split${accounts} AND plan_line_id IS NOT NULL`;
}

/** Numbers the kinds of charge that no file before had; `FILE_KINDS` finds the number of a line's. */
function addKindsSql(lines: string): string {
  const kind = [CATEGORY_SQL, CLASS_SQL, 'service_name', 'region_id', `coalesce(pricingUnit, '')`, 'currency'];
  const named = kind.map((sql, index) => `${sql} AS ${KIND[index]}`).join(', ');
  const same = kind.map((sql, index) => `k.${KIND[index]} = ${sql.replaceAll(/\b(service_name|region_id)\b/g, 'l.$1')}`).join(' AND ');
  return `
    CREATE OR REPLACE TEMP TABLE file_kinds_found AS SELECT DISTINCT ${FILE_KIND.join(', ')} FROM (${lines});
    INSERT INTO ${KINDS} SELECT ${nextNumberSql(KINDS, KIND.join(', '))}, * FROM (SELECT DISTINCT ${named} FROM file_kinds_found l) l
      WHERE NOT EXISTS (FROM ${KINDS} k WHERE ${KIND.map((column) => `k.${column} = l.${column}`).join(' AND ')});
    CREATE OR REPLACE TEMP TABLE ${FILE_KINDS} AS SELECT l.*, k.kind_number FROM file_kinds_found l JOIN ${KINDS} k ON ${same}`;
}

function nextNumberSql(table: string, order: string): string {
  return `(SELECT count(*) FROM ${table}) + row_number() OVER (ORDER BY ${order})`;
}
