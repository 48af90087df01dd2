import { join } from 'node:path';
import type { PeriodFile } from '../../../domain/billing/ports.ts';
import { sqlText } from '../../duckdb/duckdb-process.ts';
import type { DuckDbProcess } from '../../duckdb/duckdb-process.ts';
import { readCsvHeader, readHeader } from './csv-header.ts';
import type { FileSource } from './line-sql.ts';
import { badContent } from './read-errors.ts';
import { unpackCsv } from './unpack.ts';
import type { UnpackLimits } from './unpack.ts';

/** A file made ready: plain CSV or Parquet, and the path of the temporary copy, if there is one, to be removed. */
export interface OpenedFile {
  source: FileSource;
  /** The plain CSV; null for Parquet. */
  csvPath: string | null;
  temporaryPath: string | null;
}

/**
 * Verifies and unpacks a file, reads its header and binds its columns by name. Object keys never
 * become local names.
 */
export async function openFile(
  duckDb: DuckDbProcess,
  file: PeriodFile,
  workDirectory: string,
  limits: UnpackLimits,
  signal: AbortSignal,
): Promise<OpenedFile> {
  if (file.format === 'parquet') {
    return { source: await parquetSource(duckDb, file), csvPath: null, temporaryPath: null };
  }
  const csvPath = await unpackCsv(file, join(workDirectory, `part-${file.position}.csv`), limits, signal);
  return { source: await csvSource(file, csvPath), csvPath, temporaryPath: csvPath === file.path ? null : csvPath };
}

async function csvSource(file: PeriodFile, path: string): Promise<FileSource> {
  const header = readHeader(await readCsvHeader(path, file.key), file.key);
  const columns = header.names.map((_, index) => ({ name: `c${index}`, type: 'VARCHAR' }));
  const types = columns.map(({ name }) => `'${name}': 'VARCHAR'`).join(', ');
  const relation =
    `read_csv(${sqlText(path)}, auto_detect = false, header = true, columns = {${types}}, delim = ',', quote = '"', ` +
    `escape = '"', nullstr = '', strict_mode = true, null_padding = false, ignore_errors = false)`;
  return { key: file.key, position: file.position, relation, positions: header.positions, columns, warnings: header.warnings };
}

async function parquetSource(duckDb: DuckDbProcess, file: PeriodFile): Promise<FileSource> {
  const relation = `read_parquet(${sqlText(file.path)}, hive_partitioning = false)`;
  const described = await duckDb.run(`DESCRIBE SELECT * FROM ${relation}`).catch((cause: unknown) => {
    throw unreadableParquet(file.key, cause);
  });
  const names = described.map((row) => String(row['column_name']));
  const header = readHeader(names, file.key);
  const columns = described.map((row, index) => parquetColumn(names[index] ?? '', String(row['column_type'])));
  return { key: file.key, position: file.position, relation, positions: header.positions, columns, warnings: header.warnings };
}

function parquetColumn(name: string, type: string): { name: string; type: string } {
  const quoted = `"${name.replaceAll('"', '""')}"`;
  return { name: type === 'VARCHAR' ? `nullif(${quoted}, '')` : quoted, type };
}

/** A Parquet file that DuckDB refuses; anything else stays what it is. */
export function unreadableParquet(key: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || cause.name !== 'DuckDbError') return cause;
  return badContent('billing.parquet-damaged', { key }, 'the file is no readable Parquet', undefined, cause);
}
