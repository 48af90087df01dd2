import { hashPassword } from '../../commands/identity/passwords.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { RECENT_LOGIN_MS } from '../../domain/identity/session.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import { PUBLIC_URL, type Reply, type TestApi } from '../../tests/helpers/api.ts';

const test = apiTest();
const PASSWORD = 'correct horse battery';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0';
let passwordHash = '';

test.before(async () => {
  passwordHash = await hashPassword(PASSWORD);
});

async function logIn(api: TestApi, email: string, address: string, agent: string): Promise<string> {
  const reply: Reply = await api.call('/v1/session', { method: 'POST', body: { email, password: PASSWORD }, headers: { 'X-Forwarded-For': address, 'User-Agent': agent } });
  return /^[^;]+/.exec(reply.headers.get('set-cookie') ?? '')?.[0] ?? '';
}

const write = (api: TestApi, Cookie: string, method: string, path: string): Promise<Reply> => api.call(path, { method, headers: { Cookie, Origin: PUBLIC_URL } });
const status = async (api: TestApi, Cookie: string): Promise<number> => (await api.call('/v1/me', { headers: { Cookie } })).status;
const listed = async (api: TestApi, Cookie: string): Promise<{ id: string; network: string; client: string; method: string; current: boolean }[]> =>
  (await api.call('/v1/me/sessions', { headers: { Cookie } })).body.items;

test('a person sees their sessions, coarsely, and ends one of them', async (t) => {
  const { api } = t.context;
  const { email } = await api.person({ passwordHash });
  const [here, there] = [await logIn(api, email, '198.51.100.77', FIREFOX), await logIn(api, email, '2001:db8:12:34::9', 'curl/8.9.1')];
  const seen = await listed(api, here);
  t.deepEqual(
    seen.map(({ network, client, method, current }) => `${network} ${client} ${method} ${current}`).sort(),
    ['198.51.100.0/24 Firefox on Linux password true', '2001:db8:12::/48 curl password false'],
  );
  const stored = JSON.stringify(await api.db('sessions'));
  t.notRegex(stored, /198\.51\.100\.77|Gecko/);
  const other = seen.find(({ current }) => !current)?.id ?? '';
  t.is((await write(api, here, 'DELETE', `/v1/me/sessions/${other}`)).status, 204);
  t.deepEqual([await status(api, here), await status(api, there)], [200, 401]);
  t.is((await write(api, here, 'DELETE', `/v1/me/sessions/${other}`)).status, 404);
  t.is((await listed(api, here)).length, 1);
});

test('all other sessions end at once; nobody ends anybody else’s', async (t) => {
  const { api } = t.context;
  const [one, two] = [await api.person({ passwordHash }), await api.person({ passwordHash })];
  const mine = [await logIn(api, one.email, '198.51.100.1', FIREFOX), await logIn(api, one.email, '198.51.100.2', FIREFOX), await logIn(api, one.email, '198.51.100.3', FIREFOX)];
  const theirs = await logIn(api, two.email, '198.51.100.4', FIREFOX);
  const [foreign] = await listed(api, theirs);
  t.is((await write(api, mine[0] ?? '', 'DELETE', `/v1/me/sessions/${foreign?.id}`)).status, 404);
  t.deepEqual((await write(api, mine[1] ?? '', 'POST', '/v1/me/sessions:revoke-others')).body, { ended: 2 });
  t.deepEqual(await Promise.all([...mine, theirs].map((cookie) => status(api, cookie))), [401, 200, 401, 200]);
  const byToken = await api.call('/v1/me/sessions:revoke-others', { method: 'POST', token: one.token });
  t.deepEqual(byToken.body, { ended: 1 });
});

test('a platform administrator ends the sessions of an account', async (t) => {
  const { api } = t.context;
  const administrator = await api.person({ platformAdministrator: true });
  const { id, email } = await api.person({ passwordHash });
  const cookies = [await logIn(api, email, '198.51.100.10', FIREFOX), await logIn(api, email, '198.51.100.11', FIREFOX)];
  t.deepEqual((await api.call(`/v1/users/${id}:end-sessions`, { method: 'POST', token: administrator.token })).body, { ended: 2 });
  t.deepEqual(await Promise.all(cookies.map((cookie) => status(api, cookie))), [401, 401]);
});

test('an account that is disabled is out at once, and stays out when it is enabled again', async (t) => {
  const { api } = t.context;
  const administrator = await api.person({ platformAdministrator: true });
  const { id, email } = await api.person({ passwordHash });
  const cookie = await logIn(api, email, '198.51.100.5', FIREFOX);
  const disable = (disabled: boolean) => api.call(`/v1/users/${id}`, { method: 'PATCH', token: administrator.token, body: { disabled }, headers: { 'If-Match': '*' } });
  await disable(true);
  t.is(await status(api, cookie), 401);
  await disable(false);
  t.is(await status(api, cookie), 401);
  t.is(await status(api, await logIn(api, email, '198.51.100.5', FIREFOX)), 200);
});

test('logging in again in a browser ends the session it had', async (t) => {
  const { api } = t.context;
  const { email } = await api.person({ passwordHash });
  const first = await logIn(api, email, '198.51.100.8', FIREFOX);
  const again = await api.call('/v1/session', { method: 'POST', body: { email, password: PASSWORD }, headers: { Cookie: first, Origin: PUBLIC_URL } });
  t.is(again.status, 200);
  t.is(await status(api, first), 401);
});

test.serial('by what an account is let in changes soon after logging in, or after logging in again', async (t) => {
  const { api } = t.context;
  const { email } = await api.person({ passwordHash });
  const cookie = await logIn(api, email, '198.51.100.9', FIREFOX);
  const add = (address: string) => api.call('/v1/me/mailboxes', { method: 'POST', body: { address }, headers: { Cookie: cookie, Origin: PUBLIC_URL } });
  const { body } = await add('soon@example.net');
  api.clock.forward(RECENT_LOGIN_MS);
  t.is((await add('late@example.net')).body.code, 'identity.log-in-again');
  t.is((await write(api, cookie, 'POST', `/v1/me/mailboxes/${body.id}:make-primary`)).body.code, 'identity.log-in-again');
  t.is((await write(api, cookie, 'DELETE', `/v1/me/mailboxes/${body.id}`)).body.code, 'identity.log-in-again');
  t.is((await write(api, cookie, 'POST', `/v1/me/mailboxes/${body.id}:resend-letter`)).status, 202);
});

test('a login that races with being disabled opens no session', async (t) => {
  const { api } = t.context;
  const { id, email } = await api.person({ passwordHash });
  const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  const login = { reply: Promise.resolve('') };
  await inTransaction(api.db, async (tx) => {
    await tx('users').where('id', id).update({ disabled_at: api.clock.now() });
    login.reply = logIn(api, email, '198.51.100.6', FIREFOX);
    while ((await api.db.raw(waiting)).rows.length === 0);
  });
  t.is(await login.reply, '');
  t.deepEqual(await api.db('sessions').where('user_id', id), []);
});
