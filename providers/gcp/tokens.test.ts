import test from 'ava';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DomainError } from '../../domain/shared/errors.ts';
import { newPrivateKey } from '../../tests/helpers/peers/gcp/accounts.ts';
import { openStandIn, PROJECT, standInSettings, type OpenedStandIn } from '../../tests/helpers/peers/gcp/opened.ts';
import { serve } from '../../tests/helpers/peers/http-server.ts';
import { createGcpProvider } from './provider.ts';

const signal = new AbortController().signal;
const connection = { account: PROJECT };
let gcp: OpenedStandIn;

test.beforeEach(async () => {
  gcp = await openStandIn();
});
test.afterEach.always(async () => gcp.peer.stop());

test.serial('calls that start together, and accounts opened anew, share one token', async (t) => {
  const account = gcp.open();
  const refs = [1, 2, 3].map((index) => gcp.make({ name: `vm-${index}` }));
  await account.power.observe(refs, signal);
  await gcp.open().power.observe(refs, signal);
  t.is(gcp.peer.accounts.exchanges(), 1);
  const other = gcp.peer.accounts.create('other', undefined, { privateKey: gcp.key.private_key });
  await gcp.open(other).power.observe(refs, signal);
  t.is(gcp.peer.accounts.exchanges(), 2, "another account's calls carry a token of its own");
});

test.serial('a token that is taken no more is refused once and replaced', async (t) => {
  const ref = gcp.make({ name: 'vm' });
  await gcp.open().power.observe([ref], signal);
  gcp.peer.accounts.revokeTokens();
  await t.throwsAsync(gcp.open().power.observe([ref], signal), { code: 'gcp.bad-credentials' });
  t.is((await gcp.open().power.observe([ref], signal)).get(ref.nativeId)?.state, 'running');
});

test.serial('a check tells whose key it is', async (t) => {
  const checked = await gcp.provider.check({}, gcp.key, signal);
  t.deepEqual(checked, { accountId: PROJECT, principal: `orrery@${PROJECT}.iam.gserviceaccount.com`, warnings: [] });
});

test.serial('a check asks for a token anew, so that a key deleted since is told', async (t) => {
  await gcp.provider.check(connection, gcp.key, signal);
  gcp.peer.accounts.create('orrery', undefined, { privateKey: newPrivateKey() });
  await t.notThrowsAsync(gcp.open().power.observe([gcp.make({ name: 'vm' })], signal), 'the token lasts, as at Google');
  await t.throwsAsync(gcp.provider.check(connection, gcp.key, signal), { code: 'gcp.bad-credentials' });
});

test.serial('a deleted account, a deleted key and a wrong key each say what is the matter', async (t) => {
  const wrong = await t.throwsAsync(gcp.provider.check(connection, { ...gcp.key, private_key: newPrivateKey() }, signal), { code: 'gcp.bad-credentials' });
  t.regex(wrong.message, /not, or no longer, a key of this service account/);
  t.like((wrong as DomainError).details, { cloud_code: 'invalid_grant', http_status: 400, resource: gcp.key.client_email });
  gcp.peer.accounts.remove(gcp.key.client_email);
  const deleted = await t.throwsAsync(gcp.provider.check(connection, gcp.key, signal), { code: 'gcp.bad-credentials' });
  t.regex(deleted.message, /no such service account/);
});

test.serial('a token host that fails is tried once, and told from wrong credentials', async (t) => {
  let asked = 0;
  const failing = await serve((_request, response) => {
    asked += 1;
    response.writeHead(503, { 'retry-after': '9' }).end('{"error":"internal_failure"}');
    return Promise.resolve();
  });
  const provider = createGcpProvider(standInSettings(gcp.peer, { endpoints: { compute: gcp.peer.url, token: failing.url } }));
  const error = await t.throwsAsync(provider.check(connection, gcp.key, signal), { code: 'gcp.unavailable' });
  t.is((error as DomainError).retryAfterSeconds, 9);
  t.is(asked, 1);
  await failing.stop();
  const gone = await t.throwsAsync(provider.check(connection, gcp.key, signal), { code: 'gcp.unavailable' });
  t.is((gone as DomainError).details.cloud_code, 'ECONNREFUSED');
});

test.serial('a key that is no RSA key is refused before anybody is asked', (t) => {
  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
  const garbled = gcp.key.private_key.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA');
  for (const privateKey of [elliptic.privateKey, garbled]) {
    const error = t.throws(() => gcp.provider.refuseMalformed(connection, { ...gcp.key, private_key: privateKey }), { instanceOf: DomainError });
    t.deepEqual(error.fields.map(({ field }) => field), ['private_key']);
  }
  t.is(gcp.peer.accounts.exchanges(), 0);
});

/** Checks with the worker's own credentials, in a process with no surroundings but the given; says whether the SDK was loaded. */
async function checkByDefaultChain(env: Record<string, string>): Promise<string[]> {
  const program = `
    const { createGcpProvider } = await import(${JSON.stringify(new URL('./provider.ts', import.meta.url).href)});
    const { createRequire } = await import('node:module');
    const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('google'));
    const provider = createGcpProvider(${JSON.stringify(standInSettings(gcp.peer))});
    provider.refuseMalformed(${JSON.stringify(connection)}, { kind: 'default-chain' });
    console.log('loaded before: ' + loaded());
    const checked = provider.check(${JSON.stringify(connection)}, { kind: 'default-chain' }, new AbortController().signal);
    console.log(await checked.then((found) => found.accountId, (error) => error.code + ' ' + error.details.cloud_code));
    console.log('loaded after: ' + loaded());
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: { HOME: '/nonexistent', METADATA_SERVER_DETECTION: 'none', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  await once(child, 'close');
  return output.trim().split('\n');
}

test.serial("the default chain takes the worker's own credentials, says when there are none, and loads no SDK before it is called", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'gcp-key-'));
  const file = join(directory, 'key.json');
  await writeFile(file, JSON.stringify({ type: 'service_account', project_id: PROJECT, client_email: gcp.key.client_email, private_key: gcp.key.private_key }));
  t.deepEqual(await checkByDefaultChain({ GOOGLE_APPLICATION_CREDENTIALS: file }), ['loaded before: false', PROJECT, 'loaded after: true']);
  t.is((await checkByDefaultChain({}))[1], 'gcp.bad-credentials NoDefaultCredentials');
  await rm(directory, { recursive: true });
});
