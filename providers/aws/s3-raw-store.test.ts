import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import test from 'ava';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { awsAccount, peerSettings, type AwsAccount } from '../../tests/helpers/peers/aws-account.ts';
import { startFaultProxy } from '../../tests/helpers/peers/fault-proxy.ts';
import { MOTO_SETUP_KEY, startMoto, type MotoPeer } from '../../tests/helpers/peers/moto.ts';
import { testRawStore } from '../../tests/helpers/peers/raw-store-contract.ts';
import { createAwsClients } from './clients.ts';
import { createS3RawStore } from './s3-raw-store.ts';

const never = new AbortController().signal;
const MEBIBYTE = 1024 * 1024;
const key = { kind: 'key-pair', access_key_id: MOTO_SETUP_KEY.accessKeyId, secret_access_key: MOTO_SETUP_KEY.secretAccessKey } as const;

let moto: MotoPeer;
let account: AwsAccount;
let spool: string;

test.before(async () => {
  [moto, spool] = await Promise.all([startMoto(), mkdtemp(join(tmpdir(), 'orrery-spool-'))]);
  account = awsAccount(moto.url);
  await account.createBucket('raw');
});

test.after.always(async () => {
  await moto?.stop();
  await rm(spool, { recursive: true, force: true });
});

function storeAt(url: string, partBytes?: number) {
  const client = (): Promise<S3Client> => createAwsClients(peerSettings({ s3: url }), key).s3('us-east-1');
  return createS3RawStore({ bucket: 'raw', prefix: 'orrery/raw', client, spoolDirectory: spool, bodyIdleTimeoutMs: 5_000, ...(partBytes !== undefined && { partBytes }) });
}

async function names(): Promise<string[]> {
  const { Contents = [] } = await account.s3.send(new ListObjectsV2Command({ Bucket: 'raw' }));
  return Contents.map((one) => one.Key ?? '').sort();
}

testRawStore(test, 'a bucket', () => ({
  store: storeAt(moto.url),
  names,
  damage: (name) => account.putObject('raw', name, 'something else'),
  leftovers: async () => {
    await mkdir(spool, { recursive: true });
    return readdir(spool);
  },
}));

test.serial('what is there already is not uploaded again', async (t) => {
  const recorder = await startFaultProxy(moto.url, { seed: 0, rates: {} });
  const store = storeAt(recorder.url);
  const bytes = randomBytes(10_000);
  await store.put('org_1', Readable.from([bytes]), never);
  await store.put('org_1', Readable.from([bytes]), never);
  await recorder.stop();
  t.deepEqual(recorder.requests.map((one) => one.method), ['HEAD', 'PUT', 'HEAD']);
});

test.serial('a large file goes up in parts and comes back whole', async (t) => {
  const recorder = await startFaultProxy(moto.url, { seed: 0, rates: {} });
  const bytes = randomBytes(12 * MEBIBYTE);
  const store = storeAt(recorder.url, 5 * MEBIBYTE);
  const { sha256 } = await store.put('org_1', Readable.from([bytes]), never);
  t.is(sha256, createHash('sha256').update(bytes).digest('hex'));
  t.is(recorder.requests.filter((one) => one.method === 'PUT' && one.url.includes('partNumber=')).length, 3);
  const file = await store.openFile('org_1', sha256, never);
  await file.release();
  await recorder.stop();
});

test.serial('an upload that breaks off leaves no object and no parts', async (t) => {
  const proxy = await startFaultProxy(moto.url, {
    seed: 3,
    rates: { 'server-error': 1 },
    applies: (request) => request.url.includes('partNumber=2'),
  });
  const before = await names();
  const broken = storeAt(proxy.url, 5 * MEBIBYTE).put('org_1', Readable.from([randomBytes(11 * MEBIBYTE)]), never);
  await t.throwsAsync(broken, { code: 'aws.server-error' });
  t.deepEqual(await names(), before);
  t.is(proxy.requests.at(-1)?.method, 'DELETE', 'the unfinished upload is given up');
  t.deepEqual(await readdir(spool), []);
  await proxy.stop();
});
