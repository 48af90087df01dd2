import { rm } from 'node:fs/promises';
import type { LineItem, LineItemsRequest } from '../../../domain/billing/ports.ts';
import { sqlText } from '../../duckdb/duckdb-process.ts';
import type { DuckDbProcess } from '../../duckdb/duckdb-process.ts';
import type { DuckDbRow } from '../../duckdb/protocol.ts';
import { openFile } from './file-source.ts';
import { lineSql } from './line-sql.ts';
import type { FileSource } from './line-sql.ts';
import type { UnpackLimits } from './unpack.ts';

/**
 * One resource's lines in file and row order. A line that a savings plan covers appears on its resource
 * with billed cost 0 and on the plan's line with its billed cost alone, as in the sums.
 */
export async function readLineItems(duckDb: DuckDbProcess, limits: UnpackLimits, request: LineItemsRequest): Promise<LineItem[]> {
  const items: LineItem[] = [];
  let offset = request.offset;
  for (const file of request.files) {
    const opened = await openFile(duckDb, file, request.workDirectory, limits, request.signal);
    try {
      // A page is read more than once and stops early, so that it wants a file and no pipe.
      await opened.unpack();
      const wanted = request.limit - items.length;
      const found = await duckDb.run(pageSql(opened.source, request, offset, wanted));
      items.push(...found.map(lineItemOf));
      if (items.length >= request.limit) return items;
      offset = found.length > 0 || offset === 0 ? 0 : offset - (await countLines(duckDb, opened.source, request));
    } finally {
      if (opened.temporaryPath !== null) await rm(opened.temporaryPath, { force: true });
    }
  }
  return items;
}

async function countLines(duckDb: DuckDbProcess, source: FileSource, request: LineItemsRequest): Promise<number> {
  const [row] = await duckDb.run(`SELECT CAST(count(*) AS VARCHAR) AS lines FROM (${ownLinesSql(source, request)})`);
  return Number(row?.['lines']);
}

function ownLinesSql(source: FileSource, request: LineItemsRequest): string {
  const id = sqlText(request.nativeId);
  return `
    SELECT *, plan_line_id = ${id} AND native_id <> ${id} AS is_on_plan FROM (${lineSql(source, null, 'exact')})
    WHERE accountId = ${sqlText(request.accountId)} AND NOT is_split AND (native_id = ${id} OR plan_line_id = ${id})`;
}

function pageSql(source: FileSource, request: LineItemsRequest, offset: number, limit: number): string {
  const money = (column: string): string => `rtrim(rtrim(CAST(${column} AS VARCHAR), '0'), '.')`;
  const onPlan = (column: string): string => money(`CASE WHEN is_on_plan THEN 0 ELSE ${column} END`);
  const instant = (column: string): string => `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%gZ')`;
  return `
    SELECT ${instant('usageStart')} AS charge_period_start, ${instant('usageEnd')} AS charge_period_end, lineItemType,
      coalesce(description, '') AS description, coalesce(usageType, '') AS usage_type, coalesce(operation, '') AS operation,
      CASE WHEN quantity IS NOT NULL THEN ${onPlan('quantity')} END AS quantity, coalesce(pricingUnit, '') AS unit, currency,
      ${money('CASE WHEN is_on_plan OR plan_line_id IS NULL OR plan_line_id = native_id THEN unblendedCost ELSE 0 END')} AS billed_cost,
      ${onPlan('effective_cost')} AS effective_cost, ${onPlan('contracted_cost')} AS contracted_cost,
      ${onPlan('list_cost')} AS list_cost, coalesce(invoiceId, '') AS invoice_id
    FROM (${ownLinesSql(source, request)}) LIMIT ${limit} OFFSET ${offset}`;
}

function lineItemOf(row: DuckDbRow): LineItem {
  const text = (name: string): string => String(row[name]);
  return {
    chargePeriodStart: text('charge_period_start'),
    chargePeriodEnd: text('charge_period_end'),
    lineItemType: text('lineItemType'),
    description: text('description'),
    usageType: text('usage_type'),
    operation: text('operation'),
    consumedQuantity: row['quantity'] === null ? null : text('quantity'),
    consumedUnit: text('unit'),
    currency: text('currency'),
    billedCost: text('billed_cost'),
    effectiveCost: text('effective_cost'),
    contractedCost: text('contracted_cost'),
    listCost: text('list_cost'),
    invoiceId: text('invoice_id'),
  };
}
