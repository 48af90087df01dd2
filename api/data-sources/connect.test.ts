import { apiTest } from '../../tests/helpers/api-test.ts';

const test = apiTest();

const SUBSCRIPTION = '0b1f6471-1bf0-4dda-aec3-cb9272f09590';
const azure = {
  cloud: 'azure',
  name: 'Subscription',
  subscription_id: SUBSCRIPTION,
  credentials: { kind: 'client-secret', tenant_id: SUBSCRIPTION, client_id: SUBSCRIPTION, client_secret: 'aaa8Q~0123456789abcdefghijklmnopqrst' },
};
const key = {
  type: 'service_account',
  project_id: 'acme-prod',
  private_key: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
  client_email: 'orrery@acme-prod.iam.gserviceaccount.com',
};
const gcp = { cloud: 'gcp', name: 'Project', credentials: { kind: 'service-account-key', key } };
const alibaba = { cloud: 'alibaba', name: 'Account', credentials: { kind: 'access-key', access_key_id: 'LTAI5tExampleKey1234', access_key_secret: 'exampleSecretOfAlibaba012345' } };

/** What is sent, the code of the refusal, and the field that is named. */
const refused: [string, object, string, string][] = [
  ['an unknown cloud', { cloud: 'ibm', name: 'X' }, 'request.invalid', 'cloud'],
  ['a field of another cloud', { ...azure, export: { scheme: 'adopt' } }, 'request.invalid', 'export'],
  ['an interval below five minutes', { ...azure, discovery_interval_minutes: 4 }, 'request.invalid', 'discovery_interval_minutes'],
  ['a subscription id that is none', { ...azure, subscription_id: 'production' }, 'azure.malformed-account', 'subscription_id'],
  ["a secret's id in place of its value", { ...azure, credentials: { ...azure.credentials, client_secret: SUBSCRIPTION } }, 'azure.malformed-credentials', 'client_secret'],
  ['credentials of another cloud', { ...azure, credentials: alibaba.credentials }, 'request.invalid', 'credentials.kind'],
  ['no credentials for Azure', { cloud: 'azure', name: 'X', subscription_id: SUBSCRIPTION }, 'request.invalid', 'credentials'],
  ["a project's number", { ...gcp, project_id: '123456789012' }, 'gcp.malformed-account', 'project_id'],
  ['a key file that is no JSON', { ...gcp, credentials: { kind: 'service-account-key', key: 'nonsense' } }, 'gcp.malformed-key', 'credentials.key'],
  ['a key that is no key', { ...gcp, credentials: { kind: 'service-account-key', key } }, 'gcp.malformed-key', 'private_key'],
  ['the default chain without a project', { cloud: 'gcp', name: 'X', credentials: { kind: 'default-chain' } }, 'gcp.malformed-account', 'project_id'],
  ['a region of no cloud', { ...alibaba, region: 'http://evil' }, 'alibaba.malformed-region', 'region'],
  ['the worker’s own credentials for Alibaba Cloud', { ...alibaba, credentials: { kind: 'default-chain' } }, 'request.invalid', 'credentials.kind'],
  ['a sandbox with a name of no form', { cloud: 'sandbox', name: 'X', account: 'No Good' }, 'sandbox.invalid-account', 'account'],
  ['AWS without saying so, and without where the bill lies', { name: 'X' }, 'data-sources.malformed', 'export'],
  ['an AWS key of no form', { name: 'X', kind: 'linked', credentials: { kind: 'key-pair', access_key_id: 'short', secret_access_key: 'x' } }, 'aws.malformed-key', 'access_key_id'],
];
for (const [what, body, code, field] of refused) {
  test(`${what} is refused by its field, and nothing is kept`, async (t) => {
    const { api } = t.context;
    const organizationId = await api.organization();
    const { token } = await api.member(organizationId, 'manager');
    const answer = await api.call(`/v1/organizations/${organizationId}/data-sources`, { method: 'POST', token, body });
    t.deepEqual([answer.status, answer.body.code, answer.body.fields?.[0]?.field], [400, code, field], JSON.stringify(answer.body));
    t.is((await api.db('pending_secrets').where({ organization_id: organizationId })).length, 0);
    for (const secret of ['aaa8Q~', 'AAAA', 'exampleSecretOfAlibaba012345']) t.false(JSON.stringify(answer.body).includes(secret));
  });
}

const policies: [string, string, (body: never) => unknown, unknown][] = [
  ['azure', `account_id=${SUBSCRIPTION}`, (body: { AssignableScopes: string[] }) => body.AssignableScopes, [`/subscriptions/${SUBSCRIPTION}`]],
  ['gcp', '', (body: { includedPermissions: string[] }) => body.includedPermissions.includes('compute.instances.stop'), true],
  ['alibaba', '', (body: { Statement: { Action: string[] }[] }) => body.Statement.flatMap((one) => one.Action).includes('ecs:StopInstances'), true],
  ['sandbox', '', (body: { allow: string[] }) => body.allow.length > 0, true],
];
for (const [cloud, query, read, expected] of policies) {
  test(`what an account of ${cloud} must allow can be asked before it is connected`, async (t) => {
    const { api } = t.context;
    const organizationId = await api.organization();
    const { token } = await api.member(organizationId, 'member');
    const answer = await api.call(`/v1/organizations/${organizationId}/data-sources:policy?cloud=${cloud}&${query}`, { token });
    t.is(answer.status, 200);
    t.deepEqual(read(answer.body as never), expected);
    const misplaced = await api.call(`/v1/organizations/${organizationId}/data-sources:policy?cloud=${cloud}&bucket=b`, { token });
    t.deepEqual([misplaced.status, misplaced.body.fields?.[0]?.field], [400, 'bucket']);
  });
}

test('the policy of an AWS account is one document for its bill and its instances; a directory needs none', async (t) => {
  const { api } = t.context;
  const organizationId = await api.organization();
  const { token } = await api.member(organizationId, 'member');
  const ask = async (query: string) => await api.call(`/v1/organizations/${organizationId}/data-sources:policy?${query}`, { token });
  const actionsOf = (body: { Statement: { Action: string[] }[] }): string[] => body.Statement.flatMap((one) => one.Action);
  const root = actionsOf((await ask('scheme=bucket-only&bucket=acme-bills')).body);
  for (const action of ['s3:GetObject', 'ec2:DescribeInstances', 'ec2:StartInstances', 'ec2:StopInstances']) t.true(root.includes(action), action);
  const linked = actionsOf((await ask('kind=linked&account_id=012345678901')).body);
  t.true(linked.every((action) => action.startsWith('ec2:')) && linked.includes('ec2:StopInstances'));
  t.deepEqual([(await ask('scheme=directory')).body.code, (await ask('account_id=1')).body.fields?.[0]?.field], ['data-sources.no-policy-needed', 'account_id']);
});
