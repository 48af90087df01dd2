import { BILL_COLUMNS, columnName } from '../../../domain/billing/bill-columns.ts';
import type { BillColumn } from '../../../domain/billing/bill-columns.ts';
import { periodOfStamp } from '../../../domain/billing/billing-period.ts';
import { AMOUNT_COLUMNS } from '../../../domain/billing/cost-rules.ts';
import { plainDecimal } from '../../../domain/billing/decimal-text.ts';
import { COST_SCALE } from '../../../domain/billing/period-columns.ts';
import type { DomainError } from '../../../domain/shared/errors.ts';
import type { CalendarDate } from '../../../domain/shared/time.ts';
import { sqlText } from '../../duckdb/duckdb-process.ts';
import type { DuckDbError, DuckDbProcess } from '../../duckdb/duckdb-process.ts';
import { scanCsv } from './csv-scan.ts';
import type { CsvRecord } from './csv-scan.ts';
import type { OpenedFile } from './file-source.ts';
import { unreadableParquet } from './file-source.ts';
import type { FileSource } from './line-sql.ts';
import { columnOf } from './line-sql.ts';
import { badContent, excerpt } from './read-errors.ts';
import type { FilePlace } from './read-errors.ts';

const NUMBERS: readonly BillColumn[] = [...AMOUNT_COLUMNS, 'usageAmount'];
const NEVER_BLANK: readonly BillColumn[] = ['accountId', 'lineItemType', 'currency', 'unblendedCost'];
const UTC_TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/;

/**
 * Finds what DuckDB could not read exactly and says where it is: a second, slower pass that happens only when
 * the first one failed. Always gives an error.
 */
export async function locateProblem(
  duckDb: DuckDbProcess,
  { source, csvPath }: OpenedFile,
  period: CalendarDate,
  signal: AbortSignal,
  refusal: DuckDbError | null,
): Promise<unknown> {
  const located = csvPath === null ? await inParquet(duckDb, source, period, refusal) : await inCsv(csvPath, source, period, signal);
  if (located !== null) return located;
  if (refusal === null) return badContent('billing.file-unreadable', { key: source.key }, 'a line cannot be read exactly');
  if (/overflow/i.test(refusal.message)) {
    return badContent('billing.too-many-digits', { key: source.key }, 'the sum of an amount has more than 14 digits before the point', undefined, refusal);
  }
  const line = /CSV Error on Line: (\d+)/.exec(refusal.message)?.[1];
  const place = { key: source.key, ...(line !== undefined && { line: Number(line) }) };
  const [what] = refusal.message.split('\n');
  return badContent('billing.csv-malformed', place, `the file is not CSV as RFC 4180 has it (${what ?? ''})`, undefined, refusal);
}

async function inCsv(path: string, source: FileSource, period: CalendarDate, signal: AbortSignal): Promise<DomainError | null> {
  let isHeader = true;
  for await (const record of scanCsv(path, signal)) {
    const problem = isHeader ? null : recordProblem(source, record, period);
    if (problem !== null) return problem;
    isHeader = false;
  }
  return null;
}

const DEFECTS = {
  'unclosed-quote': 'a quoted field is not closed',
  'text-after-quote': 'text follows the closing quote of a field',
  'not-utf-8': 'the text is not UTF-8',
} as const;

function recordProblem(source: FileSource, { line, fields, defect }: CsvRecord, period: CalendarDate): DomainError | null {
  const place = { key: source.key, line };
  if (defect !== null) return badContent('billing.csv-malformed', place, DEFECTS[defect]);
  const expected = source.columns.length;
  if (fields.length !== expected) {
    return badContent('billing.column-count', place, `the line has ${fields.length} fields, and the header ${expected}`);
  }
  const unnamed = source.positions.unnamed.find((index) => fields[index] !== '');
  if (unnamed !== undefined) {
    return badContent('billing.column-unnamed', { ...place, column: String(unnamed + 1) }, 'the header has no name for this column, but it holds values');
  }
  return valueProblem(source, place, period, (column) => fields[source.positions.fixed[column] ?? -1] ?? null);
}

/** The first value of a line that cannot be kept. */
function valueProblem(
  source: FileSource,
  place: FilePlace,
  period: CalendarDate,
  valueOf: (column: BillColumn) => string | null,
): DomainError | null {
  for (const column of Object.keys(BILL_COLUMNS) as BillColumn[]) {
    if (source.positions.fixed[column] === undefined) continue;
    const found = problemOf(column, valueOf(column) ?? '', period);
    if (found === null) continue;
    const [code, problem, remedy] = found;
    return badContent(code, { ...place, column: columnName(column, source.positions.style) }, problem, remedy);
  }
  return null;
}

function problemOf(column: BillColumn, value: string, period: CalendarDate): [string, string, string?] | null {
  if (NEVER_BLANK.includes(column) && value === '') return ['billing.value-missing', 'the value is missing'];
  if (NUMBERS.includes(column) && value !== '') return numberProblem(value);
  if (column === 'usageStart' || column === 'usageEnd') {
    const isInstant = UTC_TIME.test(value) && !Number.isNaN(Date.parse(value.replace(' ', 'T')));
    return isInstant ? null : ['billing.not-an-instant', `${excerpt(value)} is not an instant in UTC such as 2026-03-01T00:00:00Z`];
  }
  if (column === 'periodStart' && periodOfStamp(value) !== period) {
    return [
      'billing.other-period',
      `the line is of the billing period ${excerpt(value)}, and the file is read as ${period}`,
      'A file holds one billing period: split it by month, each month in its own folder.',
    ];
  }
  return null;
}

function numberProblem(value: string): [string, string] | null {
  const read = plainDecimal(value, COST_SCALE);
  if ('value' in read) return null;
  return read.problem === 'not-a-number'
    ? ['billing.not-a-number', `${excerpt(value)} is not a number`]
    : ['billing.too-many-digits', `${excerpt(value)} has more than 14 digits before or ${COST_SCALE} after the point, and is never rounded`];
}

async function inParquet(
  duckDb: DuckDbProcess,
  source: FileSource,
  period: CalendarDate,
  refusal: DuckDbError | null,
): Promise<unknown> {
  if (refusal !== null && !/overflow/i.test(refusal.message)) return unreadableParquet(source.key, refusal);
  const columns = (Object.keys(BILL_COLUMNS) as BillColumn[]).filter((column) => columnOf(source, column) !== null);
  const texts = columns.map((column) => `${parquetText(source, column)} AS ${column}`).join(', ');
  const tests = columns.map((column) => `(${parquetTest(source, column, period)})`).join(' OR ');
  const relation = source.relation.replace(/\)$/, ', file_row_number = true)');
  const [row] = await duckDb.run(
    `SELECT file_row_number + 1 AS row, ${texts} FROM ${relation} WHERE ${tests} ORDER BY file_row_number LIMIT 1`,
  );
  if (row === undefined) return null;
  const text = (column: BillColumn): string | null => (typeof row[column] === 'string' ? row[column] : null);
  return valueProblem(source, { key: source.key, row: Number(row['row']) }, period, text);
}

function parquetText(source: FileSource, column: BillColumn): string {
  const found = columnOf(source, column);
  const name = found?.name ?? 'NULL';
  const isTime = found?.type.startsWith('TIMESTAMP') ?? false;
  return isTime ? `strftime(CAST(${name} AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%fZ')` : `CAST(${name} AS VARCHAR)`;
}

function parquetTest(source: FileSource, column: BillColumn, period: CalendarDate): string {
  const text = parquetText(source, column);
  if (NUMBERS.includes(column)) {
    const blank = column === 'unblendedCost' ? `${text} IS NULL OR ` : '';
    return `${blank}(${text} IS NOT NULL AND exact_decimal(${text}) IS NULL)`;
  }
  if (NEVER_BLANK.includes(column)) return `coalesce(${text}, '') = ''`;
  if (column === 'usageStart' || column === 'usageEnd') return `NOT coalesce(ends_with(${text}, 'Z'), false) OR TRY_CAST(${text} AS TIMESTAMP) IS NULL`;
  return column === 'periodStart' ? `NOT coalesce(starts_with(${text}, ${sqlText(period)}), false)` : 'false';
}
