import { setTimeout as delay } from 'node:timers/promises';
import { apiTest } from '../../tests/helpers/api-test.ts';
import { defineOperation } from './operation.ts';
import { z } from './zod.ts';

const OWN_ADVISORY_LOCKS = `select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`;
let release = (): void => undefined;
let held = new Promise<void>(() => undefined);

/** Inserts an organization, slowly on demand: a command that is easy to count. */
const slow = defineOperation({
  method: 'post',
  path: '/v1/test/slow',
  id: 'slow',
  summary: 'Waits inside its transaction',
  tags: ['test'],
  access: { kind: 'person' },
  tokenScope: 'write',
  body: z.strictObject({ name: z.string() }),
  responses: { 201: z.strictObject({ name: z.string() }) },
  async handle(context, { body }) {
    return await context.transact(async (tx) => {
      await tx('organizations').insert({ id: `org_${body.name}`, name: body.name, created_at: context.at, last_at: context.at });
      await held;
      return { status: 201, body: { name: body.name } };
    });
  },
});

const amended = defineOperation({
  method: 'post',
  path: '/v1/test/amended',
  id: 'amended',
  summary: 'Records 202, then answers 201',
  tags: ['test'],
  access: { kind: 'person' },
  tokenScope: 'write',
  responses: { 201: z.strictObject({ done: z.boolean() }), 202: z.strictObject({ done: z.boolean() }) },
  async handle(context) {
    await context.transact(async () => ({ status: 202, body: { done: false } }));
    return { status: 201, body: { done: true } };
  },
});

const forgetful = defineOperation({
  method: 'post',
  path: '/v1/test/forgetful',
  id: 'forgetful',
  summary: 'Never transacts',
  tags: ['test'],
  access: { kind: 'person' },
  tokenScope: 'write',
  responses: { 204: null },
  async handle() {
    return { status: 204, body: null };
  },
});

const test = apiTest([slow, amended, forgetful]);

test.serial('the same key and body get the same answer and do the work once', async (t) => {
  const { api } = t.context;
  const administrator = await api.person({ platformAdministrator: true });
  const send = (name: string) =>
    api.call('/v1/organizations', { method: 'POST', token: administrator.token, body: { name }, headers: { 'Idempotency-Key': 'k1' } });
  const [first, second] = [await send('Once'), await send('Once')];
  t.is(first.status, 201);
  t.deepEqual([second.status, second.body], [201, first.body]);
  t.is(second.headers.get('etag'), first.headers.get('etag'));
  t.is(second.headers.get('location'), first.headers.get('location'));
  t.is(second.headers.get('idempotency-replayed'), 'true');
  t.is((await api.db('organizations').where('name', 'Once')).length, 1);
  const other = await send('Twice');
  t.is(other.status, 422);
  t.is(other.body.code, 'request.idempotency-key-reused');
});

test.serial('a key belongs to its actor, and ends after a day', async (t) => {
  const { api } = t.context;
  const [one, two] = [await api.person({ platformAdministrator: true }), await api.person({ platformAdministrator: true })];
  const send = (token: string) =>
    api.call('/v1/organizations', { method: 'POST', token, body: { name: 'Kept' }, headers: { 'Idempotency-Key': 'k2' } });
  const ids = [(await send(one.token)).body.id, (await send(two.token)).body.id];
  t.not(ids[0], ids[1]);
  api.clock.forward(24 * 3_600_000 + 1);
  t.not((await send(one.token)).body.id, ids[0]);
});

test.serial('racing calls with one key do the work once; those that come too early are told so', async (t) => {
  const { api } = t.context;
  const administrator = await api.person({ platformAdministrator: true });
  const send = () =>
    api.call('/v1/organizations', { method: 'POST', token: administrator.token, body: { name: 'Raced' }, headers: { 'Idempotency-Key': 'race' } });
  const replies = await Promise.all(Array.from({ length: 12 }, send));
  t.is((await api.db('organizations').where('name', 'Raced')).length, 1);
  const created = replies.filter(({ status }) => status === 201);
  t.true(created.length >= 1);
  t.is(new Set(created.map(({ body }) => body.id as string)).size, 1);
  for (const { status, body } of replies) if (status !== 201) t.deepEqual([status, body.code], [409, 'request.idempotency-key-in-use']);
});

test.serial('while the first call is running, a second with its key gets 409 and the answer afterwards', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  held = new Promise((resolve) => {
    release = resolve;
  });
  const send = () => api.call('/v1/test/slow', { method: 'POST', token, body: { name: 'held' }, headers: { 'Idempotency-Key': 'slow' } });
  const first = send();
  // Until the first call holds its key, the second would simply wait behind its insert: ask the database.
  const isLocked = async () => (await api.db.raw(OWN_ADVISORY_LOCKS)).rows.length > 0;
  while (!(await isLocked())) await delay(5);
  const second = await send();
  t.deepEqual([second.status, second.body.code], [409, 'request.idempotency-key-in-use']);
  release();
  t.is((await first).status, 201);
  t.is((await send()).headers.get('idempotency-replayed'), 'true');
});

test.serial('a call that fails records nothing and may be repeated with its key', async (t) => {
  const { api } = t.context;
  const organization = await api.organization();
  const manager = await api.member(organization, 'manager');
  const path = `/v1/organizations/${organization}/members`;
  const send = () =>
    api.call(path, { method: 'POST', token: manager.token, body: { email: 'late@example.org', role: 'member' }, headers: { 'Idempotency-Key': 'f' } });
  t.is((await send()).status, 400);
  const { id } = await api.person();
  await api.db('users').where('id', id).update({ email: 'late@example.org' });
  t.is((await send()).status, 201);
});

test.serial('what is answered after the transaction replaces the record', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  const send = () => api.call('/v1/test/amended', { method: 'POST', token, headers: { 'Idempotency-Key': 'a' } });
  t.deepEqual((await send()).body, { done: true });
  const again = await send();
  t.deepEqual([again.status, again.body], [201, { done: true }]);
});

test.serial('a secret is shown once and not kept', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  const body = { name: 'ci', scopes: ['read'], expires_at: null };
  const send = () => api.call('/v1/tokens', { method: 'POST', token, body, headers: { 'Idempotency-Key': 's' } });
  const first = await send();
  t.is(first.status, 201);
  const again = await send();
  t.deepEqual([again.status, again.body.code], [409, 'secret-already-shown']);
  const kept = JSON.stringify(await api.db('idempotency_records').select('*'));
  t.false(kept.includes(first.body.secret as string));
  t.false(api.logged.join('').includes(first.body.secret as string));
});

test.serial('an operation that forgot to transact is a bug, and says so', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  const reply = await api.call('/v1/test/forgetful', { method: 'POST', token, headers: { 'Idempotency-Key': 'x' } });
  t.deepEqual([reply.status, reply.body.code], [500, 'internal']);
});

test.serial('a key that is no key is refused', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  const reply = await api.call('/v1/test/amended', { method: 'POST', token, headers: { 'Idempotency-Key': 'x'.repeat(256) } });
  t.deepEqual([reply.status, reply.body.code], [400, 'request.invalid-idempotency-key']);
});
