import { Big } from 'big.js';
import { createUser } from '../commands/identity/create-user.ts';
import { insertReviewingProject } from '../commands/projects/decide-on-project.ts';
import { grantQuota } from '../commands/quotas/port.ts';
import { newId } from '../commands/shared/new-id.ts';
import { insertMembership } from '../db/organizations/membership-store.ts';
import { connect } from '../db/shared/connection.ts';
import { inTransaction } from '../db/shared/transaction.ts';
import { system } from '../domain/shared/entity.ts';
import { OWNERS, type QuotaCallsInput } from './cases/quota-calls.ts';
import { numberIn } from './checks.ts';
import type { BenchDatabases } from './database.ts';
import { runInterleaved, type Case } from './harness.ts';
import type { BenchOptions, Say } from './options.ts';
import { medianOf, ratio, table, type Goal, type Measure } from './report.ts';

const FILLED = 'bench_quota_filled';
const DATABASE = 'bench_quota';
const GPU_OF_A_CALL = '0.000625';

const UPDATE = 'a bare locked UPDATE';
const STORE = 'quota hold, store call';
const COMMAND = 'quota hold, whole command';

const p50: Measure = ({ output }) => numberIn(output, 'p50Ms');
const p99: Measure = ({ output }) => numberIn(output, 'p99Ms');

type Names = Pick<QuotaCallsInput, 'organizationId' | 'projectId' | 'userId'>;

/** What holding quota costs beside the UPDATE that it cannot do without: each a transaction on one row, one after another. */
export async function benchProjectQuota(databases: BenchDatabases, options: BenchOptions, say: Say): Promise<Goal[]> {
  const size = options.quick ? { calls: 200, warmUp: 50 } : { calls: 1_000, warmUp: 200 };
  const names = await fill(databases, size.calls + size.warmUp);
  const cases = ([[UPDATE, 'update'], [STORE, 'store'], [COMMAND, 'command']] as const).map(([name, call]) => caseOf(databases, name, { ...names, ...size, call }));
  const results = await runInterleaved(cases, options.rounds, say);
  const rows = cases.map(({ name }) => [name, medianOf(results, name, p50).toFixed(2), medianOf(results, name, p99).toFixed(2)]);
  say(`\n${table([['one transaction after another, medians of rounds', 'p50 ms', 'p99 ms'], ...rows])}`);
  return [{ text: `${STORE} ÷ ${UPDATE}, p50`, measured: ratio(results, STORE, UPDATE, p50), is: 'at most', limit: 3, unit: '×' }];
}

function caseOf(databases: BenchDatabases, name: string, input: Omit<QuotaCallsInput, 'databaseUrl'>): Case {
  const calls = input.calls + input.warmUp;
  return {
    name, module: 'quota-calls.ts',
    input: async () => ({ ...input, databaseUrl: await databases.create(DATABASE, FILLED) }),
    check: ({ held, allocations }) => {
      const expected = new Big(GPU_OF_A_CALL).times(calls).toFixed();
      if (held !== expected) throw new Error(`${String(held)} GPUs are held instead of ${expected}`);
      const rows = input.call === 'update' ? 0 : calls;
      if (allocations !== rows) throw new Error(`${String(allocations)} allocations instead of ${rows}`);
    },
    after: () => databases.drop(DATABASE),
  };
}

/** An organization, a person, a project with a large quota, and as many owners as there are calls. */
async function fill(databases: BenchDatabases, owners: number): Promise<Names> {
  const db = connect(await databases.create(FILLED), { poolMax: 1, applicationName: 'orrery-bench-fill' });
  const [organizationId, decision] = [newId('organization'), { at: OWNERS.at, by: system('bench') }];
  try {
    await db('organizations').insert({ id: organizationId, name: 'Bench', created_at: OWNERS.at, last_at: OWNERS.at });
    await db.raw(`create table ${OWNERS.table} (organization_id text, id text, ended boolean not null default false, primary key (organization_id, id))`);
    await db.raw(`insert into ${OWNERS.table} (organization_id, id) select ?, 'job-' || n from generate_series(0, ?) as n`, [organizationId, owners]);
    return await inTransaction(db, async (tx) => {
      const person = { email: 'bench@example.org', displayName: 'Bench', passwordHash: null, platformAdministrator: false, emailVerified: false };
      const { id: userId } = await createUser(tx, person, decision);
      await insertMembership(tx, { organizationId, userId, role: 'manager', version: 1, createdAt: OWNERS.at });
      const quota = { gpu: '1000', cpu: '100000', ram_gib: null };
      const wish = { organizationId, name: 'Bench', description: '', purposeId: null, timeZone: 'UTC', startDate: '2026-11-21', endDate: '2027-11-20', quota, managers: [userId], members: [] };
      const { id: projectId, startsAt, endsAt } = await insertReviewingProject(tx, wish, decision);
      await grantQuota(tx, { organizationId, projectId, amounts: quota, from: startsAt, until: endsAt }, decision);
      return { organizationId, projectId, userId };
    });
  } finally {
    await db.destroy();
  }
}
