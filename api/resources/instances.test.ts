import { apiTest } from '../../tests/helpers/api-test.ts';
import type { TestApi } from '../../tests/helpers/api.ts';
import { insertInstances, insertSandbox, type InstanceWish } from '../../tests/helpers/power.ts';

const test = apiTest();
const AT = '2026-11-21T07:00:00.000Z';

interface Seen {
  id: string;
  name: string;
}

/** Six instances in two sandboxes, unlike in everything that can be filtered by. */
async function six(api: TestApi): Promise<{ organizationId: string; token: string; list: (query?: string) => Promise<{ body: { items: Seen[]; total: number; displayed: number; next_page_token: string | null } }>; first: string }> {
  const organizationId = await api.organization();
  const { token } = await api.member(organizationId, 'engineer');
  const [first, second] = [await insertSandbox(api.db, organizationId, 'first'), await insertSandbox(api.db, organizationId, 'second')];
  const wishes: InstanceWish[] = [
    { state: 'running', tags: { Team: 'blue', 'cost center': '100%' } },
    { state: 'stopped', tags: { Team: 'red' } },
    { cannotStop: 'scaling-group' },
  ];
  const ids = [
    ...(await insertInstances(api.db, { organizationId, dataSourceId: first, accountId: 'first' }, wishes, AT)),
    ...(await insertInstances(api.db, { organizationId, dataSourceId: second, accountId: 'second' }, wishes, AT)),
  ];
  const change = async (index: number, columns: object): Promise<void> => void (await api.db('instances').where({ resource_id: ids[index] }).update(columns));
  await change(0, { instance_name: 'a', launched_at: '2026-11-02T00:00:00Z', region_id: 'eu' });
  await change(1, { instance_name: 'b_1', instance_type: 'big', price_hourly: '0.0960', price_currency: 'USD' });
  await change(2, { instance_name: 'c', launched_at: '2026-11-01T00:00:00Z' });
  await change(3, { instance_name: 'D', cloud: 'aws' });
  await change(4, { instance_name: 'e', gone_at: AT, state: 'terminated' });
  await change(5, { instance_name: 'f', state: 'stopping' });
  const list = (query = ''): ReturnType<TestApi['call']> => api.call(`/v1/organizations/${organizationId}/instances?${query}`, { token });
  return { organizationId, token, list, first };
}

const filters: [string, string, string[]][] = [
  ['nothing: what is gone is left out', '', ['D', 'a', 'b_1', 'c', 'f']],
  ['gone ones too', 'gone=include', ['D', 'a', 'b_1', 'c', 'e', 'f']],
  ['gone ones only', 'gone=only', ['e']],
  ['text of a name, without case, an underscore as such', 'search=B_', ['b_1']],
  ['a state', 'state=running&state=stopped', ['D', 'a', 'b_1', 'c']],
  ['a cloud', 'cloud=aws', ['D']],
  ['a region', 'region=eu', ['a']],
  ['a size', 'type=big', ['b_1']],
  ['whether it can be stopped', 'can_stop=false', ['c', 'f']],
  ['a tag as the cloud writes it', 'tag=Team%3Dblue', ['D', 'a']],
  ['values of one tag are alternatives', 'tag=Team%3Dblue&tag=Team%3Dred', ['D', 'a', 'b_1']],
  ['two tags narrow one another', 'tag=Team%3Dblue&tag=cost%20center%3D100%25&cloud=sandbox', ['a']],
  ['launch, oldest first, those that never ran before them', 'sort=launched', ['b_1', 'D', 'f', 'c', 'a']],
  ['state, the other way around', 'sort=-state&can_stop=true', ['b_1', 'D', 'a']],
];
for (const [what, query, names] of filters) {
  test(`instances are listed by ${what}`, async (t) => {
    const { list } = await six(t.context.api);
    const { body } = await list(query);
    const found = body.items.map((item) => item.name);
    // Equal launches and states stand in the order of ids.
    t.deepEqual(query.includes('sort') ? [...found].sort() : found, query.includes('sort') ? [...names].sort() : names);
    if (query.startsWith('sort=launched')) t.deepEqual(found.slice(-2), ['c', 'a']);
    if (query.startsWith('sort=-state')) t.is(found[0], 'b_1');
    t.deepEqual([body.total, body.displayed], [names.length, names.length]);
  });
}

test('a data source narrows the list, and another organization sees none of it', async (t) => {
  const { api } = t.context;
  const { list, first, organizationId } = await six(api);
  t.deepEqual((await list(`data_source=${first}`)).body.items.map((item) => item.name), ['a', 'b_1', 'c']);
  const stranger = await api.member(await api.organization(), 'manager');
  t.is((await api.call(`/v1/organizations/${organizationId}/instances`, { token: stranger.token })).status, 404);
});

for (const sort of ['name', '-name', 'state', '-state', 'launched', '-launched']) {
  test(`pages by ${sort} join to the whole list`, async (t) => {
    const { list } = await six(t.context.api);
    const whole = (await list(`gone=include&sort=${sort}`)).body.items.map((item) => item.id);
    const paged: string[] = [];
    for (let token: string | null = ''; token !== null; ) {
      const { body } = await list(`gone=include&sort=${sort}&page_size=2${token === '' ? '' : `&page_token=${encodeURIComponent(token)}`}`);
      t.is(body.total, 6);
      paged.push(...body.items.map((item) => item.id));
      token = body.next_page_token;
    }
    t.deepEqual(paged, whole);
  });
}

test('an instance is shown by the id of its resource, with its price and what is wanted of it, also inside the resource', async (t) => {
  const { api } = t.context;
  const { list, token, organizationId } = await six(api);
  const { id } = (await list('search=b_1')).body.items[0]!;
  await api.db('power_states').insert({ resource_id: id, organization_id: organizationId, wanted: 'off', wanted_since: AT, decided_by: 'schedule', decided_by_id: 'psc_1' });
  const { body, headers } = await api.call(`/v1/instances/${id}`, { token });
  t.is(headers.get('etag'), '"1"');
  t.like(body, { id, name: 'b_1', cloud: 'sandbox', instance_type: 'big', hourly_price: { amount: '0.0960', currency: 'USD' }, can_stop: { allowed: true, reason: null } });
  t.like(body, { tags: { Team: 'red' }, power: { wanted: 'off', wanted_since: AT, decided_by: 'schedule', decided_by_id: 'psc_1' }, power_schedule_id: null });
  const resource = await api.call(`/v1/resources/${id}`, { token });
  t.like(resource.body.instance, { instance_type: 'big', state: 'stopped', power: { wanted: 'off' } });
});

test('emptying local disks is a choice that makes an instance stoppable, once, with the version that was read', async (t) => {
  const { api } = t.context;
  const { list, token, organizationId } = await six(api);
  const [{ id } = { id: '' }] = (await list('can_stop=false')).body.items;
  await api.db('instances').where({ resource_id: id }).update({ cannot_stop_reason: 'local-ssd', cannot_stop_detail: 'One local disk.' });
  const edit = async (discard: boolean, tag: string) =>
    await api.call(`/v1/instances/${id}`, { method: 'PATCH', token, headers: { 'If-Match': tag }, body: { discard_local_ssd: discard } });
  const chosen = await edit(true, '"1"');
  t.like(chosen.body, { discard_local_ssd: true, can_stop: { allowed: true, reason: 'local-ssd' } });
  t.is((await edit(true, '"1"')).status, 412);
  t.is((await edit(true, '"2"')).headers.get('etag'), '"2"', 'the same again changes nothing');
  t.like((await edit(false, '*')).body, { discard_local_ssd: false, can_stop: { allowed: false } });
  const ledger = await api.db('ledger').where({ organization_id: organizationId, subject: id, action: 'resources.edit-instance' }).orderBy('id');
  t.deepEqual(ledger.map((entry) => entry.after), [{ discardLocalSsd: true }, { discardLocalSsd: false }]);
});

test('the choice does not help an instance that cannot stop for another reason', async (t) => {
  const { api } = t.context;
  const { list, token } = await six(api);
  const [{ id } = { id: '' }] = (await list('can_stop=false')).body.items;
  const { body } = await api.call(`/v1/instances/${id}`, { method: 'PATCH', token, headers: { 'If-Match': '*' }, body: { discard_local_ssd: true } });
  t.like(body.can_stop, { allowed: false, reason: 'scaling-group' });
});
