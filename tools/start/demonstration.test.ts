import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { startApi, type RunningApi } from '../../api/main.ts';
import { bootstrapAdministrator } from '../../commands/identity/bootstrap.ts';
import { book, insertEnvironment, insertPerson } from '../../tests/helpers/bookings.ts';
import { eventually, platform, type Platform } from '../../tests/helpers/platform.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { ApiClient } from '../cli/api-client.ts';
import { ensureDemonstration } from './demonstration.ts';

let running: Platform;
let workers: { stop(): Promise<void> };
let api: RunningApi;
let client: ApiClient;
let organizationId: string;

const ensure = () => ensureDemonstration(client, running.config.databaseUrl, running.directory, '2026-11-21');
const mark = () => join(running.directory, 'demonstration.sandbox');

test.before(async () => {
  running = await platform();
  workers = await running.startWorkers();
  api = await startApi(running.config, running.log);
  const { token = '', organizationId: id } = await bootstrapAdministrator(running.db, systemClock, { withSample: true });
  client = new ApiClient(api.url, token);
  organizationId = id;
  // As a data directory of an earlier version has it: the bill is done, and there is no sandbox.
  writeFileSync(join(running.directory, 'demonstration.imported'), '');
});

test.after.always(async () => {
  await api.stop();
  await workers.stop();
  await running.end();
});

test.serial('a data directory of before gets machines, and a schedule that its selector gives those of office hours', async (t) => {
  t.true(await ensure());
  t.true(existsSync(mark()));
  t.is((await running.db('instances')).length, 12);
  const [schedule, ...others] = await client.listSchedules(organizationId);
  t.deepEqual(others, []);
  t.like(schedule, { name: 'Office hours', time_zone: 'Europe/Berlin', status: 'active', instances: 5 });
  t.truthy(schedule?.next_fire);
  const { items: runs } = await client.listRuns(organizationId, 10);
  t.deepEqual(runs.map(({ cause }) => cause), ['apply-now'], 'what the schedule says is seen at once');
});

test.serial('the organization has a sandbox calendar, in which a booking appears', async (t) => {
  const [calendar, ...others] = await client.listCalendars(organizationId);
  t.deepEqual(others, []);
  t.like(calendar, { provider: 'sandbox', calendar_id: 'sandbox' });
  const at = systemClock.now();
  const booker = await insertPerson(running.db, organizationId, 'engineer', at);
  const environmentId = await insertEnvironment(running.db, organizationId, { name: 'Bench' }, at);
  await book(running.db, { organizationId, environmentId, booker, at, since: at, until: null });
  const shown = await eventually(async () => await running.db('sandbox_calendar_events').where({ status: 'confirmed' }).first<{ summary: string } | undefined>('summary'), 'the event');
  t.is(shown.summary, 'Bench is booked by A engineer');
});

test.serial('what was interrupted before its end is completed without doubling anything', async (t) => {
  rmSync(mark());
  t.true(await ensure());
  t.is((await running.db('instances')).length, 12);
  t.deepEqual((await client.listDataSources(organizationId)).map(({ cloud }) => cloud), ['sandbox']);
  t.is((await client.listSchedules(organizationId)).length, 1);
  t.is((await client.listRuns(organizationId, 10)).total, 1);
});

test.serial('a colleague’s application for a project waits for a decision, once', async (t) => {
  rmSync(join(running.directory, 'demonstration.applications'));
  t.true(await ensure());
  t.deepEqual(await running.db('applications').select('organization_id', 'type', 'state'), [{ organization_id: organizationId, type: 'project', state: 'reviewing' }]);
  t.like(await running.db('quota_capacities').where('organization_id', organizationId).first(), { gpu: '8.000000' });
});

test.serial('what people delete stays deleted', async (t) => {
  await running.db('power_schedule_members').delete();
  await running.db('power_schedules').delete();
  t.true(await ensure());
  t.deepEqual(await client.listSchedules(organizationId), []);
});

test.serial('without the organization for looking around nothing is made', async (t) => {
  await running.db('organizations').update({ name: 'Acme' });
  rmSync(mark());
  t.false(await ensure());
  t.false(existsSync(mark()));
});
