import { apiTest } from '../../tests/helpers/api-test.ts';

const test = apiTest();
const MINE = {
  category: 'company',
  first_name: 'Ada',
  last_name: 'Lovelace',
  address: '12 St James’s Square\nLondon',
  phone: '+44 20 7946 0000',
  language: 'zh-Hant-TW',
  color_scheme: 'dark',
};

test('a profile comes back as it was given, and preferences with it', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  const before = await api.call('/v1/me', { token });
  const empty = { category: 'personal', first_name: '', last_name: '', address: '', phone: '', language: null, color_scheme: 'system' };
  t.deepEqual(before.body.profile, empty);
  const etag = before.headers.get('etag') ?? '';
  const edit = (body: object, tag = etag) => api.call('/v1/me', { method: 'PATCH', token, body, headers: { 'If-Match': tag } });
  const edited = await edit({ ...MINE, language: 'ZH-hant-tw', display_name: 'Ada L.' });
  t.deepEqual(edited.body.profile, MINE);
  const after = await api.call('/v1/me', { token });
  t.deepEqual([after.body.profile, after.body.user.display_name], [MINE, 'Ada L.']);
  t.is(after.headers.get('etag'), edited.headers.get('etag'));
  t.not(after.headers.get('etag'), etag);
  t.deepEqual((await edit({ first_name: 'A' })).body.code, 'profile.changed-meanwhile');
  const same = await edit({ first_name: 'Ada' }, edited.headers.get('etag') ?? '');
  t.is(same.headers.get('etag'), edited.headers.get('etag'));
  t.is((await edit({ language: null, color_scheme: 'light' }, '*')).body.profile.language, null);
  t.notRegex(JSON.stringify(await api.db('ledger').where('action', 'identity.edit-profile')), /7946|St James/);
});

test('what is no category, language, scheme or telephone number is refused by its name', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  for (const [field, value] of [
    ['category', 'robot'],
    ['language', 'not a language'],
    ['language', ''],
    ['color_scheme', 'sepia'],
    ['phone', 'call me'],
    ['first_name', 'x'.repeat(101)],
    ['display_name', ''],
  ]) {
    const reply = await api.call('/v1/me', { method: 'PATCH', token, body: { [String(field)]: value }, headers: { 'If-Match': '*' } });
    t.deepEqual([reply.status, reply.body.fields?.[0]?.field], [400, field], `${field}: ${value}`);
  }
  t.is((await api.call('/v1/me', { method: 'PATCH', token, body: {} })).status, 428);
});

test('activation is asked for once, and passes by itself when an organization and a verified mailbox are there', async (t) => {
  const { api } = t.context;
  const organizationId = await api.organization();
  const manager = await api.member(organizationId, 'manager');
  const { token, email } = await api.person({ activated: false });
  const standing = async () => (await api.call('/v1/me', { token })).body.activation;
  t.deepEqual(await standing(), { state: 'not-activated', requested_at: null, activated_at: null });
  const activate = () => api.call('/v1/me:activate', { method: 'POST', token });
  const asked = (await activate()).body;
  t.like(asked, { state: 'requested', activated_at: null });
  t.deepEqual((await activate()).body, asked);
  const add = await api.call(`/v1/organizations/${organizationId}/members`, { method: 'POST', token: manager.token, body: { email, role: 'member' } });
  t.is(add.status, 201);
  const passed = await standing();
  t.like(passed, { state: 'passed', requested_at: asked.requested_at });
  t.true(passed.activated_at >= asked.requested_at);
  t.deepEqual((await activate()).body, passed);
});

test('who never asked is not activated by what happens to them', async (t) => {
  const { api } = t.context;
  const organizationId = await api.organization();
  const { email, token } = await api.person({ activated: false });
  const manager = await api.member(organizationId, 'manager');
  await api.call(`/v1/organizations/${organizationId}/members`, { method: 'POST', token: manager.token, body: { email, role: 'member' } });
  t.is((await api.call('/v1/me', { token })).body.activation.state, 'not-activated');
  t.like((await api.call('/v1/me:activate', { method: 'POST', token })).body, { state: 'passed' });
});
