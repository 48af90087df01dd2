import { NAMED_LINE_PREFIX } from '../../../domain/billing/named-lines.ts';
import { sqlText } from '../../duckdb/duckdb-process.ts';
import { resourceTypeSql } from './cost-sql.ts';
import type { DecimalMode } from './exact-decimal-sql.ts';
import { AMOUNTS, COSTS, KIND, KINDS, LATEST_TAGS_SQL, PLACES, RESOURCES } from './period-tables.ts';

/**
 * Plain decimal text of a sum: no exponent, no trailing zeros. Sums of short amounts that fit into 64 bits are made
 * text many times quicker that way; in exact mode that cast would round.
 */
function plainSql(sum: string, mode: DecimalMode): string {
  const text = mode === 'exact' ? `CAST(${sum} AS VARCHAR)` : `coalesce(CAST(TRY_CAST(${sum} AS DECIMAL(18,10)) AS VARCHAR), CAST(${sum} AS VARCHAR))`;
  return `rtrim(rtrim(${text}, '0'), '.')`;
}

function instantText(column: string): string {
  return `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%gZ')`;
}

/** The rows of `COST_COLUMNS`, in a fixed order; `mode` is the widest that a file was read in. */
export function copyCostsSql(path: string, mode: DecimalMode): string {
  const amounts = AMOUNTS.map((column) => `${plainSql(`sum(${column})`, mode)} AS ${column === 'quantity' ? 'consumed_quantity' : column}`);
  const keys = 'resource_number, kind_number, charge_date';
  return copySql(`SELECT ${keys}, ${amounts.join(', ')} FROM ${COSTS} GROUP BY ${keys} ORDER BY resource_number, charge_date, kind_number`, path, []);
}

/** The rows of `KIND_COLUMNS`, by number. */
export function copyKindsSql(path: string): string {
  return copySql(`SELECT kind_number, ${KIND.join(', ')} FROM ${KINDS} ORDER BY kind_number`, path, KIND);
}

/** The rows of `RESOURCE_COLUMNS`, by number. */
export function copyResourcesSql(path: string): string {
  const main = `
    SELECT resource_number, bool_or(is_named_line) AS is_named_line,
      arg_max({'service': service_name, 'region': region_id}, {'list': list_cost, 'effective': effective_cost, 'service': service_name, 'region': region_id}) AS place,
      ${LATEST_TAGS_SQL} AS tags, min(first_start) AS first_start, max(last_end) AS last_end
    FROM (SELECT resource_number, service_name, region_id, bool_or(is_named_line) AS is_named_line,
        sum(list_cost) AS list_cost, sum(effective_cost) AS effective_cost, min(first_start) AS first_start, max(last_end) AS last_end,
        max(last_start) AS last_start, ${LATEST_TAGS_SQL} AS tags
      FROM ${PLACES} GROUP BY ALL)
    GROUP BY resource_number`;
  const rows = `
    SELECT resource_number, sub_account_id, native_id, is_named_line, ${nameSql()} AS resource_name, ${resourceTypeSql()} AS resource_type,
      service_name, region_id, tags, ${instantText('first_start')} AS first_seen, ${instantText('last_end')} AS last_seen
    FROM (SELECT *, place.service AS service_name, place.region AS region_id FROM (${main})) JOIN ${RESOURCES} USING (resource_number)
    ORDER BY resource_number`;
  return copySql(rows, path, ['sub_account_id', 'native_id', 'resource_name', 'resource_type', 'service_name', 'region_id', 'tags']);
}

/** The Name tag, else what follows the last `/` or `:` of an ARN, else the id. */
function nameSql(): string {
  return `CASE WHEN starts_with(native_id, ${sqlText(NAMED_LINE_PREFIX)}) THEN rtrim(concat(split_part(native_id, ':', 2), ' ', split_part(native_id, ':', 3)))
    ELSE coalesce(nullif(json_extract_string(tags, '$.user_name'), ''),
      CASE WHEN starts_with(native_id, 'arn:') THEN nullif(regexp_extract(native_id, '[^/:]+$'), '') END, native_id) END`;
}

/** CSV with a header line of the column names; text is always quoted, so that empty text is not null to COPY. */
function copySql(select: string, path: string, quoted: readonly string[]): string {
  const force = quoted.length === 0 ? '' : `, FORCE_QUOTE (${quoted.join(', ')})`;
  return `COPY (${select}) TO ${sqlText(path)} (FORMAT csv, HEADER true${force})`;
}
