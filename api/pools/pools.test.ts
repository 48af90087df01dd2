import { apiTest } from '../../tests/helpers/api-test.ts';
import type { Person, TestApi } from '../../tests/helpers/api.ts';
import { insertEnvironment } from '../../tests/helpers/bookings.ts';

const test = apiTest();

/** An organization made over the API, with its root pool. */
async function place(api: TestApi): Promise<{ organizationId: string; manager: Person; root: string; make(name: string, parent?: string): Promise<string> }> {
  const manager = await api.person({ platformAdministrator: true });
  const { body } = await api.call('/v1/organizations', { method: 'POST', token: manager.token, body: { name: 'Acme' } });
  const organizationId = body.id as string;
  const pools = `/v1/organizations/${organizationId}/pools`;
  const listed = await api.call(pools, { token: manager.token });
  return {
    organizationId,
    manager,
    root: listed.body.items[0].id,
    async make(name, parent) {
      const reply = await api.call(pools, { method: 'POST', token: manager.token, body: { name, ...(parent !== undefined && { parent_id: parent }) } });
      if (reply.status !== 201) throw new Error(JSON.stringify(reply.body));
      return reply.body.id as string;
    },
  };
}

const move = (api: TestApi, token: string, id: string, parent: string) =>
  api.call(`/v1/pools/${id}`, { method: 'PATCH', token, body: { parent_id: parent }, headers: { 'If-Match': '*' } });

test('an organization has a root pool from the start, and the tree is listed from the top', async (t) => {
  const { api } = t.context;
  const { organizationId, manager, root, make } = await place(api);
  const [web, data] = [await make('Web'), await make('Data')];
  const stage = await make('Stage', web);
  await insertEnvironment(api.db, organizationId, {}, api.clock.now());
  const { body } = await api.call(`/v1/organizations/${organizationId}/pools`, { token: manager.token });
  t.deepEqual(
    body.items.map(({ id, depth, parent_id, pools, environments }: Record<string, unknown>) => [id, depth, parent_id, pools, environments]),
    [
      [root, 0, null, 2, 1],
      [data, 1, root, 0, 0],
      [web, 1, root, 1, 0],
      [stage, 2, web, 0, 0],
    ],
  );
  t.deepEqual([body.total, body.displayed], [4, 4]);
  const first = await api.call(`/v1/organizations/${organizationId}/pools?page_size=3`, { token: manager.token });
  const rest = await api.call(`/v1/organizations/${organizationId}/pools?page_size=3&page_token=${first.body.next_page_token}`, { token: manager.token });
  t.deepEqual([...first.body.items, ...rest.body.items].map(({ id }) => id), [root, data, web, stage]);
});

test('a pool moves anywhere but below itself, also when two moves race', async (t) => {
  const { api } = t.context;
  const { manager, root, make } = await place(api);
  const a = await make('A');
  const b = await make('B', a);
  t.is((await move(api, manager.token, a, b)).body.code, 'pools.cycle');
  t.is((await move(api, manager.token, a, a)).body.code, 'pools.cycle');
  t.is((await move(api, manager.token, root, a)).body.code, 'pools.root');
  t.is((await move(api, manager.token, b, root)).body.parent_id, root);
  // Apart from each other both are fine; together they are a cycle.
  const racing = await Promise.all([move(api, manager.token, a, b), move(api, manager.token, b, a)]);
  t.deepEqual(racing.map(({ status }) => status).toSorted((a, b) => a - b), [200, 400]);
});

test('siblings have different names, owners are members, and an edit needs what was read', async (t) => {
  const { api } = t.context;
  const { organizationId, manager, make } = await place(api);
  const a = await make('Alpha');
  await make('Alpha', a);
  const again = await api.call(`/v1/organizations/${organizationId}/pools`, { method: 'POST', token: manager.token, body: { name: 'ALPHA' } });
  t.deepEqual([again.status, again.body.code], [409, 'pools.name-taken']);
  const stranger = await api.person();
  const path = `/v1/pools/${a}`;
  const owned = await api.call(path, { method: 'PATCH', token: manager.token, body: { owner_user_id: stranger.id }, headers: { 'If-Match': '"1"' } });
  t.deepEqual([owned.status, owned.body.code], [400, 'organizations.owner-is-no-member']);
  const engineer = await api.member(organizationId, 'engineer');
  const given = await api.call(path, { method: 'PATCH', token: manager.token, body: { owner_user_id: engineer.id, name: 'Beta' }, headers: { 'If-Match': '"1"' } });
  t.deepEqual([given.status, given.body.owner.id, given.body.name, given.headers.get('etag')], [200, engineer.id, 'Beta', '"2"']);
  t.is((await api.call(path, { method: 'PATCH', token: manager.token, body: { name: 'C' }, headers: { 'If-Match': '"1"' } })).status, 412);
  t.is((await api.call(path, { method: 'PATCH', token: manager.token, body: { name: 'C' } })).status, 428);
});

test('a pool goes only when nothing is in it', async (t) => {
  const { api } = t.context;
  const { organizationId, manager, root, make } = await place(api);
  const a = await make('A');
  const b = await make('B', a);
  const gone = (id: string) => api.call(`/v1/pools/${id}`, { method: 'DELETE', token: manager.token, headers: { 'If-Match': '*' } });
  const refused = await gone(a);
  t.deepEqual([refused.status, refused.body.code, refused.body.details], [409, 'pools.not-empty', { pools: 1, environments: 0 }]);
  const environments = `/v1/organizations/${organizationId}/environments`;
  const made = await api.call(environments, { method: 'POST', token: manager.token, body: { name: 'Bench', resource_type: 'Rack', pool_id: b } });
  t.is(made.body.pool.id, b);
  t.is((await gone(b)).body.code, 'pools.not-empty');
  await api.call(`/v1/environments/${made.body.id}`, { method: 'DELETE', token: manager.token, headers: { 'If-Match': '*' } });
  t.is((await gone(b)).status, 204);
  t.is((await gone(a)).status, 204);
  t.is((await gone(root)).body.code, 'pools.root');
});
