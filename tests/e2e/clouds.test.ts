import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import test from 'ava';
import pino from 'pino';
import { alibabaPermissions } from '../../domain/data-sources/alibaba-permissions.ts';
import { azurePermissionText } from '../../domain/data-sources/azure-permissions.ts';
import { gcpPermissions } from '../../domain/data-sources/gcp-permissions.ts';
import { startWorkers } from '../../workers/main.ts';
import { anOrganization } from '../helpers/connect.ts';
import { testEnvironment } from '../helpers/environment.ts';
import { ALIBABA_ACCOUNT } from '../helpers/peers/alibaba/world.ts';
import { statusOf } from '../helpers/peers/alibaba/instances.ts';
import { startAlibabaStandIn, type AlibabaStandIn } from '../helpers/peers/alibaba/stand-in.ts';
import { startEc2World, type Ec2World } from '../helpers/peers/aws/ec2-world.ts';
import { credentialsOf } from '../helpers/peers/azure/azure-world.ts';
import { startAzureStandIn, type AzureStandIn } from '../helpers/peers/azure/stand-in.ts';
import { newPrivateKey } from '../helpers/peers/gcp/accounts.ts';
import { PROJECT, ZONES } from '../helpers/peers/gcp/opened.ts';
import { startComputeStandIn, type ComputeStandIn } from '../helpers/peers/gcp/stand-in.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';
import { databaseText, formsOf, historyText } from '../helpers/secret-places.ts';
import { siteApi, type SiteApi } from '../helpers/site-api.ts';

let site: Platform;
let api: SiteApi;
let workers: { stop(): Promise<void> };
let organizationId: string;
let aws: Ec2World;
let azure: AzureStandIn;
let gcp: ComputeStandIn;
let alibaba: AlibabaStandIn;
const written: string[] = [];
/** Whatever was sent to be kept secret, right or wrong. */
const secrets: string[] = [];

test.before(async () => {
  [aws, azure, gcp, alibaba] = await Promise.all([
    startEc2World(),
    startAzureStandIn(),
    startComputeStandIn({ project: PROJECT, zones: ZONES }),
    startAlibabaStandIn({ accountId: ALIBABA_ACCOUNT, regions: ['cn-hangzhou', 'eu-central-1'] }),
  ]);
  site = await platform((config) => ({
    ...config,
    awsEndpoints: { ...config.awsEndpoints, sts: aws.moto.url, ec2: aws.gate.url },
    azureEndpoints: { resourceManager: azure.url, authority: azure.url, certificateAuthority: azure.authority },
    gcpEndpoints: { compute: gcp.url, token: gcp.tokenUrl },
    alibabaEndpoints: { ecs: alibaba.url, sts: alibaba.url },
  }));
  const log = pino({ level: 'trace' }, { write: (line) => void written.push(line) });
  workers = await startWorkers(site.config, log, { workflowBundle: { codePath: testEnvironment('ORRERY_TEST_BUNDLE') } });
  organizationId = await anOrganization(site);
  api = await siteApi({ ...site, log }, organizationId);
});
test.after.always(async () => {
  await api?.stop();
  await workers?.stop();
  await site?.end();
  await Promise.all([aws?.end(), azure?.stop(), gcp?.stop(), alibaba?.stop()]);
});

/** An account of a cloud with one machine in it, as people connect it. */
interface Account {
  body: Record<string, unknown>;
  /** In place of the body's credentials: of the right form, and not the right ones. */
  wrong: Record<string, unknown>;
  refusal: string;
  accountId: string;
  machine: {
    name: string;
    tags: Record<string, string>;
    /** In the cloud's own words, asked past the platform. */
    state(): Promise<string | undefined>;
    /** What a schedule does with it, and the state that the cloud shows before and after. */
    turns: { action: 'power_on' | 'power_off'; from: string; to: string };
    remove(): Promise<void>;
  };
  secrets: string[];
}

const TAGS = { team: 'blue' };

const accounts: Record<string, () => Promise<Account>> = {
  async aws() {
    const credentials = aws.credentials as { kind: string; access_key_id: string; secret_access_key: string };
    const wrong = { ...credentials, secret_access_key: 'W'.repeat(40) };
    const ref = await aws.make({ name: 'aws-web', state: 'running', tags: TAGS });
    return {
      body: { cloud: 'aws', kind: 'linked', name: 'AWS', credentials },
      wrong,
      refusal: 'aws.wrong-secret',
      accountId: aws.accountId,
      machine: {
        name: 'aws-web',
        tags: { ...TAGS, Name: 'aws-web' },
        async state() {
          const { Reservations } = await aws.admin(ref.regionId).send(new DescribeInstancesCommand({ InstanceIds: [ref.nativeId] }));
          return Reservations?.[0]?.Instances?.[0]?.State?.Name;
        },
        turns: { action: 'power_off', from: 'running', to: 'stopped' },
        remove: () => aws.remove(ref),
      },
      secrets: [credentials.secret_access_key, wrong.secret_access_key],
    };
  },
  async azure() {
    const { id } = azure.subscription;
    const credentials = credentialsOf(azure, azure.entra.makeApplication(azurePermissionText(id).document.Actions));
    const wrong = { ...credentials, client_secret: 'Zq7~'.repeat(10) };
    const machine = azure.machines.make({ name: 'azure-web', resourceGroup: 'acme', power: 'deallocated', tags: TAGS });
    return {
      body: { cloud: 'azure', name: 'Azure', subscription_id: id.toUpperCase(), credentials },
      wrong,
      refusal: 'azure.bad-credentials',
      accountId: id,
      machine: {
        name: 'azure-web',
        tags: TAGS,
        state: async () => machine.power,
        turns: { action: 'power_on', from: 'deallocated', to: 'running' },
        remove: async () => void azure.machines.all.delete(machine.id.toLowerCase()),
      },
      secrets: [credentials.client_secret, wrong.client_secret],
    };
  },
  async gcp() {
    const account = gcp.accounts.create('orrery', gcpPermissions().document.includedPermissions);
    const key = { type: 'service_account', project_id: PROJECT, client_email: account.client_email, private_key: account.private_key, private_key_id: account.private_key_id };
    const wrong = { ...key, private_key: newPrivateKey() };
    const machine = gcp.state.make({ name: 'gcp-web', zone: ZONES[0], status: 'RUNNING', labels: TAGS });
    return {
      body: { cloud: 'gcp', name: 'Google', credentials: { kind: 'service-account-key', key: JSON.stringify(key) } },
      wrong: { kind: 'service-account-key', key: wrong },
      refusal: 'gcp.bad-credentials',
      accountId: PROJECT,
      machine: {
        name: machine.name,
        tags: TAGS,
        state: async () => machine.status,
        turns: { action: 'power_off', from: 'RUNNING', to: 'TERMINATED' },
        remove: async () => gcp.state.remove(ZONES[0], 'gcp-web'),
      },
      // A line of each key's base64 says enough.
      secrets: [key, wrong].map(({ private_key: pem }) => pem.split('\n')[3] ?? ''),
    };
  },
  async alibaba() {
    const credentials = alibaba.createUser({ name: 'orrery', allowed: alibabaPermissions(ALIBABA_ACCOUNT).permissions.map(({ name }) => name) });
    const wrong = { ...credentials, access_key_secret: 'q0VNs3x8TbYp1mLw6ZrKc5UdJf2HgE' };
    const machine = alibaba.add({ name: 'alibaba-web', tags: TAGS, regionId: 'eu-central-1', status: 'Running' });
    return {
      body: { cloud: 'alibaba', name: 'Alibaba', credentials },
      wrong,
      refusal: 'alibaba.bad-credentials',
      accountId: ALIBABA_ACCOUNT,
      machine: {
        name: 'alibaba-web',
        tags: TAGS,
        state: async () => statusOf(machine),
        turns: { action: 'power_off', from: 'Running', to: 'Stopped' },
        remove: async () => void alibaba.instances.delete(machine.id),
      },
      secrets: [credentials.access_key_secret, wrong.access_key_secret],
    };
  },
};

const collection = (): string => `/v1/organizations/${organizationId}/data-sources`;

/** Asks for a check of credentials, and follows it where a busy machine takes longer than the answer waits. Answers the data source, or the problem. */
async function checked(path: string, body: unknown): Promise<Record<string, unknown>> {
  const answer = await api.call('POST', path, { body });
  if (answer.status !== 202) return answer.body;
  const operation = await eventually(async () => {
    const { body: now } = await api.call('GET', `/v1/operations/${String(answer.body.id)}`);
    return now.state === 'completed' || now.state === 'failed' ? now : null;
  }, 'the check of credentials');
  if (operation.state === 'failed') return operation.error as Record<string, unknown>;
  return (await api.call('GET', `/v1/data-sources/${String(operation.subject_id)}`)).body;
}

/** The instances of a data source as people list them. */
async function instancesOf(dataSourceId: string, gone: 'exclude' | 'only') {
  const { body } = await api.call('GET', `/v1/organizations/${organizationId}/instances?data_source=${dataSourceId}&gone=${gone}`);
  return body.items as { id: string; name: string; tags: object; account_id: string }[];
}

/** Puts an instance in a schedule of one trigger, at the next full minute that is not about to pass. */
async function scheduleSoon(name: string, resourceId: string, action: string): Promise<Scheduled> {
  const at = new Date(Math.ceil((Date.now() + 3_000) / 60_000) * 60_000).toISOString();
  const body = { name, time_zone: 'UTC', triggers: [{ time: at.slice(11, 16), action }], resource_ids: [resourceId] };
  const { status, body: made } = await api.call('POST', `/v1/organizations/${organizationId}/power-schedules`, { body });
  if (status !== 201) throw new Error(JSON.stringify(made));
  return { at, resourceId, scheduleId: (made.power_schedule as { id: string }).id };
}

interface Scheduled {
  at: string;
  resourceId: string;
  scheduleId: string;
}

/** What is connected, for the tests that come after. */
const connections = new Map<string, Scheduled & { account: Account; dataSourceId: string }>();

for (const cloud of Object.keys(accounts)) {
  test.serial(`an account of ${cloud} is connected over the API, and its machine is found and put in a schedule`, async (t) => {
    const account = await accounts[cloud]!();
    secrets.push(...account.secrets);
    const before = (await api.call('GET', collection())).body.total;
    const refused = await checked(collection(), { ...account.body, credentials: account.wrong });
    t.is(refused.code, account.refusal, JSON.stringify(refused));
    t.is((await api.call('GET', collection())).body.total, before, 'nothing is saved of it');

    const connected = await checked(collection(), account.body);
    t.like(connected, { cloud, account_id: account.accountId, state: 'active' }, JSON.stringify(connected));
    const twice = await api.call('POST', collection(), { body: { ...account.body, name: 'Twice' } });
    t.deepEqual([twice.status, twice.body.code], [409, 'data-sources.account-connected']);
    const dataSourceId = String(connected.id);
    const idle = async () => {
      const { body } = await api.call('GET', `/v1/data-sources/${dataSourceId}/discovery`);
      return body.state === 'idle' && body.last_attempt_at !== null ? body : null;
    };
    const found = await eventually(idle, 'the first discovery');
    t.is(found.last_error, null, JSON.stringify(found.last_error));
    t.like((found.resource_types as object[])[0], { resource_type: 'instance', status: 'listed', resources: 1 });
    const { name, tags, turns, state } = account.machine;
    const [machine] = await instancesOf(dataSourceId, 'exclude');
    t.like(machine, { name, tags, account_id: account.accountId });
    t.is(await state(), turns.from);
    connections.set(cloud, { account, dataSourceId, ...(await scheduleSoon(`Hours of ${cloud}`, String(machine?.id), turns.action)) });
  });
}

for (const cloud of Object.keys(accounts)) {
  test.serial(`a schedule acts in ${cloud} itself when it is due, and a machine that is removed is found to be gone`, async (t) => {
    t.timeout(200_000);
    const { account, dataSourceId, at, resourceId, scheduleId } = connections.get(cloud)!;
    const { turns, state, remove } = account.machine;
    const ended = async () => {
      const { body } = await api.call('GET', `/v1/instances/${resourceId}/power-runs`);
      const [item] = body.items as { state: string; last_error: unknown }[];
      return item !== undefined && item.state !== 'open' ? item : null;
    };
    // A minute at most until it is due, then the run.
    const item = await eventually(ended, 'the run that the schedule made', 150);
    t.like(item, { state: 'settled', due_at: at, local_time: at.slice(0, 16), power_schedule_id: scheduleId, attempts: 1, last_error: null });
    t.is(await state(), turns.to, 'the cloud shows what was asked for');

    await remove();
    await api.call('POST', `/v1/data-sources/${dataSourceId}:discover`);
    await eventually(async () => (await instancesOf(dataSourceId, 'only')).length === 1, 'the machine to be gone');

    const reconnect = `/v1/data-sources/${dataSourceId}:reconnect`;
    t.is((await checked(reconnect, { credentials: account.wrong })).code, account.refusal);
    t.like(await checked(reconnect, { credentials: account.body.credentials }), { id: dataSourceId, state: 'active' });
  });
}

test.serial('what was sent as a secret is in no table, history or log', async (t) => {
  t.is(secrets.length, 8);
  await eventually(async () => (await site.db('pending_secrets')).length === 0, 'the checks to end');
  const places = { database: await databaseText(site), histories: await historyText(site), logs: written.join('\n') };
  for (const [place, text] of Object.entries(places)) {
    t.true(text.includes(organizationId), `${place} was read`);
    for (const form of secrets.flatMap(formsOf)) t.false(text.includes(form), `${place} holds a secret`);
  }
});
