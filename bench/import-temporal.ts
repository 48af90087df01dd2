import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../tools/start/ports.ts';
import { ensureTemporalBinary } from '../tools/start/temporal-binary.ts';
import { startTemporalServer } from '../tools/start/temporal-server.ts';
import type { RunningTemporal } from '../tools/start/temporal-server.ts';
import { buildWorkflowBundle } from '../tools/test/bundle.ts';
import { billOf } from './bills.ts';
import type { Bill } from './bills.ts';
import type { Place } from './cases/config.ts';
import { expectSums } from './checks.ts';
import type { BenchDatabases } from './database.ts';
import { runInterleaved } from './harness.ts';
import type { Case } from './harness.ts';
import type { BenchOptions, Say } from './options.ts';
import { caseTable, cpu, ratio, wall } from './report.ts';
import type { Goal } from './report.ts';

const BARE = 'the import’s steps in a row';
const TEMPORAL = 'the same through Temporal';
const DATABASE = 'bench_temporal';
const OLDEST_SERVER = '1.31.0';

/** What durability costs: from the request to the completed operation, beside the bare steps. */
export async function benchTemporal(databases: BenchDatabases, options: BenchOptions, say: Say): Promise<Goal[]> {
  const size = options.quick ? { items: 30_000, resources: 500 } : { items: 1_000_000, resources: 5_000 };
  const bill = await billOf({ ...size, days: 7, dialects: ['cur-csv', 'cur2-parquet'] }, say);
  const binary = await ensureTemporalBinary({ minimum: OLDEST_SERVER, log: say });
  const workflowBundle = await buildWorkflowBundle(databases.directory);
  const results = await runInterleaved([bareCase(databases, bill), temporalCase(databases, bill, binary.path, workflowBundle)], options.rounds, say);
  say(`\n${caseTable(results)}`);
  return [
    { text: 'import through Temporal ÷ its bare steps', measured: ratio(results, TEMPORAL, BARE, options.byCpu ? cpu : wall), is: 'at most', limit: 1.05, unit: '×' },
  ];
}

function scratch(databases: BenchDatabases): string {
  return join(databases.directory, 'temporal-bench');
}

async function placeFor(databases: BenchDatabases, bill: Bill, temporalAddress: string): Promise<Place> {
  mkdirSync(scratch(databases), { recursive: true });
  return { databaseUrl: await databases.create(DATABASE), temporalAddress, directory: scratch(databases), exportDirectory: bill.directory };
}

async function clear(databases: BenchDatabases): Promise<void> {
  await databases.drop(DATABASE);
  rmSync(scratch(databases), { recursive: true });
}

function bareCase(databases: BenchDatabases, bill: Bill): Case {
  return {
    name: BARE, module: 'bare-import.ts',
    input: async () => await placeFor(databases, bill, '127.0.0.1:7233'),
    check: (output) => expectSums(output.sums, bill.truth.totals),
    after: async () => await clear(databases),
  };
}

/** Each round has a server of its own: nothing of an earlier one may wake up in it. */
function temporalCase(databases: BenchDatabases, bill: Bill, binary: string, workflowBundle: string): Case {
  let server: RunningTemporal | null = null;
  return {
    name: TEMPORAL, module: 'temporal-import.ts',
    input: async (round) => {
      server = await startTemporalServer({ binary, dataDirectory: join(databases.directory, `temporal-${round}`), port: await freePort(), uiPort: null });
      return { ...(await placeFor(databases, bill, server.address)), workflowBundle };
    },
    check: (output) => {
      if (output.state !== 'completed') throw new Error(`the import is ${String(output.state)}: ${JSON.stringify(output.error)}`);
      expectSums(output.sums, bill.truth.totals);
    },
    after: async () => {
      await server?.stop();
      await clear(databases);
    },
  };
}
