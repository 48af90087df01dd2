import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../db/shared/connection.ts';
import { freePort } from '../tools/start/ports.ts';
import { ensureTemporalBinary } from '../tools/start/temporal-binary.ts';
import { startTemporalServer, type RunningTemporal } from '../tools/start/temporal-server.ts';
import { buildWorkflowBundle } from '../tools/test/bundle.ts';
import { fillEnvironments, readEnvironments, slotOf, type FleetAccess, type FleetEnvironment, type Left } from './cases/booking-fleet.ts';
import type { RecordedBooking } from './cases/booking-replay.ts';
import type { BookingRequestsInput } from './cases/booking-requests.ts';
import { TENANT } from './cases/tenant.ts';
import { numberIn } from './checks.ts';
import type { BenchDatabases } from './database.ts';
import { runInterleaved, type Case, type Measurement, type Results } from './harness.ts';
import type { BenchOptions, Say } from './options.ts';
import { recordStatements } from './recording.ts';
import { median, medianOf, ratio, table, wall, cpu, type Goal, type Measure } from './report.ts';

const PRODUCT = 'booking request, relay paused';
const BESIDE_WORKERS = 'booking request, beside workers and Temporal';
const STATEMENTS = 'the same statements, bare Express';
const PREPARED = 'the same statements prepared, bare Express';
const INSERT = 'the constrained INSERT alone, bare Express';

const FLEET = 'bench_booking_fleet';
const DATABASE = 'bench_booking';
const CONNECTIONS = 32;
const OLDEST_SERVER = '1.31.0';
const PATH = `/v1/organizations/${TENANT.organizationId}/bookings`;

interface Bench {
  databases: BenchDatabases;
  directory: string;
  access: FleetAccess;
  environments: FleetEnvironment[];
  recorded: RecordedBooking;
  temporal: string;
  workflowBundle: string;
  size: { requests: number; warmUp: number };
}

/** Booking requests beside the statements they consist of. */
export async function benchBookingRequests(databases: BenchDatabases, options: BenchOptions, say: Say): Promise<Goal[]> {
  const size = options.quick ? { requests: 320, warmUp: 64, environments: 100 } : { requests: 1_600, warmUp: 320, environments: 200 };
  const directory = join(databases.directory, 'bookings');
  mkdirSync(directory, { recursive: true });
  const temporal = (await ensureTemporalBinary({ minimum: OLDEST_SERVER, log: say })).path;
  const workflowBundle = await buildWorkflowBundle(databases.directory);
  const { access, environments } = await makeFleet(databases, size.environments);
  const recorded = await recordBooking(databases, { directory, access, environments });
  const bench: Bench = { databases, directory, access, environments, recorded, temporal, workflowBundle, size };
  const results = await runInterleaved([productCase(bench), statementsCase(bench), preparedCase(bench), insertCase(bench), besideWorkersCase(bench)], options.rounds, say);
  refuseDifference(results);
  say(`\n${report(results, bench)}`);
  return goalsOf(results, options);
}

async function makeFleet(databases: BenchDatabases, size: number): Promise<Pick<Bench, 'access' | 'environments'>> {
  const db = connect(await databases.create(FLEET), { poolMax: 2, applicationName: 'orrery-bench-fill' });
  const made = { access: await fillEnvironments(db, size), environments: await readEnvironments(db) };
  await db.destroy();
  return made;
}

/** One booking through the product, on a copy of the fleet that nobody measures. */
async function recordBooking(databases: BenchDatabases, { directory, access, environments }: Pick<Bench, 'directory' | 'access' | 'environments'>): Promise<RecordedBooking> {
  const databaseUrl = await databases.create(DATABASE, FLEET);
  const environment = environments.at(-1);
  if (environment === undefined) throw new Error('there is no environment to book');
  const { since, until } = slotOf(0, 1);
  const { transaction } = await recordStatements({ databaseUrl, directory, temporalAddress: '127.0.0.1:7233', exportDirectory: directory }, PATH, {
    method: 'POST',
    headers: { ...authorization(access), 'content-type': 'application/json' },
    body: JSON.stringify({ environment_id: environment.id, since, until }),
  });
  await databases.drop(DATABASE);
  return { statements: transaction, environment, since, until };
}

const authorization = ({ token }: FleetAccess): Record<string, string> => ({ authorization: `Bearer ${token}` });

type Change = Partial<BookingRequestsInput> & Pick<BookingRequestsInput, 'server' | 'path'>;

/** Each round has a fresh copy of the fleet, in which nobody has booked anything. */
function caseOf({ databases, directory, environments, size }: Bench, name: string, change: () => Promise<Change> | Change): Case {
  return {
    name, module: 'booking-requests.ts',
    input: async (): Promise<BookingRequestsInput> => ({
      databaseUrl: await databases.create(DATABASE, FLEET), temporalAddress: '127.0.0.1:7233', directory, exportDirectory: directory,
      headers: {}, connections: CONNECTIONS, ...size, environments, ...(await change()),
    }),
    check: ({ requests, left }) => {
      if (requests !== size.requests) throw new Error(`${String(requests)} requests instead of ${size.requests}`);
      const booked = Number((left as Left).bookings.split(' ')[0]);
      if (booked !== size.requests + size.warmUp) throw new Error(`${booked} bookings instead of ${size.requests + size.warmUp}`);
    },
    after: () => databases.drop(DATABASE),
  };
}

function productCase(bench: Bench): Case {
  return caseOf(bench, PRODUCT, () => ({ server: 'product-server.ts', path: PATH, headers: authorization(bench.access) }));
}

function statementsCase(bench: Bench): Case {
  return caseOf(bench, STATEMENTS, () => ({ server: 'booking-express-server.ts', path: '/bookings', recorded: bench.recorded }));
}

/** As the product sends most of them: what it spends beside PostgreSQL is beside this. Printed, not judged. */
function preparedCase(bench: Bench): Case {
  return caseOf(bench, PREPARED, () => ({ server: 'booking-express-server.ts', path: '/bookings', recorded: bench.recorded, prepared: true }));
}

function insertCase(bench: Bench): Case {
  const statements = bench.recorded.statements.filter(({ sql }) => sql.startsWith('insert into "bookings"'));
  return caseOf(bench, INSERT, () => ({ server: 'booking-express-server.ts', path: '/bookings', recorded: { ...bench.recorded, statements } }));
}

function besideWorkersCase(bench: Bench): Case {
  let server: RunningTemporal | null = null;
  let count = 0;
  const one = caseOf(bench, BESIDE_WORKERS, async () => {
    count += 1;
    server = await startTemporalServer({ binary: bench.temporal, dataDirectory: join(bench.directory, `temporal-${count}`), port: await freePort(), uiPort: null });
    const { temporalAddress } = { temporalAddress: server.address };
    return { server: 'product-server.ts', path: PATH, headers: authorization(bench.access), temporalAddress, workflowBundle: bench.workflowBundle };
  });
  return {
    ...one,
    after: async (round) => {
      await server?.stop();
      rmSync(join(bench.directory, `temporal-${count}`), { recursive: true, force: true });
      await one.after?.(round);
    },
  };
}

const leftBy = ({ output }: Measurement): Left => output.left as Left;

/** Product and statements must leave the same rows, or they did not do the same work; holder and manager have mail of each booking. */
function refuseDifference(results: Results): void {
  const [first] = (results.get(PRODUCT) ?? []).map(leftBy);
  const [bookings, mails] = [first?.bookings, first?.mails].map((left) => Number(left?.split(' ')[0]));
  if (mails !== 2 * (bookings ?? 0)) throw new Error(`${mails} mails of ${bookings} bookings. No result counts.`);
  const of = ({ wakeUps: _delivered, ...rest }: Left): string => JSON.stringify(rest);
  for (const name of [PRODUCT, STATEMENTS, PREPARED, BESIDE_WORKERS]) {
    for (const left of (results.get(name) ?? []).map(leftBy)) {
      const same = first !== undefined && (name === BESIDE_WORKERS ? of(left) === of(first) : JSON.stringify(left) === JSON.stringify(first));
      if (!same) throw new Error(`${name} left ${JSON.stringify(left)} and the product ${JSON.stringify(first)}. No result counts.`);
    }
  }
}

const p50: Measure = ({ output }) => numberIn(output, 'p50Ms');
const p99: Measure = ({ output }) => numberIn(output, 'p99Ms');

function report(results: Results, { recorded, size, environments }: Bench): string {
  const rows = [PRODUCT, STATEMENTS, PREPARED, INSERT, BESIDE_WORKERS].map((name) => [
    name, (size.requests / (medianOf(results, name, wall) / 1000)).toFixed(0), ...[p50, p99].map((of) => medianOf(results, name, of).toFixed(1)),
    ...[p50, p99].map((of) => ratio(results, name, STATEMENTS, of).toFixed(2)), (medianOf(results, name, cpu) / size.requests).toFixed(2),
  ]);
  const undelivered = median((results.get(BESIDE_WORKERS) ?? []).map((one) => Number(leftBy(one).wakeUps)));
  return [
    `${size.requests} requests a round over ${CONNECTIONS} connections, ${environments.length} environments; a booking is ${recorded.statements.length} statements`,
    table([['case (medians)', 'req/s', 'p50 ms', 'p99 ms', 'p50 ×', 'p99 ×', 'CPU ms/req'], ...rows]),
    `× is beside the statements; CPU is the case's own processes, PostgreSQL and Temporal apart. ${undelivered} wake-ups were undelivered when the requests beside workers had ended.`,
  ].join('\n');
}

function goalsOf(results: Results, { byCpu }: BenchOptions): Goal[] {
  const measured = (of: Measure): number => ratio(results, PRODUCT, STATEMENTS, byCpu ? cpu : of);
  return [
    { text: `booking request, p50 ÷ its statements${byCpu ? ' (by CPU)' : ''}`, measured: measured(p50), is: 'at most', limit: 1.5, unit: '×' },
    { text: `booking request, p99 ÷ its statements${byCpu ? ' (by CPU)' : ''}`, measured: measured(p99), is: 'at most', limit: 2, unit: '×' },
  ];
}
