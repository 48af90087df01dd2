import { statSync } from 'node:fs';
import { billOf, filesOf, onlyPeriod } from './bills.ts';
import type { Bill } from './bills.ts';
import type { PipelineInput } from './cases/pipeline.ts';
import { expectAbout, expectRows, expectSums, numberIn } from './checks.ts';
import type { BenchDatabases } from './database.ts';
import { runInterleaved } from './harness.ts';
import type { Case } from './harness.ts';
import type { BenchOptions, Say } from './options.ts';
import { caseTable, cpu, medianOf, peak, peakAboveIdle, ratio, wall } from './report.ts';
import type { Goal } from './report.ts';

const GUNZIP = 'gunzip of the CSV, drained';
const CSV = 'CSV.gz into PostgreSQL';
const FOUR_TIMES = 'the same CSV.gz four times';
const DUCKDB = 'DuckDB aggregates the parquet';
const PARQUET = 'parquet into PostgreSQL';

/** A million items, read and merged into an empty database. */
export async function benchReading(databases: BenchDatabases, options: BenchOptions, say: Say): Promise<Goal[]> {
  const size = options.quick ? { items: 30_000, resources: 500 } : { items: 1_000_000, resources: 5_000 };
  const bill = await billOf({ ...size, days: 7, dialects: ['cur-csv', 'cur2-parquet'] }, say);
  const csv = filesOf(bill, 'cur-csv', onlyPeriod(bill).billingPeriod);
  const parquet = filesOf(bill, 'cur2-parquet', onlyPeriod(bill).billingPeriod);
  const four = Array.from({ length: 4 }, (_, position) => ({ ...csv[0], position })) as typeof csv;
  const path = csv[0]?.path ?? '';
  const cases = [
    gunzipCase(path, bill), pipelineCase(databases, CSV, bill, csv), pipelineCase(databases, FOUR_TIMES, bill, four, { times: 4 }),
    // DuckDB alone has started, too, when its time begins.
    aggregateCase(bill, parquet[0]?.path ?? ''), pipelineCase(databases, PARQUET, bill, parquet, { readerStarted: true }),
  ];
  const results = await runInterleaved(cases, options.rounds, say);
  say(`\n${bill.truth.rows} items of ${bill.truth.resources} resources, ${bill.truth.resourceDays} resource-days; ` +
    `CSV.gz ${(statSync(path).size / 1e6).toFixed(0)} MB, parquet ${(statSync(parquet[0]?.path ?? '').size / 1e6).toFixed(0)} MB`);
  say(caseTable(results));
  const rate = bill.truth.rows / (medianOf(results, CSV, wall) / 1000);
  say(`CSV.gz: ${Math.round(rate)} items/s; ${ratio(results, CSV, GUNZIP, cpu).toFixed(2)} × the CPU of gunzip; ` +
    `parquet: ${ratio(results, PARQUET, DUCKDB, cpu).toFixed(2)} × the CPU of DuckDB alone (PostgreSQL's own is in none of these)`);
  const time = options.byCpu ? cpu : wall;
  return [
    { text: 'CSV.gz into PostgreSQL ÷ gunzip', measured: ratio(results, CSV, GUNZIP, time), is: 'at most', limit: 6, unit: '×' },
    { text: 'parquet into PostgreSQL ÷ DuckDB alone', measured: ratio(results, PARQUET, DUCKDB, time), is: 'at most', limit: 4, unit: '×' },
    { text: 'peak of worker and DuckDB, above idle (CSV.gz)', measured: medianOf(results, CSV, peakAboveIdle), is: 'at most', limit: 900, unit: 'MB' },
    // A worker without a reader is what is idle: here one had started.
    { text: 'peak of worker and DuckDB, above idle (parquet)', measured: medianOf(results, PARQUET, peak) - medianOf(results, CSV, ({ idleMb }) => idleMb), is: 'at most', limit: 900, unit: 'MB' },
    { text: 'peak of the same file four times ÷ once', measured: ratio(results, FOUR_TIMES, CSV, peak), is: 'at most', limit: 1.3, unit: '×' },
  ];
}

function gunzipCase(path: string, bill: Bill): Case {
  return {
    name: GUNZIP, module: 'gunzip.ts', input: () => ({ path }),
    // Every row has 150 columns: fewer bytes than that would not be the whole file.
    check: (output) => {
      if (numberIn(output, 'bytes') < bill.truth.rows * 150) throw new Error(`only ${String(output.bytes)} bytes came out`);
    },
  };
}

function aggregateCase(bill: Bill, path: string): Case {
  const [dollars] = Object.values(bill.truth.totals);
  return {
    name: DUCKDB, module: 'duckdb-aggregate.ts', input: () => ({ path }),
    check: (output) => {
      expectRows(output.rows, bill.truth.rows);
      expectAbout(output.billed, dollars?.billed ?? '');
    },
  };
}

function pipelineCase(databases: BenchDatabases, name: string, bill: Bill, files: PipelineInput['files'], { times = 1, readerStarted = false } = {}): Case {
  const database = `bench_${name.replaceAll(/[^a-z]+/gi, '_').toLowerCase()}`;
  return {
    name, module: 'pipeline.ts',
    input: async (): Promise<PipelineInput> => ({
      databaseUrl: await databases.create(database), billingPeriod: `${onlyPeriod(bill).billingPeriod}-01`, files,
      workDirectory: databases.directory, readerStarted,
    }),
    check: (output) => {
      expectRows(output.rows, bill.truth.rows * times);
      expectSums(output.sums, bill.truth.totals, times);
    },
    after: async () => await databases.drop(database),
  };
}
