import type { TestApi } from '../../tests/helpers/api.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import { insertInstances, insertSandbox, type InstanceWish } from '../../tests/helpers/power.ts';

const test = apiTest();
const NOW = '2035-06-15T12:00:00.000Z';
const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'];
const WEEK = [...WEEKDAYS, 'saturday', 'sunday'];
const OFFICE = {
  time_zone: 'Europe/Berlin',
  triggers: [{ time: '08:00', days: WEEKDAYS, action: 'power_on' }, { time: '19:00', days: WEEKDAYS, action: 'power_off' }],
};

async function open(api: TestApi) {
  api.clock.forward(Math.max(0, Date.parse(NOW) - Date.parse(api.clock.now())));
  const organizationId = await api.organization();
  const { token } = await api.member(organizationId, 'engineer');
  const under = `/v1/organizations/${organizationId}/power-schedules`;
  const post = (path: string, body: unknown) => api.call(path, { method: 'POST', token, body });
  return {
    api,
    organizationId,
    under,
    post,
    get: (path: string) => api.call(path, { token }),
    create: async (body: Record<string, unknown> = {}) => (await post(under, { name: 'Office hours', ...OFFICE, ...body })).body.power_schedule,
    patch: (id: string, version: number | '*', body: unknown) =>
      api.call(`/v1/power-schedules/${id}`, { method: 'PATCH', token, body, headers: { 'If-Match': version === '*' ? '*' : `"${version}"` } }),
    async instances(wishes: readonly InstanceWish[]) {
      const dataSourceId = await insertSandbox(api.db, organizationId);
      return await insertInstances(api.db, { organizationId, dataSourceId }, wishes, NOW);
    },
  };
}

const ruleOf = ({ time_zone, triggers, skip_dates, valid_from, valid_until, gap_policy, overlap_policy }: Record<string, unknown>) => ({
  time_zone, triggers, skip_dates, valid_from, valid_until, gap_policy, overlap_policy,
});

test('every field of a rule comes back as it counts: ordered, filled in, local dates as instants', async (t) => {
  const { post, get, under } = await open(t.context.api);
  const created = await post(under, {
    name: ' Nights ',
    description: 'Batch machines.',
    time_zone: 'europe/berlin',
    triggers: [{ time: '22:30', action: 'power_on' }, { time: '6:00', days: ['sunday', 'monday'], action: 'power_off' }],
    skip_dates: ['2035-12-25', '2035-12-24'],
    start_date: '2035-07-01',
    end_date: '2035-10-28',
    gap_policy: 'skip',
    overlap_policy: 'second',
    tag_selector: { Hours: 'night' },
  });
  t.is(created.status, 201);
  const schedule = created.body.power_schedule;
  t.is(created.headers.get('location'), `/v1/power-schedules/${schedule.id}`);
  t.like(schedule, { name: 'Nights', description: 'Batch machines.', tag_selector: { Hours: 'night' }, enabled: true, instances: 0, version: 1, last_run: null });
  t.deepEqual(ruleOf(schedule), {
    time_zone: 'Europe/Berlin',
    triggers: [{ time: '06:00', days: ['monday', 'sunday'], action: 'power_off' }, { time: '22:30', days: WEEK, action: 'power_on' }],
    skip_dates: ['2035-12-24', '2035-12-25'],
    // The last day has 25 hours.
    valid_from: '2035-06-30T22:00:00.000Z',
    valid_until: '2035-10-28T23:00:00.000Z',
    gap_policy: 'skip',
    overlap_policy: 'second',
  });
  const read = await get(`/v1/power-schedules/${schedule.id}`);
  t.deepEqual([read.status, read.headers.get('etag'), read.body], [200, '"1"', schedule]);
});

test('what was read can be sent again as a new rule and is the same', async (t) => {
  const { create } = await open(t.context.api);
  const first = await create({ valid_from: '2035-07-01T00:00:00+02:00', valid_until: '2035-09-01T00:00:00Z', skip_dates: ['2035-08-15'] });
  const again = await create({ name: 'Again', ...ruleOf(first) });
  t.deepEqual(ruleOf(again), ruleOf(first));
});

test('an edit needs the version that was read, changes what it names, and a stale one is refused', async (t) => {
  const { create, patch, get, api } = await open(t.context.api);
  const { id } = await create({ skip_dates: ['2035-12-24'] });
  const edited = await patch(id, 1, { name: 'Office', triggers: [{ time: '9:00', action: 'power_on' }] });
  t.deepEqual([edited.status, edited.headers.get('etag')], [200, '"2"']);
  t.like(edited.body, { name: 'Office', version: 2, time_zone: 'Europe/Berlin', skip_dates: ['2035-12-24'], triggers: [{ time: '09:00' }] } as never);
  const stale = await patch(id, 1, { name: 'Late' });
  t.deepEqual([stale.status, stale.body.code], [412, 'power-schedule.changed-meanwhile']);
  const unchanged = await patch(id, 2, { name: 'Office', time_zone: 'Europe/Berlin' });
  t.deepEqual([unchanged.status, unchanged.body.version], [200, 2], 'nothing differs');
  const { token } = await api.member((await get(`/v1/power-schedules/${id}`)).body.organization_id, 'engineer');
  const blind = await api.call(`/v1/power-schedules/${id}`, { method: 'PATCH', token, body: { name: 'Blind' } });
  t.deepEqual([blind.status, blind.body.code], [428, 'power-schedule.if-match-required']);
});

test('edits at once that accept any version keep each other’s fields', async (t) => {
  const { create, patch, get } = await open(t.context.api);
  const { id } = await create();
  const edits = [{ time_zone: 'Asia/Tokyo' }, { skip_dates: ['2035-12-24'] }, { gap_policy: 'skip' }, { overlap_policy: 'second' }, { end_date: '2035-12-31' }];
  const replies = await Promise.all(edits.map((body) => patch(id, '*', body)));
  t.deepEqual(replies.map(({ status }) => status), [200, 200, 200, 200, 200]);
  t.is(new Set(replies.map(({ headers }) => headers.get('etag'))).size, 5);
  const { body } = await get(`/v1/power-schedules/${id}`);
  t.like(body, { version: 6, time_zone: 'Asia/Tokyo', skip_dates: ['2035-12-24'], gap_policy: 'skip', overlap_policy: 'second' });
});

test('a validity in dates takes the place of one in instants, the other way around, and null ends it', async (t) => {
  const { create, patch } = await open(t.context.api);
  const { id } = await create({ valid_from: '2035-07-01T00:00:00Z', valid_until: '2035-08-01T00:00:00Z' });
  const validity = async (version: number, body: unknown) => {
    const { status, body: answer } = await patch(id, version, body);
    return status === 200 ? [answer.valid_from, answer.valid_until] : answer.code;
  };
  t.deepEqual(await validity(1, { end_date: '2035-07-31' }), ['2035-07-01T00:00:00.000Z', '2035-07-31T22:00:00.000Z']);
  t.deepEqual(await validity(2, { start_date: '2035-07-02', end_date: '2035-07-02' }), ['2035-07-01T22:00:00.000Z', '2035-07-02T22:00:00.000Z']);
  t.deepEqual(await validity(3, { valid_until: '2035-09-01T00:00:00Z' }), ['2035-07-01T22:00:00.000Z', '2035-09-01T00:00:00.000Z']);
  t.deepEqual(await validity(4, { valid_from: null, end_date: null }), [null, null]);
  t.is(await validity(5, { start_date: '2035-07-01', valid_from: '2035-07-01T00:00:00Z' }), 'power-schedules.validity-given-twice');
});

test('its status says whether it acts, and when', async (t) => {
  const { create, patch, post, get, api } = await open(t.context.api);
  const statusOf = async (id: string) => {
    const { status, next_fire: next } = (await get(`/v1/power-schedules/${id}`)).body;
    return [status, next?.local_time ?? null];
  };
  const { id } = await create();
  // Now it is a Friday, 14:00 in Berlin.
  t.deepEqual(await statusOf(id), ['active', '2035-06-15T19:00']);
  const later = await create({ name: 'Later', start_date: '2035-06-18' });
  t.deepEqual(await statusOf(later.id), ['not-yet-valid', '2035-06-18T08:00']);
  const last = await create({ name: 'Last minutes', valid_until: '2035-06-15T12:30:00Z' });
  t.deepEqual([last.status, last.next_fire], ['active', null], 'its validity ends before');
  api.clock.forward(Math.max(0, Date.parse('2035-06-15T12:30:00Z') - Date.parse(api.clock.now())));
  t.deepEqual(await statusOf(last.id), ['expired', null]);
  t.is((await post(`/v1/power-schedules/${id}:deactivate`, {})).body.power_schedule.status, 'inactive');
  t.deepEqual(await statusOf(id), ['inactive', null]);
  t.is((await patch(id, 2, { skip_dates: ['2035-06-15'] })).body.status, 'inactive', 'an edit does not activate');
  t.is((await post(`/v1/power-schedules/${id}:activate`, { apply_now: false })).body.power_schedule.status, 'active');
  t.deepEqual(await statusOf(id), ['active', '2035-06-18T08:00'], 'Friday evening is skipped');
});

test('the list is by name, in pages, with search, filters and counts', async (t) => {
  const { create, get, under, instances, post } = await open(t.context.api);
  const [first = '', second = ''] = await instances([{}, {}]);
  const made: Record<string, string> = {};
  for (const [name, more] of Object.entries({
    beta: { description: 'for the lab' },
    Alpha: { resource_ids: [first, second] },
    gamma: { time_zone: 'Asia/Tokyo' },
    'Delta 100%': { enabled: false },
  })) made[name] = (await create({ name, ...more })).id;
  const names = async (query = '') => (await get(`${under}${query}`)).body.items.map(({ name }: { name: string }) => name);
  t.deepEqual(await names(), ['Alpha', 'beta', 'Delta 100%', 'gamma']);
  t.deepEqual(await names('?search=LAB'), ['beta']);
  t.deepEqual(await names('?search=100%25'), ['Delta 100%'], 'what means something in SQL is text here');
  t.deepEqual(await names('?enabled=false'), ['Delta 100%']);
  t.deepEqual(await names('?time_zone=Asia/Tokyo'), ['gamma']);
  t.deepEqual(await names(`?resource_id=${first}`), ['Alpha']);
  t.deepEqual(await names('?sort=-name'), ['gamma', 'Delta 100%', 'beta', 'Alpha']);
  t.deepEqual((await names('?sort=next_fire')).slice(2), ['gamma', 'Delta 100%'], 'Tokyo’s Monday comes after Berlin’s Friday evening, and what is off last');
  const latest = (await get(`${under}?sort=-next_fire&page_size=2`)).body;
  const sooner = (await get(`${under}?sort=-next_fire&page_size=2&page_token=${latest.next_page_token}`)).body;
  t.deepEqual(latest.items.map(({ name }: { name: string }) => name), ['Delta 100%', 'gamma']);
  t.deepEqual(new Set(sooner.items.map(({ name }: { name: string }) => name)), new Set(['Alpha', 'beta']));
  const page = (await get(`${under}?page_size=3`)).body;
  t.deepEqual([page.total, page.displayed], [4, 3]);
  const rest = (await get(`${under}?page_size=3&page_token=${page.next_page_token}`)).body;
  t.deepEqual([rest.total, rest.displayed, rest.items[0].name, rest.next_page_token], [4, 1, 'gamma', null]);
  t.is(page.items[0].instances, 2);
  const members = (await get(`/v1/power-schedules/${made.Alpha}/instances?page_size=1`)).body;
  t.deepEqual([members.total, members.items[0].name, members.items[0].attached_by], [2, 'machine-00000', 'person']);
  const next = (await get(`/v1/power-schedules/${made.Alpha}/instances?page_size=1&page_token=${members.next_page_token}`)).body;
  t.deepEqual([next.items[0].name, next.next_page_token], ['machine-00001', null]);
  t.is((await get(`/v1/power-schedules/${made.Alpha}/instances?page_size=1&sort=-name`)).body.items[0].name, 'machine-00001');
  const run = await post(`/v1/power-schedules/${made.Alpha}:run`, {});
  t.is(run.status, 202);
  t.like((await get(`${under}?search=alpha`)).body.items[0].last_run, { id: run.body.power_run_ids[0], state: 'running', counts: { open: 2 } } as never);
});

test('a deleted schedule is gone, its name free and its instances without a schedule', async (t) => {
  const { create, get, instances, api, under } = await open(t.context.api);
  const [id = ''] = await instances([{}]);
  const schedule = await create({ resource_ids: [id] });
  t.is((await get(`/v1/instances/${id}/power`)).body.power_schedule_id, schedule.id);
  const { token } = await api.member(schedule.organization_id, 'engineer');
  const remove = (version: string) => api.call(`/v1/power-schedules/${schedule.id}`, { method: 'DELETE', token, headers: { 'If-Match': version } });
  t.is((await remove('"2"')).status, 412);
  t.is((await remove('"1"')).status, 204);
  t.is((await get(`/v1/power-schedules/${schedule.id}`)).status, 404);
  t.is((await get(`/v1/instances/${id}/power`)).body.power_schedule_id, null);
  t.is((await get(under)).body.total, 0);
  t.is((await create()).name, 'Office hours');
});
