import { newId } from '../../commands/shared/new-id.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import type { Person, Reply, TestApi } from '../../tests/helpers/api.ts';
import { book } from '../../tests/helpers/bookings.ts';
import { insertInstances, insertSandbox } from '../../tests/helpers/power.ts';
import { sshPublicKey } from '../../tests/helpers/ssh-keys.ts';

const test = apiTest();
const HOUR = 3_600_000;

interface Place {
  organizationId: string;
  manager: Person;
  engineer: Person;
  member: Person;
  make(body: Record<string, unknown>): Promise<Reply>;
  edit(id: string, body: Record<string, unknown>, etag?: string): Promise<Reply>;
  verb(id: string, name: string): Promise<Reply>;
  remove(id: string): Promise<Reply>;
  list(query?: string, who?: Person): Promise<Reply>;
}

async function place(api: TestApi): Promise<Place> {
  const organizationId = await api.organization();
  const [manager, engineer, member] = [await api.member(organizationId, 'manager'), await api.member(organizationId, 'engineer'), await api.member(organizationId, 'member')];
  const { token } = manager;
  const collection = `/v1/organizations/${organizationId}/environments`;
  return {
    organizationId,
    manager,
    engineer,
    member,
    make: (body) => api.call(collection, { method: 'POST', token, body }),
    edit: (id, body, etag = '*') => api.call(`/v1/environments/${id}`, { method: 'PATCH', token, body, headers: { 'If-Match': etag } }),
    verb: (id, name) => api.call(`/v1/environments/${id}:${name}`, { method: 'POST', token }),
    remove: (id) => api.call(`/v1/environments/${id}`, { method: 'DELETE', token, headers: { 'If-Match': '*' } }),
    list: (query = '', who = manager) => api.call(`${collection}${query}`, { token: who.token }),
  };
}

const booked = (api: TestApi, { organizationId, engineer }: Place, environmentId: string, from = 0, to: number | null = 1) => {
  const at = api.clock.now();
  const time = (hours: number): string => new Date(Date.parse(at) + hours * HOUR).toISOString();
  return book(api.db, { organizationId, environmentId, booker: { userId: engineer.id, role: 'engineer' }, at, since: time(from), until: to === null ? null : time(to) });
};

test('an environment made by hand has the usual properties, and edits merge under the version that was read', async (t) => {
  const here = await place(t.context.api);
  const made = await here.make({ name: 'Payments stage', resource_type: 'Kubernetes namespace' });
  t.is(made.status, 201);
  t.deepEqual(made.body.properties, { Description: '', IP: '', Software: '' });
  t.deepEqual([made.body.status, made.body.resource_id, made.body.owner, made.headers.get('etag')], ['available', null, null, '"1"']);
  const edited = await here.edit(made.body.id, { properties: { IP: '10.0.0.1', Software: null, Team: 'web' }, ssh_required: true, owner_user_id: here.engineer.id }, '"1"');
  t.deepEqual([edited.status, edited.headers.get('etag')], [200, '"2"']);
  t.deepEqual(edited.body.properties, { Description: '', IP: '10.0.0.1', Team: 'web' });
  t.is(edited.body.owner.id, here.engineer.id);
  t.is((await here.edit(made.body.id, { ssh_required: false }, '"1"')).body.code, 'environment.changed-meanwhile');
  t.is((await here.edit(made.body.id, { properties: { IP: 'x'.repeat(2001) } })).body.fields[0].field, 'properties.IP');
  t.is((await here.edit(made.body.id, { owner_user_id: (await t.context.api.person()).id })).body.code, 'organizations.owner-is-no-member');
  // What is there already makes no new version.
  t.is((await here.edit(made.body.id, { properties: { IP: '10.0.0.1' } }, '"2"')).headers.get('etag'), '"2"');
});

test('name and type are taken once, in any case, and free again after deletion', async (t) => {
  const here = await place(t.context.api);
  const [a, b] = [await here.make({ name: 'Bench', resource_type: 'Rack' }), await here.make({ name: 'Bench', resource_type: 'Table' })];
  t.deepEqual([a.status, b.status], [201, 201]);
  const again = await here.make({ name: 'BENCH', resource_type: 'rack' });
  t.deepEqual([again.status, again.body.code], [409, 'environments.name-taken']);
  t.is((await here.edit(b.body.id, { resource_type: 'Rack' })).body.code, 'environments.name-taken');
  t.is((await here.remove(a.body.id)).status, 204);
  t.is((await here.make({ name: 'bench', resource_type: 'Rack' })).status, 201);
  const racing = await Promise.all(Array.from({ length: 5 }, () => here.make({ name: 'Only', resource_type: 'Rack' })));
  t.deepEqual(racing.map(({ status }) => status).toSorted((a, b) => a - b), [201, 409, 409, 409, 409]);
});

test('status follows from bookings and service, and bookings to come are shown', async (t) => {
  const { api } = t.context;
  const here = await place(api);
  const { id } = (await here.make({ name: 'Bench', resource_type: 'Rack' })).body;
  const running = await booked(api, here, id);
  const later = await booked(api, here, id, 1, 2);
  const shown = (await api.call(`/v1/environments/${id}`, { token: here.member.token })).body;
  t.is(shown.status, 'in-use');
  t.deepEqual(shown.upcoming_bookings.map((booking: { id: string }) => booking.id), [running.id, later.id]);
  t.is(shown.upcoming_bookings[0].holder.id, here.engineer.id);
  for (const [status, total] of [['in-use', 1], ['available', 0], ['unavailable', 0]] as const) t.is((await here.list(`?status=${status}`)).body.total, total);
  t.is((await here.verb(id, 'deactivate')).body.status, 'unavailable');
  t.is((await here.list('?status=unavailable')).body.total, 1);
  t.is((await here.verb(id, 'deactivate')).body.version, 2);
  t.is((await here.verb(id, 'reactivate')).body.status, 'in-use');
});

test('deactivation tells who has it booked and the managers, once; bookings stay', async (t) => {
  const { api } = t.context;
  const here = await place(api);
  const { id } = (await here.make({ name: 'Bench', resource_type: 'Rack' })).body;
  const { id: bookingId } = await booked(api, here, id);
  await here.verb(id, 'deactivate');
  await here.verb(id, 'deactivate');
  const mails = (await api.db('mails').where('organization_id', here.organizationId).where('kind', 'environment').select('user_id', 'subject')) as { user_id: string; subject: string }[];
  t.deepEqual(mails.map((mail) => mail.user_id).toSorted(), [here.manager.id, here.engineer.id].toSorted());
  t.is(mails[0]?.subject, 'Bench is out of service');
  t.like(await api.db('bookings').where('id', bookingId).first('state'), { state: 'active' });
});

test('deletion ends bookings, current and future, and what is deleted is no more', async (t) => {
  const { api } = t.context;
  const here = await place(api);
  const { id } = (await here.make({ name: 'Bench', resource_type: 'Rack' })).body;
  await booked(api, here, id);
  await booked(api, here, id, 2, null);
  t.is((await here.remove(id)).status, 204);
  const states = (await api.db('bookings').where('environment_id', id).orderBy('since').select('state', 'end_reason')) as unknown[];
  t.deepEqual(states.map((row) => ({ ...(row as object) })), [
    { state: 'released', end_reason: 'environment-gone' },
    { state: 'cancelled', end_reason: 'environment-gone' },
  ]);
  t.is((await api.call(`/v1/environments/${id}`, { token: here.manager.token })).status, 404);
  t.is((await here.list()).body.total, 0);
  t.is((await here.remove(id)).status, 404);
});

test('instances are marked in bulk, each with its own answer, and repeating it succeeds', async (t) => {
  const { api } = t.context;
  const here = await place(api);
  const dataSourceId = await insertSandbox(api.db, here.organizationId);
  const [one = '', two = '', gone = ''] = await insertInstances(api.db, { organizationId: here.organizationId, dataSourceId }, [{}, {}, {}], api.clock.now());
  await api.db('instances').where('resource_id', two).update({ instance_name: 'machine-00000' });
  await api.db('instances').where('resource_id', gone).update({ gone_at: api.clock.now() });
  const [bucket, unknown] = [newId('resource'), newId('resource')];
  const { key: _key, ...row } = (await api.db('resources').where('id', one).first()) as Record<string, unknown>;
  await api.db('resources').insert({ ...row, id: bucket, native_id: 'a-bucket', resource_type: 'Bucket', tags: {} });
  const mark = (verb: string, ids: string[]) =>
    api.call(`/v1/organizations/${here.organizationId}/environments:${verb}`, { method: 'POST', token: here.manager.token, body: { resource_ids: ids } });
  const marked = await mark('mark', [one, two, gone, bucket, unknown, one]);
  t.deepEqual(
    marked.body.items.map(({ outcome, status, error }: { outcome: string; status: number; error: { code: string } | null }) => [outcome, status, error?.code ?? null]),
    [
      ['shared', 200, null],
      ['shared', 200, null],
      ['refused', 409, 'environments.instance-gone'],
      ['refused', 409, 'environments.not-shareable'],
      ['refused', 404, 'resource.not-found'],
    ],
  );
  t.deepEqual(marked.body.counts, { shared: 2, refused: 3 });
  const names = (await here.list()).body.items.map(({ name }: { name: string }) => name);
  t.is(names[0], 'machine-00000');
  t.regex(names[1], /^machine-00000 \(i-/);
  t.deepEqual((await mark('mark', [one, two])).body.counts, { 'already-shared': 2 });
  const unmarked = await mark('unmark', [one, gone, unknown]);
  t.deepEqual(unmarked.body.items.map(({ outcome }: { outcome: string }) => outcome), ['unshared', 'not-shared', 'refused']);
  t.is((await here.list()).body.total, 1);
  t.deepEqual((await mark('mark', [one])).body.counts, { shared: 1 });
});

test('instances marked by many at once become one environment each', async (t) => {
  const { api } = t.context;
  const here = await place(api);
  const dataSourceId = await insertSandbox(api.db, here.organizationId);
  const ids = await insertInstances(api.db, { organizationId: here.organizationId, dataSourceId }, Array.from({ length: 20 }, () => ({})), api.clock.now());
  const path = `/v1/organizations/${here.organizationId}/environments:mark`;
  const replies = await Promise.all(Array.from({ length: 6 }, (_, index) => api.call(path, { method: 'POST', token: here.manager.token, body: { resource_ids: index % 2 === 0 ? ids : ids.toReversed() } })));
  t.deepEqual(replies.map(({ status }) => status), Array(6).fill(200));
  t.is(replies.reduce((sum, { body }) => sum + (body.counts.shared ?? 0), 0), 20);
  t.true(replies.every(({ body }) => body.counts.refused === undefined));
  t.is((await here.list()).body.total, 20);
});

test('power is switched only where an instance that can stop stands behind it', async (t) => {
  const { api } = t.context;
  const here = await place(api);
  const dataSourceId = await insertSandbox(api.db, here.organizationId);
  const ids = await insertInstances(api.db, { organizationId: here.organizationId, dataSourceId }, [{}, { cannotStop: 'scaling-group' }], api.clock.now());
  const path = `/v1/organizations/${here.organizationId}/environments:mark`;
  const { body } = await api.call(path, { method: 'POST', token: here.manager.token, body: { resource_ids: ids } });
  const [stops, stays] = body.items.map((item: { environment_id: string }) => item.environment_id);
  t.true((await here.edit(stops, { power_on_before: true, power_off_after: true })).body.power_off_after);
  const refused = await here.edit(stays, { power_off_after: true });
  t.deepEqual([refused.body.code, refused.body.fields[0].field], ['environments.cannot-switch-power', 'power_off_after']);
  const byHand = (await here.make({ name: 'Bench', resource_type: 'Rack' })).body.id;
  t.is((await here.edit(byHand, { power_on_before: true })).body.code, 'environments.cannot-switch-power');
  t.is((await here.edit(byHand, { power_on_before: false })).status, 200);
  // Once it cannot be stopped any more, other edits and switching it off still work.
  await api.db('instances').where('resource_id', ids[0]).update({ can_stop: false, cannot_stop_reason: 'stop-protection' });
  t.is((await here.edit(stops, { name: 'Renamed' })).status, 200);
  t.is((await here.edit(stops, { power_off_after: false, power_on_before: false })).status, 200);
});

test('only what one may book is left by accessible_by_me', async (t) => {
  const { api } = t.context;
  const here = await place(api);
  await here.make({ name: 'Open', resource_type: 'Rack' });
  await here.make({ name: 'By SSH', resource_type: 'Rack', ssh_required: true });
  const closed = (await here.make({ name: 'Closed', resource_type: 'Rack' })).body.id;
  await here.verb(closed, 'deactivate');
  const names = async (who: Person) => (await here.list('?accessible_by_me=true', who)).body.items.map(({ name }: { name: string }) => name);
  t.deepEqual(await names(here.member), []);
  t.deepEqual(await names(here.engineer), ['Open']);
  await api.call('/v1/me/ssh-keys', { method: 'POST', token: here.engineer.token, body: { public_key: sshPublicKey() } });
  t.deepEqual(await names(here.engineer), ['By SSH', 'Open']);
  t.deepEqual((await here.list('?search=100%25')).body.total, 0);
  await here.edit(closed, { properties: { IP: '10.9.8.7' } });
  t.deepEqual((await here.list('?search=9.8')).body.items.map(({ name }: { name: string }) => name), ['Closed']);
});

test('the list goes on where a page ended, with all and shown ones counted', async (t) => {
  const here = await place(t.context.api);
  for (const name of ['b', 'A', 'c', 'D', 'e']) await here.make({ name, resource_type: 'Rack' });
  const seen: string[] = [];
  let query = '?page_size=2';
  for (let pages = 0; pages < 3; pages += 1) {
    const { body } = await here.list(query);
    t.is(body.total, 5);
    t.is(body.displayed, body.items.length);
    seen.push(...body.items.map(({ name }: { name: string }) => name));
    query = `?page_size=2&page_token=${body.next_page_token}`;
  }
  t.deepEqual(seen, ['A', 'b', 'c', 'D', 'e']);
});

test('the history has old and new values by period and property; what changed nothing is not in it', async (t) => {
  const { api } = t.context;
  const here = await place(api);
  const { id } = (await here.make({ name: 'Bench', resource_type: 'Rack', properties: { IP: '10.0.0.1' } })).body;
  api.clock.forward(10);
  const between = api.clock.now();
  await here.edit(id, { properties: { IP: '10.0.0.2', Team: 'web' } });
  await here.edit(id, { properties: { IP: '10.0.0.2' }, name: 'Renamed' });
  await here.edit(id, { properties: { Team: null } });
  const history = async (query = '') => (await api.call(`/v1/environments/${id}/property-changes${query}`, { token: here.member.token })).body;
  const changes = (body: { items: { changes: unknown }[] }) => body.items.map((item) => item.changes);
  t.deepEqual(changes(await history()), [
    { Team: { old: 'web', new: null } },
    { IP: { old: '10.0.0.1', new: '10.0.0.2' }, Team: { old: null, new: 'web' } },
    { IP: { old: null, new: '10.0.0.1' } },
  ]);
  t.is((await history(`?from=${between}`)).total, 2);
  t.is((await history(`?to=${between}`)).total, 1);
  t.is((await history('?property=IP')).total, 2);
  const first = await history('?page_size=2');
  t.deepEqual(changes(await history(`?page_size=2&page_token=${first.next_page_token}`)), [{ IP: { old: null, new: '10.0.0.1' } }]);
  t.is(first.items[0].by.name, (await history()).items[0].by.name);
});
