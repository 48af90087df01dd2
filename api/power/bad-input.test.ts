import { newId } from '../../commands/shared/new-id.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import type { Reply, TestApi } from '../../tests/helpers/api.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import { insertInstances, insertSandbox, type InstanceWish } from '../../tests/helpers/power.ts';

const test = apiTest();

async function open({ context: { api } }: { context: { api: TestApi } }, wishes: readonly InstanceWish[] = [{}]) {
  const organizationId = await api.organization();
  const { token } = await api.member(organizationId, 'engineer');
  const dataSourceId = await insertSandbox(api.db, organizationId);
  const ids = await insertInstances(api.db, { organizationId, dataSourceId }, wishes, api.clock.now());
  return {
    api,
    organizationId,
    ids,
    get: (path: string) => api.call(path, { token }),
    ask: (verb: string, id: string, body: unknown = {}, headers: Record<string, string> = {}) =>
      api.call(`/v1/instances/${id}:${verb}`, { method: 'POST', token, body, headers }),
  };
}

const refusal = ({ status, body }: Reply): unknown[] => [status, body.code, ...(body.fields ?? []).map(({ field }: { field: string }) => field)];

test('a hold that cannot be is refused by name, and nothing is wanted of the instance', async (t) => {
  const { api, ids, ask, get } = await open(t, [{}, { cannotStop: 'stop-protection' }, {}, { state: 'unknown' }]);
  const [id = '', guarded = '', gone = '', unknown = ''] = ids;
  await api.db('instances').where({ resource_id: gone }).update({ gone_at: api.clock.now() });
  const past = plusMilliseconds(api.clock.now(), -1_000);
  t.deepEqual(refusal(await ask('start', id, { until: past })), [400, 'power.hold-ends-in-past', 'until']);
  t.deepEqual(refusal(await ask('stop', id, { until: 'tomorrow' })), [400, 'request.invalid', 'until']);
  t.deepEqual(refusal(await ask('hold', id, { until: '2036-02-30T00:00:00Z' })), [400, 'request.invalid', 'until']);
  t.deepEqual(refusal(await ask('stop', id, { reason: 'x'.repeat(501) })), [400, 'request.invalid', 'reason']);
  t.deepEqual(refusal(await ask('start', id, { untill: past })), [400, 'request.invalid', 'untill']);
  t.deepEqual(refusal(await ask('stop', guarded)), [409, 'power.cannot-stop']);
  t.is((await ask('start', guarded)).status, 202, 'what may not be stopped may be started');
  t.deepEqual(refusal(await ask('start', gone)), [409, 'power.instance-gone']);
  t.deepEqual(refusal(await ask('hold', unknown)), [409, 'power.state-unknown']);
  t.deepEqual((await get(`/v1/instances/${id}/power`)).body, {
    resource_id: id,
    wanted: null,
    decided_by: null,
    wanted_since: null,
    is_settled: true,
    next_due_at: null,
    claims: [],
    power_schedule_id: null,
  });
});

test('what is no instance cannot be started: unknown, malformed, another organization’s, known from a bill alone', async (t) => {
  const { api, organizationId, ask } = await open(t);
  const theirs = await open(t);
  t.deepEqual(refusal(await ask('start', newId('resource'))), [404, 'item.not-found']);
  t.deepEqual(refusal(await ask('start', 'i-0123')), [404, 'request.no-such-item', 'id']);
  t.deepEqual(refusal(await ask('start', theirs.ids[0] ?? '')), [404, 'item.not-found']);
  const billed = newId('resource');
  const at = api.clock.now();
  await api.db('resources').insert({
    id: billed,
    organization_id: organizationId,
    cloud: 'aws',
    account_id: '111122223333',
    native_id: billed,
    is_named_line: false,
    resource_name: billed,
    resource_type: 'Volume',
    service_name: 'Amazon Elastic Block Store',
    region_id: 'eu-west-1',
    tags: {},
    first_seen: at,
    last_seen: at,
  });
  for (const verb of ['start', 'stop', 'hold']) t.deepEqual(refusal(await ask(verb, billed)), [404, 'instance.not-found']);
});

test('a start repeated under its key is one wish and one run', async (t) => {
  const { api, organizationId, ids: [id = ''], ask } = await open(t, [{ state: 'stopped' }]);
  const [first, second] = [await ask('start', id, {}, { 'Idempotency-Key': 'start-1' }), await ask('start', id, {}, { 'Idempotency-Key': 'start-1' })];
  t.deepEqual([first.status, second.status], [202, 202]);
  t.is(second.body.power_run.id, first.body.power_run.id);
  t.is(first.headers.get('location'), `/v1/operations/${first.body.power_run.operation_id}`);
  t.is((await api.db('power_runs').where({ organization_id: organizationId })).length, 1);
  const third = await ask('start', id);
  t.not(third.body.power_run.id, first.body.power_run.id, 'asked anew it is a new wish');
});

test('runs that do not exist, and questions that make no sense, are refused by name', async (t) => {
  const { organizationId, get } = await open(t);
  const under = `/v1/organizations/${organizationId}/power-runs`;
  t.deepEqual(refusal(await get(`/v1/power-runs/${newId('power-run')}`)), [404, 'item.not-found']);
  t.deepEqual(refusal(await get('/v1/power-runs/nonsense/items')), [404, 'request.no-such-item', 'id']);
  t.deepEqual(refusal(await get(`${under}?state=asleep`)), [400, 'request.invalid', 'state']);
  t.deepEqual(refusal(await get(`${under}?power_schedule_id=nonsense`)), [400, 'request.invalid', 'power_schedule_id']);
  t.deepEqual(refusal(await get(`${under}?since=yesterday`)), [400, 'request.invalid', 'since']);
  t.deepEqual(refusal(await get(`${under}?page_size=0`)), [400, 'request.invalid', 'page_size']);
  t.deepEqual(refusal(await get(`${under}?page_token=nonsense`)), [400, 'request.invalid-page-token', 'page_token']);
});
