import test from 'ava';
import type { WorkflowHandle } from '@temporalio/client';
import { changeClaims } from '../../commands/power/port.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { actionsOf, activityTypes, historiesOf, recordHistory, replay } from '../helpers/histories.ts';
import { eventually, platform } from '../helpers/platform.ts';
import { bookingClaim } from '../helpers/power-claims.ts';
import { arrangePower, powerSite } from '../helpers/power-site.ts';

const RESOURCES = 200;
/** Temporal actions that a start or stop of one resource may cost. */
const BUDGET = 1.2;

test('two hundred resources that take minutes to boot cost at most 1.2 Temporal actions each, sweep and looks included', async (t) => {
  t.timeout(180_000);
  const power = await powerSite(t, '2035-03-05T07:59:00.000Z');
  const ids = await power.sandbox.machines(RESOURCES, { bootSeconds: 150, stopSeconds: 90 });
  await power.schedule({ triggers: [{ time: '08:00', action: 'power_on' }, { time: '20:00', action: 'power_off' }] }, ids);
  const { client } = power.site;
  const seen = new Set<string>();
  for (const at of ['2035-03-05T08:10:00.000Z', '2035-03-05T20:10:00.000Z']) {
    await power.travelTo(at);
    const [run] = await power.site.db('power_runs').orderBy('id', 'desc').limit(1);
    t.like(run, { state: 'completed', counts: { settled: RESOURCES, open: 0, failed: 0, overruled: 0, superseded: 0 } } as never);
    const workflowId = `power-run/${run.id}`;
    const histories = await historiesOf(power.site, workflowId);
    let actions = histories.reduce((sum, history) => sum + actionsOf(history), 0);
    for await (const sweep of client.workflow.list({ query: `WorkflowType = 'powerSweep'` })) {
      if (seen.has(sweep.runId)) continue;
      seen.add(sweep.runId);
      actions += actionsOf(await client.workflow.getHandle(sweep.workflowId, sweep.runId).fetchHistory());
    }
    t.log(`${actions} actions, ${(actions / RESOURCES).toFixed(2)} a resource`);
    t.true(actions > 10, 'they were found');
    t.true(actions <= BUDGET * RESOURCES, `${actions} actions`);
    for (const history of histories) await replay(history, workflowId);
  }
});

test('a sweep that waits for what is due within its minute, and the run it causes, replay', async (t) => {
  const site = await platform();
  const workers = await site.startWorkers();
  t.teardown(async () => {
    await workers.stop();
    await site.end();
  });
  const power = await arrangePower(site, systemClock);
  const ids = await power.sandbox.machines(3, { bootSeconds: 4 });
  await power.fault('unavailable', { action: 'start', remaining: 1 });
  const claims = ids.map((id) => bookingClaim(power, id, { from: plusMilliseconds(systemClock.now(), 8_000), until: null }));
  await inTransaction(site.db, (tx) => changeClaims(tx, power.sandbox.organizationId, ids, () => ({ put: claims, drop: [] }), power.decision()));
  const sweep = await site.client.workflow.start('powerSweep', { workflowId: 'power-sweep', taskQueue: 'entities' });
  await eventually(async () => (await site.db('power_runs').where({ state: 'completed' })).length === 1, 'the run', 90);
  const run = site.client.workflow.getHandle(`power-run/${(await site.db('power_runs').first<{ id: string }>('id')).id}`);
  const ended = async (handle: WorkflowHandle) => await eventually(async () => (await handle.describe()).status.name === 'COMPLETED', `the end of ${handle.workflowId}`);
  await ended(run);
  await ended(sweep);
  t.true((await activityTypes(sweep)).length >= 2, 'it looked, waited and looked again');
  for (const [name, handle] of Object.entries({ 'power-run': run, 'power-sweep': sweep })) {
    const history = await handle.fetchHistory();
    await replay(history, handle.workflowId);
    recordHistory(name, history);
  }
});
