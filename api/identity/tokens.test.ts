import { ADMINISTRATOR_EMAIL, bootstrapAdministrator } from '../../commands/identity/bootstrap.ts';
import { startTestApi } from '../../tests/helpers/api.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';

const test = apiTest();
const HOUR = 3_600_000;

test('a token is made, used, listed without its secret, and revoked', async (t) => {
  const { api } = t.context;
  const owner = await api.person();
  const made = await api.call('/v1/tokens', { method: 'POST', token: owner.token, body: { name: 'ci', scopes: ['read'], expires_at: null } });
  t.is(made.status, 201);
  const { secret } = made.body as { secret: string };
  t.regex(secret, /^orr_[\w-]{43}$/);
  t.is((await api.call('/v1/me', { token: secret })).body.user.id, owner.id);
  const { body } = await api.call('/v1/tokens?search=CI', { token: owner.token });
  t.is(body.total, 1);
  t.not(body.items[0].last_used_at, null);
  t.false(JSON.stringify([body, await api.db('api_tokens').select('*'), await api.db('ledger').select('*')]).includes(secret));
  const revoked = await api.call(`/v1/tokens/${body.items[0].id}:revoke`, { method: 'POST', token: owner.token });
  t.is(revoked.status, 200);
  t.is((await api.call('/v1/me', { token: secret })).status, 401);
  t.is((await api.call('/v1/tokens?usable=true', { token: owner.token })).body.total, 1);
  const actions = await api.db('ledger').where('subject', body.items[0].id).orderBy('id').pluck('action');
  t.deepEqual(actions, ['identity.create-token', 'identity.revoke-token']);
});

test.serial('a token ends at its instant', async (t) => {
  const { api } = t.context;
  const { id } = await api.person();
  const token = await api.token(id, { expiresAt: plusMilliseconds(api.clock.now(), HOUR) });
  t.is((await api.call('/v1/me', { token })).status, 200);
  api.clock.forward(HOUR);
  t.is((await api.call('/v1/me', { token })).status, 401);
});

test('a token for one organization sees no other, and does nothing on the platform', async (t) => {
  const { api } = t.context;
  const [here, there] = [await api.organization(), await api.organization()];
  const administrator = await api.person({ platformAdministrator: true });
  const token = await api.token(administrator.id, { organizationId: here });
  t.is((await api.call(`/v1/organizations/${here}`, { token })).status, 200);
  t.is((await api.call(`/v1/organizations/${there}`, { token })).status, 404);
  t.is((await api.call('/v1/organizations', { token })).body.total, 1);
  t.is((await api.call('/v1/users', { token })).status, 403);
});

test('a token for one organization sees and ends only tokens for it', async (t) => {
  const { api } = t.context;
  const here = await api.organization();
  const { id, token: whole } = await api.member(here, 'manager');
  const limited = await api.token(id, { organizationId: here });
  const mine = await api.call('/v1/tokens', { token: limited });
  t.deepEqual([mine.body.total, mine.body.items.map((one: { organization_id: string }) => one.organization_id)], [1, [here]]);
  const all = (await api.call('/v1/tokens', { token: whole })).body.items as { id: string; organization_id: string | null }[];
  const other = all.find((one) => one.organization_id === null)?.id;
  t.is((await api.call(`/v1/tokens/${other}:revoke`, { method: 'POST', token: limited })).status, 404);
  t.is((await api.call('/v1/me', { token: whole })).status, 200);
  t.is((await api.call(`/v1/tokens/${mine.body.items[0].id}:revoke`, { method: 'POST', token: limited })).status, 200);
});

test('a token makes none that reaches further than itself', async (t) => {
  const { api } = t.context;
  const [here, there] = [await api.organization(), await api.organization()];
  const administrator = await api.person({ platformAdministrator: true });
  const token = await api.token(administrator.id, { organizationId: here });
  const make = (organization_id?: string) =>
    api.call('/v1/tokens', { method: 'POST', token, body: { name: 'x', scopes: ['admin'], expires_at: null, organization_id } });
  t.is((await make()).body.code, 'identity.token-reaches-further');
  t.is((await make(there)).body.code, 'identity.no-such-organization');
  t.is((await make(here)).status, 201);
});

test('a token that ends before it begins is refused', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  const body = { name: 'x', scopes: ['read'], expires_at: '2020-01-01T00:00:00Z' };
  const reply = await api.call('/v1/tokens', { method: 'POST', token, body });
  t.is(reply.body.fields[0].field, 'expires_at');
});

test('disabling an account ends its tokens for good', async (t) => {
  const { api } = t.context;
  const [administrator, someone] = [await api.person({ platformAdministrator: true }), await api.person()];
  const path = `/v1/users/${someone.id}`;
  const edit = async (disabled: boolean) => {
    const etag = (await api.call(path, { token: administrator.token })).headers.get('etag') ?? '';
    return await api.call(path, { method: 'PATCH', token: administrator.token, body: { disabled }, headers: { 'If-Match': etag } });
  };
  t.is((await edit(true)).status, 200);
  t.is((await api.call('/v1/me', { token: someone.token })).status, 401);
  t.is((await edit(false)).status, 200);
  t.is((await api.call('/v1/me', { token: someone.token })).status, 401);
  const self = await api.call(`/v1/users/${administrator.id}`, { method: 'PATCH', token: administrator.token, body: { disabled: true }, headers: { 'If-Match': '*' } });
  t.is(self.body.code, 'identity.own-account');
});

test('the first administrator logs in with what the first start showed', async (t) => {
  const api = await startTestApi();
  t.teardown(api.end);
  const first = await bootstrapAdministrator(api.db, api.clock, { withSample: true });
  t.is((await api.call('/v1/session', { method: 'POST', body: { email: ADMINISTRATOR_EMAIL, password: first.password } })).status, 200);
  const { body } = await api.call('/v1/me', { token: first.token ?? '' });
  t.deepEqual(body.organizations, [{ id: first.organizationId, name: 'Demonstration', role: 'manager' }]);
});

test('an account is made once for an address, with a first password that works', async (t) => {
  const { api } = t.context;
  const administrator = await api.person({ platformAdministrator: true });
  const make = (email: string) => api.call('/v1/users', { method: 'POST', token: administrator.token, body: { email, display_name: 'New' } });
  const made = await make('new@example.org');
  t.is(made.status, 201);
  t.is((await make('NEW@example.org')).body.code, 'identity.email-taken');
  const login = await api.call('/v1/session', { method: 'POST', body: { email: 'new@example.org', password: made.body.password } });
  t.is(login.status, 200);
  const reset = await api.call(`/v1/users/${made.body.user.id}:reset-password`, { method: 'POST', token: administrator.token });
  t.is((await api.call('/v1/session', { method: 'POST', body: { email: 'new@example.org', password: made.body.password } })).status, 401);
  t.is((await api.call('/v1/session', { method: 'POST', body: { email: 'new@example.org', password: reset.body.password } })).status, 200);
});
