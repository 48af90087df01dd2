import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  FileReading,
  PeriodReader,
  PeriodReading,
  ReadPeriodRequest,
} from '../../../domain/billing/ports.ts';
import type { TagKey } from '../../../domain/billing/tag-keys.ts';
import { DuckDbError, DuckDbProcess } from '../../duckdb/duckdb-process.ts';
import type { DuckDbRow } from '../../duckdb/protocol.ts';
import { EXACT_DECIMAL_MACROS } from './exact-decimal-sql.ts';
import { openFile } from './file-source.ts';
import type { OpenedFile } from './file-source.ts';
import { fileReadingOf } from './file-reading.ts';
import { readLineItems } from './line-items.ts';
import { locateProblem } from './locate-problem.ts';
import type { DecimalMode } from './exact-decimal-sql.ts';
import { FILE_TABLE, FILE_TOTALS_SQL, groupFileSql } from './file-groups.ts';
import { copyCostsSql, copyKindsSql, copyResourcesSql } from './period-files.ts';
import { addFileSql, COMPACT_PERIOD_TABLES_SQL, CREATE_PERIOD_TABLES_SQL, DROP_FILE_TABLES_SQL, WIDEN_PERIOD_TABLES_SQL } from './period-tables.ts';
import { readTags, TAG_MACROS } from './tag-sql.ts';
import { UNPACK_LIMITS } from './unpack.ts';
import type { UnpackLimits } from './unpack.ts';

export interface PeriodReaderOptions {
  /** DuckDB's memory limit; its process needs about 150 MB more. */
  memoryLimitMb: number;
  threads: number;
  unpackLimits: UnpackLimits;
}

const DEFAULTS: PeriodReaderOptions = { memoryLimitMb: 400, threads: 2, unpackLimits: UNPACK_LIMITS };

/**
 * The reader of AWS bills: each call runs its own DuckDB child, which ends with the call, with the signal and with this
 * process. What cannot be read exactly fails the whole period, naming file and line or column.
 */
export function createPeriodReader(options: Partial<PeriodReaderOptions> = {}): PeriodReader {
  const settings = { ...DEFAULTS, ...options };
  return {
    read: async (request) =>
      await withDuckDb(settings, request, async (duckDb, ready) => await readPeriod(duckDb, ready, settings, request)),
    readLineItems: async (request) =>
      await withDuckDb(settings, request, async (duckDb, ready) => {
        await ready;
        return await readLineItems(duckDb, settings.unpackLimits, request);
      }),
  };
}

/** Gives `work` a DuckDB that may be used as soon as `ready` resolves: a process takes its time to start. */
async function withDuckDb<Result>(
  settings: PeriodReaderOptions,
  request: { workDirectory: string; signal: AbortSignal },
  work: (duckDb: DuckDbProcess, ready: Promise<unknown>) => Promise<Result>,
): Promise<Result> {
  const temporaryDirectory = join(request.workDirectory, 'duckdb');
  await mkdir(temporaryDirectory, { recursive: true });
  await using duckDb = new DuckDbProcess({ ...settings, temporaryDirectory }, request.signal);
  const ready = duckDb.run(["SET TimeZone = 'UTC'", ...EXACT_DECIMAL_MACROS, ...TAG_MACROS, CREATE_PERIOD_TABLES_SQL].join(';\n'));
  // Whoever waits for it is told of its failure; it may come before anyone does.
  ready.catch(() => undefined);
  return await work(duckDb, ready);
}

/** What the files of a period add up to, beside the rows. */
interface Gathered {
  files: FileReading[];
  tagKeys: TagKey[];
  warnings: Set<string>;
  lacksInvoice: boolean;
  /** `exact` as soon as one file needed it. */
  mode: DecimalMode;
  rows: number;
  bytes: number;
}

async function readPeriod(
  duckDb: DuckDbProcess,
  ready: Promise<unknown>,
  settings: PeriodReaderOptions,
  request: ReadPeriodRequest,
): Promise<PeriodReading> {
  const gathered: Gathered = { files: [], tagKeys: [], warnings: new Set(), lacksInvoice: false, mode: 'short', rows: 0, bytes: 0 };
  for await (const file of request.files) {
    await ready;
    if (gathered.files.length > 0) await duckDb.run(DROP_FILE_TABLES_SQL);
    const opened = await openFile(duckDb, file, request.workDirectory, settings.unpackLimits, request.signal);
    try {
      await readFile(duckDb, opened, request, gathered);
    } finally {
      if (opened.temporaryPath !== null) await rm(opened.temporaryPath, { force: true });
    }
    request.onProgress({ filesDone: gathered.files.length, rows: gathered.rows, bytes: gathered.bytes });
  }
  await ready;
  return await writePeriod(duckDb, request, gathered);
}

async function readFile(duckDb: DuckDbProcess, opened: OpenedFile, request: ReadPeriodRequest, gathered: Gathered): Promise<void> {
  const { source } = opened;
  const totals = await groupFile(duckDb, opened, request, gathered);
  const tags = await readTags(duckDb, source, FILE_TABLE);
  await explained(duckDb, opened, request, async () => {
    await duckDb.run(addFileSql(source, request.takenAccounts));
    if (gathered.files.length > 0) await duckDb.run(COMPACT_PERIOD_TABLES_SQL);
  });
  const reading = fileReadingOf(source, totals, request.takenAccounts);
  gathered.files.push(reading.file);
  gathered.rows += reading.file.rows;
  gathered.lacksInvoice ||= totals.some((row) => row['lacks_invoice'] === true);
  for (const key of tags.keys) {
    if (!gathered.tagKeys.some((known) => known.normalisedKey === key.normalisedKey)) gathered.tagKeys.push(key);
  }
  for (const warning of [...source.warnings, ...tags.warnings, ...reading.warnings]) gathered.warnings.add(warning);
}

/** Groups a file, by short decimals where they are exact. When a line cannot be read exactly, a further pass names its place. */
async function groupFile(
  duckDb: DuckDbProcess,
  opened: OpenedFile,
  request: ReadPeriodRequest,
  gathered: Gathered,
): Promise<DuckDbRow[]> {
  for (const mode of ['short', 'exact'] as const) {
    await explained(duckDb, opened, request, async () => await opened.run(groupFileSql(opened.source, request.billingPeriod, mode)));
    const [flags] = await duckDb.run(
      `SELECT coalesce(bool_or(is_bad), false) AS is_bad, coalesce(bool_or(is_long), false) AS is_long FROM ${FILE_TABLE}`,
    );
    if (flags?.['is_long'] === true) continue;
    if (flags?.['is_bad'] === true) break;
    if (mode === 'exact') {
      await duckDb.run(WIDEN_PERIOD_TABLES_SQL);
      gathered.mode = mode;
    }
    return await duckDb.run(FILE_TOTALS_SQL);
  }
  await opened.unpack();
  throw await locateProblem(duckDb, opened, request.billingPeriod, request.signal, null);
}

/** Turns DuckDB's refusal of a file's content into an error that names the place. */
async function explained<Result>(
  duckDb: DuckDbProcess,
  opened: OpenedFile,
  request: ReadPeriodRequest,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DuckDbError)) throw error;
    await opened.unpack();
    throw await locateProblem(duckDb, opened, request.billingPeriod, request.signal, error);
  }
}

async function writePeriod(duckDb: DuckDbProcess, request: ReadPeriodRequest, gathered: Gathered): Promise<PeriodReading> {
  const costsPath = join(request.workDirectory, 'costs.csv');
  const kindsPath = join(request.workDirectory, 'kinds.csv');
  const resourcesPath = join(request.workDirectory, 'resources.csv');
  const [costs] = await duckDb.run(copyCostsSql(costsPath, gathered.mode));
  const [kinds] = await duckDb.run(copyKindsSql(kindsPath));
  const [resources] = await duckDb.run(copyResourcesSql(resourcesPath));
  return {
    costsPath,
    costRows: Number(costs?.['Count']),
    kindsPath,
    kindRows: Number(kinds?.['Count']),
    resourcesPath,
    resourceRows: Number(resources?.['Count']),
    files: gathered.files,
    tagKeys: gathered.tagKeys.toSorted((a, b) => (a.normalisedKey < b.normalisedKey ? -1 : 1)),
    isFinal: gathered.rows > 0 && !gathered.lacksInvoice,
    warnings: [...gathered.warnings],
  };
}

