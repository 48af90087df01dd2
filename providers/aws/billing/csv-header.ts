import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { bindColumns, columnName, missingColumn, REQUIRED_COLUMNS } from '../../../domain/billing/bill-columns.ts';
import type { BillColumn, ColumnPositions } from '../../../domain/billing/bill-columns.ts';
import { badContent } from './read-errors.ts';

/** A header of a report with thousands of tag columns is below this. */
const HEADER_LIMIT_BYTES = 4_000_000;

/** What the header of one file says. */
export interface FileHeader {
  names: string[];
  positions: ColumnPositions;
  warnings: string[];
}

/** Columns whose repetition would make a sum ambiguous. */
const UNREPEATABLE: ReadonlySet<BillColumn> = new Set<BillColumn>([...REQUIRED_COLUMNS, 'usageAmount', 'netUnblendedCost']);

/**
 * Reads the first record of a CSV file, plain or packed with gzip, as names.
 * @throws DomainError `billing.header-unreadable`
 */
export async function readCsvHeader(path: string, key: string, isGzip: boolean): Promise<string[]> {
  const source = createReadStream(path, { end: HEADER_LIMIT_BYTES - 1 });
  const parser = parse({ bom: true, to: 1, relax_column_count: true, max_record_size: HEADER_LIMIT_BYTES });
  // Whatever fails ends the parser, whose reader below is told.
  pipeline([source, ...(isGzip ? [createGunzip()] : []), parser], () => source.destroy());
  try {
    for await (const record of parser) return record as string[];
  } catch (cause) {
    throw badContent('billing.header-unreadable', { key, line: 1 }, 'the header is not CSV', undefined, cause);
  }
  throw badContent('billing.header-unreadable', { key }, 'the file is empty, without even a header');
}

/**
 * Binds a file's columns.
 * @throws DomainError `billing.column-missing` naming the column, `billing.column-repeated`
 */
export function readHeader(names: string[], key: string): FileHeader {
  const positions = bindColumns(names);
  const missing = missingColumn(positions);
  if (missing !== null) {
    throw badContent(
      'billing.column-missing',
      { key, column: columnName(missing, positions.style) },
      'the column is missing, and the bill cannot be read without it',
      'Export all columns under their own names, without filters.',
    );
  }
  const warnings: string[] = [];
  for (const column of positions.repeated) {
    const name = columnName(column, positions.style);
    if (UNREPEATABLE.has(column)) {
      throw badContent('billing.column-repeated', { key, column: name }, 'the column is given twice, so its values are ambiguous');
    }
    warnings.push(`${key} has the column ${name} twice; the first is read.`);
  }
  if (positions.fixed.resourceId === undefined) {
    warnings.push(`${key} has no resource ids: its costs stand on one line per account, type and product.`);
  }
  return { names, positions, warnings };
}
