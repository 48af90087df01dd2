import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import pino from 'pino';
import { requestWakeUp } from '../../db/shared/wake-up-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { plusMilliseconds, type Clock } from '../../domain/shared/time.ts';
import { entities, systemClock } from '../../workers/dependencies.ts';
import { ensureNamespace } from '../../workers/namespace.ts';
import { reconcile } from '../../workers/reconciler.ts';
import { relayOnce, wakeThrough, type RelayDependencies, type WakeWorkflow } from '../../workers/relay.ts';
import { tickSchedules } from '../../workers/tick-schedules.ts';
import { anOrganization, connectDirectory, importOutcome } from '../helpers/connect.ts';
import { crash, type CrashOrder } from '../helpers/crash.ts';
import { writeHandMadePeriod } from '../helpers/hand-made-bill.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';

const log = pino({ level: 'silent' });

/** A platform with one imported data source and no process running. */
async function atRest(): Promise<{ site: Platform; ref: { organizationId: string; id: string } }> {
  const site = await platform();
  const path = join(site.directory, 'bill');
  mkdirSync(path);
  writeHandMadePeriod(path, '', 'acme', { month: '2026-10', assembly: 'a', rows: [{ day: '2026-10-03', resource: 'i-1', unblended: '1' }] });
  const workers = await site.startWorkers();
  const organizationId = await anOrganization(site);
  const id = await connectDirectory(site, organizationId, path);
  await importOutcome(site, organizationId, id);
  await eventually(async () => (await site.db('wake_ups')).length === 0, 'an empty relay');
  await eventually(async () => (await site.client.workflow.count(`ExecutionStatus = 'Running'`)).count === 0, 'every workflow to rest');
  await workers.stop();
  return { site, ref: { organizationId, id } };
}

const orderFor = ({ site, ref }: Awaited<ReturnType<typeof atRest>>, at: CrashOrder['at']): CrashOrder => ({
  at,
  databaseUrl: site.url,
  temporal: site.config.temporal,
  ref,
});

/** The relay as another process would run it, later than the lease of the one that died. */
function relay(site: Platform, wake: WakeWorkflow = wakeThrough(site.client, 'entities'), seconds = 31): RelayDependencies {
  const clock: Clock = { now: () => plusMilliseconds(systemClock.now(), seconds * 1000) };
  return { db: site.db, clock, entities, wake, log };
}

async function finish({ site, ref }: Awaited<ReturnType<typeof atRest>>): Promise<{ imports: number; ends: number }> {
  const workers = await site.startWorkers();
  try {
    await importOutcome(site, ref.organizationId, ref.id);
    const imports = await site.db('billing_imports').where({ data_source_id: ref.id, state: 'completed' });
    const ends = await site.db('ledger').where({ subject: ref.id, action: 'billing.complete-import' });
    return { imports: imports.length, ends: ends.length };
  } finally {
    await workers.stop();
    await site.end();
  }
}

test('a command killed before its commit leaves nothing; killed after it, all of it', async (t) => {
  const rest = await atRest();
  const { site } = rest;
  const counts = async (): Promise<number[]> => {
    const tables = ['billing_imports', 'operations', 'ledger', 'wake_ups'];
    return await Promise.all(tables.map(async (table) => (await site.db(table)).length));
  };
  const before = await counts();
  await crash(orderFor(rest, 'command before commit'));
  t.deepEqual(await counts(), before);
  await crash(orderFor(rest, 'command after commit'));
  const after = await counts();
  t.deepEqual([after[0], after[1], after[3]], [before[0]! + 1, before[1]! + 1, before[3]! + 1]);
  t.true(after[2]! > before[2]!);
  t.deepEqual(await finish(rest), { imports: 2, ends: 2 });
});

test('a relay killed before it signals or before it forgets costs time and nothing else', async (t) => {
  const rest = await atRest();
  const { site } = rest;
  await crash(orderFor(rest, 'command after commit'));
  await crash(orderFor(rest, 'relay before signal'));
  t.is((await site.db('wake_ups')).length, 1);
  t.is(await relayOnce(relay(site, undefined, 0)), 0, 'the lease hides it from other relays');
  await site.db('wake_ups').update({ next_attempt_at: systemClock.now() });
  await crash(orderFor(rest, 'relay after signal'));
  t.is((await site.db('wake_ups')).length, 1);
  t.is(await relayOnce(relay(site)), 1);
  t.is((await site.db('wake_ups')).length, 0);
  t.deepEqual(await finish(rest), { imports: 2, ends: 2 });
});

test('a wake-up requested while an older one is being delivered is not lost', async (t) => {
  const { site, ref } = await atRest();
  const wakeUp = { kind: 'data-source', entityId: ref.id, organizationId: ref.organizationId };
  const request = async (): Promise<void> => await inTransaction(site.db, (tx) => requestWakeUp(tx, wakeUp, systemClock.now()));
  await request();
  await relayOnce(relay(site, async () => await request()));
  const rows = await site.db('wake_ups');
  t.deepEqual(rows.map((row) => [row.generation, row.attempts]), [[2, 0]]);
  t.is(await relayOnce(relay(site)), 1);
  t.is((await site.db('wake_ups')).length, 0);
  await site.end();
});

test('a wake-up that cannot be delivered stays with its reason and is tried again later and later', async (t) => {
  const { site, ref } = await atRest();
  await inTransaction(site.db, (tx) => requestWakeUp(tx, { kind: 'data-source', entityId: ref.id, organizationId: ref.organizationId }, systemClock.now()));
  const waits: number[] = [];
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const deps = relay(site, () => Promise.reject(new Error('no Temporal here')), 100 * (attempt + 1));
    t.is(await relayOnce(deps), 1);
    const [row] = await site.db('wake_ups');
    t.is(row.last_error, 'no Temporal here');
    waits.push(Math.round((Date.parse(row.next_attempt_at) - Date.parse(deps.clock.now())) / 100));
  }
  t.deepEqual(waits.map((wait, index) => index === 0 || wait > waits[index - 1]!), [true, true, true]);
  t.is((await site.db('wake_ups').first('attempts')).attempts, 3);
  await site.end();
});

test('dropped wake-ups and a workflow that was terminated are found by the reconciler, and a workflow without a row is ended', async (t) => {
  const rest = await atRest();
  const { site, ref } = rest;
  await crash(orderFor(rest, 'command after commit'));
  await site.db('wake_ups').delete();
  await ensureNamespace(site.connection, site.config.temporal.namespace);
  const orphan = await site.client.workflow.start('dataSource', {
    workflowId: 'data-source/ds_00000000000000000000000000',
    taskQueue: 'entities',
    args: [{ organizationId: ref.organizationId, id: 'ds_00000000000000000000000000' }],
  });
  await eventually(async () => (await site.client.workflow.count(`WorkflowId = '${orphan.workflowId}'`)).count === 1, 'the orphan in visibility');
  const schedules = tickSchedules(site.client, 'entities');
  const { namespace } = site.config.temporal;
  await reconcile({ db: site.db, clock: systemClock, client: site.client, connection: site.connection, namespace, taskQueue: 'entities', entities, schedules, log }, true);
  t.deepEqual((await site.db('wake_ups')).map((row) => row.workflow_id), [`data-source/${ref.id}`]);
  t.is((await orphan.describe()).status.name, 'TERMINATED');
  t.deepEqual(await finish(rest), { imports: 2, ends: 2 });
});

test('what only carries out decisions goes behind what decides, where a queue is backed up', async (t) => {
  const site = await platform();
  const organizationId = await anOrganization(site);
  await ensureNamespace(site.connection, site.config.temporal.namespace);
  const kinds = ['mail', 'webhook-delivery', 'project'];
  for (const kind of kinds) await inTransaction(site.db, (tx) => requestWakeUp(tx, { kind, entityId: `${kind}-1`, organizationId }, systemClock.now()));
  let seconds = 0;
  // Search attributes that were just added take their time: what was not delivered is tried again, by a later clock.
  await eventually(async () => {
    seconds += 100;
    await relayOnce(relay(site, undefined, seconds));
    return (await site.db('wake_ups')).length === 0;
  }, 'every wake-up to be delivered');
  const priorities = await Promise.all(kinds.map(async (kind) => (await site.client.workflow.getHandle(`${kind}/${kind}-1`).describe()).priority?.priorityKey));
  t.deepEqual(priorities, [4, 4, undefined]);
  await site.end();
});
