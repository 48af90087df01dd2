import Core, { $OpenApiUtil } from '@alicloud/openapi-core';
import test from 'ava';
import { request as httpRequest } from 'node:http';
import type { AlibabaKeyPair } from '../../domain/data-sources/cloud-credentials.ts';
import { OPERATIONS, problemsOfAnswer, readParameters, type Operation } from '../helpers/peers/alibaba/model.ts';
import { startAlibabaStandIn, type AlibabaStandIn } from '../helpers/peers/alibaba/stand-in.ts';
import { ALIBABA_ACCOUNT } from '../helpers/peers/alibaba/world.ts';
import { serve } from '../helpers/peers/http-server.ts';

// The stand-in is only worth something if it refuses what Alibaba Cloud refuses.

let standIn: AlibabaStandIn;
let key: AlibabaKeyPair;

test.before(async () => {
  standIn = await startAlibabaStandIn({ accountId: ALIBABA_ACCOUNT });
  key = standIn.createUser({ name: 'caller', allowed: 'everything' });
});

test.after.always(async () => {
  await standIn?.stop();
});

/** Calls an operation by its name alone, with whatever parameters. Tells the code of a refusal, else `done`. */
async function call(action: string, query: Record<string, string>, { url = standIn.url, version = '2014-05-26' } = {}): Promise<string> {
  const config = new $OpenApiUtil.Config({
    accessKeyId: key.access_key_id,
    accessKeySecret: key.access_key_secret,
    endpoint: new URL(url).host,
    protocol: 'http',
  });
  const params = new $OpenApiUtil.Params({
    action,
    version,
    protocol: 'HTTP',
    pathname: '/',
    method: 'POST',
    authType: 'AK',
    style: 'RPC',
    reqBodyType: 'formData',
    bodyType: 'json',
  });
  const client = new Core.default(config);
  try {
    await client.callApi(params, new $OpenApiUtil.OpenApiRequest({ query }), {} as Parameters<typeof client.callApi>[2]);
    return 'done';
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
}

/** Stands before the stand-in and passes requests on, changed and repeated. */
function startMeddler(change: (path: string) => string, times: number) {
  return serve(async (incoming, outgoing) => {
    let answer = { status: 0, text: '' };
    for (let sent = 0; sent < times; sent += 1) answer = await pass(change(incoming.url ?? ''), incoming.headers);
    outgoing.writeHead(answer.status, { 'content-type': 'application/json;charset=utf-8' });
    outgoing.end(answer.text);
  });
}

function pass(path: string, headers: NodeJS.Dict<string | string[]>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(standIn.url);
    const request = httpRequest({ hostname, port, path, method: 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on('error', reject);
    request.end();
  });
}

test('a request that was changed on its way, or sent twice, is refused', async (t) => {
  const meddlers = [
    await startMeddler((path) => path, 1),
    await startMeddler((path) => path.replace('cn-hangzhou', 'eu-central-1'), 1),
    await startMeddler((path) => path, 2),
  ];
  const codes = await Promise.all(meddlers.map(({ url }) => call('DescribeInstances', { RegionId: 'cn-hangzhou' }, { url })));
  await Promise.all(meddlers.map((meddler) => meddler.stop()));
  t.deepEqual(codes, ['done', 'SignatureDoesNotMatch', 'SignatureNonceUsed']);
});

test('what the SDK does not declare is refused', async (t) => {
  t.is(await call('DescribeInstances', { RegionId: 'cn-hangzhou' }), 'done');
  t.is(await call('DescribeInstances', { RegionId: 'cn-hangzhou', Colour: 'blue' }), 'InvalidParameter');
  t.is(await call('DescribeInstances', {}), 'InvalidParameter');
  t.is(await call('DescribeInstances', { RegionId: 'cn-hangzhou', MaxResults: 'many' }), 'InvalidParameter');
  t.is(await call('StartInstances', { RegionId: 'cn-hangzhou', InstanceId: 'i-1' }), 'InvalidParameter');
  t.is(await call('StartInstances', { RegionId: 'cn-nowhere', 'InstanceId.1': 'i-1' }), 'InvalidRegionId.NotFound');
  t.is(await call('StopInstances', { RegionId: 'cn-hangzhou', 'InstanceId.1': 'i-1', StoppedMode: 'Gently' }), 'InvalidParameter.StoppedMode');
  t.is(await call('RebootInstances', {}), 'InvalidAction.NotFound');
  t.is(await call('DescribeRegions', {}, { version: '2015-04-01' }), 'InvalidAction.NotFound');
});

test('without SuccessFirst one bad member refuses the whole batch', async (t) => {
  const { id } = standIn.add({ regionId: 'cn-hangzhou', name: 'one', status: 'Stopped' });
  const batch = { RegionId: 'cn-hangzhou', 'InstanceId.1': id, 'InstanceId.2': 'i-nobody' };
  t.is(await call('StartInstances', batch), 'InvalidInstanceId.NotFound');
  t.deepEqual(standIn.effects, []);
  t.is(await call('StartInstances', { ...batch, BatchOptimization: 'SuccessFirst' }), 'done');
  t.deepEqual(standIn.effects, [{ action: 'start', nativeId: id }]);
});

function operation(action: string): Operation {
  const found = OPERATIONS.get(action);
  if (found === undefined) throw new Error(`no ${action}`);
  return found;
}

test('the models say which parameters are required, and of which type they are', (t) => {
  t.deepEqual([...operation('StartInstances').requiredParameters].sort(), ['instanceId', 'regionId']);
  t.deepEqual([...operation('DescribeInstances').requiredParameters], ['regionId']);
  const { parameters, problems } = readParameters(
    operation('StopInstances'),
    new URLSearchParams({ RegionId: 'cn-hangzhou', 'InstanceId.1': 'i-1', 'InstanceId.2': 'i-2', ForceStop: 'true' }),
  );
  t.deepEqual(problems, []);
  t.deepEqual(parameters, { regionId: 'cn-hangzhou', instanceId: ['i-1', 'i-2'], forceStop: true });
});

test('an answer with something undeclared or of another type does not fit', (t) => {
  const { response } = operation('DescribeInstances');
  t.deepEqual(problemsOfAnswer({ Instances: { Instance: [{ InstanceId: 'i-1', GPUAmount: 0 }] } }, response, 'DescribeInstances'), []);
  t.deepEqual(problemsOfAnswer({ Instances: { Instance: [{ InstanceID: 'i-1', Cpu: '2' }] }, Extra: 1 }, response, 'DescribeInstances'), [
    'DescribeInstances.Instances.Instance[0].InstanceID is not declared',
    'DescribeInstances.Instances.Instance[0].Cpu must be a number',
    'DescribeInstances.Extra is not declared',
  ]);
  t.deepEqual(problemsOfAnswer({ Instances: { Instance: {} } }, response, 'DescribeInstances'), ['DescribeInstances.Instances.Instance must be a list']);
});
