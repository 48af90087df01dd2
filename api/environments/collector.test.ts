import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import examples from '@octokit/webhooks-examples' with { type: 'json' };
import { newId } from '../../commands/shared/new-id.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import { PUBLIC_URL, type Call, type Person, type TestApi } from '../../tests/helpers/api.ts';
import { insertEnvironment } from '../../tests/helpers/bookings.ts';
import { LARGEST_REPORT } from './collector.ts';
import { REPORTS, WRONG_LINKS } from './collector-limits.ts';

const test = apiTest();
const PAYLOADS = join(import.meta.dirname, '..', '..', 'domain', 'environments', 'testing');

interface Collector {
  id: string;
  manager: Person;
  /** Path of its collector_url. */
  path: string;
  secret: string;
  properties(): Promise<Record<string, string>>;
}

async function collector(api: TestApi): Promise<Collector> {
  const organizationId = await api.organization();
  const manager = await api.member(organizationId, 'manager');
  const id = await insertEnvironment(api.db, organizationId, {}, api.clock.now());
  const { body } = await api.call(`/v1/environments/${id}:make-collector-url`, { method: 'POST', token: manager.token });
  const path = (body.collector_url as string).replace(PUBLIC_URL, '');
  return {
    id,
    manager,
    path,
    secret: path.split('/').at(-1) ?? '',
    properties: async () => (await api.call(`/v1/environments/${id}`, { token: manager.token })).body.properties as Record<string, string>,
  };
}

/** Each test's calls come from an address of their own, so that none meets another's limit. */
let addresses = 0;
function sender(api: TestApi) {
  addresses += 1;
  const from = { 'X-Forwarded-For': `203.0.113.${addresses}` };
  return (path: string, body: unknown, headers: Record<string, string> = {}, call: Call = {}) =>
    api.call(path, { method: 'POST', body, headers: { ...from, ...headers }, ...call });
}

test('a report is merged into the properties, null deletes, and who sent it stands in the history', async (t) => {
  const { api } = t.context;
  const here = await collector(api);
  const post = sender(api);
  t.is((await post(here.path, { Branch: 'main', Build: 7, Healthy: true })).status, 204);
  t.is((await post(here.path, { Branch: null, Build: '8' })).status, 204);
  t.is((await post(here.path, { Build: '8' })).status, 204);
  t.deepEqual(await here.properties(), { Build: '8', Healthy: 'true' });
  const { body } = await api.call(`/v1/environments/${here.id}/property-changes`, { token: here.manager.token });
  t.deepEqual(body.items.map((item: { changes: unknown; by: { name: string } }) => [item.changes, item.by.name]), [
    [{ Branch: { old: 'main', new: null }, Build: { old: '7', new: '8' } }, 'collector (json)'],
    [{ Branch: { old: null, new: 'main' }, Build: { old: null, new: '7' }, Healthy: { old: null, new: 'true' } }, 'collector (json)'],
  ]);
});

test('reports at the same time lose nothing', async (t) => {
  const { api } = t.context;
  const here = await collector(api);
  const post = sender(api);
  const replies = await Promise.all(Array.from({ length: 40 }, (_, index) => post(here.path, { [`job ${index}`]: `${index}`, last: `${index}` })));
  t.true(replies.every(({ status }) => status === 204));
  const { last, ...jobs } = await here.properties();
  t.deepEqual(jobs, Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`job ${index}`, `${index}`])));
  t.regex(last ?? '', /^\d+$/);
});

test('an unknown environment, one without a secret, a wrong secret and one made anew are told apart by nobody', async (t) => {
  const { api } = t.context;
  const here = await collector(api);
  const silent = await insertEnvironment(api.db, await api.organization(), {}, api.clock.now());
  const wrong = 'x'.repeat(43);
  const post = sender(api);
  const paths = [`/v1/collect/${here.id}/${wrong}`, `/v1/collect/${newId('environment')}/${wrong}`, `/v1/collect/${silent}/${wrong}`, `/v1/collect/nonsense/${wrong}`, `/v1/collect/${here.id}/${here.secret}x`];
  await api.call(`/v1/environments/${here.id}:make-collector-url`, { method: 'POST', token: here.manager.token });
  const answers = await Promise.all([...paths, here.path].map((path) => post(path, { Branch: 'main' })));
  // Neither does the body matter: it is not read.
  answers.push(await post(paths[1] ?? '', 'no json', { 'Content-Type': 'text/plain' }));
  const seen = answers.map(({ status, body: { request_id: _id, ...body } }) => JSON.stringify([status, body]));
  t.is(new Set(seen).size, 1);
  t.deepEqual([answers[0]?.status, answers[0]?.body.code], [404, 'environments.no-such-collector']);
  t.deepEqual(await here.properties(), {});
});

test('a wrong secret is refused by the same work as an unknown environment', async (t) => {
  const { api } = t.context;
  const here = await collector(api);
  const seen: unknown[] = [];
  for (const id of [here.id, newId('environment')]) {
    const asked: string[] = [];
    const post = sender(api);
    const key = `wrong-link:203.0.113.${addresses}`;
    // Other tests ask the same database meanwhile. The limiter's own statements are not seen here, but what they wrote.
    const note = ({ sql, bindings }: { sql: string; bindings?: unknown }): void => {
      if (JSON.stringify(bindings ?? null).includes(id)) asked.push(sql);
    };
    api.db.on('query', note);
    await post(`/v1/collect/${id}/wrong`, {});
    api.db.off('query', note);
    seen.push([asked.length, asked, await api.db('request_limits').where({ key }).first('points')]);
  }
  t.deepEqual(seen[0], seen[1]);
  t.like(seen[0], { 0: 1, 2: { points: 1 } });
});

test('revoking ends it, deleting the environment too, and no secret is kept or logged', async (t) => {
  const { api } = t.context;
  const [here, there] = [await collector(api), await collector(api)];
  const post = sender(api);
  t.is((await post(here.path, { Branch: 'main' })).status, 204);
  t.is((await post(here.path, { Branch: 'other' }, { 'X-GitHub-Event': 'ping' })).status, 403);
  await api.call(`/v1/environments/${here.id}:revoke-collector-url`, { method: 'POST', token: here.manager.token });
  await api.call(`/v1/environments/${there.id}`, { method: 'DELETE', token: there.manager.token, headers: { 'If-Match': '*' } });
  t.is((await post(here.path, { Branch: 'x' })).status, 404);
  t.is((await post(there.path, { Branch: 'x' })).status, 404);
  await delay(0);
  t.false(api.logged.some((line) => line.includes(here.secret) || line.includes(there.secret)));
  const rows = await api.db.raw<{ rows: unknown[] }>(
    `select cast(to_jsonb(e) as text) from environments e union all select cast(to_jsonb(l) as text) from ledger l union all select cast(to_jsonb(i) as text) from idempotency_records i`,
  );
  t.false(JSON.stringify(rows.rows).includes(here.secret));
});

test('what is too large, no JSON, not flat or cannot be stored is refused, and nothing of it is kept', async (t) => {
  const { api } = t.context;
  const here = await collector(api);
  const post = sender(api);
  const large = JSON.stringify({ a: 'x'.repeat(LARGEST_REPORT) });
  const refusals: [unknown, Record<string, string>, number, string][] = [
    [large, {}, 413, 'request.too-large'],
    ['{"a": ', {}, 400, 'request.malformed-json'],
    ['', {}, 400, 'request.malformed-json'],
    ['a=b', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415, 'request.unsupported-media-type'],
    [[], {}, 400, 'environments.report-not-object'],
    [{ good: 'x', bad: { deep: 1 } }, {}, 400, 'environments.report-not-flat'],
    [{ ['n'.repeat(65)]: 'x' }, {}, 400, 'environments.property-name'],
    [{ good: 'x', bad: 'v'.repeat(2001) }, {}, 400, 'environments.property-value'],
    [Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`p${index}`, 'x'])), {}, 400, 'environments.too-many-properties'],
    ['{"bad": "\\u0000"}', {}, 400, 'request.invalid'],
    ['{"bad": "\\ud800"}', {}, 400, 'request.invalid'],
  ];
  for (const [body, headers, status, code] of refusals) {
    const reply = await post(here.path, body, headers);
    t.deepEqual([reply.status, reply.body.code], [status, code]);
  }
  t.deepEqual(await here.properties(), {});
});

test('GitHub’s webhooks must be signed with the secret', async (t) => {
  const { api } = t.context;
  const here = await collector(api);
  const post = sender(api);
  const [example] = (examples as unknown as { name: string; examples: unknown[] }[]).find(({ name }) => name === 'deployment_status')?.examples ?? [];
  const body = JSON.stringify(example);
  const sign = (secret: string): Record<string, string> => ({
    'X-GitHub-Event': 'deployment_status',
    'X-Hub-Signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  });
  for (const headers of [sign('another'), { 'X-GitHub-Event': 'deployment_status' }, { ...sign(here.secret), 'X-Hub-Signature-256': 'sha256=zz' }]) {
    const refused = await post(here.path, body, headers);
    t.deepEqual([refused.status, refused.body.code], [403, 'environments.sender-not-proven']);
  }
  t.is((await post(here.path, `${body} `, sign(here.secret))).status, 403);
  t.deepEqual(await here.properties(), {});
  t.is((await post(here.path, body, sign(here.secret))).status, 204);
  t.is((await here.properties())['Pipeline status'], 'success');
});

test('GitLab’s webhooks must show the secret as token, and Jenkins’s notifications are known by their form', async (t) => {
  const { api } = t.context;
  const here = await collector(api);
  const post = sender(api);
  const deployment = readFileSync(join(PAYLOADS, 'gitlab-deployment.json'), 'utf8');
  const event = { 'X-Gitlab-Event': 'Deployment Hook' };
  t.is((await post(here.path, deployment, event)).status, 403);
  t.is((await post(here.path, deployment, { ...event, 'X-Gitlab-Token': 'wrong' })).status, 403);
  t.is((await post(here.path, deployment, { ...event, 'X-Gitlab-Token': here.secret })).status, 204);
  t.is((await here.properties()).Branch, '1.0.0');
  const build = readFileSync(join(PAYLOADS, 'jenkins-completed.json'), 'utf8');
  t.is((await post(here.path, build, { 'Content-Type': 'application/json;charset=UTF-8' })).status, 204);
  t.like(await here.properties(), { Branch: 'origin/master', 'Pipeline status': 'SUCCESS', 'Last deployment': '2025-11-21T10:00:00.000Z' });
});

test('guessing addresses is refused after a while, also for what would be right; reports have a limit of their own', async (t) => {
  const { api } = t.context;
  const here = await collector(api);
  const post = sender(api);
  for (let guess = 0; guess < WRONG_LINKS; guess += 1) t.is((await post(`/v1/collect/${here.id}/guess${guess}`, {})).status, 404);
  const refused = await post(here.path, { Branch: 'main' });
  t.deepEqual([refused.status, refused.body.code], [429, 'request.too-many']);
  t.true(Number(refused.headers.get('retry-after')) >= 1);
  // From elsewhere the same address works, until its own limit.
  const elsewhere = sender(api);
  await api.db('request_limits').where('key', `report:${here.id}`).delete();
  t.is((await elsewhere(here.path, { Branch: 'main' })).status, 204);
  await api.db('request_limits').where('key', `report:${here.id}`).update({ points: REPORTS });
  t.is((await elsewhere(here.path, { Branch: 'main' })).status, 429);
});

test('the secret is shown once: a repeated call under its key does not show it again', async (t) => {
  const { api } = t.context;
  const here = await collector(api);
  const call: Call = { method: 'POST', token: here.manager.token, headers: { 'Idempotency-Key': newId('operation') } };
  t.is((await api.call(`/v1/environments/${here.id}:make-collector-url`, call)).status, 200);
  t.is((await api.call(`/v1/environments/${here.id}:make-collector-url`, call)).body.code, 'secret-already-shown');
});
