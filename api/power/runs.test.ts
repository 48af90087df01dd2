import { holdInstance } from '../../commands/power/hold-instances.ts';
import { createSchedule } from '../../commands/power-schedules/edit-schedule.ts';
import { sweepSchedules } from '../../commands/power-schedules/sweep-schedules.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { system } from '../../domain/shared/entity.ts';
import type { TestApi } from '../../tests/helpers/api.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import { insertInstances, insertSandbox, ruleOf } from '../../tests/helpers/power.ts';

// One after the other: a sweep takes what is due of every organization.
const test = apiTest().serial;
const by = system('test');
const CREATED = '2026-06-01T00:00:00.000Z';
const hour = (time: string) => `2026-06-01T${time}:00.000Z`;

/** Instances in a schedule of 08:00 to 19:00, whose triggers have been swept at the given instants. */
async function open(api: TestApi, count: number) {
  const organizationId = await api.organization();
  const { token } = await api.member(organizationId, 'engineer');
  const dataSourceId = await insertSandbox(api.db, organizationId);
  const ids = await insertInstances(api.db, { organizationId, dataSourceId }, Array.from({ length: count }, () => ({})), CREATED);
  const rule = ruleOf({ triggers: [{ time: '08:00', action: 'power_on' }, { time: '19:00', action: 'power_off' }] }, CREATED);
  const wish = { organizationId, name: 'Office hours', description: '', rule, tagSelector: null, enabled: true, resourceIds: ids, applyNow: false };
  const { schedule } = await inTransaction(api.db, (tx) => createSchedule(tx, wish, { at: CREATED, by }));
  return {
    ids,
    schedule,
    organizationId,
    get: async (path: string) => (await api.call(path, { token })).body,
    post: (path: string, body: unknown) => api.call(path, { method: 'POST', token, body }),
    async sweep(at: string) {
      while ((await inTransaction(api.db, (tx) => sweepSchedules(tx, at, by))) > 0);
    },
    hold: (id: string | undefined, at: string, until: string) =>
      inTransaction(api.db, (tx) => holdInstance(tx, organizationId, { resourceId: id ?? '', wanted: 'on', until, reason: 'release day' }, { at, by, cause: 'start' })),
  };
}

const idsOf = (page: { items: { id: string }[] }) => page.items.map(({ id }) => id);

test('runs are listed newest first, in pages, by state, cause, schedule, instance and time', async (t) => {
  const { get, sweep, hold, ids, schedule, organizationId } = await open(t.context.api, 2);
  const under = `/v1/organizations/${organizationId}/power-runs`;
  await sweep(hour('08:00'));
  await hold(ids[0], hour('10:00'), hour('21:00'));
  await sweep(hour('19:00'));
  const all = await get(under);
  t.deepEqual(all.items.map(({ cause, due_at, counts }: Record<string, unknown>) => [cause, due_at, (counts as { open: number; overruled: number }).open, (counts as { overruled: number }).overruled]), [
    ['trigger', hour('19:00'), 1, 1],
    ['start', hour('10:00'), 1, 0],
    ['trigger', hour('08:00'), 2, 0],
  ]);
  const [evening, start, morning] = idsOf(all);
  const first = await get(`${under}?page_size=2`);
  t.deepEqual([first.total, first.displayed, idsOf(first)], [3, 2, [evening, start]]);
  const second = await get(`${under}?page_size=2&page_token=${first.next_page_token}`);
  t.deepEqual([idsOf(second), second.next_page_token], [[morning], null]);
  t.deepEqual(idsOf(await get(`${under}?cause=start`)), [start]);
  t.deepEqual(idsOf(await get(`${under}?power_schedule_id=${schedule.id}`)), [evening, morning]);
  t.deepEqual(idsOf(await get(`${under}?resource_id=${ids[1]}`)), [evening, morning]);
  t.deepEqual(idsOf(await get(`${under}?since=${hour('10:00')}&until=${hour('19:00')}`)), [start], 'from, up to before');
  t.deepEqual(idsOf(await get(`${under}?search=TES`)), [evening, start, morning], 'whoever asked');
  t.is((await get(`${under}?search=nobody`)).total, 0);
  const oldest = await get(`${under}?page_size=2&sort=created_at`);
  t.deepEqual([...idsOf(oldest), ...idsOf(await get(`${under}?page_size=2&sort=created_at&page_token=${oldest.next_page_token}`))], [morning, start, evening]);
  t.is((await get(`${under}?state=failed`)).total, 0);
  t.is((await get(`${under}?state=running`)).total, 3);
  t.deepEqual(await get(`/v1/power-runs/${morning}`), all.items[2]);
  t.like(all.items[2], { workflow_id: `power-run/${morning}`, requested_by: 'test', operation_id: null });
});

test('items are listed in pages, each once, with what became of them', async (t) => {
  const { get, sweep, hold, ids, schedule, organizationId } = await open(t.context.api, 5);
  await hold(ids[2], hour('07:00'), hour('21:00'));
  await sweep(hour('08:00'));
  const [{ id }] = (await get(`/v1/organizations/${organizationId}/power-runs?cause=trigger`)).items;
  const pages: Record<string, unknown>[][] = [];
  for (let token: string | null = ''; token !== null; ) {
    const page: { items: Record<string, unknown>[]; total: number; next_page_token: string | null } = await get(
      `/v1/power-runs/${id}/items?page_size=2${token === '' ? '' : `&page_token=${token}`}`,
    );
    t.is(page.total, 5);
    pages.push(page.items);
    token = page.next_page_token;
  }
  t.deepEqual(pages.map((page) => page.length), [2, 2, 1]);
  const items = pages.flat();
  t.deepEqual(items.map((item) => item.resource_id), ids);
  t.like(items[0], { name: 'machine-00000', wanted: 'on', state: 'open', attempts: 0, local_time: '2026-06-01T08:00', due_at: hour('08:00'), moved: null, superseded: [], power_schedule_id: schedule.id, last_error: null });
  const sought = await get(`/v1/power-runs/${id}/items?search=CHINE-00003`);
  t.deepEqual([sought.total, sought.items[0].resource_id], [1, ids[3]]);
  const overruled = (await get(`/v1/power-runs/${id}/items?state=overruled`)).items;
  t.is(overruled.length, 1);
  t.like(overruled[0], { resource_id: ids[2], next_attempt_at: null, finished_at: hour('08:00') });
  t.regex(overruled[0].detail, /^A hold keeps it on \(/);
  const [event] = (await get(`/v1/organizations/${organizationId}/events?subject_id=${ids[2]}&action=power.overrule-start`)).items;
  t.like(event, { at: hour('08:00'), due_at: hour('08:00'), after: { runId: id, detail: overruled[0].detail } });
});

test('an instance shows what became of it in all runs, newest first, in pages', async (t) => {
  const { get, sweep, ids } = await open(t.context.api, 2);
  for (const time of ['08:00', '19:00']) await sweep(hour(time));
  const under = `/v1/instances/${ids[0]}/power-runs`;
  const all = await get(under);
  t.deepEqual(all.items.map(({ wanted, local_time }: Record<string, unknown>) => [wanted, local_time]), [['off', '2026-06-01T19:00'], ['on', '2026-06-01T08:00']]);
  const first = await get(`${under}?page_size=1`);
  const second = await get(`${under}?page_size=1&page_token=${first.next_page_token}`);
  t.deepEqual([first.total, first.items[0].wanted, second.items[0].wanted, second.next_page_token], [2, 'off', 'on', null]);
});

test('a person’s hold shows who decides, and its release what is next in line', async (t) => {
  const { get, post, sweep, ids, schedule } = await open(t.context.api, 1);
  const under = `/v1/instances/${ids[0]}`;
  t.like(await get(`${under}/power`), { wanted: null, decided_by: null, wanted_since: null, is_settled: true, claims: [], power_schedule_id: schedule.id });
  await sweep(hour('19:00'));
  t.like(await get(`${under}/power`), { wanted: 'off', decided_by: { source: 'schedule', id: schedule.id }, is_settled: false });
  const started = await post(`${under}:start`, { until: '2040-01-01T00:00:00Z', reason: 'release day' });
  t.is(started.status, 202);
  t.is(started.headers.get('location'), `/v1/operations/${started.body.power_run.operation_id}`);
  t.like(started.body.power, { wanted: 'on', decided_by: { source: 'hold' }, next_due_at: '2040-01-01T00:00:00.000Z' } as never);
  t.like(started.body.power.claims.find((claim: { source: string }) => claim.source === 'hold'), { reason: 'release day', until_next_trigger: false, origin: { kind: 'person' } } as never);
  const released = await post(`${under}:release`, {});
  t.like(released.body.power, { wanted: 'off', decided_by: { source: 'schedule' } } as never);
  t.is(released.body.power_run.cause, 'release');
  t.is((await post(`${under}:release`, {})).body.power_run, null, 'there is nothing to release');
  const held = await post(`${under}:hold`, {});
  t.is(held.body.power_run.cause, 'claim', 'neither a start nor a stop was asked for');
  t.like(held.body.power.claims.find((claim: { source: string }) => claim.source === 'hold'), { wanted: 'on', until: null, until_next_trigger: true });
});
