import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../db/shared/connection.ts';
import { inTransaction } from '../db/shared/transaction.ts';
import type { HttpInput } from './cases/http.ts';
import { copyProjects, fillTemplate } from './cases/project-fleet.ts';
import { TENANT } from './cases/tenant.ts';
import { numberIn } from './checks.ts';
import type { BenchDatabases } from './database.ts';
import { runInterleaved, type Case } from './harness.ts';
import type { BenchOptions, Say } from './options.ts';
import { cpu, medianOf, ratio, table, wall, type Goal, type Measure } from './report.ts';

const EXPRESS = '/projects, bare Express, same SQL';
const PROJECTS = '/projects, first page';
const DATABASE = 'bench_project_list';
const CONNECTIONS = 10;
const PAGE = 50;

/** The first page of all projects of an organization, asked for by one of its managers. */
export async function benchProjectList(databases: BenchDatabases, options: BenchOptions, say: Say): Promise<Goal[]> {
  const size = options.quick ? { projects: 1_000, requests: 200, warmUp: 50 } : { projects: 10_000, requests: 800, warmUp: 200 };
  const directory = join(databases.directory, 'projects');
  mkdirSync(directory, { recursive: true });
  const databaseUrl = await databases.create(DATABASE);
  const token = await fill(databaseUrl, size.projects);
  const load = { databaseUrl, directory, connections: CONNECTIONS, requests: size.requests, warmUp: size.warmUp };
  const headers = { authorization: `Bearer ${token}` };
  const results = await runInterleaved([
    listCase(EXPRESS, { ...load, headers: {}, server: 'projects-express-server.ts', path: '/projects' }, { field: 'rows', shown: PAGE + 1, total: size.projects }),
    listCase(PROJECTS, { ...load, headers, server: 'product-server.ts', path: `/v1/organizations/${TENANT.organizationId}/projects` }, { field: 'items', shown: PAGE, total: size.projects }),
  ], options.rounds, say);
  await databases.drop(DATABASE);
  const rows = [EXPRESS, PROJECTS].map((name) => [
    name, (size.requests / (medianOf(results, name, wall) / 1000)).toFixed(0), medianOf(results, name, p50).toFixed(1), medianOf(results, name, p99).toFixed(1),
  ]);
  say(`\n${size.projects} projects; ${CONNECTIONS} connections, ${size.requests} requests a round`);
  say(table([['case (medians)', 'req/s', 'p50 ms', 'p99 ms'], ...rows]));
  return [{
    text: `req/s of /projects ÷ bare Express${options.byCpu ? ' (by CPU)' : ''}`, measured: ratio(results, EXPRESS, PROJECTS, options.byCpu ? cpu : wall), is: 'at least', limit: 0.6, unit: '×',
  }];
}

const p50: Measure = ({ output }) => numberIn(output, 'p50Ms');
const p99: Measure = ({ output }) => numberIn(output, 'p99Ms');

async function fill(databaseUrl: string, projects: number): Promise<string> {
  const db = connect(databaseUrl, { poolMax: 1, applicationName: 'orrery-bench-fill' });
  try {
    const fleet = await fillTemplate(db);
    await inTransaction(db, (tx) => copyProjects(tx, fleet, { from: 1, to: projects - 1 }));
    await db.raw('vacuum analyze');
    return fleet.token;
  } finally {
    await db.destroy();
  }
}

function listCase(name: string, input: HttpInput, expected: { field: 'rows' | 'items'; shown: number; total: number }): Case {
  return {
    name, module: 'http.ts', input: () => input,
    check: ({ requests, answer }) => {
      if (requests !== input.requests) throw new Error(`${String(requests)} requests instead of ${input.requests}`);
      const { total, [expected.field]: shown } = answer as { total: number; rows?: Card[]; items?: Card[] };
      if (total !== expected.total) throw new Error(`${total} projects instead of ${expected.total}`);
      if (shown?.length !== expected.shown) throw new Error(`${shown?.length} cards instead of ${expected.shown}`);
      const incomplete = shown.filter(({ managers, members, quota }) => managers.length !== 1 || members.length !== 4 || quota === null);
      if (incomplete.length > 0) throw new Error(`${incomplete.length} cards are without their people or their quota`);
    },
  };
}

interface Card {
  managers: unknown[];
  members: unknown[];
  quota: unknown;
}
