import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../db/shared/connection.ts';
import { toInstant } from '../domain/shared/time.ts';
import { freePort } from '../tools/start/ports.ts';
import { ensureTemporalBinary } from '../tools/start/temporal-binary.ts';
import { startTemporalServer } from '../tools/start/temporal-server.ts';
import type { RunningTemporal } from '../tools/start/temporal-server.ts';
import { buildWorkflowBundle } from '../tools/test/bundle.ts';
import type { Firing, Lateness } from './cases/power-firing.ts';
import { fillFleet } from './cases/power-fleet.ts';
import type { PowerProductInput, PowerProductOutput, PowerSizes } from './cases/power-product.ts';
import { startDatabases } from './database.ts';
import type { BenchDatabases } from './database.ts';
import { runInterleaved } from './harness.ts';
import type { Case, Results } from './harness.ts';
import type { BenchOptions, Say } from './options.ts';
import { median, medianOf, ratio, table } from './report.ts';
import type { Goal, Measure } from './report.ts';
import { startRedis } from './redis.ts';
import type { RunningRedis } from './redis.ts';

const PRODUCT = 'power schedules, the product';
const DUE_TABLE = 'plain SQL due-table';
const BULLMQ = 'BullMQ job schedulers';

const FULL: PowerSizes = { due: 5_000, few: 1_000, many: 10_000, crowd: 100_000 };
const QUICK: PowerSizes = { due: 500, few: 100, many: 1_000, crowd: 10_000 };

/** Of 10, 20, 50, 100, 200 and 500 the one with which its last job starts first. */
const BULLMQ_CONCURRENCY = 200;
const OLDEST_SERVER = '1.31.0';
const FLEET = 'bench_fleet';
const DATABASE = 'bench_power';

interface Bench {
  databases: BenchDatabases;
  sizes: PowerSizes;
  redis: RunningRedis;
  temporal: string;
  workflowBundle: string;
}

/** `npm run bench -- power`: how late the cloud is called for schedules that are all due in the same minute. */
export async function benchPower(options: BenchOptions, say: Say): Promise<Goal[]> {
  const databases = await startDatabases(say);
  let redis: RunningRedis | null = null;
  try {
    redis = await startRedis(join(databases.directory, 'redis'), say);
    const temporal = (await ensureTemporalBinary({ minimum: OLDEST_SERVER, log: say })).path;
    const workflowBundle = await buildWorkflowBundle(databases.directory);
    const sizes = options.quick ? QUICK : FULL;
    const bench: Bench = { databases, sizes, redis, temporal, workflowBundle };
    await makeFleet(databases, sizes);
    const results = await runInterleaved([productCase(bench), dueTableCase(bench), bullmqCase(bench)], options.rounds, say);
    say(report(results, bench));
    return goalsOf(results, sizes);
  } finally {
    await redis?.stop();
    await databases.stop();
  }
}

/** A database with the fleet in it, of which each case gets a copy. */
async function makeFleet(databases: BenchDatabases, { few, many }: PowerSizes): Promise<void> {
  const db = connect(await databases.create(FLEET), { poolMax: 2, applicationName: 'orrery-bench-fill' });
  await fillFleet(db, many + few, toInstant(Date.now() - 86_400_000));
  await db.destroy();
}

/** Each round has a database and a Temporal server of its own: nothing of an earlier one may wake up in it. */
function productCase({ databases, sizes, temporal, workflowBundle }: Bench): Case {
  let server: RunningTemporal | null = null;
  const directory = join(databases.directory, 'power');
  return {
    name: PRODUCT, module: 'power-product.ts',
    input: async (round): Promise<PowerProductInput> => {
      mkdirSync(directory, { recursive: true });
      server = await startTemporalServer({ binary: temporal, dataDirectory: join(databases.directory, `temporal-${round}`), port: await freePort(), uiPort: null });
      const place = { databaseUrl: await databases.create(DATABASE, FLEET), temporalAddress: server.address, directory, exportDirectory: directory };
      return { ...place, ...sizes, workflowBundle, crowdFirst: round % 2 === 1 };
    },
    // Each firing was refused by its case unless every instance was called for once and came to be as wanted.
    check: (output) => expectLateness((output as unknown as PowerProductOutput).due.calls),
    after: async () => {
      await server?.stop();
      await databases.drop(DATABASE);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function dueTableCase({ databases, sizes }: Bench): Case {
  return {
    name: DUE_TABLE, module: 'power-due-table.ts',
    input: async () => ({ databaseUrl: await databases.create(DATABASE, FLEET), due: sizes.due }),
    check: (output) => expectLateness(output.calls as Lateness),
    after: async () => await databases.drop(DATABASE),
  };
}

function bullmqCase({ sizes, redis }: Bench): Case {
  return {
    name: BULLMQ, module: 'power-bullmq.ts', input: () => ({ port: redis.port, due: sizes.due, concurrency: BULLMQ_CONCURRENCY }),
    check: (output) => expectLateness(output.starts as Lateness),
  };
}

function expectLateness({ first, last }: Lateness): void {
  if (!(first >= 0) || !(last >= first)) throw new Error(`the first was ${first} ms late and the last ${last} ms`);
}

type Named = 'due' | 'few' | 'many' | 'alone' | 'crowded';

const product = (name: Named) => ({ output }: { output: Record<string, unknown> }): Firing => (output as unknown as PowerProductOutput)[name];
const last = (name: Named): Measure => (measurement) => product(name)(measurement).calls.last;
const lastStart: Measure = ({ output }) => (output.starts as Lateness).last;

function report(results: Results, { sizes, redis }: Bench): string {
  const late = (of: (output: Record<string, unknown>) => Lateness, name: string): string[] => (
    (['first', 'median', 'last'] as const).map((which) => milliseconds(medianOf(results, name, ({ output }) => of(output)[which])))
  );
  const firing = (name: Named, text: string): string[] => [
    text, ...late((output) => product(name)({ output }).calls, PRODUCT), milliseconds(medianOf(results, PRODUCT, (one) => product(name)(one).settledMs)),
  ];
  const { due, few, many, crowd } = sizes;
  const rows = [
    firing('due', `${due} due at the full minute: the product`),
    [`${due} due, plain SQL due-table`, ...late((output) => output.calls as Lateness, DUE_TABLE), ''],
    [`${due} due, BullMQ job schedulers (Redis ${redis.version}, ${BULLMQ_CONCURRENCY} jobs at a time)`, ...late((output) => output.starts as Lateness, BULLMQ), ''],
    firing('few', `${few} due, the Schedule triggered`),
    firing('many', `${many} due, the Schedule triggered`),
    firing('alone', `${half(sizes)} due, the Schedule triggered`),
    firing('crowded', `${half(sizes)} due beside ${crowd} that are not`),
  ];
  return `\n${table([['lateness in ms (medians)', 'first call', 'median', 'last', 'last as wanted'], ...rows])}`;
}

const half = ({ due, many }: PowerSizes): number => Math.min(due, Math.floor(many / 2));
const milliseconds = (value: number): string => value.toFixed(0);

function goalsOf(results: Results, { due, few, many, crowd }: PowerSizes): Goal[] {
  const within = (name: string, one: Measure, other: Measure): number => ratio(results, name, name, one, other);
  const actions = (results.get(PRODUCT) ?? []).map(({ output }) => (output as unknown as PowerProductOutput).actions / due);
  return [
    {
      text: `last of ${due} calls ÷ (BullMQ’s last job start + 1 s)`, is: 'at most', limit: 1, unit: '×',
      measured: ratio(results, PRODUCT, BULLMQ, last('due'), (one) => lastStart(one) + 1_000),
    },
    { text: `last call of ${many} due ÷ of ${few} due`, measured: within(PRODUCT, last('many'), last('few')), is: 'at most', limit: 10, unit: '×' },
    { text: `last call beside ${crowd} not due ÷ without`, measured: within(PRODUCT, last('crowded'), last('alone')), is: 'at most', limit: 1.1, unit: '×' },
    { text: 'Temporal actions a resource, by the histories', measured: median(actions), is: 'at most', limit: 1.2, unit: '×' },
  ];
}
