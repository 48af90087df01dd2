import test, { type ExecutionContext } from 'ava';
import { addSandboxFault, clearSandboxFaults } from '../../commands/sandbox/faults.ts';
import { actInConsole, createSandboxInstances, deleteSandboxInstance, editSandboxInstance } from '../../commands/sandbox/instances.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { SandboxAccountKey } from '../../domain/sandbox/account.ts';
import type { SandboxInstance } from '../../domain/sandbox/instance.ts';
import type { InstanceWish } from '../../domain/sandbox/new-instance.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { anOrganization, tester } from '../helpers/connect.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';
import { sandboxFaultWish, sandboxWish } from '../helpers/sandbox.ts';
import { siteApi, type SiteApi } from '../helpers/site-api.ts';

let site: Platform;
let workers: { stop(): Promise<void> };
test.before(async () => {
  site = await platform();
  workers = await site.startWorkers();
});
test.after.always(async () => {
  await workers?.stop();
  await site?.end();
});

const decision = () => ({ at: systemClock.now(), by: tester });

/** A sandbox that was connected over the API, its first discovery done. */
interface World {
  api: SiteApi;
  organizationId: string;
  dataSourceId: string;
  key: SandboxAccountKey;
  make(wish?: Partial<InstanceWish>, count?: number): Promise<SandboxInstance[]>;
  discover(): Promise<Record<string, unknown>>;
  instances(query?: string): Promise<Item[]>;
}

type Item = Record<string, unknown> & { id: string; name: string; state: string; gone_at: string | null };

async function connected(t: ExecutionContext): Promise<World> {
  const organizationId = await anOrganization(site);
  const api = await siteApi(site, organizationId);
  t.teardown(() => api.stop());
  const body = { cloud: 'sandbox', name: 'Playground', account: 'playground', discovery_interval_minutes: 1440 };
  const answer = await api.call('POST', `/v1/organizations/${organizationId}/data-sources`, { body });
  t.is(answer.status, 201, JSON.stringify(answer.body));
  const dataSourceId = answer.body.id as string;
  const key = { organizationId, accountId: 'playground' };
  const world: World = {
    api,
    organizationId,
    dataSourceId,
    key,
    make: (wish = {}, count = 1) => inTransaction(site.db, (tx) => createSandboxInstances(tx, { key, wish: sandboxWish(wish), count }, decision())),
    async discover() {
      const asked = await api.call('POST', `/v1/data-sources/${dataSourceId}:discover`);
      t.is(asked.status, 202, JSON.stringify(asked.body));
      return await eventually(async () => {
        const { body } = await api.call('GET', `/v1/operations/${String(asked.body.id)}`);
        return body.done_at === null ? null : body;
      }, 'the discovery');
    },
    async instances(query = 'gone=include') {
      const list = await api.call('GET', `/v1/organizations/${organizationId}/instances?${query}`);
      t.is(list.status, 200, JSON.stringify(list.body));
      return list.body.items as Item[];
    },
  };
  await eventually(async () => ((await api.call('GET', `/v1/data-sources/${dataSourceId}`)).body.discovery as Record<string, unknown>).state === 'idle', 'the first discovery');
  return world;
}

test('a sandbox connected over the API is discovered at once, and again on request, with what changed', async (t) => {
  const world = await connected(t);
  const { api, dataSourceId } = world;
  const source = (await api.call('GET', `/v1/data-sources/${dataSourceId}`)).body;
  t.like(source, { cloud: 'sandbox', kind: 'account', account_id: 'playground', connection: { account: 'playground' }, credentials_kind: 'none', export: null, import_interval_minutes: null });
  t.like(source.discovery, { interval_minutes: 1440, last_error: null });

  const [web] = await world.make({ name: 'web', tags: { Team: 'blue' }, state: 'running' });
  await world.make({ name: 'db', regionId: 'sandbox-us-1' });
  const first = await world.discover();
  t.like(first, { state: 'completed', kind: 'discover-resources', result: { scopes_listed: 3, scopes_failed: 0, instances: 2, added: 2, changed: 0, gone: 0 } });
  t.deepEqual((await world.instances()).map(({ name, state }) => [name, state]), [['db', 'stopped'], ['web', 'running']]);
  const [seen] = await world.instances('tag=Team%3Dblue');
  t.like(seen, { cloud: 'sandbox', account_id: 'playground', native_id: web?.id, data_source_id: dataSourceId, tags: { Team: 'blue' }, can_stop: { allowed: true } });

  t.like((await world.discover()).result, { added: 0, changed: 0, gone: 0 });
  await inTransaction(site.db, (tx) => editSandboxInstance(tx, { organizationId: world.organizationId, id: web!.id }, { tags: { Team: 'red' } }, decision()));
  await inTransaction(site.db, (tx) => actInConsole(tx, { organizationId: world.organizationId, id: web!.id }, 'stop', decision()));
  t.like((await world.discover()).result, { added: 0, changed: 1, gone: 0 });
  t.is((await world.instances('tag=Team%3Dred'))[0]?.state, 'stopping');

  const resource = (await api.call('GET', `/v1/resources/${seen!.id}`)).body;
  t.like(resource, { name: 'web', type: 'sandbox:instance', tags: [{ key: 'team', value: 'red', source_keys: ['Team'] }], bills: [] });
  t.is((resource.instance as Item).state, 'stopping');
});

test('a region that cannot be listed is named with its reason, and nothing of it is called gone', async (t) => {
  const world = await connected(t);
  const { api, dataSourceId, key } = world;
  const [here] = await world.make({ name: 'here' });
  const [there] = await world.make({ name: 'there', regionId: 'sandbox-us-1' });
  await world.discover();
  for (const { id } of [here!, there!]) await inTransaction(site.db, (tx) => deleteSandboxInstance(tx, { organizationId: world.organizationId, id }, decision()));
  await inTransaction(site.db, (tx) => addSandboxFault(tx, { key, wish: sandboxFaultWish('permission-denied', { action: 'discover', regionId: 'sandbox-us-1' }) }, decision()));
  const partly = await world.discover();
  t.like(partly, { state: 'completed', result: { scopes_listed: 2, scopes_failed: 1, gone: 1, incomplete: { code: 'data-sources.discovery-incomplete' } } });
  t.deepEqual((await world.instances()).map(({ name, gone_at: gone }) => [name, gone !== null]), [['here', true], ['there', false]]);
  const shown = (await api.call('GET', `/v1/data-sources/${dataSourceId}/discovery`)).body;
  const [type] = shown.resource_types as { resource_type: string; status: string; error: { code: string }; resources: number; scopes: { scope: string; status: string; resources: number }[] }[];
  t.like(type, { resource_type: 'instance', status: 'incomplete', error: { code: 'sandbox.missing-permission' }, resources: 1 });
  t.deepEqual(type?.scopes.map(({ scope, status, resources }) => [scope, status, resources]), [
    ['sandbox-ap-1', 'listed', 0],
    ['sandbox-eu-1', 'listed', 0],
    ['sandbox-us-1', 'failed', 1],
  ]);
  await eventually(async () => {
    const { body } = await api.call('GET', `/v1/data-sources/${dataSourceId}`);
    return (body.discovery as { last_error: { code: string } | null }).last_error?.code === 'data-sources.discovery-incomplete';
  }, 'the error on the data source');

  await inTransaction(site.db, (tx) => clearSandboxFaults(tx, key, decision()));
  t.like((await world.discover()).result, { scopes_failed: 0, gone: 1, incomplete: null });
  t.deepEqual((await world.instances('gone=only')).map(({ name, state }) => [name, state]), [['here', 'terminated'], ['there', 'terminated']]);
});

test('the Schedule asks for discoveries, follows interval and pause, and nothing else listens to it', async (t) => {
  const world = await connected(t);
  const { api, dataSourceId } = world;
  const schedule = site.client.schedule.getHandle(`discover-data-source/${dataSourceId}`);
  const becomes = async (minutes: number, paused: boolean) =>
    await eventually(async () => {
      const { spec, state } = await schedule.describe();
      return spec.intervals?.[0]?.every === minutes * 60_000 && state.paused === paused;
    }, `a Schedule of ${minutes} min${paused ? ', paused' : ''}`);
  const edit = async (body: object) => await api.call('PATCH', `/v1/data-sources/${dataSourceId}`, { body, headers: { 'If-Match': '*' } });
  t.true(await becomes(1440, false));
  t.is((await edit({ discovery_interval_minutes: 5 })).status, 200);
  t.true(await becomes(5, false));
  await world.make({ name: 'late' });
  const operations = await site.db('operations').where({ subject_id: dataSourceId });
  await schedule.trigger();
  await eventually(async () => (await world.instances()).length === 1, 'the ticked discovery');
  t.deepEqual(await site.db('operations').where({ subject_id: dataSourceId }), operations, 'a tick has no operation');
  await edit({ paused: true });
  t.true(await becomes(5, true));
  t.is((await edit({ discovery_interval_minutes: 4 })).status, 400);
  t.is((await edit({ import_interval_minutes: 15 })).body.code, 'data-sources.no-bill-yet');
  t.is((await api.call('POST', `/v1/data-sources/${dataSourceId}:import`, { body: {} })).body.code, 'data-sources.no-bill-yet');
  const imports = site.client.schedule.getHandle(`import-data-source/${dataSourceId}`);
  await t.throwsAsync(imports.describe(), { name: 'ScheduleNotFoundError' });
});

test('deleting a data source takes its instances along, and the same account can be connected anew', async (t) => {
  const world = await connected(t);
  const { api, organizationId, dataSourceId } = world;
  await world.make({ name: 'one', tags: { Team: 'blue' } }, 3);
  await world.discover();
  const twice = await api.call('POST', `/v1/organizations/${organizationId}/data-sources`, { body: { cloud: 'sandbox', name: 'Twice', account: 'playground' } });
  t.deepEqual([twice.status, twice.body.code], [409, 'data-sources.account-connected']);
  await api.call('DELETE', `/v1/data-sources/${dataSourceId}`, { headers: { 'If-Match': '*' } });
  await eventually(async () => (await site.db('data_sources').where({ id: dataSourceId }).first('state')).state === 'deleted', 'the purge');
  t.deepEqual(await world.instances(), []);
  const left = ['instances', 'resources', 'discovery_scopes'].map(async (table) => (await site.db(table).where({ organization_id: organizationId })).length);
  t.deepEqual(await Promise.all(left), [0, 0, 0]);
  await t.throwsAsync(site.client.schedule.getHandle(`discover-data-source/${dataSourceId}`).describe(), { name: 'ScheduleNotFoundError' });
  const again = await api.call('POST', `/v1/organizations/${organizationId}/data-sources`, { body: { cloud: 'sandbox', name: 'Again', account: 'playground' } });
  t.is(again.status, 201);
  await eventually(async () => (await world.instances()).length === 3, 'the first discovery of the new data source');
});

test.serial('a data source whose Temporal Schedules are lost has them again after a reconciliation', async (t) => {
  const { dataSourceId } = await connected(t);
  const schedule = site.client.schedule.getHandle(`discover-data-source/${dataSourceId}`);
  await eventually(() => schedule.describe(), 'the Schedule');
  await schedule.delete();
  await workers.stop();
  workers = await site.startWorkers();
  t.truthy(await eventually(() => schedule.describe(), 'the Schedule again'));
});
