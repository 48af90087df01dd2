import { ACCOUNT_ATTEMPTS, LETTERS_TO_ONE } from '../../commands/identity/login-limits.ts';
import { hashPassword } from '../../commands/identity/passwords.ts';
import { RESET_MS } from '../../domain/identity/mailbox.ts';
import { FIRST_PASSWORD_MS } from '../../domain/identity/user.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import { PUBLIC_URL, type Reply, type TestApi } from '../../tests/helpers/api.ts';
import { mailsTo, newestSecret } from '../../tests/helpers/letters.ts';

const test = apiTest();
const PASSWORD = 'correct horse battery';
const ANOTHER = 'staple without a horse';
let passwordHash = '';
let addresses = 0;

test.before(async () => {
  passwordHash = await hashPassword(PASSWORD);
});

const elsewhere = (): Record<string, string> => ({ 'X-Forwarded-For': `203.0.113.${(addresses += 1)}` });
const logIn = (api: TestApi, email: string, password: string, headers: Record<string, string> = elsewhere()): Promise<Reply> =>
  api.call('/v1/session', { method: 'POST', body: { email, password }, headers });
const cookies = (reply: Reply): string => reply.headers.getSetCookie().map((cookie) => /^[^;]+/.exec(cookie)?.[0]).join('; ');
const forgot = (api: TestApi, email: string, headers = elsewhere()): Promise<Reply> => api.call('/v1/password:forgot', { method: 'POST', body: { email }, headers });
const reset = (api: TestApi, token: string, password: string): Promise<Reply> => api.call('/v1/password:reset', { method: 'POST', body: { token, new_password: password } });

test('a forgotten password is replaced by the link of a letter, once, and every session ends', async (t) => {
  const { api } = t.context;
  const { email } = await api.person({ passwordHash });
  const Cookie = cookies(await logIn(api, email, PASSWORD));
  const [known, unknown] = [await forgot(api, email.toUpperCase()), await forgot(api, 'ghost@example.net')];
  t.deepEqual([known.status, known.body], [unknown.status, unknown.body]);
  t.is(known.status, 202);
  t.is((await mailsTo(api, 'ghost@example.net')).length, 0);
  const secret = await newestSecret(api, email, 'password-reset');
  t.is((await reset(api, secret, 'password1234')).body.code, 'identity.weak-password');
  t.is((await reset(api, secret, ANOTHER)).status, 204);
  t.is((await api.call('/v1/me', { headers: { Cookie } })).status, 401);
  t.is((await logIn(api, email, PASSWORD)).status, 401);
  t.is((await logIn(api, email, ANOTHER)).status, 200);
  const again = await reset(api, secret, PASSWORD);
  t.deepEqual([again.status, again.body.code], [400, 'identity.letter-void']);
  t.is((await reset(api, 'x'.repeat(43), PASSWORD)).body.detail, again.body.detail);
  t.regex(JSON.stringify(await mailsTo(api, email)), /Your password was changed/);
});

test.serial('a reset’s link is void after half an hour, and after the password was changed otherwise', async (t) => {
  const { api } = t.context;
  const { email, token } = await api.person({ passwordHash });
  await forgot(api, email);
  const late = await newestSecret(api, email, 'password-reset');
  api.clock.forward(RESET_MS);
  t.is((await reset(api, late, ANOTHER)).body.code, 'identity.letter-void');
  await forgot(api, email);
  const body = { current_password: PASSWORD, new_password: ANOTHER };
  t.is((await api.call('/v1/me/password', { method: 'PUT', token, body })).status, 204);
  t.is((await reset(api, await newestSecret(api, email, 'password-reset'), PASSWORD)).body.code, 'identity.letter-void');
});

test('whoever takes an account back keeps others out: links to addresses that they added, or that were removed, are void', async (t) => {
  const { api } = t.context;
  const { email, token } = await api.person({ passwordHash });
  const add = async (address: string): Promise<string> => (await api.call('/v1/me/mailboxes', { method: 'POST', token, body: { address } })).body.id;
  const verify = (secret: string): Promise<Reply> => api.call('/v1/mailboxes:verify', { method: 'POST', body: { token: secret } });
  const id = await add('thief@example.net');
  const verification = await newestSecret(api, 'thief@example.net', 'mailbox-verification');
  await forgot(api, email);
  t.is((await reset(api, await newestSecret(api, email, 'password-reset'), ANOTHER)).status, 204);
  t.is((await verify(verification)).body.code, 'identity.letter-void', 'added, but not verified, before the password was another one');
  t.is((await api.call(`/v1/me/mailboxes/${id}:resend-letter`, { method: 'POST', token })).status, 202);
  t.is((await verify(await newestSecret(api, 'thief@example.net', 'mailbox-verification'))).status, 200);
  await forgot(api, 'thief@example.net');
  const late = await newestSecret(api, 'thief@example.net', 'password-reset');
  t.is((await api.call(`/v1/me/mailboxes/${id}`, { method: 'DELETE', token })).status, 204);
  t.is((await reset(api, late, 'the password of a thief')).body.code, 'identity.letter-void');
});

test('the letter of a new account serves although its first password was changed before', async (t) => {
  const { api } = t.context;
  const administrator = await api.person({ platformAdministrator: true });
  const made = await api.call('/v1/users', { method: 'POST', token: administrator.token, body: { email: 'fresh@example.net', display_name: 'Fresh' } });
  const token = await api.token(made.body.user.id);
  const body = { current_password: made.body.password, new_password: ANOTHER };
  t.is((await api.call('/v1/me/password', { method: 'PUT', token, body, headers: elsewhere() })).status, 204);
  const secret = await newestSecret(api, 'fresh@example.net', 'mailbox-verification');
  t.is((await api.call('/v1/mailboxes:verify', { method: 'POST', body: { token: secret } })).status, 200);
});

test('of uses of one reset that race exactly one sets the password', async (t) => {
  const { api } = t.context;
  const { email } = await api.person({ passwordHash });
  await forgot(api, email);
  const secret = await newestSecret(api, email, 'password-reset');
  const wishes = Array.from({ length: 4 }, (_, index) => `a different wish ${index}`);
  const replies = await Promise.all(wishes.map((wish) => reset(api, secret, wish)));
  t.deepEqual(replies.map(({ status }) => status).toSorted((a, b) => a - b), [204, 400, 400, 400]);
  const won = wishes[replies.findIndex(({ status }) => status === 204)] ?? '';
  t.is((await logIn(api, email, won)).status, 200);
});

test('no letter goes to an address nobody has verified, to a disabled account, or more than a few in an hour', async (t) => {
  const { api } = t.context;
  const [unverified, disabled, often] = [await api.person({ emailVerified: false }), await api.person(), await api.person()];
  await api.db('users').where('id', disabled.id).update({ disabled_at: api.clock.now() });
  for (let letter = 0; letter < LETTERS_TO_ONE + 2; letter += 1) t.is((await forgot(api, often.email)).status, 202);
  for (const { email } of [unverified, disabled]) t.is((await forgot(api, email)).status, 202);
  t.is((await mailsTo(api, often.email)).length, LETTERS_TO_ONE);
  t.deepEqual([await mailsTo(api, unverified.email), await mailsTo(api, disabled.email)], [[], []]);
});

test('a stranger who hammers an account does not lock its owner out where they are known', async (t) => {
  const { api } = t.context;
  const { email } = await api.person({ passwordHash });
  let known = cookies(await logIn(api, email, PASSWORD));
  for (let attempt = 0; attempt < ACCOUNT_ATTEMPTS; attempt += 1) await logIn(api, email, 'a guess of a stranger');
  t.is((await logIn(api, email, PASSWORD)).status, 429);
  const fromHome = (password: string) => logIn(api, email, password, { ...elsewhere(), Cookie: known, Origin: PUBLIC_URL });
  const home = await fromHome(PASSWORD);
  t.is(home.status, 200);
  known = cookies(home);
  const stolen = cookies(await logIn(api, (await api.person({ passwordHash })).email, PASSWORD));
  for (let attempt = 0; attempt < ACCOUNT_ATTEMPTS; attempt += 1) await logIn(api, email, 'a guess of a stranger');
  t.is((await logIn(api, email, PASSWORD, { ...elsewhere(), Cookie: stolen, Origin: PUBLIC_URL })).status, 429);
  for (let attempt = 0; attempt < ACCOUNT_ATTEMPTS; attempt += 1) t.is((await fromHome('not quite')).status, 401);
  t.is((await fromHome(PASSWORD)).status, 429);
});

test('whoever resets the password is let in again at once', async (t) => {
  const { api } = t.context;
  const { email } = await api.person({ passwordHash });
  for (let attempt = 0; attempt < ACCOUNT_ATTEMPTS; attempt += 1) await logIn(api, email, 'a guess of a stranger');
  t.is((await logIn(api, email, PASSWORD)).status, 429);
  await forgot(api, email);
  await reset(api, await newestSecret(api, email, 'password-reset'), ANOTHER);
  t.is((await logIn(api, email, ANOTHER)).status, 200);
});

test.serial('a first password that an administrator was shown serves for seven days, one’s own for ever', async (t) => {
  const { api } = t.context;
  const administrator = await api.person({ platformAdministrator: true });
  const make = async (email: string) => (await api.call('/v1/users', { method: 'POST', token: administrator.token, body: { email, display_name: 'New' } })).body;
  const [kept, changed] = [await make('kept@example.net'), await make('changed@example.net')];
  const session = await logIn(api, kept.user.email, kept.password);
  t.true(session.body.password_expires_at > api.clock.now());
  const body = { current_password: changed.password, new_password: ANOTHER };
  const token = await api.token(changed.user.id);
  t.is((await api.call('/v1/me/password', { method: 'PUT', token, body })).status, 204);
  api.clock.forward(FIRST_PASSWORD_MS);
  t.deepEqual([(await logIn(api, kept.user.email, kept.password)).body.code, (await logIn(api, kept.user.email, 'wrong')).body.code], ['identity.password-expired', 'identity.wrong-credentials']);
  t.is((await logIn(api, changed.user.email, ANOTHER)).status, 200);
});

test('a password may have any characters and up to 256 of them, and is taken as it is', async (t) => {
  const { api } = t.context;
  const { email, token } = await api.person({ passwordHash });
  const change = (current: string, next: string) => api.call('/v1/me/password', { method: 'PUT', token, body: { current_password: current, new_password: next }, headers: elsewhere() });
  const long = `${'ｱ zß馬🔋 '.repeat(25)} end`.slice(0, 250);
  t.is((await change(PASSWORD, long)).status, 204);
  t.is((await logIn(api, email, long.trimEnd())).status, 200);
  t.is((await logIn(api, email, `${long} `)).status, 401);
  for (const weak of ['qwertyuiop12', '123456789012', 'Orrery Orrery 1', `${email}1`, 'correcthorse'.slice(0, 11)]) {
    t.is((await change(long, weak)).body.fields?.[0].field, 'new_password', weak);
  }
});
