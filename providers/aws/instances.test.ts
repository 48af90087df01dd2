import { CancelSpotInstanceRequestsCommand, DescribeSpotInstanceRequestsCommand, RunInstancesCommand } from '@aws-sdk/client-ec2';
import test from 'ava';
import type { AwsCredentials } from '../../domain/data-sources/aws-credentials.ts';
import { openAccount } from '../../tests/helpers/cloud-contract/world.ts';
import { callOne, discover, listed, look, never, refOf } from '../../tests/helpers/cloud-contract/steps.ts';
import { peerSettings } from '../../tests/helpers/peers/aws-account.ts';
import { requestSpot, startEc2World, type Ec2World } from '../../tests/helpers/peers/aws/ec2-world.ts';
import { startFaultProxy } from '../../tests/helpers/peers/fault-proxy.ts';
import { MOTO_ACCOUNT } from '../../tests/helpers/peers/moto.ts';
import { createAwsProvider } from './provider.ts';

const REGION = 'us-east-1';
let world: Ec2World;

test.before(async () => {
  world = await startEc2World();
});

test.after.always(async () => {
  await world?.end();
});

/** An account whose provider knows nothing yet. */
function freshAccount(credentials: AwsCredentials = world.credentials as AwsCredentials, endpoint = world.gate.url) {
  const provider = createAwsProvider(peerSettings({ sts: world.moto.url, ec2: endpoint }), { pageSize: 5 });
  return openAccount({ ...world, provider }, credentials);
}

const spotRef = async (type: 'one-time' | 'persistent') => {
  const nativeId = await requestSpot(world.admin(), world.gate, type);
  return { nativeId, regionId: REGION, handle: {}, discardLocalSsd: false };
};

test.serial('every region of the partition is listed, each once', async (t) => {
  const before = world.gate.calls.length;
  const { steps } = await discover(freshAccount());
  const asked = world.gate.regions.slice(before).filter((_, index) => world.gate.calls[before + index] === 'ec2:DescribeInstances');
  const scopes = steps.filter(({ kind }) => kind === 'listed').map(({ scope }) => scope);
  t.true(scopes.length > 15 && scopes.includes(REGION) && scopes.includes('eu-central-1'));
  t.deepEqual([...asked].sort(), [...scopes].sort());
});

test.serial('an instance without a name goes by its id, and what led to its state is told', async (t) => {
  const command = new RunInstancesCommand({ ImageId: 'ami-12c6146b', MinCount: 2, MaxCount: 2, InstanceType: 'm5.large' });
  const { Instances = [] } = await world.admin().send(command);
  const [first, second] = Instances.map(({ InstanceId }) => ({ nativeId: String(InstanceId), regionId: REGION, handle: {}, discardLocalSsd: false }));
  if (first === undefined || second === undefined) throw new Error('two instances of one reservation are needed');
  t.true((await callOne(freshAccount(), 'stop', second)).accepted);
  const listing = await discover(freshAccount());
  t.is(listed(listing, first).name, first.nativeId);
  t.is(listed(listing, first).stateReason, null);
  t.is(listed(listing, second).stateReason, 'Client.UserInitiatedShutdown: User initiated shutdown');
});

test.serial('a spot instance of a persistent request stops and starts; of a one-time request or a group, or without a request, it does not', async (t) => {
  const [persistent, oneTime, cancelled, grouped] = [await spotRef('persistent'), await spotRef('one-time'), await spotRef('persistent'), await spotRef('persistent')];
  const { SpotInstanceRequests = [] } = await world.admin().send(new DescribeSpotInstanceRequestsCommand({}));
  const requestOf = (nativeId: string): string => String(SpotInstanceRequests.find(({ InstanceId }) => InstanceId === nativeId)?.SpotInstanceRequestId);
  await world.admin().send(new CancelSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [requestOf(cancelled.nativeId)] }));
  world.gate.showSpotRequest(requestOf(grouped.nativeId), 'launchGroup', 'one-for-all');
  const listing = await discover(freshAccount());
  t.deepEqual(listed(listing, persistent).canStop, { allowed: true });
  for (const ref of [oneTime, cancelled, grouped]) t.like(listed(listing, ref).canStop, { allowed: false, reason: 'one-time-spot' });
  const details = [oneTime, cancelled, grouped].map((ref) => (listed(listing, ref).canStop as { detail: string }).detail);
  t.regex(details[0] ?? '', /is one-time/);
  t.regex(details[1] ?? '', /does not tell of its spot request/);
  t.regex(details[2] ?? '', /group one-for-all/);
  for (const [action, state] of [['stop', 'stopped'], ['start', 'running']] as const) {
    t.true((await callOne(freshAccount(), action, persistent)).accepted);
    t.is((await look(freshAccount(), persistent)).state, state);
  }
});

test.serial('what AWS itself manages or a fleet would replace is not ours to stop', async (t) => {
  const managed = await world.make({ name: 'auto-mode', state: 'running' });
  world.gate.show(managed.nativeId, 'operator', '<managed>true</managed><principal>eks.amazonaws.com</principal>');
  const fleet = await world.make({ name: 'fleet', state: 'running', tags: { 'aws:ec2:fleet-id': 'fleet-1' } });
  const listing = await discover(freshAccount());
  t.like(listed(listing, managed).canStop, { allowed: false, reason: 'scaling-group', detail: 'eks.amazonaws.com manages it and alone may stop it.' });
  t.like(listed(listing, fleet).canStop, { allowed: false, reason: 'scaling-group', detail: 'Fleet fleet-1 may replace it.' });
});

test.serial('types are asked for once; without the right to, instances are locked with the reason and still listed', async (t) => {
  const plain = await world.make({ name: 'plain', state: 'running' });
  const account = openAccount(world);
  await discover(account);
  const before = world.gate.calls.length;
  await discover(account);
  t.false(world.gate.calls.slice(before).includes('ec2:DescribeInstanceTypes'));
  const spot = await spotRef('persistent');
  const limited = await world.withPermissions(['ec2:DescribeRegions', 'ec2:DescribeInstances']);
  const listing = await discover(freshAccount(limited as AwsCredentials));
  const { canStop } = listed(listing, plain);
  t.like(canStop, { allowed: false, reason: 'local-ssd' });
  t.regex((canStop as { detail: string }).detail, /ec2:DescribeInstanceTypes is missing/);
  t.like(listed(listing, spot).canStop, { allowed: false, reason: 'one-time-spot' });
  t.false(listing.steps.some(({ kind }) => kind === 'failed'));
});

test.serial('a check without the right to see instances warns by its name and still tells the account', async (t) => {
  const { provider, connection } = world;
  const complete = await provider.check(connection, world.credentials, never);
  t.like(complete, { accountId: MOTO_ACCOUNT, principal: `arn:aws:iam::${MOTO_ACCOUNT}:user/orrery`, warnings: [] });
  const limited = await world.withPermissions(['ec2:DescribeRegions']);
  const { accountId, warnings } = await provider.check(connection, limited, never);
  t.is(accountId, MOTO_ACCOUNT);
  t.is(warnings.length, 1);
  t.regex(warnings[0] ?? '', /may not perform ec2:DescribeInstances/);
});

test.serial('a role is assumed once for all regions', async (t) => {
  const { moto, account } = world;
  const trust = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${MOTO_ACCOUNT}:user/assuming` }, Action: 'sts:AssumeRole' }] };
  const { key, role } = await moto.unchecked(async () => ({
    key: await account.createUser('assuming'),
    role: await account.createRole('instances', trust, { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'ec2:*', Resource: '*' }] }),
  }));
  const sts = await startFaultProxy(moto.url, { seed: 0, rates: {} });
  t.teardown(() => sts.stop());
  const provider = createAwsProvider(peerSettings({ sts: sts.url, ec2: world.gate.url }));
  const here = await world.make({ name: 'by-role', state: 'running' });
  const listing = await discover(openAccount({ ...world, provider }, { kind: 'assumed-role', role_arn: role, base: key }));
  t.is(listed(listing, here).name, 'by-role');
  t.is(sts.requests.length, 1);
});

test.serial('through faults a scope is called listed only when it was, and repeats come to all', async (t) => {
  const refs = await Promise.all(Array.from({ length: 12 }, (_, index) => world.make({ name: `faulty-${index}`, state: 'running', elsewhere: index % 2 === 0 })));
  const proxy = await startFaultProxy(world.gate.url, { seed: 7, rates: { 'server-error': 0.1, reset: 0.1, truncate: 0.1 } });
  t.teardown(() => proxy.stop());
  const left = new Set([REGION, 'eu-west-1']);
  let failed = 0;
  for (let attempt = 0; attempt < 40 && left.size > 0; attempt += 1) {
    try {
      const { steps, instances } = await discover(freshAccount(world.credentials as AwsCredentials, proxy.url));
      failed += steps.filter(({ kind }) => kind === 'failed').length;
      for (const step of steps.filter(({ kind }) => kind === 'listed')) {
        for (const ref of refs.filter(({ regionId }) => regionId === step.scope)) t.is(refOf(listed({ steps, instances, scopes: new Map() }, ref)).regionId, ref.regionId);
        left.delete(step.scope);
      }
    } catch (error) {
      // Without the list of regions there is nothing to list.
      t.is((error as { code?: string }).code, 'aws.unavailable');
    }
  }
  t.is(left.size, 0);
  t.true(failed > 0);
});
