import test from 'ava';
import { addSandboxFault, type FaultWish } from '../../commands/sandbox/faults.ts';
import { holdInstance } from '../../commands/power/hold-instances.ts';
import { createSchedule } from '../../commands/power-schedules/edit-schedule.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { system } from '../../domain/shared/entity.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';
import { ruleOf } from '../helpers/power.ts';
import { sandboxSite, type SandboxSite } from '../helpers/sandbox-site.ts';

const by = system('test');

const FAULT: Omit<FaultWish, 'kind'> = {
  action: null,
  regionId: null,
  instanceType: null,
  instanceId: null,
  remaining: null,
  percent: 100,
  seed: 1,
  retryAfterSeconds: null,
  message: null,
};

async function running(t: { teardown(end: () => Promise<void>): void }): Promise<{ site: Platform; sandbox: SandboxSite }> {
  const site = await platform();
  const workers = await site.startWorkers();
  t.teardown(async () => {
    await workers.stop();
    await site.end();
  });
  return { site, sandbox: await sandboxSite(site) };
}

const start = (site: Platform, { organizationId }: SandboxSite, resourceId: string, wanted: 'on' | 'off' = 'on') =>
  inTransaction(site.db, (tx) =>
    holdInstance(tx, organizationId, { resourceId, wanted, until: null, reason: '' }, { at: systemClock.now(), by, cause: 'start', withOperation: true }),
  );

const ended = (site: Platform, runId: string) =>
  eventually(async () => {
    const run = await site.db('power_runs').where({ id: runId }).first<{ state: string }>('state');
    return run.state === 'running' ? null : run.state;
  }, 'the end of the run');

const itemsOf = (site: Platform, runId: string) => site.db('power_run_items').where({ run_id: runId }).orderBy('position');

test('what a person starts is called for, observed running, and told in run, operation and ledger', async (t) => {
  const { site, sandbox } = await running(t);
  const [id = ''] = await sandbox.machines(1, { bootSeconds: 1 });
  const { run } = await start(site, sandbox, id);
  t.is(await ended(site, run?.run.id ?? ''), 'completed');
  t.like(await itemsOf(site, run?.run.id ?? ''), [{ state: 'settled', observed: 'running', attempts: 1 }] as never);
  t.deepEqual((await sandbox.effective()).map((call) => call.action), ['start']);
  t.like(await site.db('operations').where({ id: run?.run.operationId }).first(), { state: 'completed', kind: 'power-run' });
  t.like(await site.db('ledger').where({ subject: id, action: 'power.start' }).first(), { actor_name: 'power run' });
  t.like(await site.db('power_states').where({ resource_id: id }).first(), { wanted: 'on', settled_generation: 1 });
});

test('an instance that is there already is not called for', async (t) => {
  const { site, sandbox } = await running(t);
  const [id = ''] = await sandbox.machines(1, { state: 'running' });
  const { run } = await start(site, sandbox, id);
  t.is(await ended(site, run?.run.id ?? ''), 'completed');
  t.deepEqual(await sandbox.effective(), []);
  t.like((await site.db('ledger').where({ subject: id, action: 'power.find-on' }).first()).after, { runId: run?.run.id, attempts: 0, observed: 'running' });
});

test('a schedule that is applied stops many in batches, and one that lacks a permission holds up no other', async (t) => {
  const { site, sandbox } = await running(t);
  const ids = await sandbox.machines(120, { state: 'running' });
  const [, poor] = await site.db('sandbox_instances').orderBy('name').pluck('id');
  await inTransaction(site.db, (tx) =>
    addSandboxFault(tx, { key: sandbox.key, wish: { ...FAULT, kind: 'permission-denied', action: 'stop', instanceId: poor } }, { at: systemClock.now(), by }),
  );
  const at = systemClock.now();
  const rule = ruleOf({ triggers: [{ time: '00:00', action: 'power_off' }] }, at);
  const wish = { organizationId: sandbox.organizationId, name: 'Nights', description: '', rule, tagSelector: null, enabled: true, resourceIds: ids, applyNow: true };
  const { runs } = await inTransaction(site.db, (tx) => createSchedule(tx, wish, { at, by }));
  const runId = runs[0]?.run.id ?? '';
  t.is(await ended(site, runId), 'failed');
  const items = await itemsOf(site, runId);
  t.is(items.filter((item) => item.state === 'settled').length, 119);
  const [failed] = items.filter((item) => item.state === 'failed');
  t.is(failed.last_error.code, 'sandbox.missing-permission');
  t.truthy(failed.last_error.details.permission);
  t.is((await sandbox.effective()).length, 119);
});

test('an answer that is lost is made good without a second call', async (t) => {
  const { site, sandbox } = await running(t);
  const [id = ''] = await sandbox.machines(1);
  await inTransaction(site.db, (tx) =>
    addSandboxFault(tx, { key: sandbox.key, wish: { ...FAULT, kind: 'answer-lost', action: 'start', remaining: 1 } }, { at: systemClock.now(), by }),
  );
  const { run } = await start(site, sandbox, id);
  t.is(await ended(site, run?.run.id ?? ''), 'completed');
  t.is((await sandbox.effective()).length, 1);
});

test('what somebody does in the cloud’s console is noticed by the next discovery and held', async (t) => {
  const { site, sandbox } = await running(t);
  const [id = ''] = await sandbox.machines(1);
  const { run } = await start(site, sandbox, id);
  await ended(site, run?.run.id ?? '');
  await site.db('sandbox_instances').update({ state: 'stopped', next_at: null, next_state: null });
  await sandbox.discover();
  t.like(await site.db('power_claims').where({ resource_id: id }).first(), { source: 'hold', wanted: 'off', until_next_trigger: true });
  t.like(await site.db('power_states').where({ resource_id: id }).first(), { wanted: 'off', decided_by: 'hold' });
  t.is((await sandbox.effective()).length, 1);
});
