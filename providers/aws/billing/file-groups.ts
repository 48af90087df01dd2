import { IS_UNKNOWN_RULE_SQL } from './cost-sql.ts';
import { lineSql } from './line-sql.ts';
import type { DecimalMode } from './exact-decimal-sql.ts';
import type { FileSource } from './line-sql.ts';
import { tagGroupColumns } from './tag-sql.ts';
import type { CalendarDate } from '../../../domain/shared/time.ts';

/** The table that holds one file's groups until they are added to the period's tables. */
export const FILE_TABLE = 'file_groups';

const KEYS = [
  'accountId', 'native_id', 'is_named_line', 'plan_line_id', 'CAST(usageStart AS DATE) AS charge_date', 'rule', 'is_split',
  'service_name', 'region_id', 'pricingUnit', 'currency',
] as const;

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
