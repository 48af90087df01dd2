import { hashPassword } from '../../commands/identity/passwords.ts';
import { ACCOUNT_ATTEMPTS, ADDRESS_ATTEMPTS } from '../../commands/identity/login-limits.ts';
import { IDLE_MS, LAST_USE_GRAIN_MS, SESSION_MS } from '../../domain/identity/session.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import { PUBLIC_URL, type Reply, type TestApi } from '../../tests/helpers/api.ts';

const test = apiTest();
const PASSWORD = 'correct horse battery';
let passwordHash = '';
const COOKIE = '__Host-orrery_session';
let addresses = 0;

test.before(async () => {
  passwordHash = await hashPassword(PASSWORD);
});

/** Each caller comes from an address of its own, so that tests do not share a limit. */
function from(address: string): Record<string, string> {
  return { 'X-Forwarded-For': address };
}

async function logIn(api: TestApi, email: string, password: string, address = `198.51.100.${(addresses += 1)}`): Promise<Reply> {
  return await api.call('/v1/session', { method: 'POST', body: { email, password }, headers: from(address) });
}

function cookieOf(reply: Reply): string {
  return /^[^;]+/.exec(reply.headers.get('set-cookie') ?? '')?.[0] ?? '';
}

test('a password opens a session that only the browser holds', async (t) => {
  const { api } = t.context;
  const { email, id } = await api.person({ passwordHash });
  const reply = await logIn(api, email.toUpperCase(), PASSWORD);
  t.is(reply.status, 200);
  const cookie = reply.headers.get('set-cookie') ?? '';
  for (const part of [`${COOKIE}=`, 'HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/']) t.true(cookie.includes(part), part);
  t.false(cookie.includes('Domain'));
  const me = await api.call('/v1/me', { headers: { Cookie: cookieOf(reply) } });
  t.is(me.body.user.id, id);
  t.is(me.body.credential.kind, 'session');
  const stored = JSON.stringify(await api.db('sessions').select('*'));
  t.false(stored.includes(cookieOf(reply).slice(COOKIE.length + 1)));
});

test.serial('a session ends by logging out, and by itself', async (t) => {
  const { api } = t.context;
  const { email } = await api.person({ passwordHash });
  const Cookie = cookieOf(await logIn(api, email, PASSWORD));
  const out = await api.call('/v1/session', { method: 'DELETE', headers: { Cookie, Origin: PUBLIC_URL } });
  t.is(out.status, 204);
  t.is((await api.call('/v1/me', { headers: { Cookie } })).status, 401);
  const idle = cookieOf(await logIn(api, email, PASSWORD));
  t.is((await api.call('/v1/me', { headers: { Cookie: idle } })).status, 200);
  const used = cookieOf(await logIn(api, email, PASSWORD));
  const step = IDLE_MS / 2;
  for (let at = step; at < SESSION_MS; at += step) {
    api.clock.forward(step);
    t.is((await api.call('/v1/me', { headers: { Cookie: used } })).status, 200, `after ${at} ms, used all the time`);
    if (at > IDLE_MS + LAST_USE_GRAIN_MS) t.is((await api.call('/v1/me', { headers: { Cookie: idle } })).status, 401);
  }
  api.clock.forward(step);
  t.is((await api.call('/v1/me', { headers: { Cookie: used } })).status, 401);
});

test('a cookie writes only from the platform’s own origin', async (t) => {
  const { api } = t.context;
  const { email } = await api.person({ passwordHash });
  const Cookie = cookieOf(await logIn(api, email, PASSWORD));
  const write = (headers: Record<string, string>) =>
    api.call('/v1/tokens', { method: 'POST', body: { name: 'x', scopes: ['read'], expires_at: null }, headers: { Cookie, ...headers } });
  for (const origin of [{}, { Origin: 'https://evil.test' }, { Origin: 'null' }, { Origin: `${PUBLIC_URL}.evil.test` }]) {
    const reply = await write(origin as Record<string, string>);
    t.deepEqual([reply.status, reply.body.code], [403, 'identity.foreign-origin']);
  }
  t.is((await write({ Origin: PUBLIC_URL })).status, 201);
});

test('a page elsewhere cannot log its visitor in', async (t) => {
  const { api } = t.context;
  const { email } = await api.person({ passwordHash });
  const body = { email, password: PASSWORD };
  const reply = await api.call('/v1/session', { method: 'POST', body, headers: { Origin: 'https://evil.test' } });
  t.deepEqual([reply.status, reply.body.code], [403, 'identity.foreign-origin']);
});

test('an unknown account, a wrong password, no password and a disabled account answer alike', async (t) => {
  const { api } = t.context;
  const [wrong, none, disabled] = [await api.person({ passwordHash }), await api.person(), await api.person({ passwordHash })];
  await api.db('users').where('id', disabled.id).update({ disabled_at: api.clock.now() });
  const replies = [
    await logIn(api, 'nobody@example.org', PASSWORD),
    await logIn(api, wrong.email, 'something else'),
    await logIn(api, none.email, PASSWORD),
    await logIn(api, disabled.email, PASSWORD),
  ];
  for (const { status, body, headers } of replies) {
    t.is(status, 401);
    t.deepEqual([body.code, body.detail], [replies[0]?.body.code, replies[0]?.body.detail]);
    t.is(headers.get('set-cookie'), null);
  }
  t.is((await api.call('/v1/me', { token: disabled.token })).status, 401);
});

test('an account takes ten failures in a quarter of an hour, also when they race, and tells nobody whether it exists', async (t) => {
  const { api } = t.context;
  const { email } = await api.person({ passwordHash });
  for (const tried of [email, 'ghost@example.org']) {
    const replies = await Promise.all(Array.from({ length: ACCOUNT_ATTEMPTS + 4 }, () => logIn(api, tried, 'wrong')));
    t.is(replies.filter(({ status }) => status === 401).length, ACCOUNT_ATTEMPTS);
    const [limited] = replies.filter(({ status }) => status === 429);
    t.is(limited?.body.code, 'identity.too-many-logins');
    const retryAfter = Number(limited?.headers.get('retry-after'));
    t.true(retryAfter > 0 && retryAfter <= 900);
  }
  t.is((await logIn(api, email, PASSWORD)).status, 429);
});

test('a login that succeeds gives an account its attempts back', async (t) => {
  const { api } = t.context;
  const { email } = await api.person({ passwordHash });
  for (let round = 0; round < 2; round += 1) {
    for (let attempt = 1; attempt < ACCOUNT_ATTEMPTS; attempt += 1) t.is((await logIn(api, email, 'wrong')).status, 401);
    t.is((await logIn(api, email, PASSWORD)).status, 200);
  }
});

test('an address is limited whatever accounts it tries', async (t) => {
  const { api } = t.context;
  const address = '203.0.113.9';
  await logIn(api, 'first@example.org', 'wrong', address);
  await api.db('login_attempts').where('key', `address:${address}`).update({ points: ADDRESS_ATTEMPTS });
  const { email } = await api.person({ passwordHash });
  t.is((await logIn(api, email, PASSWORD, address)).status, 429);
  t.is((await logIn(api, email, PASSWORD, '203.0.113.10')).status, 200);
});

test('whoever has a whole IPv6 network is one address: it hands out as many as they like', async (t) => {
  const { api } = t.context;
  await logIn(api, 'second@example.org', 'wrong', '2001:db8:7:1::1');
  t.is(await api.db('login_attempts').whereLike('key', 'address:2001:db8:7:%').update({ points: ADDRESS_ATTEMPTS }), 1);
  const { email } = await api.person({ passwordHash });
  t.is((await logIn(api, email, PASSWORD, '2001:db8:7:ffff::2')).status, 429);
  t.is((await logIn(api, email, PASSWORD, '2001:db8:8:1::1')).status, 200);
});

test('changing the password ends the other sessions and asks for the old one', async (t) => {
  const { api } = t.context;
  const { email } = await api.person({ passwordHash });
  const [here, there] = [cookieOf(await logIn(api, email, PASSWORD)), cookieOf(await logIn(api, email, PASSWORD))];
  const change = (current: string, next: string) =>
    api.call('/v1/me/password', { method: 'PUT', body: { current_password: current, new_password: next }, headers: { Cookie: here, Origin: PUBLIC_URL, ...from(`192.0.2.${(addresses += 1)}`) } });
  t.is((await change('wrong', 'a new long password')).body.fields[0].field, 'current_password');
  t.is((await change(PASSWORD, 'short')).body.fields[0].field, 'new_password');
  t.is((await change(PASSWORD, email)).body.code, 'identity.weak-password');
  t.is((await change(PASSWORD, 'a new long password')).status, 204);
  t.is((await api.call('/v1/me', { headers: { Cookie: here } })).status, 200);
  t.is((await api.call('/v1/me', { headers: { Cookie: there } })).status, 401);
  t.is((await logIn(api, email, PASSWORD)).status, 401);
  t.is((await logIn(api, email, 'a new long password')).status, 200);
});
