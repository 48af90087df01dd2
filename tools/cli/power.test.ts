import test from 'ava';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startApi, type RunningApi } from '../../api/main.ts';
import { bootstrapAdministrator } from '../../commands/identity/bootstrap.ts';
import { createSchedule } from '../../commands/power-schedules/edit-schedule.ts';
import { createSandboxInstances } from '../../commands/sandbox/instances.ts';
import { addSandboxFault } from '../../commands/sandbox/faults.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { system } from '../../domain/shared/entity.ts';
import { runOrrery } from '../../tests/helpers/orrery-command.ts';
import { platform, type Platform } from '../../tests/helpers/platform.ts';
import { insertSandbox, ruleOf } from '../../tests/helpers/power.ts';
import { sandboxFaultWish, sandboxWish } from '../../tests/helpers/sandbox.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { ApiClient } from './api-client.ts';
import { followOperation } from './follow.ts';
import { describeItems, describeRuns } from './runs.ts';
import { previewTable } from './schedules.ts';

const by = system('test');
let running: Platform;
let workers: { stop(): Promise<void> };
let api: RunningApi;
let token: string;
let client: ApiClient;
let organizationId: string;
let machines: Record<string, string>;

const orrery = (...args: string[]) => runOrrery(args, { ORRERY_URL: api.url, ORRERY_TOKEN: token }, running.directory);

test.before(async () => {
  running = await platform();
  workers = await running.startWorkers();
  api = await startApi(running.config, running.log);
  const made = await bootstrapAdministrator(running.db, systemClock, { withSample: true });
  token = made.token ?? '';
  organizationId = made.organizationId;
  client = new ApiClient(api.url, token);
  const dataSourceId = await insertSandbox(running.db, organizationId);
  const key = { organizationId, accountId: 'sandbox' };
  for (const name of ['web', 'twin', 'twin', 'poor']) {
    await inTransaction(running.db, (tx) =>
      createSandboxInstances(tx, { key, wish: sandboxWish({ name, bootSeconds: 0, stopSeconds: 0 }), count: 1 }, { at: systemClock.now(), by }),
    );
  }
  await followOperation(client, await client.startDiscovery(dataSourceId), () => {});
  const rows = await running.db('instances').select<{ name: string; id: string }[]>('instance_name as name', 'resource_id as id');
  machines = Object.fromEntries(rows.map(({ name, id }) => [name, id]));
  const wish = sandboxFaultWish('permission-denied', { action: 'start', instanceId: (await client.findInstances(organizationId, 'poor')).items[0]?.native_id ?? null });
  await inTransaction(running.db, (tx) => addSandboxFault(tx, { key, wish }, { at: systemClock.now(), by }));
  const rule = ruleOf({ time_zone: 'Europe/Berlin' }, systemClock.now());
  const schedule = { organizationId, name: 'Office hours', description: '', rule, tagSelector: null, enabled: true, resourceIds: [machines.web ?? ''], applyNow: false };
  await inTransaction(running.db, (tx) => createSchedule(tx, schedule, { at: systemClock.now(), by }));
});

test.after.always(async () => {
  await api.stop();
  await workers.stop();
  await running.end();
});

test.serial('schedules lists them, and preview says what one does next', async (t) => {
  const list = await orrery('schedules');
  t.regex(list.out, /^Demonstration\n\n.*\n.*\nOffice hours\s+psc_\w{26}\s+Europe\/Berlin\s+active\s+1\s+\d{4}-\d\d-\d\d (08:00 on|20:00 off)\n$/, list.error);
  const preview = await orrery('schedules', 'preview', 'Office hours', '--count', '2', '-o', 'Demonstration');
  t.regex(preview.out, /^Office hours, active\n\nEurope\/Berlin\s+UTC\s+turns\n.*\n(.* (08:00 .* on|20:00 .* off)\n){2}$/, preview.error);
  const missing = await orrery('schedules', 'preview', 'Nights');
  t.deepEqual([missing.code, missing.out], [1, '']);
  t.regex(missing.error, /^There is no power schedule Nights; there are: Office hours \(psc_\w+\)\.\n$/);
});

test.serial('simulate prints what a schedule comes to, and what a change would make different', async (t) => {
  const period = ['--from', '2036-01-07T00:00:00Z', '--until', '2036-01-08T00:00:00Z'];
  const alone = await orrery('simulate', 'Office hours', ...period);
  t.is(alone.code, 0, alone.error);
  t.regex(alone.out, /^Office hours, 2036-01-07 00:00 to 2036-01-08 00:00 UTC, 1 instances\n\n\s+always on\s+scheduled\n/);
  t.regex(alone.out, /\nhours on\s+24\s+\d+\n/);
  const changes = join(running.directory, 'changes.json');
  writeFileSync(changes, JSON.stringify({ triggers: [{ time: '08:00', action: 'power_on' }, { time: '18:00', action: 'power_off' }] }));
  const changed = await orrery('simulate', 'Office hours', ...period, '--changes', changes);
  t.is(changed.code, 0, changed.error);
  t.regex(changed.out, /\n2 actions differ:\n\+ 2036-01-07 18:00 off \(2036-01-07 17:00 UTC\)\n- 2036-01-07 20:00 off \(2036-01-07 19:00 UTC\)\n$/);
  const whole = await orrery('simulate', 'Office hours', ...period, '--changes', changes, '--json');
  t.is((JSON.parse(whole.out) as { action_changes_total: number }).action_changes_total, 2);
  const refused = await orrery('simulate', 'Office hours', '--from', '2036-01-07T00:00:00Z', '--until', '2036-01-06T00:00:00Z');
  t.deepEqual([refused.code, /power-schedules\.empty-period/.test(refused.error)], [1, true]);
  t.regex((await orrery('simulate', 'Office hours', '--changes', join(running.directory, 'none.json'))).error, /cannot be read as JSON/);
});

test.serial('power start follows the run to its end, and runs shows it', async (t) => {
  const started = await orrery('power', 'start', 'web', '--reason', 'release day');
  t.is(started.code, 0, started.error);
  t.regex(started.out, /^web is to be on: run_\w+, workflow power-run\/run_\w+ in the Temporal UI\n/);
  t.regex(started.out, /\nweb\s+on\s+as wanted\s+running\s+1\n$/);
  t.regex((await orrery('runs')).out, /run_\w+\s+start\s+Administrator\s+\S+ \S+\s+completed\s+1 as wanted\n$/);
  const [run] = (await client.listRuns(organizationId, 1)).items;
  t.regex((await orrery('runs', run?.id ?? '')).out, /^run_\w+ \(start, Administrator\), due .* UTC: completed\n\n/);
});

test.serial('hold keeps it, release ends that, and with nothing to do nothing is called', async (t) => {
  const held = await orrery('power', 'hold', machines.web ?? '', '--until', '2100-01-01T00:00:00Z', '--no-wait');
  t.regex(held.out, /^res_\w+ is to be on: (run_\w+), .*\nLook with: orrery runs \1\n$/);
  t.regex((await orrery('power', 'release', 'web')).out, /^web: nobody wants anything of it; nothing is called\.\n$/);
});

test.serial('a run that fails says why, and the command fails with it', async (t) => {
  const { code, error } = await orrery('power', 'start', 'poor');
  t.is(code, 1);
  t.regex(error, /poor\s+on\s+failed\s+stopped\s+1\npoor: .*\(sandbox\.missing-permission\)\n$/);
});

test.serial('an instance that is not there, or not the only one, is said before anything is asked', async (t) => {
  t.regex((await orrery('power', 'stop', 'wob')).error, /^There is no instance wob\n$/);
  t.regex((await orrery('power', 'stop', 'we')).error, /^There is no instance we; do you mean web\?\n$/);
  const { error } = await orrery('power', 'stop', 'twin');
  t.regex(error, /^Several instances are named twin; say which:(\n {2}res_\w{26} \(sandbox-eu-1\)){2}\n$/);
  t.regex((await orrery('power', 'stop', 'web', '--until', 'tomorrow')).error, /until: .*RFC 3339/);
});

test('what clock changes moved and left without effect stands beside the fire', (t) => {
  const common = { at: '2036-03-30T01:00:00.000Z', moved: 'gap' };
  const table = previewTable({
    time_zone: 'Europe/Berlin',
    fires: [
      { ...common, local_time: '2036-03-30T02:30', action: 'power_off', superseded_by: '2036-03-30T02:45' },
      { ...common, local_time: '2036-03-30T02:45', action: 'power_on', superseded_by: null },
    ],
  });
  t.regex(table, /02:30\s+2036-03-30 01:00:00\s+off\s+moved to the end of a clock change, superseded by 2036-03-30 02:45\n/);
  t.regex(table, /02:45\s+2036-03-30 01:00:00\s+on\s+moved to the end of a clock change$/);
  t.is(previewTable({ time_zone: 'UTC', fires: [] }), 'It acts no more.');
});

test('a run names each end its instances came to, and how many runs there are', (t) => {
  const run = {
    id: 'run_1', cause: 'trigger', requested_by: 'power sweep', workflow_id: 'power-run/run_1', state: 'failed', due_at: '2026-11-21T18:00:00.000Z',
    counts: { open: 0, settled: 2, superseded: 1, overruled: 0, failed: 1 },
  };
  t.regex(describeRuns({ items: [run], total: 70 }), /failed\s+2 as wanted, 1 failed, 1 superseded\n1 of 70 runs shown\.$/);
  const item = { resource_id: 'res_1', name: null, wanted: 'off' as const, state: 'superseded', observed: null, attempts: 0, detail: 'A newer wish took over.', last_error: null };
  t.regex(describeItems(run, [item]), /^run_1 \(trigger, power sweep\), due 2026-11-21 18:00 UTC: failed\n\n.*\n.*\nres_1\s+off\s+superseded\s+0\nres_1: A newer wish took over\.$/);
});
