import { insertDataSource } from '../../db/data-sources/data-source-store.ts';
import { createSandboxStore } from '../../db/sandbox/sandbox-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { newId } from '../../commands/shared/new-id.ts';
import type { CloudAccount } from '../../domain/data-sources/cloud-ports.ts';
import { createSandboxProvider } from '../../providers/sandbox/provider.ts';
import type { Call, TestApi } from '../../tests/helpers/api.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import { blankDataSource } from '../../tests/helpers/blank-data-source.ts';
import { refTo } from '../../tests/helpers/sandbox.ts';

const test = apiTest();
const never = new AbortController().signal;
const IF_ANY = { 'If-Match': '*' };

/** An engineer with a sandbox, and the product's own view of it. */
async function open(api: TestApi) {
  const organizationId = await api.organization();
  const engineer = await api.member(organizationId, 'engineer');
  const source = blankDataSource(organizationId, { cloud: 'sandbox', name: 'Sandbox', accountId: 'sandbox' });
  await inTransaction(api.db, (tx) => insertDataSource(tx, source));
  const store = createSandboxStore({ db: api.db, newInstanceId: () => newId('sandbox-instance') });
  const provider = createSandboxProvider({ store, clock: api.clock });
  const account: CloudAccount = provider.open({ organizationId, accountId: 'sandbox', dataSourceId: source.id, connection: {}, credentials: null });
  const call = (path: string, said: Call = {}) => api.call(path, { token: engineer.token, ...said });
  const under = `/v1/data-sources/${source.id}`;
  return {
    organizationId,
    account,
    under,
    call,
    post: (path: string, body: unknown) => call(path, { method: 'POST', body }),
    make: async (body: Record<string, unknown> = {}) =>
      (await call(`${under}/sandbox-instances`, { method: 'POST', body: { name: 'web', ...body } })).body.items[0],
  };
}

test('instances are made, found, edited and deleted, and the product’s cloud shows them so', async (t) => {
  const { call, make, under, account } = await open(t.context.api);
  const one = await make({ tags: { Team: 'a' }, instance_type: 'gpu.small', region_id: 'sandbox-us-1', state: 'stopped' });
  t.like(one, { name: 'web', zone: 'sandbox-us-1a', state: 'stopped', tags: { Team: 'a' } });
  const other = await make({ name: 'db' });
  const list = (await call(`${under}/sandbox-instances?search=WEB`)).body;
  t.deepEqual([list.total, list.items.map(({ id }: { id: string }) => id)], [1, [one.id]]);
  const read = await call(`/v1/sandbox-instances/${one.id}`);
  t.deepEqual(read.body, one);
  const body = { tags: { Team: 'b' }, boot_seconds: 0, stop_protection: true };
  const edited = await call(`/v1/sandbox-instances/${one.id}`, { method: 'PATCH', body, headers: { 'If-Match': read.headers.get('etag') ?? '' } });
  t.like(edited.body, { tags: { Team: 'b' }, boot_seconds: 0, stop_protection: true, instance_type: 'gpu.small' });
  const stale = await call(`/v1/sandbox-instances/${one.id}`, { method: 'PATCH', body, headers: { 'If-Match': read.headers.get('etag') ?? '' } });
  t.is(stale.status, 412);
  t.is((await call(`/v1/sandbox-instances/${other.id}`, { method: 'DELETE' })).status, 204);
  t.is((await call(`/v1/sandbox-instances/${other.id}`)).status, 404);
  const found = [];
  for await (const step of account.catalog.discover(never)) if (step.kind === 'instances') found.push(...step.instances);
  t.is(found.length, 1);
  t.like(found[0], { nativeId: one.id, tags: { Team: 'b' }, canStop: { allowed: false, reason: 'stop-protection' } });
  t.deepEqual(found[0]?.hourlyPrice, { amount: '0.752', currency: 'USD' });
});

test('ten thousand are made by one request and read in pages that show each once', async (t) => {
  const { call, post, under } = await open(t.context.api);
  const made = await post(`${under}/sandbox-instances`, { name: 'fleet', count: 10_000, state: 'stopped', tags: { Fleet: 'yes' } });
  t.deepEqual([made.status, made.body.created, made.body.items.length, made.body.items[0].name], [201, 10_000, 100, 'fleet-00001']);
  const first = (await call(`${under}/sandbox-instances?page_size=500`)).body;
  t.is(first.total, 10_000);
  const second = (await call(`${under}/sandbox-instances?page_size=500&page_token=${first.next_page_token}`)).body;
  const names = [...first.items, ...second.items].map(({ name }: { name: string }) => name);
  t.deepEqual(names, Array.from({ length: 1000 }, (_, index) => `fleet-${String(index + 1).padStart(5, '0')}`));
  const tooMany = await post(`${under}/sandbox-instances`, { name: 'fleet', count: 10_001 });
  t.deepEqual([tooMany.status, tooMany.body.fields[0].field], [400, 'count']);
});

test('time goes on in the list, in the counts and in the filter by state', async (t) => {
  const { api } = t.context;
  const { call, make, post, under } = await open(api);
  const one = await make({ state: 'stopped', boot_seconds: 60 });
  const started = await post(`/v1/sandbox-instances/${one.id}:start`, undefined);
  t.is(started.body.state, 'starting');
  t.is(started.body.changes_at, new Date(Date.parse(started.body.state_since) + 60_000).toISOString());
  t.is((await call(`${under}/sandbox-instances?state=running`)).body.total, 0);
  api.clock.forward(60_000);
  t.is((await call(`${under}/sandbox-instances?state=running`)).body.items[0].state, 'running');
  t.deepEqual((await call(`${under}/sandbox`)).body.instances, { running: 1 });
  t.is((await post(`/v1/sandbox-instances/${one.id}:stop`, undefined)).body.state, 'stopping');
});

test('faults are arranged, strike the product, are counted, and end; the log tells each call', async (t) => {
  const { call, post, make, under, account } = await open(t.context.api);
  const one = await make({ state: 'stopped', boot_seconds: 0 });
  const added = await post(`${under}/sandbox-faults`, { kind: 'throttled', action: 'start', count: 1, retry_after_seconds: 9 });
  t.like(added.body, { kind: 'throttled', remaining: 1, met: 0, percent: 100 });
  const refused = await t.throwsAsync(account.power.start([refTo({ id: one.id, regionId: one.region_id })], 'go', never));
  t.like(refused, { code: 'sandbox.throttled', retryAfterSeconds: 9 });
  await account.power.start([refTo({ id: one.id, regionId: one.region_id })], 'go', never);
  t.like((await call(`${under}/sandbox-faults`)).body.items[0], { remaining: 0, met: 1, struck: 1 });
  const log = (await call(`${under}/sandbox-calls?instance_id=${one.id}`)).body;
  t.deepEqual(log.items.map((line: Record<string, unknown>) => [line.action, line.outcome, line.changed]), [['start', 'accepted', true], ['start', 'throttled', false]]);
  t.is((await call(`${under}/sandbox-calls?changed=true`)).body.total, 1);
  const page = (await call(`${under}/sandbox-calls?page_size=1`)).body;
  t.is((await call(`${under}/sandbox-calls?page_size=1&page_token=${page.next_page_token}`)).body.items[0].outcome, 'throttled');
  const outage = (await post(`${under}/sandbox-faults`, { kind: 'unavailable' })).body;
  t.is((await call(`/v1/sandbox-faults/${outage.id}`, { method: 'DELETE' })).status, 204);
  await post(`${under}/sandbox-faults`, { kind: 'unavailable' });
  t.is((await call(`${under}/sandbox-faults`, { method: 'DELETE' })).status, 204);
  t.is((await call(`${under}/sandbox-faults`)).body.total, 0);
  t.is((await call(`${under}/sandbox-calls`, { method: 'DELETE' })).status, 204);
  t.is((await call(`${under}/sandbox-calls`)).body.total, 0);
  const senseless = await post(`${under}/sandbox-faults`, { kind: 'stuck-stopping', action: 'start' });
  t.deepEqual([senseless.status, senseless.body.code], [400, 'sandbox.fault-never-strikes']);
});

test('a scaling group replaces the member that somebody stopped, and its end leaves members alone', async (t) => {
  const { api } = t.context;
  const { call, post, make, under } = await open(api);
  const group = (await post(`${under}/sandbox-scaling-groups`, { name: 'workers', replaced_after_seconds: 5 })).body;
  const member = await make({ scaling_group_id: group.id, stop_seconds: 0 });
  t.is((await call(`${under}/sandbox-scaling-groups`)).body.items[0].members, 1);
  const twice = await post(`${under}/sandbox-scaling-groups`, { name: 'WORKERS' });
  t.deepEqual([twice.status, twice.body.code], [409, 'sandbox.name-taken']);
  await post(`/v1/sandbox-instances/${member.id}:stop`, undefined);
  api.clock.forward(5_000);
  const [replacement] = (await call(`${under}/sandbox-instances`)).body.items;
  t.not(replacement.id, member.id);
  t.like(replacement, { name: 'web', scaling_group_id: group.id });
  t.is((await call(`/v1/sandbox-instances/${member.id}`)).status, 404);
  t.is((await call(`/v1/sandbox-scaling-groups/${group.id}`, { method: 'DELETE', headers: IF_ANY })).status, 204);
  t.is((await call(`/v1/sandbox-instances/${replacement.id}`)).body.scaling_group_id, null);
  const foreign = await open(api);
  const theirs = (await foreign.post(`${foreign.under}/sandbox-scaling-groups`, { name: 'workers' })).body;
  const refused = await post(`${under}/sandbox-instances`, { name: 'x', scaling_group_id: theirs.id });
  t.deepEqual([refused.status, refused.body.code], [400, 'sandbox.no-such-scaling-group']);
});

test('prices and manners of a sandbox are changed and read back, and the ledger knows who did', async (t) => {
  const { api } = t.context;
  const { call, make, under, account, organizationId } = await open(api);
  const path = `${under}/sandbox`;
  const before = await call(path);
  t.like(before.body, { operations: false, refuses_whole_batches: false, account_id: 'sandbox' });
  const body = { operations: true, prices: [{ instance_type: 'general.medium', hourly_price: '1.5' }, { instance_type: 'gpu.large', hourly_price: '30' }] };
  const edited = await call(path, { method: 'PATCH', body, headers: { 'If-Match': before.headers.get('etag') ?? '' } });
  t.is(edited.status, 200);
  const priceOf = (reply: typeof edited, name: string) => reply.body.instance_types.find((type: { name: string }) => type.name === name).hourly_price;
  t.deepEqual([priceOf(edited, 'general.medium'), priceOf(edited, 'gpu.large')], ['1.5', '30']);
  const back = await call(path, { method: 'PATCH', body: { prices: [{ instance_type: 'general.medium', hourly_price: null }] }, headers: IF_ANY });
  t.deepEqual([priceOf(back, 'general.medium'), priceOf(back, 'gpu.large'), back.body.operations], ['0.096', '30', true]);
  const one = await make({ state: 'stopped' });
  const answer = (await account.power.start([refTo({ id: one.id, regionId: one.region_id })], 'go', never)).get(one.id);
  t.true(answer?.accepted === true && answer.operation !== null);
  const events = (await call(`/v1/organizations/${organizationId}/events?action=sandbox.`)).body;
  t.deepEqual(events.items.map(({ action }: { action: string }) => action), ['sandbox.create-instances', 'sandbox.edit-account', 'sandbox.edit-account']);
});

test('an account of a real cloud cannot be arranged', async (t) => {
  const { api } = t.context;
  const { call, organizationId } = await open(api);
  const source = blankDataSource(organizationId, { name: 'Bill' });
  await inTransaction(api.db, (tx) => insertDataSource(tx, source));
  for (const path of ['sandbox', 'sandbox-instances', 'sandbox-faults', 'sandbox-calls', 'sandbox-scaling-groups']) {
    const reply = await call(`/v1/data-sources/${source.id}/${path}`);
    t.deepEqual([reply.status, reply.body.code], [409, 'sandbox.other-cloud']);
  }
});
