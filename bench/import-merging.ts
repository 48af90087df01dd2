import { join } from 'node:path';
import { connect } from '../db/shared/connection.ts';
import { billOf, onlyPeriod } from './bills.ts';
import type { Bill } from './bills.ts';
import { mergeReading } from './cases/merge.ts';
import type { ReplacePeriodInput } from './cases/replace-period.ts';
import { createTenant } from './cases/tenant.ts';
import { expectRows, expectSums, numberIn } from './checks.ts';
import type { BenchDatabases } from './database.ts';
import { runInterleaved } from './harness.ts';
import type { Case } from './harness.ts';
import type { BenchOptions, Say } from './options.ts';
import { readMonth } from './readings.ts';
import type { SavedReading } from './readings.ts';
import { caseTable, cpu, median, measurementsOf, ratio, wall } from './report.ts';
import type { Goal } from './report.ts';

const COPY = 'plain COPY of the daily rows';
const CHANGED = 'merge, a tenth of the rows changed';
const UNCHANGED = 'merge, nothing changed';

interface Version extends SavedReading {
  bill: Bill;
}

/** A month of a million daily rows, merged over itself: once with a tenth of the prices corrected, once unchanged. */
export async function benchMerging(databases: BenchDatabases, options: BenchOptions, say: Say): Promise<Goal[]> {
  const versions = [await versionOf(databases, 0, options, say), await versionOf(databases, 1, options, say)] as const;
  const [first] = versions;
  const corrected = await filledDatabase(databases, 'bench_corrected', first);
  const repeated = await filledDatabase(databases, 'bench_repeated', first);
  const copyCase: Case = {
    name: COPY, module: 'copy.ts', input: () => ({ databaseUrl: repeated, path: first.dailyPath }),
    check: (output) => expectRows(output.rows, first.reading.costRows),
  };
  const results = await runInterleaved([copyCase, changedCase(corrected, versions), unchangedCase(repeated, first)], options.rounds, say);
  await databases.drop('bench_corrected');
  await databases.drop('bench_repeated');
  say(`\n${first.reading.costRows} daily rows of ${first.reading.resourceRows} resources in one month`);
  say(caseTable(results));
  const megabytes = (name: string): string => (median(measurementsOf(results, name).map(({ output }) => numberIn(output, 'walBytes'))) / 1e6).toFixed(1);
  say(`WAL: ${megabytes(CHANGED)} MB with changes, ${megabytes(UNCHANGED)} MB without; ` +
    `unchanged: ${ratio(results, COPY, UNCHANGED, wall).toFixed(2)} of COPY's rows/s`);
  // The work is PostgreSQL's, whose CPU the cases do not see: only wall tells.
  const written = Math.max(...measurementsOf(results, UNCHANGED).map(({ output }) => numberIn(output, 'rowsWritten')));
  say(`the client's CPU beside COPY's: ${ratio(results, CHANGED, COPY, cpu).toFixed(2)} ×`);
  return [
    { text: 'rows/s with a tenth changed ÷ rows/s of COPY', measured: ratio(results, COPY, CHANGED, wall), is: 'at least', limit: 0.25, unit: '×' },
    { text: 'rows written by an unchanged re-import', measured: written, is: 'at most', limit: 0, unit: 'rows' },
  ];
}

async function versionOf(databases: BenchDatabases, version: number, options: BenchOptions, say: Say): Promise<Version> {
  const days = 30;
  const resources = options.quick ? 700 : 33_500;
  const bill = await billOf({
    items: resources * days, resources, days, firstDay: '2026-04-01', granularity: 'daily', correction: { version, share: 0.1 },
  }, say);
  return { bill, ...(await readMonth(bill, onlyPeriod(bill).billingPeriod, join(databases.directory, `version-${version}`))) };
}

async function filledDatabase(databases: BenchDatabases, name: string, { bill, reading }: Version): Promise<string> {
  const url = await databases.create(name);
  const db = connect(url, { poolMax: 2, applicationName: 'orrery-bench-fill' });
  await createTenant(db);
  await mergeReading(db, `${onlyPeriod(bill).billingPeriod}-01`, reading);
  await db.raw('vacuum analyze');
  await db.destroy();
  return url;
}

function input(databaseUrl: string, { bill, path }: Version): ReplacePeriodInput {
  return { databaseUrl, billingPeriod: `${onlyPeriod(bill).billingPeriod}-01`, readingPath: path };
}

/** Each round goes to the other version, so every round changes the same tenth. */
function changedCase(databaseUrl: string, versions: readonly [Version, Version]): Case {
  const target = (round: number): Version => (round % 2 === 0 ? versions[1] : versions[0]);
  return {
    name: CHANGED, module: 'replace-period.ts', input: (round) => input(databaseUrl, target(round)),
    check: (output, round) => {
      const { bill, reading } = target(round);
      expectSums(output.sums, bill.truth.totals);
      const { changed } = output.costRows as { changed: number };
      const share = changed / reading.costRows;
      if (share < 0.08 || share > 0.12) throw new Error(`${changed} of ${reading.costRows} rows changed, not a tenth`);
    },
  };
}

function unchangedCase(databaseUrl: string, version: Version): Case {
  return {
    name: UNCHANGED, module: 'replace-period.ts', input: () => input(databaseUrl, version),
    check: (output) => {
      expectSums(output.sums, version.bill.truth.totals);
      if (output.outcome !== 'unchanged') throw new Error(`the outcome is ${String(output.outcome)}`);
    },
  };
}
