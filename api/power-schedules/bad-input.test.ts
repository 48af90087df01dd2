import { createSchedule } from '../../commands/power-schedules/edit-schedule.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { system } from '../../domain/shared/entity.ts';
import type { Reply, TestApi } from '../../tests/helpers/api.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import { insertInstances, insertSandbox, ruleOf, type InstanceWish } from '../../tests/helpers/power.ts';

const test = apiTest();
const ON = { time: '08:00', action: 'power_on' };
const GOOD = { name: 'Office hours', time_zone: 'Europe/Berlin', triggers: [ON, { time: '19:00', action: 'power_off' }] };

async function open({ context: { api } }: { context: { api: TestApi } }) {
  const organizationId = await api.organization();
  const { token } = await api.member(organizationId, 'engineer');
  const under = `/v1/organizations/${organizationId}/power-schedules`;
  const send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    api.call(path, { method, token, ...(body !== undefined && { body }), ...(headers !== undefined && { headers }) });
  return {
    api,
    organizationId,
    under,
    send,
    post: (path: string, body: unknown, headers?: Record<string, string>) => send('POST', path, body, headers),
    async instances(wishes: readonly InstanceWish[], of = organizationId) {
      const dataSourceId = await insertSandbox(api.db, of, `sandbox-${newId('data-source').slice(-8)}`);
      return await insertInstances(api.db, { organizationId: of, dataSourceId }, wishes, api.clock.now());
    },
  };
}

/** What a refusal says, short enough for a table. */
const refusal = ({ status, body }: Reply): unknown[] => [status, body.code, ...(body.fields ?? []).map(({ field }: { field: string }) => field)];

const INPUTS: [title: string, body: Record<string, unknown>, status: number, code: string, ...fields: string[]][] = [
  ['a zone that does not exist', { time_zone: 'Europe/Atlantis' }, 400, 'power-schedules.unknown-time-zone', 'time_zone'],
  ['an offset in the place of a zone', { time_zone: '+02:00' }, 400, 'power-schedules.fixed-offset', 'time_zone'],
  ['24:00', { triggers: [{ time: '24:00', action: 'power_off' }] }, 400, 'power-schedules.invalid-time', 'triggers.0.time'],
  ['a time with seconds', { triggers: [{ time: '08:00:00', action: 'power_off' }] }, 400, 'power-schedules.invalid-time', 'triggers.0.time'],
  ['no triggers', { triggers: [] }, 400, 'power-schedules.no-triggers', 'triggers'],
  ['a hundred and one triggers', { triggers: Array.from({ length: 101 }, (_, index) => ({ time: `${Math.floor(index / 60)}:${String(index % 60).padStart(2, '0')}`, action: 'power_on' })) }, 400, 'power-schedules.too-many-triggers', 'triggers'],
  ['no days', { triggers: [{ ...ON, days: [] }] }, 400, 'power-schedules.no-days', 'triggers.0.days'],
  ['a day twice', { triggers: [{ ...ON, days: ['monday', 'monday'] }] }, 400, 'power-schedules.duplicate-day', 'triggers.0.days'],
  ['a day that is none', { triggers: [{ ...ON, days: ['caturday'] }] }, 400, 'request.invalid', 'triggers.0.days.0'],
  ['an action that is none', { triggers: [{ time: '08:00', action: 'reboot' }] }, 400, 'request.invalid', 'triggers.0.action'],
  ['the same trigger in two spellings', { triggers: [ON, { time: '8:00', action: 'power_on' }] }, 400, 'power-schedules.duplicate-triggers', 'triggers.0', 'triggers.1'],
  ['on and off at one time', { triggers: [ON, { time: '8:00', action: 'power_off', days: ['friday'] }] }, 400, 'power-schedules.contradicting-triggers', 'triggers.0', 'triggers.1'],
  ['an end before the start', { start_date: '2036-05-02', end_date: '2036-05-01' }, 400, 'power-schedules.end-before-start', 'end_date'],
  ['an end at the start', { valid_from: '2036-05-02T00:00:00Z', valid_until: '2036-05-02T00:00:00Z' }, 400, 'power-schedules.end-before-start', 'valid_until'],
  ['an end that is past', { end_date: '2020-05-01' }, 400, 'power-schedules.end-in-the-past', 'end_date'],
  ['February 30', { skip_dates: ['2036-02-30'] }, 400, 'power-schedules.no-such-date', 'skip_dates.0'],
  ['a date to skip twice', { skip_dates: ['2036-02-01', '2036-02-01'] }, 400, 'power-schedules.duplicate-skip-date', 'skip_dates.1'],
  ['a policy that is none', { gap_policy: 'panic' }, 400, 'request.invalid', 'gap_policy'],
  ['a name of nothing but blanks', { name: '  ' }, 400, 'request.invalid', 'name'],
  ['a name of 256 characters', { name: 'x'.repeat(256) }, 400, 'request.invalid', 'name'],
  ['a selector without a tag', { tag_selector: {} }, 400, 'request.invalid', 'tag_selector'],
  ['an id that is none', { resource_ids: ['i-0123'] }, 400, 'request.invalid', 'resource_ids.0'],
  ['an id of something else', { resource_ids: [newId('power-schedule')] }, 400, 'request.invalid', 'resource_ids.0'],
  ['a field that is unknown', { timezone: 'UTC' }, 400, 'request.invalid', 'timezone'],
  ['a field that is unknown in a trigger', { triggers: [{ ...ON, timezone: 'UTC' }] }, 400, 'request.invalid', 'triggers.0.timezone'],
];
for (const [title, body, ...expected] of INPUTS) {
  test(`a schedule with ${title} is refused by name, and leaves nothing`, async (t) => {
    const { api, organizationId, under, post } = await open(t);
    t.deepEqual(refusal(await post(under, { ...GOOD, ...body })), expected);
    t.deepEqual(await api.db('power_schedules').where({ organization_id: organizationId }), []);
    if (body.name !== undefined || body.tag_selector !== undefined || body.resource_ids !== undefined) return;
    t.deepEqual(refusal(await post(`${under}:preview`, { time_zone: GOOD.time_zone, triggers: GOOD.triggers, ...body })), expected, 'as in a preview');
  });
}

test('a name that is taken, in any case, is refused', async (t) => {
  const { under, post } = await open(t);
  t.is((await post(under, GOOD)).status, 201);
  t.deepEqual(refusal(await post(under, { ...GOOD, name: 'OFFICE hours' })), [409, 'power-schedules.name-taken', 'name']);
});

test('an edit is refused for the same reasons, and changes nothing', async (t) => {
  const { under, post, send } = await open(t);
  const { power_schedule: made } = (await post(under, GOOD)).body;
  const path = `/v1/power-schedules/${made.id}`;
  const edit = async (body: unknown) => refusal(await send('PATCH', path, body, { 'If-Match': '*' }));
  t.deepEqual(await edit({ time_zone: 'Mars/Olympus' }), [400, 'power-schedules.unknown-time-zone', 'time_zone']);
  t.deepEqual(await edit({ triggers: [] }), [400, 'power-schedules.no-triggers', 'triggers']);
  t.deepEqual(await edit({ end_date: '2020-01-01' }), [400, 'power-schedules.end-in-the-past', 'end_date']);
  t.deepEqual(await edit({ enabled: false }), [400, 'request.invalid', 'enabled']);
  t.deepEqual((await send('GET', path)).body, made);
});

test('each instance of a bulk is answered for itself, and one of another organization is as unknown as one that never was', async (t) => {
  const { api, organizationId, under, post, instances } = await open(t);
  const [fit = '', grouped = '', gone = '', taken = ''] = await instances([{}, { cannotStop: 'scaling-group' }, {}, {}]);
  await api.db('instances').where({ resource_id: gone }).update({ gone_at: api.clock.now() });
  const [foreign = ''] = await instances([{}], await api.organization('Theirs'));
  const never = newId('resource');
  t.is((await post(under, { ...GOOD, name: 'First', resource_ids: [taken] })).status, 201);
  const made = await post(under, { ...GOOD, name: 'Second', resource_ids: [fit, grouped, gone, taken, foreign, never, fit] });
  t.is(made.status, 201);
  const items = made.body.items as { resource_id: string; outcome: string; status: number; error: { code: string; message: string; details: Record<string, unknown> } | null }[];
  t.deepEqual(
    items.map(({ resource_id: id, outcome, status, error }) => [id, outcome, status, error?.code ?? null]),
    [
      [fit, 'attached', 200, null],
      [grouped, 'refused', 409, 'power.cannot-stop'],
      [gone, 'refused', 409, 'power.instance-gone'],
      [taken, 'refused', 409, 'power-schedules.other-schedule'],
      [foreign, 'refused', 404, 'instance.not-found'],
      [never, 'refused', 404, 'instance.not-found'],
    ],
  );
  t.like(items[3]?.error?.details, { power_schedule_name: 'First' });
  t.is(items[4]?.error?.message.replace(foreign, ''), items[5]?.error?.message.replace(never, ''));
  t.deepEqual(await api.db('power_schedule_members').where({ organization_id: organizationId }).orderBy('resource_id').pluck('resource_id'), [fit, taken].toSorted());

  const path = `/v1/power-schedules/${made.body.power_schedule.id}`;
  t.deepEqual(refusal(await post(`${path}:attach`, { resource_ids: [] })), [400, 'request.invalid', 'resource_ids']);
  t.like((await post(`${path}:attach`, { resource_ids: [fit] })).body, { counts: { 'already-attached': 1 } });
  t.like((await post(`${path}:detach`, { resource_ids: [taken, never] })).body, { counts: { 'not-attached': 2 } });
});

test('one instance alone is refused with the status of its reason', async (t) => {
  const { api, under, post, send, instances } = await open(t);
  const [fit = '', grouped = '', taken = ''] = await instances([{}, { cannotStop: 'scaling-group' }, {}]);
  const first = (await post(under, { ...GOOD, name: 'First', resource_ids: [taken] })).body.power_schedule.id;
  const second = (await post(under, { ...GOOD, name: 'Second' })).body.power_schedule.id;
  const attach = async (id: string, schedule: string) => refusal(await send('PUT', `/v1/instances/${id}/power-schedule`, { power_schedule_id: schedule }));
  t.deepEqual(await attach(grouped, second), [409, 'power.cannot-stop']);
  t.deepEqual(await attach(taken, second), [409, 'power-schedules.other-schedule']);
  t.deepEqual(await attach(fit, newId('power-schedule')), [404, 'power-schedule.not-found']);
  t.deepEqual(await attach(newId('resource'), first), [404, 'item.not-found']);
  const theirs = await api.organization('Theirs');
  const rule = ruleOf({}, api.clock.now());
  const wish = { organizationId: theirs, name: 'Theirs', description: '', rule, tagSelector: null, enabled: true, resourceIds: [], applyNow: false };
  const { schedule } = await inTransaction(api.db, (tx) => createSchedule(tx, wish, { at: api.clock.now(), by: system('test') }));
  t.deepEqual(await attach(fit, schedule.id), [404, 'power-schedule.not-found'], 'another organization’s schedule does not exist');
  t.deepEqual(refusal(await send('DELETE', `/v1/instances/${fit}/power-schedule`)), [404, 'power-schedule-of-instance.not-found']);
});

test('ten thousand instances are attached in one request and one more is refused', async (t) => {
  const { under, post, send, instances } = await open(t);
  const ids = await instances(Array.from({ length: 10_000 }, () => ({})));
  const made = await post(under, { ...GOOD, resource_ids: ids });
  t.is(made.status, 201);
  t.is(made.body.power_schedule.instances, 10_000);
  t.is(made.body.items.length, 10_000);
  const path = `/v1/power-schedules/${made.body.power_schedule.id}`;
  t.deepEqual(refusal(await post(`${path}:attach`, { resource_ids: [...ids, newId('resource')] })), [400, 'request.invalid', 'resource_ids']);
  const run = await post(`${path}:run`, {});
  t.is(run.status, 202);
  t.is(run.body.power_run_ids.length, 10, 'runs of a thousand');
  t.is((await send('GET', `${path}/instances?page_size=1`)).body.total, 10_000);
});

test('a request that is repeated under its key makes one schedule and one run', async (t) => {
  const { api, organizationId, under, post, instances } = await open(t);
  const [id = ''] = await instances([{}]);
  const create = () => post(under, { ...GOOD, resource_ids: [id] }, { 'Idempotency-Key': 'create-1' });
  const [first, second] = [await create(), await create()];
  t.deepEqual([first.status, second.status, second.headers.get('idempotency-replayed')], [201, 201, 'true']);
  t.deepEqual(second.body, first.body);
  t.deepEqual(refusal(await post(under, { ...GOOD, name: 'Other' }, { 'Idempotency-Key': 'create-1' })), [422, 'request.idempotency-key-reused']);
  const runs = await Promise.all(Array.from({ length: 4 }, () => post(`/v1/power-schedules/${first.body.power_schedule.id}:run`, {}, { 'Idempotency-Key': 'run-1' })));
  t.true(runs.every(({ status }) => status === 202 || status === 409), runs.map(({ status }) => status).join());
  t.is((await api.db('power_runs').where({ organization_id: organizationId })).length, 1);
});

test('what cannot be run says why', async (t) => {
  const { under, post } = await open(t);
  const inactive = (await post(under, { ...GOOD, enabled: false })).body.power_schedule.id;
  t.deepEqual(refusal(await post(`/v1/power-schedules/${inactive}:run`, {})), [409, 'power-schedules.inactive']);
  const later = (await post(under, { ...GOOD, name: 'Later', start_date: '2099-01-01' })).body.power_schedule.id;
  t.deepEqual(refusal(await post(`/v1/power-schedules/${later}:run`, {})), [409, 'power-schedules.says-nothing']);
  t.deepEqual(refusal(await post(`/v1/power-schedules/${newId('power-schedule')}:run`, {})), [404, 'item.not-found']);
  t.deepEqual(refusal(await post('/v1/power-schedules/nonsense:run', {})), [404, 'request.no-such-item', 'id']);
});
