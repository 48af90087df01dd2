import test from 'ava';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { inspect } from 'node:util';
import { azurePermissionText } from '../../domain/data-sources/azure-permissions.ts';
import type { AzureClientSecret } from '../../domain/data-sources/cloud-credentials.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { azureSettings, credentialsOf, refTo } from '../../tests/helpers/peers/azure/azure-world.ts';
import { makeLoopbackCertificate } from '../../tests/helpers/peers/azure/certificate.ts';
import type { Application } from '../../tests/helpers/peers/azure/entra.ts';
import { startAzureStandIn, type AzureStandIn } from '../../tests/helpers/peers/azure/stand-in.ts';
import { serve } from '../../tests/helpers/peers/http-server.ts';
import { createAzureProvider } from './provider.ts';
import type { AzureSettings } from './settings.ts';

const never = new AbortController().signal;

let azure: AzureStandIn;

test.before(async () => {
  azure = await startAzureStandIn();
});

test.after.always(() => azure?.stop());

function application(allowed: readonly string[] | null = azurePermissionText(null).document.Actions): { application: Application; credentials: AzureClientSecret } {
  const made = azure.entra.makeApplication(allowed);
  return { application: made, credentials: credentialsOf(azure, made) };
}

function check(credentials: AzureClientSecret, account = azure.subscription.id) {
  return createAzureProvider(azureSettings(azure)).check({ account }, credentials, never);
}

async function refusalOf(run: Promise<unknown>): Promise<DomainError> {
  try {
    await run;
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('a check tells the subscription in lower case and the application', async (t) => {
  const { credentials } = application();
  t.deepEqual(await check(credentials, azure.subscription.id.toUpperCase()), {
    accountId: azure.subscription.id,
    principal: credentials.client_id,
    warnings: [],
  });
});

interface Refused {
  title: string;
  given: () => { credentials: AzureClientSecret; account?: string };
  code: string;
  cloudCode: string;
  says: RegExp;
}

const refusals: Refused[] = [
  {
    title: 'a directory that does not exist',
    given: () => ({ credentials: { ...application().credentials, tenant_id: randomUUID() } }),
    code: 'azure.bad-credentials',
    cloudCode: 'AADSTS90002',
    says: /no directory .* Check tenant_id/,
  },
  {
    title: 'an application the directory does not have',
    given: () => ({ credentials: { ...application().credentials, client_id: randomUUID() } }),
    code: 'azure.bad-credentials',
    cloudCode: 'AADSTS700016',
    says: /no application of this client_id/,
  },
  {
    title: 'a secret that is wrong',
    given: () => ({ credentials: { ...application().credentials, client_secret: 'Zq7~'.repeat(10) } }),
    code: 'azure.bad-credentials',
    cloudCode: 'AADSTS7000215',
    says: /client secret is wrong/,
  },
  {
    title: 'a secret that has expired',
    given: () => {
      const { application: made, credentials } = application();
      made.secretHasExpired = true;
      return { credentials };
    },
    code: 'azure.bad-credentials',
    cloudCode: 'AADSTS7000222',
    says: /client secret has expired/,
  },
  {
    title: 'an application that is disabled',
    given: () => {
      const { application: made, credentials } = application();
      made.isDisabled = true;
      return { credentials };
    },
    code: 'azure.bad-credentials',
    cloudCode: 'AADSTS7000112',
    says: /Enable it/,
  },
  {
    title: 'a subscription that is not there',
    given: () => ({ credentials: application().credentials, account: randomUUID() }),
    code: 'azure.not-found',
    cloudCode: 'SubscriptionNotFound',
    says: /Check the id of the subscription/,
  },
  {
    title: 'an application without a role',
    given: () => ({ credentials: application(null).credentials }),
    code: 'azure.missing-permission',
    cloudCode: 'AuthorizationFailed',
    says: /may not perform Microsoft\.Compute\/virtualMachines\/read on subscription/,
  },
];

for (const { title, given, code, cloudCode, says } of refusals) {
  test(`a check names what is wrong: ${title}`, async (t) => {
    const { credentials, account } = given();
    const error = await refusalOf(check(credentials, account));
    t.is(error.code, code);
    t.is(error.details.cloud_code, cloudCode);
    t.regex(error.message, says);
    const everything = inspect(error, { depth: 20, showHidden: true });
    t.false(everything.includes(credentials.client_secret));
    t.notRegex(everything, /Bearer|authorization:/i);
    t.is(error.cause, undefined);
  });
}

test('a missing permission is the one that Azure names, not the one that we asked with', async (t) => {
  const { credentials } = application(['Microsoft.Compute/virtualMachines/start/action']);
  t.is((await refusalOf(check(credentials))).details.permission, 'Microsoft.Compute/virtualMachines/read');
});

test('a disabled subscription still lists, and refuses a start as such', async (t) => {
  const disabled = await startAzureStandIn();
  disabled.subscription.isDisabled = true;
  const credentials = credentialsOf(disabled, disabled.entra.makeApplication(azurePermissionText(null).document.Actions));
  const provider = createAzureProvider(azureSettings(disabled));
  const connection = { account: disabled.subscription.id };
  t.is((await provider.check(connection, credentials, never)).accountId, disabled.subscription.id);
  const { power } = provider.open({ organizationId: 'org', dataSourceId: 'ds', accountId: disabled.subscription.id, connection, credentials });
  const ref = refTo(disabled, { name: 'vm', resourceGroup: 'rg', power: 'deallocated' });
  const answer = (await power.start([ref], 'key', never)).get(ref.nativeId);
  t.is(answer?.accepted === false && answer.error.code, 'azure.account-disabled');
  await disabled.stop();
});

for (const [field, wrong] of [
  ['tenant_id', { tenant_id: 'my tenant' }],
  ['client_id', { client_id: '' }],
  ['client_secret', { client_secret: 'two words' }],
  ['client_secret', { client_secret: randomUUID() }],
] as const) {
  test(`malformed ${field} is refused by name: ${Object.values(wrong).join()}`, (t) => {
    const provider = createAzureProvider(azureSettings(azure));
    const credentials = { ...application().credentials, ...wrong };
    const error = t.throws(() => provider.refuseMalformed({ account: azure.subscription.id }, credentials), { code: 'azure.malformed-credentials' });
    t.deepEqual((error as DomainError).fields.map((one) => one.field), [field]);
  });
}

test('a domain is taken for a directory, and a subscription is needed', (t) => {
  const provider = createAzureProvider(azureSettings(azure));
  const credentials = { ...application().credentials, tenant_id: 'contoso.onmicrosoft.com' };
  t.notThrows(() => provider.refuseMalformed({ account: azure.subscription.id }, credentials));
  t.throws(() => provider.refuseMalformed({}, credentials), { code: 'azure.malformed-account' });
  t.throws(() => provider.refuseMalformed({ account: azure.subscription.id }, null), { code: 'data-sources.no-credentials' });
});

test('accounts of the same credentials share a token, and one that Azure no longer takes is renewed', async (t) => {
  const own = await startAzureStandIn();
  const credentials = credentialsOf(own, own.entra.makeApplication(azurePermissionText(null).document.Actions));
  const provider = createAzureProvider(azureSettings(own));
  const ref = refTo(own, { name: 'vm', resourceGroup: 'rg', power: 'running' });
  const open = () => {
    const connection = { account: own.subscription.id };
    return provider.open({ organizationId: 'org', dataSourceId: 'ds', accountId: own.subscription.id, connection, credentials }).power;
  };
  await Promise.all([open().observe([ref], never), open().observe([ref], never)]);
  await open().observe([ref], never);
  t.is(own.entra.tokenRequests, 1);
  own.entra.revokeTokens();
  t.is((await refusalOf(open().observe([ref], never))).code, 'azure.bad-credentials');
  t.is((await open().observe([ref], never)).get(ref.nativeId)?.state, 'running');
  t.is(own.entra.tokenRequests, 2);
  await own.stop();
});

/** Azure whose Resource Manager is somewhere else. */
function elsewhere(resourceManager: string, changes: Partial<AzureSettings> = {}): AzureSettings {
  return { ...azureSettings(azure), endpoints: { authority: azure.url, resourceManager }, ...changes };
}

/** A server with the certificate of an authority of its own. */
async function silentServer(handle: Parameters<typeof serve>[0]) {
  const certificate = await makeLoopbackCertificate();
  return { ...(await serve(handle, certificate)), authority: certificate.authority };
}

test('a body that falls silent is given up after the time-out', async (t) => {
  const silent = await silentServer(async (request, response) => {
    if (await azure.entra.answer(request, response, new URL(request.url ?? '', silent.url))) return;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"value":');
  });
  const settings: AzureSettings = {
    endpoints: { authority: silent.url, resourceManager: silent.url },
    certificateAuthority: silent.authority,
    requestTimeoutMs: 200,
  };
  const error = await refusalOf(createAzureProvider(settings).check({ account: azure.subscription.id }, application().credentials, never));
  t.is(error.code, 'azure.unavailable');
  await silent.stop();
});

test('an authority that never answers is given up after the time-out, and a cancelled check ends with its reason', async (t) => {
  const controller = new AbortController();
  const reason = new Error('the person gave up');
  let asked = 0;
  const silent = await silentServer(() => {
    asked += 1;
    if (asked > 1) controller.abort(reason);
    return new Promise(() => undefined);
  });
  const settings: AzureSettings = { endpoints: { authority: silent.url, resourceManager: silent.url }, certificateAuthority: silent.authority, requestTimeoutMs: 200 };
  const connection = { account: azure.subscription.id };
  const { credentials } = application();
  const error = await refusalOf(createAzureProvider(settings).check(connection, credentials, never));
  t.is(error.code, 'azure.unavailable');
  const patient = createAzureProvider({ ...settings, requestTimeoutMs: 60_000 });
  t.is(await t.throwsAsync(patient.check(connection, credentials, controller.signal)), reason);
  await silent.stop();
});

test('nobody there and an authority that is not trusted are told as unavailable, with the system\'s code', async (t) => {
  const gone = await serve(() => Promise.resolve());
  await gone.stop();
  const { credentials } = application();
  const connection = { account: azure.subscription.id };
  const closed = await refusalOf(createAzureProvider(elsewhere(gone.url.replace('http:', 'https:'))).check(connection, credentials, never));
  t.like(closed, { code: 'azure.unavailable', details: { cloud_code: 'ECONNREFUSED' } });
  const unknown = await refusalOf(createAzureProvider({ ...azureSettings(azure), certificateAuthority: null }).check(connection, credentials, never));
  t.like(unknown, { code: 'azure.unavailable', details: { cloud_code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' } });
});

/** Checks with the worker's own identity, in a process with no surroundings but the given. */
async function checkByDefaultChain(env: Record<string, string>): Promise<string> {
  const program = `
    const { createAzureProvider } = await import(${JSON.stringify(new URL('./provider.ts', import.meta.url).href)});
    const provider = createAzureProvider(${JSON.stringify(azureSettings(azure))});
    const checked = provider.check({ account: '${azure.subscription.id}' }, { kind: 'default-chain' }, new AbortController().signal);
    console.log(await checked.then((found) => found.accountId, (error) => error.code + ' ' + error.details.cloud_code));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    // Only this member of the chain: the others would look for command lines and metadata servers.
    env: { HOME: '/nonexistent', AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  await once(child, 'close');
  return output.trim();
}

test("the default chain takes the worker's own identity, and says when there is none", async (t) => {
  const { credentials } = application();
  const surroundings = { AZURE_TENANT_ID: credentials.tenant_id, AZURE_CLIENT_ID: credentials.client_id, AZURE_CLIENT_SECRET: credentials.client_secret };
  t.is(await checkByDefaultChain(surroundings), azure.subscription.id);
  t.regex(await checkByDefaultChain({}), /^azure\.bad-credentials /);
});
