import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../db/shared/connection.ts';
import { toInstant } from '../domain/shared/time.ts';
import { fillBookings, fillEnvironments, monthFrom, type FleetAccess } from './cases/booking-fleet.ts';
import type { Reading, ReadingInput } from './cases/booking-reading.ts';
import type { StatementsInput } from './cases/statements.ts';
import { TENANT } from './cases/tenant.ts';
import { numberIn } from './checks.ts';
import type { BenchDatabases } from './database.ts';
import { runInterleaved, type Case, type Results } from './harness.ts';
import type { BenchOptions, Say } from './options.ts';
import { recordStatements, type Statement } from './recording.ts';
import { medianOf, ratio, table, type Goal, type Measure } from './report.ts';

const DATABASE = 'bench_calendar';
const BOOKINGS_EACH = 10;
const DAY_MS = 86_400_000;
/** Tables that the readings themselves are of; the others tell who asks. */
const READ = /\b(from|join) "?(environments|bookings)"?\b/;

interface Reads {
  name: string;
  kind: Reading;
  path: string;
  headers: Record<string, string>;
  /** What the answer must hold. */
  expected: Record<string, number>;
}

interface Bench {
  databaseUrl: string;
  directory: string;
  size: { requests: number; warmUp: number };
}

/** Availability, calendar and feed beside the SQL statements that each of them sends. */
export async function benchBookingReads(databases: BenchDatabases, options: BenchOptions, say: Say): Promise<Goal[]> {
  const environments = options.quick ? 100 : 1_000;
  const size = options.quick ? { requests: 10, warmUp: 5 } : { requests: 40, warmUp: 20 };
  const directory = join(databases.directory, 'calendar');
  mkdirSync(directory, { recursive: true });
  const from = toInstant((Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS);
  const databaseUrl = await databases.create(DATABASE);
  const db = connect(databaseUrl, { poolMax: 2, applicationName: 'orrery-bench-fill' });
  const access = await fillEnvironments(db, environments);
  await fillBookings(db, BOOKINGS_EACH, from);
  const [booked] = (await db.raw<{ rows: { hours: number }[] }>(`select sum(extract(epoch from until - since) / 3600)::float8 as hours from bookings`)).rows;
  await db.destroy();
  const bench: Bench = { databaseUrl, directory, size };
  const readings = readingsOf(access, from, { environments, bookedHours: booked?.hours ?? 0 });
  const cases: Case[] = [];
  for (const reading of readings) cases.push(productCase(bench, reading), statementsCase(bench, reading, await statementsOf(bench, reading)));
  const results = await runInterleaved(cases, options.rounds, say);
  say(`\n${environments} environments with ${BOOKINGS_EACH} bookings each in a month, one request at a time, ${size.requests} a round`);
  say(report(results, readings));
  return readings.filter(({ kind }) => kind !== 'feed').map(({ name }) => goalOf(results, name));
}

function readingsOf({ token, feedSecret }: FleetAccess, from: string, size: { environments: number; bookedHours: number }): Reads[] {
  const { environments, bookedHours } = size;
  const month = monthFrom(from);
  const path = (what: string): string => `/v1/organizations/${TENANT.organizationId}/environment-${what}?from=${month.from}&to=${month.to}`;
  const headers = { authorization: `Bearer ${token}` };
  const bookings = environments * BOOKINGS_EACH;
  return [
    { name: `availability of ${environments} environments`, kind: 'availability', path: path('availability'), headers, expected: { environments, bookedHours } },
    { name: `calendar of ${bookings} bookings`, kind: 'calendar', path: path('calendar'), headers, expected: { environments, bookings } },
    { name: `.ics link of ${bookings} bookings`, kind: 'feed', path: `/v1/feeds/${feedSecret}.ics`, headers: {}, expected: { bookings } },
  ];
}

async function statementsOf({ databaseUrl, directory }: Bench, { path, headers }: Reads): Promise<Statement[]> {
  const { outside } = await recordStatements({ databaseUrl, directory, temporalAddress: '127.0.0.1:7233', exportDirectory: directory }, path, { headers });
  const statements = outside.filter(({ sql }) => READ.test(sql));
  if (statements.length === 0) throw new Error(`${path} reads nothing`);
  return statements;
}

const sqlOf = (name: string): string => `${name}: its SQL alone`;

function productCase({ databaseUrl, directory, size }: Bench, { name, kind, path, headers, expected }: Reads): Case {
  return {
    name, module: 'booking-reading.ts',
    input: (): ReadingInput => ({ databaseUrl, directory, path, headers, kind, connections: 1, ...size }),
    check: (output) => {
      for (const [what, value] of Object.entries(expected)) if (output[what] !== value) throw new Error(`${String(output[what])} ${what} instead of ${value}`);
    },
  };
}

function statementsCase({ databaseUrl, size }: Bench, { name, expected }: Reads, statements: Statement[]): Case {
  return {
    name: sqlOf(name), module: 'statements.ts',
    input: (): StatementsInput => ({ databaseUrl, statements, ...size }),
    check: ({ rows }) => {
      if (Number(rows) < (expected.bookings ?? expected.environments ?? 0)) throw new Error(`only ${String(rows)} rows`);
    },
  };
}

const p50: Measure = ({ output }) => numberIn(output, 'p50Ms');
const p99: Measure = ({ output }) => numberIn(output, 'p99Ms');

function report(results: Results, readings: readonly Reads[]): string {
  const rows = readings.flatMap(({ name }) => [name, sqlOf(name)]).map((name) => [name, medianOf(results, name, p50).toFixed(1), medianOf(results, name, p99).toFixed(1)]);
  const ratios = readings.map(({ name }) => `${name}: ${ratio(results, name, sqlOf(name), p50).toFixed(2)} × its SQL alone`);
  return `${table([['case (medians)', 'p50 ms', 'p99 ms'], ...rows])}\n${ratios.join('\n')}`;
}

function goalOf(results: Results, name: string): Goal {
  return { text: `${name} ÷ its SQL alone (p50)`, measured: ratio(results, name, sqlOf(name), p50), is: 'at most', limit: 2, unit: '×' };
}
