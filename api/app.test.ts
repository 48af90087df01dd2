import test from 'ava';
import { startTestApi } from '../tests/helpers/api.ts';
import { apiTest } from '../tests/helpers/api-test.ts';
import { createApp, expressPath } from './app.ts';
import { operations } from './operations.ts';

const apiCase = apiTest();

apiCase('the documentation is served from here, under a policy that lets it run', async (t) => {
  const { api } = t.context;
  const page = await api.call('/docs');
  t.is(page.status, 200);
  const policy = page.headers.get('content-security-policy') ?? '';
  t.true(policy.includes("default-src 'self'"));
  t.false(policy.includes('http'));
  const assets = [...String(page.body).matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
  t.true(assets.length >= 4);
  for (const asset of assets) {
    t.true(asset.startsWith('/docs/'));
    t.is((await api.call(asset)).status, 200, asset);
  }
  t.is((await api.call('/docs/assets/nothing.js')).status, 404);
});

apiCase('the OpenAPI document is 3.1 and every reference in it leads somewhere', async (t) => {
  const { body } = await t.context.api.call('/openapi.json');
  t.is(body.openapi, '3.1.0');
  for (const [, name] of JSON.stringify(body).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) t.truthy(body.components.schemas[name ?? '']);
  t.is(body.paths['/v1/session'].post.security.length, 0);
});

apiCase('answers of the API carry the strict headers and are not cached', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  const { headers } = await api.call('/v1/me', { token });
  t.is(headers.get('content-security-policy'), "default-src 'none';frame-ancestors 'none'");
  t.is(headers.get('x-content-type-options'), 'nosniff');
  t.is(headers.get('cache-control'), 'no-store');
  t.is(headers.get('x-powered-by'), null);
});

apiCase('metrics count calls by operation, never by path', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  const id = await api.organization();
  await api.call(`/v1/organizations/${id}`, { token });
  const { body } = await api.call('/metrics');
  t.true(String(body).includes('orrery_http_request_duration_seconds_count{operation="getOrganization",status="404"} 1'));
  t.false(String(body).includes(id));
});

test('ready means that the database answers; Temporal is only reported', async (t) => {
  const api = await startTestApi();
  const health = await api.call('/readyz');
  t.deepEqual([health.status, health.body], [200, { status: 'ok', checks: { database: true } }]);
  api.deps.temporalAnswers = () => Promise.reject(new Error('no Temporal here'));
  const without = await api.call('/readyz');
  t.deepEqual([without.status, without.body.checks], [200, { database: true, temporal: false }]);
  await api.db.destroy();
  t.is((await api.call('/readyz')).status, 503);
  t.is((await api.call('/healthz')).status, 200);
  await api.end();
});

test('a verb at the end of a path is literal', (t) => {
  t.is(expressPath('/v1/things/{id}:import'), String.raw`/v1/things/:id\:import`);
});

apiCase('two operations cannot claim one path', (t) => {
  const [first] = operations;
  if (first === undefined) throw new Error('there are no operations');
  t.throws(() => createApp(t.context.api.deps, [first, { ...first, id: 'another' }]), { message: /two operations are/ });
});
