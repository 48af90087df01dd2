import { hashPassword } from '../../commands/identity/passwords.ts';
import { INVITATION_MS } from '../../domain/organizations/invitation.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import type { Person, Reply, TestApi } from '../../tests/helpers/api.ts';
import { mailsTo, newestSecret } from '../../tests/helpers/letters.ts';

const test = apiTest();
const PASSWORD = 'correct horse battery';

async function site(api: TestApi): Promise<{ organizationId: string; manager: Person; invite(email: string, role?: string): Promise<Reply> }> {
  const organizationId = await api.organization('Analytical Engines');
  const manager = await api.member(organizationId, 'manager');
  const path = `/v1/organizations/${organizationId}/invitations`;
  return { organizationId, manager, invite: (email, role = 'engineer') => api.call(path, { method: 'POST', token: manager.token, body: { email, role } }) };
}

const post = (api: TestApi, path: string, body: object, token?: string): Promise<Reply> => api.call(path, { method: 'POST', body, token });
const accept = (api: TestApi, token: string, who: object = { display_name: 'Ada', password: PASSWORD }): Promise<Reply> => post(api, '/v1/invitations:accept', { token, ...who });
const secretTo = (api: TestApi, address: string): Promise<string> => newestSecret(api, address, 'invitation');

test('somebody without an account makes one by the link, and is a member with a verified mailbox', async (t) => {
  const { api } = t.context;
  const { organizationId, manager, invite } = await site(api);
  const invited = await invite('ada@engines.example');
  t.like(invited.body, { address: 'ada@engines.example', role: 'engineer', state: 'pending', letters: 1 });
  const [letter] = await mailsTo(api, 'ada@engines.example');
  t.like(letter ?? {}, { kind: 'invitation', organizationId, subject: 'Invitation to Analytical Engines' });
  const secret = letter?.secret ?? '';
  t.like((await post(api, '/v1/invitations:look', { token: secret })).body, { organization_name: 'Analytical Engines', address: 'ada@engines.example', role: 'engineer' });
  t.is((await accept(api, secret, {})).body.code, 'organizations.account-needed');
  t.is((await accept(api, secret, { display_name: 'Ada', password: 'passwordpassword' })).body.code, 'identity.weak-password');
  const joined = await accept(api, secret);
  t.like(joined.body, { organization_id: organizationId, role: 'engineer' });
  const session = await post(api, '/v1/session', { email: 'ada@engines.example', password: PASSWORD });
  t.is(session.body.user.id, joined.body.user_id);
  const token = await api.token(joined.body.user_id);
  t.like((await api.call('/v1/me/mailboxes', { token })).body.items[0], { type: 'primary', verified: true });
  t.like((await post(api, '/v1/me:activate', {}, token)).body, { state: 'passed' });
  const again = await accept(api, secret);
  const unknown = await accept(api, 'x'.repeat(43));
  t.deepEqual([again.status, again.body.code, again.body.detail], [400, 'organizations.invitation-void', unknown.body.detail]);
  t.like((await api.call(`/v1/invitations/${invited.body.id}`, { token: manager.token })).body, { state: 'accepted', accepted_by: joined.body.user_id });
  t.notRegex(JSON.stringify(await api.db('ledger').where('organization_id', organizationId)), /engines\.example/);
});

test('whoever is signed in joins with the account that has the address, and with no other', async (t) => {
  const { api } = t.context;
  const { organizationId, invite } = await site(api);
  const [mine, other] = [await api.person(), await api.person()];
  await invite(mine.email, 'manager');
  const secret = await secretTo(api, mine.email);
  t.is((await post(api, '/v1/invitations:accept', { token: secret }, other.token)).body.code, 'organizations.invitation-for-another');
  t.is((await accept(api, secret)).body.code, 'organizations.log-in-first');
  const limited = await api.token(mine.id, { organizationId: await api.organization() });
  t.is((await post(api, '/v1/invitations:accept', { token: secret }, limited)).body.code, 'identity.token-limited');
  t.like((await post(api, '/v1/invitations:accept', { token: secret }, mine.token)).body, { organization_id: organizationId, role: 'manager' });
  t.is((await api.call(`/v1/organizations/${organizationId}`, { token: mine.token })).status, 200);
});

test('the letter proves an address of the account that nobody had verified', async (t) => {
  const { api } = t.context;
  const { invite } = await site(api);
  const { token } = await api.person();
  await post(api, '/v1/me/mailboxes', { address: 'second@engines.example' }, token);
  await invite('second@engines.example');
  t.is((await post(api, '/v1/invitations:accept', { token: await secretTo(api, 'second@engines.example') }, token)).status, 200);
  t.like((await api.call('/v1/me/mailboxes', { token })).body.items[1], { address: 'second@engines.example', verified: true });
});

test('an address that is another account’s is nobody else’s to join with', async (t) => {
  const { api } = t.context;
  const { invite } = await site(api);
  const [owner, claimant] = [await api.person(), await api.person()];
  await post(api, '/v1/me/mailboxes', { address: owner.email }, claimant.token);
  await invite(owner.email);
  const secret = await secretTo(api, owner.email);
  t.is((await post(api, '/v1/invitations:accept', { token: secret }, claimant.token)).body.code, 'organizations.invitation-for-another');
  t.is((await post(api, '/v1/invitations:accept', { token: secret }, owner.token)).status, 200);
});

test('accepting and verifying the address elsewhere race into one owner of it', async (t) => {
  const { api } = t.context;
  const { invite } = await site(api);
  for (const name of ['one', 'two', 'three']) {
    const address = `${name}@raced.example`;
    const { token } = await api.person();
    await post(api, '/v1/me/mailboxes', { address }, token);
    await invite(address);
    const [link, letter] = [await secretTo(api, address), await newestSecret(api, address, 'mailbox-verification')];
    const replies = await Promise.all([accept(api, link), post(api, '/v1/mailboxes:verify', { token: letter })]);
    t.deepEqual(replies.map(({ status }) => status).toSorted((a, b) => a - b), [200, 409]);
    t.is((await api.db('mailboxes').where({ address }).whereNotNull('verified_at')).length, 1);
  }
});

test('a member is not invited, nor is anybody twice', async (t) => {
  const { api } = t.context;
  const { organizationId, invite } = await site(api);
  const member = await api.member(organizationId, 'member');
  const twice = await invite(member.email.toUpperCase());
  t.deepEqual([twice.status, twice.body.code], [409, 'organizations.already-member']);
  const first = await invite('bob@engines.example');
  const second = await invite('Bob@engines.example');
  t.deepEqual([second.status, second.body.code, second.body.details.invitation_id], [409, 'organizations.already-invited', first.body.id]);
  const raced = await Promise.all(Array.from({ length: 4 }, () => invite('raced@engines.example')));
  t.deepEqual(raced.map(({ status }) => status).toSorted((a, b) => a - b), [201, 409, 409, 409]);
});

test('of uses of one link that race exactly one makes a member and an account', async (t) => {
  const { api } = t.context;
  const { organizationId, invite } = await site(api);
  await invite('carol@engines.example');
  const secret = await secretTo(api, 'carol@engines.example');
  const replies = await Promise.all(Array.from({ length: 5 }, () => accept(api, secret)));
  t.deepEqual(replies.map(({ status }) => status).toSorted((a, b) => a - b), [200, 400, 400, 400, 400]);
  t.is((await api.db('memberships').where({ organization_id: organizationId, role: 'engineer' })).length, 1);
  t.is((await api.db('users').where('email', 'carol@engines.example')).length, 1);
});

test('accepting and being added by hand race into one membership', async (t) => {
  const { api } = t.context;
  const { organizationId, manager, invite } = await site(api);
  const { email, token, id } = await api.person();
  await invite(email);
  const secret = await secretTo(api, email);
  const [joined, added] = await Promise.all([
    post(api, '/v1/invitations:accept', { token: secret }, token),
    post(api, `/v1/organizations/${organizationId}/members`, { email, role: 'member' }, manager.token),
  ]);
  t.is(joined.status, 200);
  t.true([201, 409].includes(added.status));
  t.is((await api.db('memberships').where({ organization_id: organizationId, user_id: id })).length, 1);
});

test('a revoked link and the one before a new letter are void', async (t) => {
  const { api } = t.context;
  const { manager, invite } = await site(api);
  const { id } = (await invite('dave@engines.example')).body;
  const first = await secretTo(api, 'dave@engines.example');
  t.like((await post(api, `/v1/invitations/${id}:resend`, {}, manager.token)).body, { letters: 2, state: 'pending' });
  const second = await secretTo(api, 'dave@engines.example');
  t.is((await accept(api, first)).body.code, 'organizations.invitation-void');
  t.like((await post(api, `/v1/invitations/${id}:revoke`, {}, manager.token)).body, { state: 'revoked' });
  t.is((await accept(api, second)).body.code, 'organizations.invitation-void');
  t.is((await post(api, `/v1/invitations/${id}:resend`, {}, manager.token)).body.code, 'organizations.invitation-ended');
  t.is((await invite('dave@engines.example')).status, 201);
});

test.serial('an invitation expires after seven days, is listed as such, and can be sent again or made anew', async (t) => {
  const { api } = t.context;
  const { organizationId, manager, invite } = await site(api);
  const list = async (state: string) =>
    (await api.call(`/v1/organizations/${organizationId}/invitations?state=${state}`, { token: manager.token })).body.items.map(({ address }: { address: string }) => address);
  const [resent, anew] = [(await invite('erin@engines.example')).body, (await invite('frank@engines.example')).body];
  t.deepEqual(await list('pending'), ['frank@engines.example', 'erin@engines.example']);
  const secret = await secretTo(api, 'erin@engines.example');
  api.clock.forward(INVITATION_MS);
  t.deepEqual([await list('pending'), (await list('expired')).length], [[], 2]);
  t.is((await accept(api, secret)).body.code, 'organizations.invitation-void');
  await post(api, `/v1/invitations/${resent.id}:resend`, {}, manager.token);
  t.is((await accept(api, await secretTo(api, 'erin@engines.example'))).status, 200);
  t.is((await invite('frank@engines.example')).status, 201);
  t.is((await post(api, `/v1/invitations/${anew.id}:resend`, {}, manager.token)).body.code, 'organizations.already-invited');
  t.deepEqual([await list('accepted'), await list('expired'), await list('pending')], [['erin@engines.example'], ['frank@engines.example'], ['frank@engines.example']]);
});

test('a name in the letter cannot move the link', async (t) => {
  const { api } = t.context;
  const organizationId = await api.organization('Click {secret} now');
  const manager = await api.member(organizationId, 'manager');
  await post(api, `/v1/organizations/${organizationId}/invitations`, { email: 'gina@engines.example', role: 'member' }, manager.token);
  const [letter] = await mailsTo(api, 'gina@engines.example');
  t.is(letter?.body.split('{secret}').length, 2);
  t.is(letter?.subject, 'Invitation to Click now');
});

test('an account that an administrator made but nobody verified is joined after logging in to it', async (t) => {
  const { api } = t.context;
  const { invite } = await site(api);
  const { id, email } = await api.person({ emailVerified: false, passwordHash: await hashPassword(PASSWORD) });
  await invite(email);
  const secret = await secretTo(api, email);
  t.is((await accept(api, secret)).body.code, 'organizations.log-in-first');
  t.is((await post(api, '/v1/invitations:accept', { token: secret }, await api.token(id))).status, 200);
});
