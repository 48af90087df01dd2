import test from 'ava';
import { changeClaims } from '../../commands/power/port.ts';
import { holdInstance } from '../../commands/power/hold-instances.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { plusMilliseconds, type Clock } from '../../domain/shared/time.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { ensureSweepSchedule, POWER_SWEEP } from '../../workers/sweep-schedule.ts';
import { activityTypes } from '../helpers/histories.ts';
import { eventually, platform } from '../helpers/platform.ts';
import { arrangePower } from '../helpers/power-site.ts';

test('a worker whose clock is behind Temporal’s looks as often as any other', async (t) => {
  const behind: Clock = { now: () => plusMilliseconds(systemClock.now(), -2_500) };
  const site = await platform();
  const workers = await site.startWorkers(behind);
  t.teardown(async () => {
    await workers.stop();
    await site.end();
  });
  const power = await arrangePower(site, behind);
  const [id = ''] = await power.sandbox.machines(1, { bootSeconds: 4 });
  const { organizationId } = power.sandbox;
  const { run } = await inTransaction(site.db, (tx) =>
    holdInstance(tx, organizationId, { resourceId: id, wanted: 'on', until: null, reason: '' }, { ...power.decision(), cause: 'start' }),
  );
  await eventually(async () => (await site.db('power_runs').where({ state: 'completed' })).length === 1, 'the end of the run');
  t.like((await power.items(id))[0], { state: 'settled', observed: 'running', attempts: 1 });
  const looks = (await activityTypes(site.client.workflow.getHandle(`power-run/${run?.run.id}`))).filter((type) => type === 'actuate');
  t.true(looks.length <= 4, `one calls, one or two find it starting, one running: ${looks.length} looks`);
});

test('what is due within the minute is taken when it is due, by the sweep that is under way', async (t) => {
  const site = await platform();
  const workers = await site.startWorkers();
  t.teardown(async () => {
    await workers.stop();
    await site.end();
  });
  const power = await arrangePower(site, systemClock);
  const [id = ''] = await power.sandbox.machines(1);
  await ensureSweepSchedule(site.client, 'entities');
  const { organizationId } = power.sandbox;
  const at = systemClock.now();
  const [from, until] = [plusMilliseconds(at, 8_000), plusMilliseconds(at, 3_600_000)];
  const claim = { id: newId('power-claim'), organizationId, resourceId: id, source: 'booking' as const, sourceId: 'bkg_test', wanted: 'on' as const };
  const origin = { kind: 'booking' as const, name: 'Training' };
  await inTransaction(site.db, (tx) =>
    changeClaims(tx, organizationId, [id], () => ({ put: [{ ...claim, from, until, untilNextTrigger: false, reason: '', origin, createdAt: at }], drop: [] }), power.decision()),
  );
  await site.client.schedule.getHandle(POWER_SWEEP).trigger();
  await eventually(async () => (await power.states([id]))[0] === 'running', 'the machine of the booking');
  const [item] = await power.items(id);
  t.true((item?.dueAt ?? '') >= from, 'not before it is due');
  const sweeps: number[] = [];
  for await (const { workflowId } of site.client.workflow.list({ query: `WorkflowType = 'powerSweep'` })) {
    sweeps.push((await activityTypes(site.client.workflow.getHandle(workflowId))).length);
  }
  t.true(Math.max(...sweeps) >= 2, 'one sweep looked, slept until it was due and looked again');
  t.is((await site.db('power_runs').where({ cause: 'claim' })).length, 1);
});
