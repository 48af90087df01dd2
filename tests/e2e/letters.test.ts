import { randomBytes } from 'node:crypto';
import test from 'ava';
import { startApi } from '../../api/main.ts';
import { createToken } from '../../commands/identity/create-token.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { anOrganization, tester } from '../helpers/connect.ts';
import { LOGIN, mailServer } from '../helpers/peers/mail-server.ts';
import { eventually, platform } from '../helpers/platform.ts';
import { testClock } from '../helpers/test-clock.ts';
import { travel, untilQuiet } from '../helpers/travel.ts';
import { aMember } from '../helpers/webhook-site.ts';

/** A platform whose mails go to a real server, with its API and a manager's token. */
async function site(t: { teardown(end: () => Promise<void>): void }) {
  const server = await mailServer();
  t.teardown(() => server.stop());
  const mail = { kind: 'smtp' as const, host: '127.0.0.1', port: server.port, security: 'starttls' as const, login: LOGIN, certificateAuthority: server.authority, from: 'Orrery <orrery@example.org>' };
  const built = await platform((config) => ({ ...config, mail }));
  t.teardown(() => built.end());
  const api = await startApi(built.config, built.log);
  t.teardown(() => api.stop());
  const organizationId = await anOrganization(built);
  const userId = await aMember(built, systemClock, organizationId, 'manager', 'manager');
  const request = { userId, name: 'test', scopes: ['admin' as const], organizationId: null, expiresAt: null, parent: null };
  const { secret: token } = await inTransaction(built.db, (tx) => createToken(tx, request, { at: systemClock.now(), by: tester }));
  const call = async (path: string, body: object): Promise<number> => {
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    return (await fetch(`${api.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).status;
  };
  return { ...built, server, organizationId, call };
}

/** What is behind the # of the link of a letter that the server took. */
const secretIn = (raw: string): string => /#([\w-]{43})/.exec(raw.replaceAll('=\r\n', ''))?.[1] ?? '';

test('letters reach people of no organization, and their secrets are in the mail alone', async (t) => {
  const { server, db, organizationId, call, startWorkers, client } = await site(t);
  t.is(await call('/v1/me/mailboxes', { address: 'second@example.net' }), 201);
  t.is(await call(`/v1/organizations/${organizationId}/invitations`, { email: 'guest@example.net', role: 'member' }), 201);
  // What was lost on the way is found by the reconciler, which has to know rows of no organization too.
  await db('wake_ups').delete();
  const workers = await startWorkers();
  t.teardown(() => workers.stop());
  const to = (address: string) => server.received.find((mail) => mail.to.join() === address);
  await eventually(async () => (await db('mails').where({ state: 'sent' })).length === 3, 'a letter each, and the news of a new mailbox', 150);
  const [verification, invitation] = [to('second@example.net')?.raw ?? '', to('guest@example.net')?.raw ?? ''];
  t.regex(verification, /^To: manager <second@example\.net>\r$/m);
  t.regex(invitation, /^To: guest@example\.net\r$/m);
  t.regex(to('manager@example.net')?.raw ?? '', /An address was added/);
  const secrets = [secretIn(verification), secretIn(invitation)];
  t.deepEqual(secrets.map((secret) => secret.length), [43, 43]);
  t.deepEqual(await db('mails').whereNotNull('sealed_secret'), []);
  const histories = await Promise.all((await db('mails').pluck<string[]>('id')).map((id) => client.workflow.getHandle(`mail/${id}`).fetchHistory()));
  const kept = JSON.stringify([await db('mails'), await db('ledger'), await db('letter_tokens'), await db('invitations'), histories]);
  for (const secret of secrets) t.false(kept.includes(secret));
  t.notRegex(JSON.stringify(histories), /example\.net/);
  t.is(await call('/v1/mailboxes:verify', { token: secrets[0] }), 200);
  t.is(await call('/v1/invitations:look', { token: secrets[1] }), 200);
});

test('a letter survives a server that is away and a mailbox that is removed meanwhile gets none', async (t) => {
  const clock = testClock('2035-06-01T08:00:00.000Z');
  const { server, db, call, startWorkers, ...rest } = await site(t);
  server.replies.set('greylisted@example.net', [450]);
  t.is(await call('/v1/me/mailboxes', { address: 'greylisted@example.net' }), 201);
  t.is(await call('/v1/me/mailboxes', { address: 'removed@example.net' }), 201);
  await db('mailboxes').where('address', 'removed@example.net').delete();
  const workers = await startWorkers(clock);
  t.teardown(() => workers.stop());
  const travelled = { ...rest, db, call, startWorkers };
  await untilQuiet(travelled, clock.now());
  const letters = async () => await db('mails').where('kind', 'mailbox-verification').orderBy('id').select('state', 'outcome', 'attempts');
  t.deepEqual(await letters(), [{ state: 'pending', outcome: null, attempts: 1 }, { state: 'cancelled', outcome: 'recipient-gone', attempts: 0 }]);
  await travel(travelled, clock, plusMilliseconds(clock.now(), 61_000));
  t.deepEqual((await letters())[0], { state: 'sent', outcome: 'sent', attempts: 2 });
  t.is(secretIn(server.received.find((mail) => mail.to.join() === 'greylisted@example.net')?.raw ?? '').length, 43);
  t.false(server.received.some((mail) => mail.to.join() === 'removed@example.net'));
});

test('a letter whose secret cannot be opened says so, and leaves once the key is back', async (t) => {
  const clock = testClock('2035-06-01T08:00:00.000Z');
  const { server, db, call, startWorkers, config, ...rest } = await site(t);
  t.is(await call('/v1/me/mailboxes', { address: 'second@example.net' }), 201);
  const travelled = { ...rest, db, config };
  const letter = async () => await db('mails').where('kind', 'mailbox-verification').first('state', 'attempts', 'last_error');
  const known = config.secretKeys;
  config.secretKeys = { current: randomBytes(32), previous: [] };
  let workers = await startWorkers(clock);
  t.teardown(() => workers.stop());
  await untilQuiet(travelled, clock.now());
  t.like(await letter(), { state: 'pending', attempts: 1, last_error: { code: 'vault.unknown-key' } });
  await workers.stop();
  config.secretKeys = known;
  workers = await startWorkers(clock);
  await travel(travelled, clock, plusMilliseconds(clock.now(), 61_000));
  t.like(await letter(), { state: 'sent', attempts: 2 });
  t.is(secretIn(server.received.find((mail) => mail.to.join() === 'second@example.net')?.raw ?? '').length, 43);
});
