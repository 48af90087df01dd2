import { apiTest } from '../../tests/helpers/api-test.ts';

const test = apiTest();

test('events tell who did what when, and are filtered and paged', async (t) => {
  const { api } = t.context;
  const id = await api.organization('One');
  const manager = await api.member(id, 'manager');
  const path = `/v1/organizations/${id}`;
  for (const name of ['Two', 'Three']) {
    const reply = await api.call(path, { method: 'PATCH', token: manager.token, body: { name }, headers: { 'If-Match': '*', 'X-Request-Id': `to-${name}` } });
    t.is(reply.status, 200);
  }
  const someone = await api.person();
  await api.call(`${path}/members`, { method: 'POST', token: manager.token, body: { email: someone.email, role: 'member' } });
  const read = async (query: string) => (await api.call(`${path}/events?${query}`, { token: someone.token })).body;
  const all = await read('');
  t.deepEqual([all.total, all.displayed, all.next_page_token], [3, 3, null]);
  const [, third, second] = all.items;
  t.deepEqual([second.before, second.after, second.request_id], [{ name: 'One' }, { name: 'Two' }, 'to-Two']);
  t.deepEqual(third.actor, { kind: 'person', id: manager.id, name: third.actor.name });
  t.is((await read('action=organizations.rename')).total, 2);
  t.is((await read('action=organizations.ren%25')).total, 0);
  t.is((await read(`subject_id=${someone.id}`)).total, 1);
  t.is((await read(`actor_id=${someone.id}`)).total, 0);
  t.is((await read(`until=${encodeURIComponent(third.at)}`)).items.every(({ at }: { at: string }) => at < third.at), true);
  t.is((await read(`since=${encodeURIComponent('2999-01-01T00:00:00+02:00')}`)).total, 0);
  const first = await read('page_size=2');
  const rest = await read(`page_size=2&page_token=${first.next_page_token}`);
  t.deepEqual([...first.items, ...rest.items], all.items);
  const oldest = await read('page_size=2&sort=at');
  const newest = await read(`page_size=2&sort=at&page_token=${oldest.next_page_token}`);
  t.deepEqual([...oldest.items, ...newest.items], all.items.toReversed());
});
