import { notify } from '../../commands/notifications/port.ts';
import { LETTERS_TO_ONE } from '../../commands/identity/login-limits.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { VERIFICATION_MS } from '../../domain/identity/mailbox.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import type { Reply, TestApi } from '../../tests/helpers/api.ts';
import { mailsTo, newestSecret } from '../../tests/helpers/letters.ts';

const test = apiTest();

const add = (api: TestApi, token: string, address: string): Promise<Reply> => api.call('/v1/me/mailboxes', { method: 'POST', token, body: { address } });
const act = (api: TestApi, token: string, id: string, verb: string): Promise<Reply> => api.call(`/v1/me/mailboxes/${id}:${verb}`, { method: 'POST', token });
const verify = (api: TestApi, token: string): Promise<Reply> => api.call('/v1/mailboxes:verify', { method: 'POST', body: { token } });
const mine = async (api: TestApi, token: string): Promise<{ address: string; type: string; verified: boolean; notices: boolean }[]> =>
  (await api.call('/v1/me/mailboxes', { token })).body.items;

test('an address is unverified until the link of its letter is used, once', async (t) => {
  const { api } = t.context;
  const { token, email } = await api.person();
  const added = await add(api, token, 'Backup@Example.NET');
  t.like(added.body, { type: 'backup', verified: false, notices: true });
  const [letter] = await mailsTo(api, 'backup@example.net');
  t.like(letter ?? {}, { kind: 'mailbox-verification', organizationId: null });
  t.false(letter?.body.includes(letter.secret ?? ''));
  t.regex(letter?.body ?? '', /https:\/\/orrery\.test\/verify-mailbox#\{secret\}/);
  t.regex(JSON.stringify(await mailsTo(api, email)), /An address was added to your account: Backup@Example\.NET/);
  const secret = letter?.secret ?? '';
  t.like((await verify(api, secret)).body, { address: 'Backup@Example.NET' });
  t.like((await mine(api, token))[1] ?? {}, { verified: true });
  const again = await verify(api, secret);
  const unknown = await verify(api, 'x'.repeat(43));
  t.deepEqual([again.status, again.body.code, again.body.detail], [unknown.status, unknown.body.code, unknown.body.detail]);
  t.is(unknown.body.code, 'identity.letter-void');
  t.is((await add(api, token, 'backup@example.net')).body.code, 'identity.mailbox-exists');
  const stored = JSON.stringify([await api.db('letter_tokens'), await api.db('mails'), await api.db('ledger')]);
  t.false(stored.includes(secret));
});

test.serial('a newer letter voids the link of the one before, and a day voids it too', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  const { id } = (await add(api, token, 'twice@example.net')).body;
  const first = await newestSecret(api, 'twice@example.net', 'mailbox-verification');
  t.is((await act(api, token, id, 'resend-letter')).status, 202);
  const second = await newestSecret(api, 'twice@example.net', 'mailbox-verification');
  t.not(first, second);
  t.is((await verify(api, first)).body.code, 'identity.letter-void');
  api.clock.forward(VERIFICATION_MS);
  t.is((await verify(api, second)).body.code, 'identity.letter-void');
  await act(api, token, id, 'resend-letter');
  t.is((await verify(api, await newestSecret(api, 'twice@example.net', 'mailbox-verification'))).status, 200);
  t.is((await act(api, token, id, 'resend-letter')).body.code, 'identity.mailbox-verified');
});

test('of uses of one link that race exactly one counts', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  await add(api, token, 'raced@example.net');
  const secret = await newestSecret(api, 'raced@example.net', 'mailbox-verification');
  const replies = await Promise.all(Array.from({ length: 6 }, () => verify(api, secret)));
  t.deepEqual(replies.map(({ status }) => status).toSorted((a, b) => a - b), [200, 400, 400, 400, 400, 400]);
});

test('two accounts may claim an address, and one alone can prove it', async (t) => {
  const { api } = t.context;
  const [one, two] = [await api.person(), await api.person()];
  await add(api, one.token, 'shared@example.net');
  await add(api, two.token, 'shared@example.net');
  const secrets = (await mailsTo(api, 'shared@example.net')).map(({ secret }) => secret ?? '');
  const replies = await Promise.all(secrets.map((secret) => verify(api, secret)));
  t.deepEqual(replies.map(({ status }) => status).toSorted((a, b) => a - b), [200, 409]);
  t.is(replies.find(({ status }) => status === 409)?.body.code, 'identity.email-taken');
  const administrator = await api.person({ platformAdministrator: true });
  const user = { email: 'shared@example.net', display_name: 'Third' };
  t.is((await api.call('/v1/users', { method: 'POST', token: administrator.token, body: user })).body.code, 'identity.email-taken');
});

test('letters to one mailbox are limited, whoever asks and however often it is removed', async (t) => {
  const { api } = t.context;
  const codes: string[] = [];
  for (let letter = 0; letter <= LETTERS_TO_ONE; letter += 1) {
    const { token } = await api.person();
    codes.push((await add(api, token, 'flooded@example.net')).body.code);
  }
  t.deepEqual(codes, [...Array.from({ length: LETTERS_TO_ONE }, () => undefined), 'identity.too-many-letters'] as never);
  t.is((await mailsTo(api, 'flooded@example.net')).length, LETTERS_TO_ONE);
});

test('only a verified address becomes primary; it is then the name to log in by, and everybody is told', async (t) => {
  const { api } = t.context;
  const { token, email } = await api.person();
  const { id } = (await add(api, token, 'new@example.net')).body;
  t.is((await act(api, token, id, 'make-primary')).body.code, 'identity.mailbox-unverified');
  await verify(api, await newestSecret(api, 'new@example.net', 'mailbox-verification'));
  const [old] = (await api.call('/v1/me/mailboxes', { token })).body.items;
  t.is((await api.call(`/v1/me/mailboxes/${old.id}`, { method: 'DELETE', token })).body.code, 'identity.primary-mailbox');
  t.like((await act(api, token, id, 'make-primary')).body, { type: 'primary' });
  t.is((await api.call('/v1/me', { token })).body.user.email, 'new@example.net');
  t.deepEqual((await mine(api, token)).map(({ address, type }) => [address, type]), [['new@example.net', 'primary'], [email, 'backup']]);
  for (const address of [email, 'new@example.net']) t.regex(JSON.stringify(await mailsTo(api, address)), /Another address is the primary one/, address);
  t.is((await api.call(`/v1/me/mailboxes/${old.id}`, { method: 'DELETE', token })).status, 204);
  t.is((await mine(api, token)).length, 1);
});

test('a notice goes to every verified mailbox that is switched on, once; letters about the account to all', async (t) => {
  const { api } = t.context;
  const organizationId = await api.organization();
  const { id: userId, token, email } = await api.member(organizationId, 'member');
  for (const name of ['on', 'off', 'unverified']) await add(api, token, `${name}@notices.example`);
  for (const name of ['on', 'off']) await verify(api, await newestSecret(api, `${name}@notices.example`, 'mailbox-verification'));
  const off = (await api.call('/v1/me/mailboxes', { token })).body.items.find(({ address }: { address: string }) => address.startsWith('off'));
  const switched = await api.call(`/v1/me/mailboxes/${off.id}`, { method: 'PATCH', token, body: { notices: false }, headers: { 'If-Match': '*' } });
  t.is(switched.body.notices, false);
  const notice = { organizationId, kind: 'booking' as const, key: 'bkg_1/created/1', to: { userIds: [userId, userId], managers: true }, subject: 'Booked', text: 'x', at: api.clock.now() };
  for (let told = 0; told < 2; told += 1) await inTransaction(api.db, (tx) => notify(tx, notice));
  const notices = await api.db('mails as m').join('mailboxes as b', 'b.id', 'm.mailbox_id').where({ 'm.organization_id': organizationId }).orderBy('b.address').pluck('b.address');
  t.deepEqual(notices, [email, 'on@notices.example'].toSorted());
  await add(api, token, 'another@notices.example');
  t.regex(JSON.stringify(await mailsTo(api, 'off@notices.example')), /account-security/);
  t.notRegex(JSON.stringify(await mailsTo(api, 'unverified@notices.example')), /account-security/);
});

test('an account that an administrator makes is verified by its letter, which also completes its activation', async (t) => {
  const { api } = t.context;
  const administrator = await api.person({ platformAdministrator: true });
  const organizationId = await api.organization();
  const email = 'made@example.net';
  const { user } = (await api.call('/v1/users', { method: 'POST', token: administrator.token, body: { email, display_name: 'Made' } })).body;
  const token = await api.token(user.id);
  await api.call(`/v1/organizations/${organizationId}/members`, { method: 'POST', token: administrator.token, body: { email, role: 'member' } });
  t.like((await api.call('/v1/me:activate', { method: 'POST', token })).body, { state: 'requested' });
  t.like((await mine(api, token))[0] ?? {}, { type: 'primary', verified: false });
  t.is((await verify(api, await newestSecret(api, email, 'mailbox-verification'))).status, 200);
  t.is((await api.call('/v1/me', { token })).body.activation.state, 'passed');
});

test('a membership and a verification that race leave nobody half activated', async (t) => {
  const { api } = t.context;
  const administrator = await api.person({ platformAdministrator: true });
  const organizationId = await api.organization();
  for (let round = 0; round < 5; round += 1) {
    const { id, email } = await api.person({ activated: false, emailVerified: false });
    const token = await api.token(id);
    const [{ id: mailboxId }] = (await api.call('/v1/me/mailboxes', { token })).body.items;
    await act(api, token, mailboxId, 'resend-letter');
    await api.call('/v1/me:activate', { method: 'POST', token });
    const body = { email, role: 'member' };
    const replies = await Promise.all([
      newestSecret(api, email, 'mailbox-verification').then((secret) => verify(api, secret)),
      api.call(`/v1/organizations/${organizationId}/members`, { method: 'POST', token: administrator.token, body }),
    ]);
    t.deepEqual(replies.map(({ status }) => status), [200, 201]);
    t.is((await api.call('/v1/me', { token })).body.activation.state, 'passed');
  }
});

test('a token for one organization changes nothing by which its owner is let in everywhere', async (t) => {
  const { api } = t.context;
  const organizationId = await api.organization();
  const { token, id: userId } = await api.member(organizationId, 'member');
  const { id } = (await add(api, token, 'mine@example.net')).body;
  await verify(api, await newestSecret(api, 'mine@example.net', 'mailbox-verification'));
  const limited = await api.token(userId, { scopes: ['admin'], organizationId });
  const refused = [
    await add(api, limited, 'thief@example.net'),
    await act(api, limited, id, 'make-primary'),
    await api.call(`/v1/me/mailboxes/${id}`, { method: 'DELETE', token: limited }),
    await api.call('/v1/me/sessions', { token: limited }),
    await api.call('/v1/me/sessions:revoke-others', { method: 'POST', token: limited }),
  ];
  t.deepEqual(refused.map(({ status, body }) => [status, body.code]), refused.map(() => [403, 'identity.token-limited']));
  t.is((await mine(api, token)).length, 2);
  t.is((await act(api, token, id, 'make-primary')).status, 200);
});
