import { join } from 'node:path';
import { hashSecret, newApiToken } from '../commands/identity/secrets.ts';
import { newId } from '../commands/shared/new-id.ts';
import { connect } from '../db/shared/connection.ts';
import type { Database } from '../db/shared/connection.ts';
import { billOf } from './bills.ts';
import type { Bill } from './bills.ts';
import type { HttpInput } from './cases/http.ts';
import { mergeReading, storedSums } from './cases/merge.ts';
import { ASKED_MONTH } from './cases/resources-query.ts';
import { AT, createTenant, TENANT } from './cases/tenant.ts';
import { expectSums, numberIn } from './checks.ts';
import { startDatabases } from './database.ts';
import type { BenchDatabases } from './database.ts';
import { runInterleaved } from './harness.ts';
import type { Case } from './harness.ts';
import type { BenchOptions, Say } from './options.ts';
import { readMonth } from './readings.ts';
import { caseTable, cpu, measurementsOf, median, ratio, table, wall } from './report.ts';
import type { Goal } from './report.ts';

const EXPRESS = '/resources, bare Express, same SQL';
const RESOURCES = '/resources, first page';
const EXPENSES = '/expenses by service, a month';
const CONNECTIONS = 10;
const DATABASE = 'bench_api';

/** `npm run bench -- api`: what login, tenancy, validation and logging cost, on a million daily rows. */
export async function benchApi(options: BenchOptions, say: Say): Promise<Goal[]> {
  const size = options.quick ? { resources: 300, requests: 200 } : { resources: 5_000, requests: 600 };
  const databases = await startDatabases(say);
  try {
    const days = 200;
    const bill = await billOf({ items: size.resources * days, resources: size.resources, days, firstDay: '2026-01-01', granularity: 'daily' }, say);
    const { databaseUrl, token } = await fill(databases, bill, say);
    const load = { databaseUrl, directory: join(databases.directory, 'api'), connections: CONNECTIONS, requests: size.requests, warmUp: 100 };
    const headers = { authorization: `Bearer ${token}` };
    const path = `/v1/organizations/${TENANT.organizationId}`;
    const month = `start=${ASKED_MONTH.start}&end=${ASKED_MONTH.end}`;
    const results = await runInterleaved([
      httpCase(EXPRESS, { ...load, headers: {}, server: 'express-server.ts', path: '/resources' }, (answer) => totalOf(answer, 'totalCosts'), bill),
      httpCase(RESOURCES, { ...load, headers, server: 'product-server.ts', path: `${path}/resources?${month}` }, (answer) => totalOf(answer, 'total_costs'), bill),
      httpCase(EXPENSES, { ...load, headers, server: 'product-server.ts', path: `${path}/expenses?${month}&group_by=service` }, (answer) => totalOf(answer, 'totals'), bill),
    ], options.rounds, say);
    say(`\n${bill.truth.rows} items of ${bill.truth.resources} resources over ${days} days; ${CONNECTIONS} connections, ${size.requests} requests a round`);
    say(caseTable(results));
    say(`\n${latencies(results, size.requests)}`);
    return [{
      text: 'req/s of /resources ÷ bare Express', measured: ratio(results, EXPRESS, RESOURCES, options.byCpu ? cpu : wall), is: 'at least', limit: 0.6, unit: '×',
    }];
  } finally {
    await databases.stop();
  }
}

function latencies(results: Parameters<typeof measurementsOf>[0], requests: number): string {
  const rows = [EXPRESS, RESOURCES, EXPENSES].map((name) => {
    const measurements = measurementsOf(results, name);
    const of = (key: string): string => median(measurements.map(({ output }) => numberIn(output, key))).toFixed(1);
    return [name, (requests / (median(measurements.map(wall)) / 1000)).toFixed(0), of('p50Ms'), of('p99Ms')];
  });
  return `${table([['case (medians)', 'req/s', 'p50 ms', 'p99 ms'], ...rows])}\n${EXPENSES}: p99 at most 100 ms is wanted`;
}

/** The bill's months, merged as the import merges them, and a person with a token. */
async function fill(databases: BenchDatabases, bill: Bill, say: Say): Promise<{ databaseUrl: string; token: string }> {
  const databaseUrl = await databases.create(DATABASE);
  const db = connect(databaseUrl, { poolMax: 2, applicationName: 'orrery-bench-fill' });
  try {
    await createTenant(db);
    for (const { billingPeriod } of bill.truth.periods) {
      say(`importing ${billingPeriod} …`);
      const { reading } = await readMonth(bill, billingPeriod, join(databases.directory, billingPeriod));
      await mergeReading(db, `${billingPeriod}-01`, reading);
    }
    expectSums(await storedSums(db), bill.truth.totals);
    const token = await createReader(db);
    await db.raw('vacuum analyze');
    return { databaseUrl, token };
  } finally {
    await db.destroy();
  }
}

async function createReader(db: Database): Promise<string> {
  const [userId, token] = [newId('user'), newApiToken()];
  await db('users').insert({ id: userId, email: 'bench@example.org', display_name: 'Bench', created_at: AT, last_at: AT });
  await db('memberships').insert({ organization_id: TENANT.organizationId, user_id: userId, role: 'member', created_at: AT });
  await db('api_tokens').insert({ id: newId('api-token'), user_id: userId, name: 'bench', token_hash: hashSecret(token), scopes: ['read'], created_at: AT });
  return token;
}

function httpCase(name: string, input: HttpInput, billedOf: (answer: unknown) => string | undefined, bill: Bill): Case {
  const truth = bill.truth.periods.find(({ billingPeriod }) => billingPeriod === ASKED_MONTH.start.slice(0, 7))?.totals['USD'];
  return {
    name, module: 'http.ts', input: () => input,
    check: (output) => {
      if (output.requests !== input.requests) throw new Error(`${String(output.requests)} requests instead of ${input.requests}`);
      const billed = billedOf(output.answer);
      if (billed !== truth?.billed) throw new Error(`the month costs ${billed} USD instead of ${truth?.billed}`);
    },
  };
}

/** The answer's sum in dollars. */
function totalOf(answer: unknown, field: string): string | undefined {
  const totals = (answer as Record<string, { currency: string; cost: string }[]>)[field];
  return totals?.find(({ currency }) => currency === 'USD')?.cost;
}
