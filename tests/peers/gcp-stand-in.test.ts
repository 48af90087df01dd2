import test from 'ava';
import { createSign } from 'node:crypto';
import { newPrivateKey } from '../helpers/peers/gcp/accounts.ts';
import { openStandIn, PROJECT, ZONES, type OpenedStandIn } from '../helpers/peers/gcp/opened.ts';
import { problemsOf, problemsOfRequest, routeOf } from '../helpers/peers/gcp/sdk-model.ts';

const signal = new AbortController().signal;
let gcp: OpenedStandIn;

test.before(async () => {
  gcp = await openStandIn();
});

const BASE = '/compute/v1/projects/p/zones/z';

test('calls that the SDK declares are known by their paths, and no others', (t) => {
  t.is(routeOf('POST', `${BASE}/instances/i/start`)?.route.rpc, 'Instances.Start');
  t.deepEqual(routeOf('GET', `${BASE}/instances/i`)?.params, { project: 'p', zone: 'z', instance: 'i' });
  t.is(routeOf('GET', `${BASE}/operations/o`)?.route.rpc, 'ZoneOperations.Get');
  t.is(routeOf('GET', `${BASE}/instances/i/start`), null);
  t.is(routeOf('POST', `${BASE}/instances/i/deallocate`), null);
  t.is(routeOf('GET', '/compute/v2/projects/p/aggregated/instances'), null);
});

for (const [query, problem] of [
  ['requestId=1', null],
  ['discardLocalSsd=true', null],
  ['discardLocalSsd=yes', 'Instances.Stop: discardLocalSsd must be bool'],
  ['stoppedMode=StopCharging', 'Instances.Stop: stoppedMode is not in StopInstanceRequest'],
  ['zone=elsewhere', 'Instances.Stop: zone belongs into the path'],
] as const) {
  test(`a stop with ${query} ${problem === null ? 'fits' : 'does not fit'} what the SDK declares`, (t) => {
    const { route, params } = routeOf('POST', `${BASE}/instances/i/stop`) ?? {};
    if (route === undefined || params === undefined) throw new Error('no route');
    t.deepEqual(problemsOfRequest(route, params, new URLSearchParams(query)), problem === null ? [] : [problem]);
  });
}

for (const [what, type, value, problem] of [
  ['a member nobody declared', 'Instance', { powerState: 'on' }, 'it.powerState is not in Instance'],
  ['a state nobody declared', 'Instance', { status: 'HIBERNATING' }, 'it.status is HIBERNATING, which the SDK does not know'],
  ['an id as a number', 'Instance', { id: 5 }, 'it.id must be uint64'],
  ['a list that is none', 'Instance', { disks: {} }, 'it.disks must be a list'],
  ['labels that are no text', 'Instance', { labels: { a: 1 } }, 'it.labels[a] must be string'],
  ['a wrong member further in', 'InstanceAggregatedList', { items: { 'zones/z': { instances: [{ scheduling: { spot: true } }] } } }, 'it.items[zones/z].instances[0].scheduling.spot is not in Scheduling'],
  ["an operation's state nobody declared", 'Operation', { status: 'FAILED' }, 'it.status is FAILED, which the SDK does not know'],
] as const) {
  test(`${what} does not fit what the SDK declares`, (t) => {
    t.deepEqual(problemsOf(value, type, 'it'), [problem]);
  });
}

interface Claims {
  iss: string;
  aud: string;
  scope: string;
  iat: number;
  exp: number;
}

function assertionOf(claims: Claims, privateKey: string): string {
  const signed = [{ alg: 'RS256', typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url')}`;
}

test('the token host takes only an assertion that is signed, in time, for it, and by an account it knows', async (t) => {
  const now = Math.floor(Date.now() / 1000);
  const good = { iss: gcp.key.client_email, aud: 'https://oauth2.googleapis.com/token', scope: 'https://www.googleapis.com/auth/compute', iat: now, exp: now + 3600 };
  const ask = async (claims: Claims, key: string = gcp.key.private_key): Promise<[number, unknown]> => {
    const form = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: assertionOf(claims, key) });
    const response = await fetch(gcp.peer.tokenUrl, { method: 'POST', body: form });
    return [response.status, ((await response.json()) as { error_description?: string }).error_description];
  };
  t.deepEqual(await ask(good), [200, undefined]);
  t.deepEqual(await ask(good, newPrivateKey()), [400, 'Invalid JWT Signature.']);
  t.deepEqual(await ask({ ...good, iss: `nobody@${PROJECT}.iam.gserviceaccount.com` }), [400, 'Invalid grant: account not found']);
  t.deepEqual(await ask({ ...good, aud: gcp.peer.tokenUrl }), [400, 'Invalid JWT: Failed audience check.']);
  t.regex(String((await ask({ ...good, exp: now - 1, iat: now - 3601 }))[1]), /reasonable timeframe/);
  t.regex(String((await ask({ ...good, scope: 'https://www.googleapis.com/auth/drive' }))[1]), /Invalid OAuth scope/);
});

test('a request id that is no UUID, or the zero one, is refused', async (t) => {
  const ref = gcp.make({ name: 'vm' });
  await gcp.open().power.stop([ref], 'wish-1', signal);
  t.regex(gcp.peer.calls.at(-1)?.query.requestId ?? '', /^[0-9a-f-]{36}$/);
  const token = await tokenOf();
  for (const id of ['wish-1', '00000000-0000-0000-0000-000000000000']) {
    const url = `${gcp.peer.url}/compute/v1/projects/${PROJECT}/zones/${ZONES[0]}/instances/vm/stop?requestId=${id}`;
    t.is((await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${token}` } })).status, 400);
  }
});

async function tokenOf(): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: gcp.key.client_email, aud: 'https://oauth2.googleapis.com/token', scope: 'https://www.googleapis.com/auth/compute', iat: now, exp: now + 3600 };
  const form = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: assertionOf(claims, gcp.key.private_key) });
  return ((await (await fetch(gcp.peer.tokenUrl, { method: 'POST', body: form })).json()) as { access_token: string }).access_token;
}

test('a request or an answer that does not fit ends the connection and fails the stand-in', async (t) => {
  const strict = await openStandIn();
  strict.make({ name: 'vm', more: { powerState: 'on' } });
  await t.throwsAsync(strict.provider.check({ account: PROJECT }, strict.key, signal), { code: 'gcp.unavailable' });
  await t.throwsAsync(fetch(`${strict.peer.url}/compute/v1/projects/${PROJECT}/instances`));
  const error = await t.throwsAsync(strict.peer.stop(), { instanceOf: AggregateError });
  t.deepEqual(error.errors.map(({ message }: Error) => message.split(':')[0]), [
    "The stand-in's own answer does not fit the SDK",
    `The SDK declares no GET /compute/v1/projects/${PROJECT}/instances.`,
  ]);
});

test.after.always(async () => gcp.peer.stop());
