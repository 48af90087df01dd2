import { apiTest } from '../../tests/helpers/api-test.ts';
import type { TestApi } from '../../tests/helpers/api.ts';

const test = apiTest();

function roleChange(api: TestApi, path: string, token: string, role: string, etag = '*') {
  return api.call(path, { method: 'PATCH', token, body: { role }, headers: { 'If-Match': etag } });
}

test('a platform administrator makes an organization, adds people, changes their role and removes them', async (t) => {
  const { api } = t.context;
  const [administrator, ada] = [await api.person({ platformAdministrator: true }), await api.person()];
  const made = await api.call('/v1/organizations', { method: 'POST', token: administrator.token, body: { name: 'Analytical Engines' } });
  t.is(made.status, 201);
  const base = `/v1/organizations/${made.body.id}`;
  t.is((await api.call(base, { token: ada.token })).status, 404);
  const add = () => api.call(`${base}/members`, { method: 'POST', token: administrator.token, body: { email: ada.email, role: 'member' } });
  t.is((await add()).status, 201);
  t.is((await add()).body.code, 'organizations.already-member');
  t.is((await api.call(base, { token: ada.token })).status, 200);
  t.is((await roleChange(api, `${base}/members/${ada.id}`, administrator.token, 'engineer')).body.role, 'engineer');
  t.is((await api.call(`${base}/members/${ada.id}`, { method: 'DELETE', token: administrator.token })).status, 204);
  t.is((await api.call(base, { token: ada.token })).status, 404);
  const { body } = await api.call(`${base}/events`, { token: administrator.token });
  t.deepEqual(
    body.items.map(({ action }: { action: string }) => action),
    ['organizations.remove-member', 'organizations.change-role', 'organizations.add-member', 'organizations.create'],
  );
});

test('the last manager stays, however requests race', async (t) => {
  const { api } = t.context;
  const id = await api.organization();
  const managers = [await api.member(id, 'manager'), await api.member(id, 'manager'), await api.member(id, 'manager')];
  const leave = (token: string) => api.call(`/v1/organizations/${id}:leave`, { method: 'POST', token });
  const replies = await Promise.all(managers.map(({ token }) => leave(token)));
  t.deepEqual(replies.map(({ status }) => status).toSorted((a, b) => a - b), [204, 204, 409]);
  t.is(replies.find(({ status }) => status === 409)?.body.code, 'organizations.last-manager');
  t.is((await api.db('memberships').where({ organization_id: id, role: 'manager' })).length, 1);
});

test('the last manager cannot become less', async (t) => {
  const { api } = t.context;
  const id = await api.organization();
  const manager = await api.member(id, 'manager');
  const reply = await roleChange(api, `/v1/organizations/${id}/members/${manager.id}`, manager.token, 'member');
  t.deepEqual([reply.status, reply.body.code], [409, 'organizations.last-manager']);
});

test('an edit needs the ETag of what was read, and a stale one loses', async (t) => {
  const { api } = t.context;
  const id = await api.organization('Before');
  const { token } = await api.member(id, 'manager');
  const path = `/v1/organizations/${id}`;
  const rename = (name: string, headers: Record<string, string>) => api.call(path, { method: 'PATCH', token, body: { name }, headers });
  const missing = await rename('After', {});
  t.deepEqual([missing.status, missing.body.code], [428, 'organization.if-match-required']);
  const etag = (await api.call(path, { token })).headers.get('etag') ?? '';
  t.is(etag, '"1"');
  const first = await rename('After', { 'If-Match': etag });
  t.deepEqual([first.status, first.headers.get('etag')], [200, '"2"']);
  const stale = await rename('Other', { 'If-Match': etag });
  t.deepEqual([stale.status, stale.body.code], [412, 'organization.changed-meanwhile']);
  t.is((await api.call(path, { token })).body.name, 'After');
});

test('of edits that race on one ETag exactly one is taken', async (t) => {
  const { api } = t.context;
  const id = await api.organization('Raced');
  const { token } = await api.member(id, 'manager');
  const replies = await Promise.all(
    Array.from({ length: 6 }, (_, index) =>
      api.call(`/v1/organizations/${id}`, { method: 'PATCH', token, body: { name: `Name ${index}` }, headers: { 'If-Match': '"1"' } }),
    ),
  );
  t.deepEqual(replies.map(({ status }) => status).toSorted((a, b) => a - b), [200, 412, 412, 412, 412, 412]);
});

test('members are searched, filtered, sorted and paged, and nobody is shown twice or missed', async (t) => {
  const { api } = t.context;
  const id = await api.organization();
  const { token } = await api.member(id, 'manager');
  for (let index = 0; index < 7; index += 1) await api.member(id, index % 2 === 0 ? 'engineer' : 'member');
  // Two of the same name: only their ids tell them apart.
  await api.db('users').whereIn('id', api.db('memberships').where('organization_id', id).limit(3).select('user_id')).update({ display_name: 'Sam' });
  const read = async (query: string) => (await api.call(`/v1/organizations/${id}/members?${query}`, { token })).body;
  t.is((await read('role=engineer')).total, 4);
  t.is((await read('search=sAm')).total, 3);
  t.is((await read('search=%25')).total, 0);
  for (const sort of ['display_name', '-display_name', 'email', '-created_at']) {
    const seen: string[] = [];
    let next: string | null = '';
    let newcomer = false;
    while (next !== null) {
      const page = await read(`sort=${sort}&page_size=3${next === '' ? '' : `&page_token=${next}`}`);
      t.is(page.displayed, page.items.length);
      seen.push(...page.items.map(({ user_id: user }: { user_id: string }) => user));
      next = page.next_page_token as string | null;
      if (!newcomer && sort === 'email') await api.member(id, 'member');
      newcomer = true;
    }
    t.is(new Set(seen).size, seen.length);
    t.true(seen.length >= 8);
  }
});

test('a page token serves the list, filters and order it was given for', async (t) => {
  const { api } = t.context;
  const id = await api.organization();
  const { token } = await api.member(id, 'manager');
  await api.member(id, 'member');
  const path = `/v1/organizations/${id}/members`;
  const { next_page_token: next } = (await api.call(`${path}?page_size=1`, { token })).body;
  t.is((await api.call(`${path}?page_size=5&page_token=${next}`, { token })).body.displayed, 1);
  for (const query of [`sort=email&page_token=${next}`, `role=member&page_token=${next}`, 'page_token=nonsense', 'page_token=WzEsMl0']) {
    const reply = await api.call(`${path}?${query}`, { token });
    t.deepEqual([reply.status, reply.body.code], [400, 'request.invalid-page-token']);
  }
});
