import test from 'ava';
import pino from 'pino';
import { grantQuota, holdQuota } from '../commands/quotas/port.ts';
import { sweepAllocations } from '../commands/quotas/sweep-allocations.ts';
import { newId } from '../commands/shared/new-id.ts';
import { deleteWakeUp, requestWakeUp } from '../db/shared/wake-up-store.ts';
import { inTransaction } from '../db/shared/transaction.ts';
import { system } from '../domain/shared/entity.ts';
import { plusMilliseconds } from '../domain/shared/time.ts';
import { freePort } from '../tools/start/ports.ts';
import { insertPerson } from '../tests/helpers/bookings.ts';
import { freshDatabase, type FreshDatabase } from '../tests/helpers/database.ts';
import { eventually, platform } from '../tests/helpers/platform.ts';
import { asActiveMember, createTestOwners, gpus, insertReviewing } from '../tests/helpers/quotas.ts';
import { startMonitor, type MonitoredParts, type RunningMonitor } from './monitor.ts';

const NOW = '2026-11-21T08:00:00.000Z';
const ref = { kind: 'data-source', entityId: 'ds_1', organizationId: 'org_1' };
const open: { stop(): Promise<void> }[] = [];
let database: FreshDatabase;

test.before(async () => {
  database = await freshDatabase();
});
test.after.always(async () => {
  for (const one of open) await one.stop();
  await database?.drop();
});

async function monitor(changes: Partial<MonitoredParts> = {}): Promise<RunningMonitor> {
  const parts: MonitoredParts = {
    db: database.db,
    clock: { now: () => NOW },
    log: pino({ level: 'silent' }),
    workers: () => [{ queue: 'imports', state: 'RUNNING', activities: 1 }],
    reconciledAt: () => plusMilliseconds(NOW, -30_000),
    ...changes,
  };
  const running = await startMonitor(parts, { host: '127.0.0.1', port: 0 });
  open.push(running);
  return running;
}

async function ready({ url }: RunningMonitor): Promise<[number, unknown]> {
  const response = await fetch(`${url}/readyz`);
  return [response.status, await response.json()];
}

test.serial('readiness tells the backlog, the last reconciliation and each worker', async (t) => {
  const running = await monitor();
  const at = plusMilliseconds(NOW, -90_000);
  await inTransaction(database.db, (tx) => requestWakeUp(tx, ref, at));
  t.deepEqual(await ready(running), [
    200,
    {
      status: 'ok',
      database: true,
      wake_ups: { count: 1, oldest_age_seconds: 90 },
      reconciler: { last_success_at: '2026-11-21T07:59:30.000Z' },
      workers: { imports: 'RUNNING' },
    },
  ]);
  const metrics = await (await fetch(`${running.url}/metrics`)).text();
  for (const line of [
    'orrery_wake_ups 1',
    'orrery_wake_ups_oldest_age_seconds 90',
    `orrery_reconciler_last_success_timestamp_seconds ${Date.parse('2026-11-21T07:59:30Z') / 1000}`,
    'orrery_worker_running{queue="imports"} 1',
    'orrery_worker_activities{queue="imports"} 1',
  ]) {
    t.true(metrics.split('\n').includes(line), line);
  }
  await deleteWakeUp(database.db, { ...ref, workflowId: 'data-source/ds_1', generation: 1, attempts: 0 });
  t.like((await ready(running))[1], { wake_ups: { count: 0, oldest_age_seconds: 0 } });
});

test.serial('what power waits for shows how long nothing has swept, and nothing due shows as zero', async (t) => {
  const running = await monitor();
  const overdue = async (): Promise<string | undefined> => (await (await fetch(`${running.url}/metrics`)).text()).split('\n').find((line) => line.startsWith('orrery_power_overdue_seconds'));
  const organization_id = newId('organization');
  const row = { organization_id, last_at: NOW, created_at: NOW };
  await database.db('organizations').insert({ id: organization_id, name: 'Acme', last_at: NOW, created_at: NOW });
  t.is(await overdue(), 'orrery_power_overdue_seconds 0');
  const schedule = { ...row, id: newId('power-schedule'), name: 'Office hours', rule: '{}', time_zone: 'UTC', enabled: true, created_by: '{}', processed_until: NOW };
  await database.db('power_schedules').insert({ ...schedule, next_due_at: plusMilliseconds(NOW, 60_000) });
  t.is(await overdue(), 'orrery_power_overdue_seconds 0');
  await database.db('power_schedules').update({ next_due_at: plusMilliseconds(NOW, -150_000) });
  t.is(await overdue(), 'orrery_power_overdue_seconds 150');
});

test.serial('a hold of quota that expired shows how long nothing has swept it', async (t) => {
  const running = await monitor();
  const { db } = database;
  const overdue = async (): Promise<string | undefined> => (await (await fetch(`${running.url}/metrics`)).text()).split('\n').find((line) => line.startsWith('orrery_quota_holds_overdue_seconds'));
  const organizationId = newId('organization');
  await db('organizations').insert({ id: organizationId, name: 'Acme', last_at: NOW, created_at: NOW });
  const { userId } = await insertPerson(db, organizationId, 'manager', NOW);
  await createTestOwners(db);
  await db('test_jobs').insert({ organization_id: organizationId, id: 'job-1' });
  const projectId = await insertReviewing(db, organizationId, userId, NOW);
  const [began, ends] = [plusMilliseconds(NOW, -7_200_000), plusMilliseconds(NOW, 60_000)];
  const decision = { at: began, by: system('test') };
  await inTransaction(db, (tx) => grantQuota(tx, { organizationId, projectId, amounts: gpus('1'), from: began, until: ends }, decision));
  const hold = { member: asActiveMember({ organizationId, projectId, userId }), owner: { kind: 'test-job', id: 'job-1' }, amounts: gpus('0.5'), expiresAt: ends };
  await inTransaction(db, (tx) => holdQuota(tx, hold, decision));
  t.is(await overdue(), 'orrery_quota_holds_overdue_seconds 0');
  await db('quota_allocations').update({ expires_at: plusMilliseconds(NOW, -3_700_000) });
  t.is(await overdue(), 'orrery_quota_holds_overdue_seconds 3700');
  t.is(await sweepAllocations(db, NOW), 1);
  t.is(await overdue(), 'orrery_quota_holds_overdue_seconds 0');
});

test.serial('a worker that does not run, a reconciler that is late or never succeeded, each make it unready', async (t) => {
  for (const changes of [
    { workers: () => [{ queue: 'cloud', state: 'FAILED', activities: 0 }] },
    { reconciledAt: () => plusMilliseconds(NOW, -300_000) },
    { reconciledAt: () => null },
  ]) {
    const [status, body] = await ready(await monitor(changes));
    t.is(status, 503);
    t.like(body, { status: 'unavailable', database: true });
  }
});

test.serial('without its database it is unready, lives on, and its metrics say that they do not know', async (t) => {
  const gone = await freshDatabase();
  await gone.drop();
  const running = await monitor({ db: gone.db });
  t.like(await ready(running), [503, { database: false, wake_ups: null }]);
  t.is((await fetch(`${running.url}/healthz`)).status, 200);
  t.regex(await (await fetch(`${running.url}/metrics`)).text(), /^orrery_wake_ups Nan$/m);
  t.is((await fetch(`${running.url}/other`)).status, 404);
});

test.serial('real workers answer on ORRERY_WORKERS_PORT, and no longer once they have stopped', async (t) => {
  const port = await freePort();
  const site = await platform((config) => ({ ...config, workersPort: port }));
  try {
    const workers = await site.startWorkers();
    const url = `http://127.0.0.1:${port}`;
    try {
      const body = await eventually(async () => {
        const response = await fetch(`${url}/readyz`);
        return response.ok && (await response.json());
      }, 'the workers to be ready');
      t.like(body, { wake_ups: { count: 0 }, workers: { entities: 'RUNNING', imports: 'RUNNING', cloud: 'RUNNING' } });
    } finally {
      await workers.stop();
    }
    await t.throwsAsync(fetch(`${url}/healthz`));
  } finally {
    await site.end();
  }
});
