import {
  DescribeSpotInstanceRequestsCommand,
  EC2Client,
  RequestSpotInstancesCommand,
  RunInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
  type _InstanceType,
} from '@aws-sdk/client-ec2';
import type { AwsKeyPair } from '../../../../domain/data-sources/aws-credentials.ts';
import { awsPermissionText } from '../../../../domain/data-sources/aws-permissions.ts';
import type { PermissionText } from '../../../../domain/data-sources/cloud-ports.ts';
import type { PolicyDocument } from '../../../../domain/data-sources/bucket-policy.ts';
import type { InstanceRef } from '../../../../domain/resources/instance.ts';
import { createAwsProvider } from '../../../../providers/aws/provider.ts';
import type { ContractWorld, MakeInstance } from '../../cloud-contract.ts';
import { awsAccount, EVERYTHING, peerSettings, type AwsAccount } from '../aws-account.ts';
import { MOTO_ACCOUNT, startMoto, type MotoPeer } from '../moto.ts';
import { startEc2Gate, type Ec2Gate } from './ec2-gate.ts';

/** The smallest page EC2 gives. */
const PAGE_SIZE = 5;
const REGION = 'us-east-1';
const ELSEWHERE = 'eu-west-1';
/** One of moto's own images. */
const IMAGE = 'ami-12c6146b';

export interface Ec2World extends ContractWorld {
  moto: MotoPeer;
  gate: Ec2Gate;
  account: AwsAccount;
  /** The administrator's client, past the gate. */
  admin(region?: string): EC2Client;
  /** The administrator in front of the gate, which then knows what was done. */
  adminThroughGate(): EC2Client;
}

/** moto with signatures and IAM on, behind the gate; the provider signs with exactly the permission text's policy. */
export async function startEc2World(): Promise<Ec2World> {
  const moto = await startMoto();
  const gate = await startEc2Gate(moto.url);
  const account = awsAccount(moto.url);
  const text = awsPermissionText(MOTO_ACCOUNT);
  const administrator = await account.createUser('administrator', EVERYTHING);
  const credentials = await account.createUser('orrery', policyFor(text, () => true));
  await moto.enforceAuth();
  const admin = adminClients(moto.url, administrator);
  let users = 0;
  return {
    moto,
    gate,
    account,
    admin,
    adminThroughGate: adminClients(gate.url, administrator),
    cloud: 'aws',
    provider: createAwsProvider(peerSettings({ sts: moto.url, ec2: gate.url }), { pageSize: PAGE_SIZE }),
    connection: {},
    credentials,
    wrongCredentials: { ...credentials, secret_access_key: 'W'.repeat(40) },
    malformedCredentials: { ...credentials, access_key_id: 'AKIA with spaces' },
    accountId: MOTO_ACCOUNT,
    permissionText: text,
    pageSize: PAGE_SIZE,
    make: (options) => make(admin, gate, options),
    remove: async ({ nativeId, regionId }) => {
      await admin(regionId).send(new TerminateInstancesCommand({ InstanceIds: [nativeId] }));
      gate.forget(nativeId);
    },
    arrange: ({ nativeId }, outcome) => Promise.resolve(gate.arrange(nativeId, outcome)),
    failScope: (region) => Promise.resolve(gate.failRegion(region)),
    withPermissions: (allowed) => {
      users += 1;
      return moto.unchecked(() => account.createUser(`limited-${users}`, policyFor(text, (action) => allowed.includes(action))));
    },
    effectiveActions: () => Promise.resolve(gate.effective),
    recordedPermissions: () => Promise.resolve(gate.calls),
    end: async () => {
      await Promise.all([gate.stop(), moto.stop()]);
    },
  };
}

function adminClients(endpoint: string, key: AwsKeyPair): (region?: string) => EC2Client {
  const clients = new Map<string, EC2Client>();
  const credentials = { accessKeyId: key.access_key_id, secretAccessKey: key.secret_access_key };
  return (region = REGION) => {
    const client = clients.get(region) ?? new EC2Client({ endpoint, region, credentials });
    clients.set(region, client);
    return client;
  };
}

/** The text's statements with no action but the allowed. moto asks for every EC2 action on `*`, never on an instance. */
function policyFor({ document }: PermissionText, allowed: (action: string) => boolean): PolicyDocument {
  const { Version, Statement } = document as PolicyDocument;
  const statements = Statement.map((statement) => ({ ...statement, Resource: '*', Action: [statement.Action].flat().filter(allowed) }));
  return { Version, Statement: statements.filter(({ Action }) => Action.length > 0) };
}

async function make(admin: Ec2World['admin'], gate: Ec2Gate, options: MakeInstance): Promise<InstanceRef> {
  const { name, state, tags = {}, kind = 'plain', elsewhere = false } = options;
  const regionId = elsewhere ? ELSEWHERE : REGION;
  const client = admin(regionId);
  const all = { Name: name, ...tags, ...(kind === 'scaling-group' && { 'aws:autoscaling:groupName': 'workers' }) };
  const nativeId = kind === 'one-time-spot' ? await requestSpot(client, gate, 'one-time') : await run(client, options, all);
  if (kind === 'one-time-spot' || kind === 'instance-store-root') gate.makeUnstoppable(nativeId, kind);
  if (kind === 'instance-store-root') gate.show(nativeId, 'rootDeviceType', 'instance-store');
  if (state === 'stopped') await client.send(new StopInstancesCommand({ InstanceIds: [nativeId] }));
  // moto places by itself in the first zone.
  return { nativeId, regionId, handle: { kind: `${typeOf(kind)} in ${regionId}a` }, discardLocalSsd: false };
}

function typeOf(kind: MakeInstance['kind']): _InstanceType {
  return kind === 'local-ssd' ? 'm5d.large' : 'm5.large';
}

async function run(client: EC2Client, { kind }: MakeInstance, tags: Record<string, string>): Promise<string> {
  const command = new RunInstancesCommand({
    ImageId: IMAGE,
    MinCount: 1,
    MaxCount: 1,
    InstanceType: typeOf(kind),
    DisableApiStop: kind === 'stop-protection',
    TagSpecifications: [{ ResourceType: 'instance', Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }],
  });
  const { Instances } = await client.send(command);
  return String(Instances?.[0]?.InstanceId);
}

/** A spot instance of a request of its own, which moto does not name in the instance. */
export async function requestSpot(client: EC2Client, gate: Ec2Gate, type: 'one-time' | 'persistent'): Promise<string> {
  const { SpotInstanceRequests } = await client.send(
    new RequestSpotInstancesCommand({
      SpotPrice: '0.1',
      Type: type,
      LaunchSpecification: { ImageId: IMAGE, InstanceType: typeOf('plain') },
    }),
  );
  const id = String(SpotInstanceRequests?.[0]?.SpotInstanceRequestId);
  const described = await client.send(new DescribeSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [id] }));
  const nativeId = described.SpotInstanceRequests?.[0]?.InstanceId;
  if (nativeId === undefined) throw new Error(`spot request ${id} has no instance`);
  gate.show(nativeId, 'spotInstanceRequestId', id);
  return nativeId;
}
