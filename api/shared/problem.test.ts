import { apiTest } from '../../tests/helpers/api-test.ts';
import { defineOperation } from './operation.ts';
import { z } from './zod.ts';

const broken = defineOperation({
  method: 'get',
  path: '/v1/test/broken',
  id: 'broken',
  summary: 'Throws what nobody expects',
  tags: ['test'],
  access: { kind: 'public' },
  tokenScope: 'read',
  responses: { 204: null },
  async handle() {
    throw new Error('the pump is on fire');
  },
});

const choosy = defineOperation({
  method: 'post',
  path: '/v1/test/choosy',
  id: 'choosy',
  summary: 'Takes one of two forms, and lists',
  tags: ['test'],
  access: { kind: 'public' },
  tokenScope: 'read',
  query: z.strictObject({ group_by: z.array(z.enum(['day', 'service'])).max(2).optional() }),
  body: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('a'), inner: z.strictObject({ size: z.number() }) }),
    z.strictObject({ kind: z.literal('b') }),
  ]),
  responses: { 200: z.strictObject({ groups: z.array(z.string()) }) },
  async handle(_context, { query }) {
    return { status: 200, body: { groups: query.group_by ?? [] } };
  },
});

const test = apiTest([broken, choosy]);

test('malformed JSON is refused as such, not as a bug', async (t) => {
  const reply = await t.context.api.call('/v1/session', { method: 'POST', body: '{"email": ' });
  t.deepEqual([reply.status, reply.body.code], [400, 'request.malformed-json']);
  t.is(reply.body.title, 'Bad Request');
  t.is(reply.body.type, 'about:blank');
});

test('another content type is refused', async (t) => {
  const reply = await t.context.api.call('/v1/session', { method: 'POST', body: 'email=a', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
  t.deepEqual([reply.status, reply.body.code], [415, 'request.unsupported-media-type']);
});

test('a body above the limit is refused', async (t) => {
  const reply = await t.context.api.call('/v1/session', { method: 'POST', body: { email: 'x'.repeat(1_100_000), password: 'x' } });
  t.deepEqual([reply.status, reply.body.code], [413, 'request.too-large']);
});

test('a missing body names what is missing', async (t) => {
  const reply = await t.context.api.call('/v1/session', { method: 'POST' });
  t.deepEqual([reply.status, reply.body.code], [400, 'request.invalid']);
});

test('every wrong field is listed, nested ones by their path', async (t) => {
  const { api } = t.context;
  const reply = await api.call('/v1/test/choosy?bogus=1', { method: 'POST', body: { kind: 'a', inner: { size: 'large', colour: 1 }, more: 2 } });
  t.is(reply.status, 400);
  t.deepEqual(reply.body.fields.map(({ field }: { field: string }) => field).toSorted(), ['bogus', 'inner.colour', 'inner.size', 'more']);
  t.is((await api.call('/v1/test/choosy', { method: 'POST', body: { kind: 'c' } })).body.fields[0].field, 'kind');
});

test('text that no database holds is refused by its field', async (t) => {
  const { api } = t.context;
  const { token } = await api.person({ platformAdministrator: true });
  for (const name of [String.raw`{"name":"a\u0000b"}`, String.raw`{"name":"a\ud800b"}`]) {
    const reply = await api.call('/v1/organizations', { method: 'POST', token, body: name });
    t.deepEqual([reply.status, reply.body.fields?.[0].field], [400, 'name']);
  }
  t.is((await api.call('/v1/users?search=%00', { token })).body.fields?.[0].field, 'search');
});

test('a list in a query may hold one value or several, and no unknown one', async (t) => {
  const { api } = t.context;
  const ask = (query: string) => api.call(`/v1/test/choosy?${query}`, { method: 'POST', body: { kind: 'b' } });
  t.deepEqual((await ask('group_by=day')).body.groups, ['day']);
  t.deepEqual((await ask('group_by=day&group_by=service')).body.groups, ['day', 'service']);
  t.is((await ask('group_by=hour')).body.fields[0].field, 'group_by.0');
});

test('an unexpected error tells the caller nothing and the log everything', async (t) => {
  const { api } = t.context;
  const reply = await api.call('/v1/test/broken', { headers: { 'X-Request-Id': 'req-42' } });
  t.is(reply.status, 500);
  t.is(reply.body.code, 'internal');
  t.is(reply.body.request_id, 'req-42');
  t.false(JSON.stringify(reply.body).includes('pump'));
  t.true(api.logged.some((line) => line.includes('pump') && line.includes('req-42')));
});

test('a request gets an id of ours when its own is none', async (t) => {
  const reply = await t.context.api.call('/healthz', { headers: { 'X-Request-Id': 'no good id' } });
  t.regex(reply.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
});

test('an unknown path, and a path that cannot be decoded, are problems too', async (t) => {
  const { api } = t.context;
  t.is((await api.call('/v1/nothing')).body.code, 'request.no-such-path');
  const { token } = await api.person();
  t.is((await api.call('/v1/operations/%E0%A4%A', { token })).body.code, 'request.malformed-path');
});

test('neither tokens nor bodies reach the log', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  await api.call('/v1/me', { token });
  await api.call('/v1/session', { method: 'POST', body: { email: 'a@example.org', password: 'a-secret-password' } });
  const log = api.logged.join('');
  t.false(log.includes(token));
  t.false(log.includes('a-secret-password'));
});
