import { join } from 'node:path';
import type { PeriodFile } from '../../../domain/billing/ports.ts';
import { sqlText } from '../../duckdb/duckdb-process.ts';
import type { DuckDbProcess } from '../../duckdb/duckdb-process.ts';
import type { DuckDbRow } from '../../duckdb/protocol.ts';
import { readCsvHeader, readHeader } from './csv-header.ts';
import { LARGE_DOUBLE } from './exact-decimal-sql.ts';
import type { FileSource, SourceColumn } from './line-sql.ts';
import { hasPipes, runOverPipe } from './piped-csv.ts';
import { badContent } from './read-errors.ts';
import { unpackCsv } from './unpack.ts';
import type { UnpackLimits } from './unpack.ts';

/** A file made ready to be read. Whoever opened it removes `temporaryPath`, if there is one, which need not exist. */
export interface OpenedFile {
  source: FileSource;
  /** Where the plain CSV lies, once `unpack` was called; null for Parquet. */
  csvPath: string | null;
  temporaryPath: string | null;
  /** Verifies a packed file and lays its plain content at `csvPath`, once. */
  unpack(): Promise<void>;
  /** Runs statements over `source`, which may be unpacked while they run, and verifies it. */
  run(sql: string): Promise<DuckDbRow[]>;
}

/**
 * Reads a file's header and binds its columns by name. Object keys never become local names.
 * @throws DomainError of `unpackCsv` and of `readHeader`
 */
export async function openFile(
  duckDb: DuckDbProcess,
  file: PeriodFile,
  workDirectory: string,
  limits: UnpackLimits,
  signal: AbortSignal,
): Promise<OpenedFile> {
  const run = async (sql: string): Promise<DuckDbRow[]> => await duckDb.run(sql);
  if (file.format === 'parquet') {
    return { source: await parquetSource(duckDb, file), csvPath: null, temporaryPath: null, unpack: async () => {}, run };
  }
  const target = join(workDirectory, `part-${file.position}.csv`);
  let unpacked: Promise<string> | null = null;
  const unpack = async (): Promise<string> => await (unpacked ??= unpackCsv(file, target, limits, signal));
  if (file.format === 'csv.gz' && hasPipes) {
    const names = await readCsvHeader(file.path, file.key, true).catch(async (error: unknown) => {
      // A damaged file is told as that, and not by what its damage does to the header.
      await unpack();
      throw error;
    });
    const source = csvSource(file, target, names);
    const piped = async (sql: string): Promise<DuckDbRow[]> =>
      unpacked === null ? await runOverPipe(duckDb, sql, file, target, limits, signal) : await duckDb.run(sql);
    return { source, csvPath: target, temporaryPath: target, unpack: async () => void (await unpack()), run: piped };
  }
  const csvPath = await unpack();
  const source = csvSource(file, csvPath, await readCsvHeader(csvPath, file.key, false));
  return { source, csvPath, temporaryPath: csvPath === file.path ? null : csvPath, unpack: async () => {}, run };
}

function csvSource(file: PeriodFile, path: string, names: string[]): FileSource {
  const header = readHeader(names, file.key);
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
  const small = await smallColumns(duckDb, file.path);
  const columns = described.map((row, index) => parquetColumn(names[index] ?? '', String(row['column_type']), small));
  return { key: file.key, position: file.position, relation, positions: header.positions, columns, warnings: header.warnings };
}

function parquetColumn(name: string, type: string, small: Set<string>): SourceColumn {
  const quoted = `"${name.replaceAll('"', '""')}"`;
  return { name: type === 'VARCHAR' ? `nullif(${quoted}, '')` : quoted, type, isSmall: small.has(name) };
}

/** Columns of doubles that are small by the statistics of every row group that has a value of them. */
async function smallColumns(duckDb: DuckDbProcess, path: string): Promise<Set<string>> {
  const bound = (column: string): string => `abs(coalesce(TRY_CAST(${column} AS DOUBLE), 'infinity'))`;
  const found = await duckDb.run(`
    SELECT path_in_schema AS name FROM parquet_metadata(${sqlText(path)}) WHERE type = 'DOUBLE' GROUP BY ALL
    HAVING bool_and(stats_null_count = num_values OR (${bound('stats_min_value')} < ${LARGE_DOUBLE} AND ${bound('stats_max_value')} < ${LARGE_DOUBLE}))`);
  return new Set(found.map((row) => String(row['name'])));
}

/** A Parquet file that DuckDB refuses; anything else stays what it is. */
export function unreadableParquet(key: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || cause.name !== 'DuckDbError') return cause;
  return badContent('billing.parquet-damaged', { key }, 'the file is no readable Parquet', undefined, cause);
}
