import anyTest, { type TestFn } from 'ava';
import { OIDC_LOGIN_MS } from '../../commands/identity/oidc-attempt.ts';
import type { OidcSignUp } from '../../domain/identity/oidc.ts';
import { createOidcClient } from '../../providers/local/oidc-client.ts';
import { PUBLIC_URL, startTestApi, type Reply, type TestApi } from '../../tests/helpers/api.ts';
import { mailsTo, newestSecret } from '../../tests/helpers/letters.ts';
import { browser, CLIENT, oidcPeer, OTHER_CLIENT, type OidcPeer } from '../../tests/helpers/peers/oidc-provider.ts';

const CALLBACK = `${PUBLIC_URL}/v1/oidc/callback`;
const test = anyTest as TestFn<{ api: TestApi; peer: OidcPeer }>;
let count = 0;

const login = (peer: OidcPeer, signUp: OidcSignUp = 'invited') => ({
  client: createOidcClient({ issuer: peer.issuer, clientId: CLIENT.client_id, clientSecret: CLIENT.client_secret, redirectUri: CALLBACK }),
  signUp,
});

test.beforeEach(async (t) => {
  const [api, peer] = [await startTestApi(), await oidcPeer(CALLBACK)];
  api.deps.oidc = login(peer);
  t.context = { api, peer };
});

test.afterEach.always(async (t) => {
  await t.context.peer.stop();
  await t.context.api.end();
});

/** Somebody at the provider with a verified address of their own. */
function account(peer: OidcPeer, claims: { email?: string; email_verified?: boolean; name?: string } = {}): { id: string; email: string } {
  const id = `subject-${(count += 1)}`;
  const email = claims.email ?? `${id}@login.example`;
  peer.accounts.set(id, { email_verified: true, name: 'Ada Lovelace', ...claims, email });
  return { id, email };
}

type Visit = ReturnType<typeof browser>;

/** Through the provider up to the address it sends the browser back to. */
async function throughProvider(api: TestApi, visit: Visit, returnTo = '/projects?state=active'): Promise<string> {
  return await visit.follow(`${api.baseUrl}/v1/oidc/login?return_to=${encodeURIComponent(returnTo)}`, CALLBACK);
}

async function comeBack(api: TestApi, visit: Visit, address: string): Promise<Reply> {
  const response = await visit.go(address.replace(PUBLIC_URL, api.baseUrl));
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
}

async function signIn(api: TestApi, who: string | null): Promise<{ reply: Reply; visit: Visit; address: string }> {
  const visit = browser(who);
  const address = await throughProvider(api, visit);
  return { reply: await comeBack(api, visit, address), visit, address };
}

/** What the session of a browser is, or 401. */
async function me(api: TestApi, visit: Visit): Promise<Reply> {
  const cookies = [...visit.cookiesOf(new URL(api.baseUrl).host)].map(([name, value]) => `${name}=${value}`).join('; ');
  return await api.call('/v1/me', { headers: { Cookie: cookies } });
}

test('a person with a verified mailbox signs in by their verified address, and from then on by their identity', async (t) => {
  const { api, peer } = t.context;
  const person = await api.person();
  const { id } = account(peer, { email: person.email.toUpperCase() });
  const { reply, visit } = await signIn(api, id);
  t.deepEqual([reply.status, reply.headers.get('location')], [302, '/projects?state=active']);
  const mine = (await me(api, visit)).body;
  t.is(mine.user.id, person.id);
  t.like(mine.sign_in_methods, { password: false, oidc: [{ issuer: peer.issuer }] });
  t.regex(JSON.stringify(await mailsTo(api, person.email)), /A new way to sign in to your account/);
  t.like((await api.call('/v1/me/sessions', { token: person.token })).body.items[0], { method: 'oidc' });
  peer.accounts.set(id, { email: 'moved@login.example', email_verified: false });
  const again = await signIn(api, id);
  t.is((await me(api, again.visit)).body.user.id, person.id);
  t.is((await mailsTo(api, person.email)).length, 1);
  const cookie = [...visit.cookiesOf(new URL(api.baseUrl).host)].map(([name, value]) => `${name}=${value}`).join('; ');
  t.is((await api.call('/v1/session', { method: 'DELETE', headers: { Cookie: cookie, Origin: PUBLIC_URL } })).status, 204);
  t.is((await me(api, visit)).status, 401);
});

test('a way in ends with the address that brought it, and no other does', async (t) => {
  const { api, peer } = t.context;
  const { id: userId, email, token } = await api.person();
  const [own, added] = [account(peer, { email }), account(peer)];
  const mailbox = (await api.call('/v1/me/mailboxes', { method: 'POST', token, body: { address: added.email } })).body;
  const secret = await newestSecret(api, added.email, 'mailbox-verification');
  t.is((await api.call('/v1/mailboxes:verify', { method: 'POST', body: { token: secret } })).status, 200);
  for (const { id } of [own, added]) t.is((await me(api, (await signIn(api, id)).visit)).body.user.id, userId);
  t.is((await api.call(`/v1/me/mailboxes/${mailbox.id}`, { method: 'DELETE', token })).status, 204);
  t.is((await signIn(api, added.id)).reply.body.code, 'identity.oidc-nobody');
  t.is((await me(api, (await signIn(api, own.id)).visit)).body.user.id, userId);
  t.is((await api.db('identities')).length, 1);
});

test('an invited address gets an account, anybody else only where that is allowed', async (t) => {
  const { api, peer } = t.context;
  const organizationId = await api.organization();
  const manager = await api.member(organizationId, 'manager');
  const invited = account(peer, { name: 'Grace Hopper' });
  const stranger = account(peer);
  await api.call(`/v1/organizations/${organizationId}/invitations`, { method: 'POST', token: manager.token, body: { email: invited.email, role: 'member' } });
  const mine = (await me(api, (await signIn(api, invited.id)).visit)).body;
  t.deepEqual([mine.user.email, mine.user.display_name, mine.organizations], [invited.email, 'Grace Hopper', []]);
  t.deepEqual([(await signIn(api, stranger.id)).reply.body.code, (await api.db('users').where('email', stranger.email)).length], ['identity.oidc-nobody', 0]);
  api.deps.oidc = login(peer, 'anyone');
  t.is((await me(api, (await signIn(api, stranger.id)).visit)).body.user.email, stranger.email);
});

test('an address that the provider or nobody here has verified leads to no account', async (t) => {
  const { api, peer } = t.context;
  api.deps.oidc = login(peer, 'anyone');
  const [person, unverified] = [await api.person(), await api.person({ emailVerified: false })];
  for (const [claims, code] of [
    [{ email: person.email, email_verified: false }, 'identity.oidc-email-unverified'],
    [{ email: unverified.email }, 'identity.oidc-mailbox-unverified'],
  ] as const) {
    const { reply, visit } = await signIn(api, account(peer, claims).id);
    t.deepEqual([reply.status, reply.body.code], [403, code]);
    t.is((await me(api, visit)).status, 401);
  }
  peer.accounts.set('no-address', {});
  t.is((await signIn(api, 'no-address')).reply.body.code, 'identity.oidc-email-unverified');
  t.deepEqual(await api.db('identities'), []);
});

test('a disabled account stays out, by address and by identity', async (t) => {
  const { api, peer } = t.context;
  const [known, unknown] = [await api.person(), await api.person()];
  const [one, two] = [account(peer, { email: known.email }), account(peer, { email: unknown.email })];
  t.is((await signIn(api, one.id)).reply.status, 302);
  await api.db('users').whereIn('id', [known.id, unknown.id]).update({ disabled_at: api.clock.now() });
  for (const { id } of [one, two]) t.is((await signIn(api, id)).reply.body.code, 'identity.account-disabled');
});

test('a login is finished once, in the browser that began it, with its own state and in time', async (t) => {
  const { api, peer } = t.context;
  const { id } = account(peer, { email: (await api.person()).email });
  const bad = (reply: Reply): void => {
    t.deepEqual([reply.status, reply.body.code], [400, 'identity.oidc-bad-state']);
  };
  const visit = browser(id);
  const address = await throughProvider(api, visit);
  bad(await comeBack(api, browser(null), address));
  bad(await comeBack(api, visit, address.replace(/state=[^&]+/, `state=${'x'.repeat(43)}`)));
  bad(await comeBack(api, visit, address.replace(/&?state=[^&]+/, '')));
  const other = browser(id);
  await throughProvider(api, other);
  bad(await comeBack(api, other, address));
  const secret = [...visit.cookiesOf(new URL(api.baseUrl).host)].find(([name]) => name.endsWith('orrery_oidc'))?.[1] ?? '';
  t.not(secret, '');
  t.is((await comeBack(api, visit, address)).status, 302);
  visit.cookiesOf(new URL(api.baseUrl).host).set('__Host-orrery_oidc', secret);
  bad(await comeBack(api, visit, address));
  const late = browser(id);
  const lateAddress = await throughProvider(api, late);
  api.clock.forward(OIDC_LOGIN_MS);
  bad(await comeBack(api, late, lateAddress));
  t.false(JSON.stringify(await api.db('oidc_logins')).includes(secret));
  const code = new URL(address).searchParams.get('code') ?? '';
  t.false(api.logged.some((line) => line.includes(code)));
});

test('a code of another login, of another client or used before is refused by the provider', async (t) => {
  const { api, peer } = t.context;
  const { id } = account(peer, { email: (await api.person()).email });
  const codeOf = (address: string): string => new URL(address).searchParams.get('code') ?? '';
  const withCode = async (code: string): Promise<Reply> => {
    const visit = browser(id);
    const address = await throughProvider(api, visit);
    return await comeBack(api, visit, address.replace(codeOf(address), code));
  };
  const injected = await withCode(codeOf(await throughProvider(api, browser(id))));
  t.deepEqual([injected.status, injected.body.code, injected.body.details], [401, 'identity.oidc-code-refused', { provider_error: 'invalid_grant' }]);
  t.is((await withCode(codeOf((await signIn(api, id)).address))).body.code, 'identity.oidc-code-refused');
  const query = new URLSearchParams({ client_id: OTHER_CLIENT.client_id, redirect_uri: OTHER_CLIENT.redirect_uri, response_type: 'code', scope: 'openid', code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' });
  const theirs = await browser(id).follow(`${peer.issuer}/auth?${query.toString()}`, OTHER_CLIENT.redirect_uri);
  t.is((await withCode(codeOf(theirs))).body.code, 'identity.oidc-code-refused');
});

test('an ID token of another login, of another client, unsigned or changed opens nothing', async (t) => {
  const { api, peer } = t.context;
  const { id } = account(peer, { email: (await api.person()).email });
  await signIn(api, id);
  const [{ id_token: genuine = '' } = {}] = peer.answered;
  const [head = '', , signature = ''] = genuine.split('.');
  const part = (text: string): Record<string, unknown> => JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
  const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const changed = (answer: { id_token?: string }, change: object): string => {
    const [, claims = '', itsSignature = ''] = (answer.id_token ?? '').split('.');
    return `${head}.${encoded({ ...part(claims), ...change })}.${itsSignature}`;
  };
  const unsigned = (token = ''): string => `${encoded({ alg: 'none' })}.${token.split('.')[1] ?? ''}.`;
  for (const [token, code] of [
    [() => genuine, 'identity.oidc-bad-nonce'],
    [(answer: { id_token?: string }) => changed(answer, { aud: OTHER_CLIENT.client_id }), 'identity.oidc-bad-token'],
    [(answer: { id_token?: string }) => changed(answer, { sub: 'somebody-else' }), 'identity.oidc-bad-token'],
    [(answer: { id_token?: string }) => changed(answer, { exp: 1 }), 'identity.oidc-bad-token'],
    [(answer: { id_token?: string }) => unsigned(answer.id_token), 'identity.oidc-bad-token'],
    [(answer: { id_token?: string }) => (answer.id_token ?? '').replace(/\.[^.]+$/, `.${signature}`), 'identity.oidc-bad-token'],
  ] as const) {
    peer.tamper = (answer) => ({ ...answer, id_token: token(answer) });
    const { reply, visit } = await signIn(api, id);
    t.deepEqual([reply.status, reply.body.code], [401, code], String(token));
    t.is((await me(api, visit)).status, 401);
  }
});

test('whoever turns back at the provider is told so, and a provider that is away is named', async (t) => {
  const { api, peer } = t.context;
  const { reply } = await signIn(api, null);
  t.deepEqual([reply.status, reply.body.code, reply.body.details], [403, 'identity.oidc-denied', { provider_error: 'access_denied' }]);
  const { id } = account(peer);
  const visit = browser(id);
  const address = await throughProvider(api, visit);
  await peer.stop();
  const away = await comeBack(api, visit, address);
  t.deepEqual([away.status, away.body.code], [503, 'identity.oidc-unavailable']);
  api.deps.oidc = login(peer);
  t.is((await api.call('/v1/oidc/login')).body.code, 'identity.oidc-unavailable');
  api.deps.oidc = null;
  t.is((await api.call('/v1/oidc/login')).body.code, 'identity.oidc-not-configured');
});

test('first logins of one person that race link once and make one account', async (t) => {
  const { api, peer } = t.context;
  api.deps.oidc = login(peer, 'anyone');
  const { id, email } = account(peer);
  const visits = await Promise.all(Array.from({ length: 4 }, async () => {
    const visit = browser(id);
    return { visit, address: await throughProvider(api, visit) };
  }));
  const replies = await Promise.all(visits.map(({ visit, address }) => comeBack(api, visit, address)));
  t.deepEqual(replies.map(({ status }) => status), [302, 302, 302, 302]);
  t.deepEqual([(await api.db('identities')).length, (await api.db('users').where({ email })).length], [1, 1]);
});

test('it never sends a browser anywhere else, and speaks plain http on this machine alone', async (t) => {
  const { api } = t.context;
  for (const place of ['https://evil.test', '//evil.test', '/\\evil.test', '/%09/evil.test\n']) {
    const reply = await api.call(`/v1/oidc/login?return_to=${encodeURIComponent(place)}`);
    t.deepEqual([reply.status, reply.body.fields?.[0]?.field], [400, 'return_to'], place);
  }
  const away = createOidcClient({ issuer: 'http://login.example', clientId: 'x', clientSecret: null, redirectUri: CALLBACK });
  await t.throwsAsync(away.loginUrl({ state: 's', nonce: 'n', codeVerifier: 'v' }), { code: 'identity.oidc-unavailable' });
});
