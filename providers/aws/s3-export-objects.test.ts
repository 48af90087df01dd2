import test from 'ava';
import { createHash, randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { AwsKeyPair } from '../../domain/data-sources/aws-credentials.ts';
import type { ExportObject, ExportObjects } from '../../domain/billing/ports.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { awsAccount, peerSettings, type AwsAccount } from '../../tests/helpers/peers/aws-account.ts';
import { startFaultProxy, type FaultProxy, type FaultRates } from '../../tests/helpers/peers/fault-proxy.ts';
import { startMoto, type MotoPeer } from '../../tests/helpers/peers/moto.ts';
import { createAwsClients } from './clients.ts';
import { createS3ExportObjects } from './s3-export-objects.ts';

const BUCKET = 'acme-bills';
const big = randomBytes(3_000_000);
const never = new AbortController().signal;

let moto: MotoPeer;
let account: AwsAccount;
let key: AwsKeyPair;

test.before(async () => {
  moto = await startMoto();
  account = awsAccount(moto.url);
  await account.createBucket(BUCKET);
  key = await account.createUser('reader');
  await account.putObject(BUCKET, 'cur//odd key: 2025-12-28T13:14:37.728Z/ü+%20.csv', 'verbatim');
  await account.putObject(BUCKET, 'big.bin', big);
  await account.putObject(BUCKET, 'empty.csv', '');
  await moto.enforceAuth();
});

test.after.always(async () => {
  await moto?.stop();
});

function objectsAt(url: string, idleMs = 10_000): ExportObjects {
  const settings = peerSettings({ s3: url });
  return createS3ExportObjects({ bucket: BUCKET, client: () => createAwsClients(settings, key).s3('us-east-1'), bodyIdleTimeoutMs: idleMs });
}

async function digestOf(body: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of body) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function failureOf(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof DomainError) return `${error.code} (${error.kind})`;
    throw error;
  }
  return 'no failure';
}

test.serial('lists every page in key order, and nothing outside the prefix', async (t) => {
  const names = Array.from({ length: 1_203 }, (_, index) => `many/${String(index).padStart(5, '0')}.csv.gz`);
  await moto.unchecked(async () => {
    for (let start = 0; start < names.length; start += 50) {
      await Promise.all(names.slice(start, start + 50).map((name) => account.putObject(BUCKET, name, name)));
    }
  });
  const recorder = await startFaultProxy(moto.url, { seed: 0, rates: {} });
  const listed = await Array.fromAsync(objectsAt(recorder.url).list('many/'));
  await recorder.stop();
  t.deepEqual(listed.map((one) => one.key), names);
  t.is(listed[7]?.sizeBytes, names[7]?.length);
  t.is(recorder.requests.length, 2, 'a page holds at most 1000 keys');
});

test.serial('keeps keys verbatim from the listing to the read', async (t) => {
  const objects = objectsAt(moto.url);
  const [found] = await Array.fromAsync(objects.list('cur//'));
  t.is(found?.key, 'cur//odd key: 2025-12-28T13:14:37.728Z/ü+%20.csv');
  const key = found?.key ?? '';
  const { bytes, etag } = await objects.readAll(key, 100);
  t.is(bytes.toString('utf8'), 'verbatim');
  t.deepEqual({ ...(await objects.head(key)), etag }, found as ExportObject);
});

test.serial('streams the bytes unchanged, also of an empty object', async (t) => {
  const objects = objectsAt(moto.url);
  t.is(await digestOf(await objects.open('big.bin', null, never)), createHash('sha256').update(big).digest('hex'));
  t.is((await objects.readAll('empty.csv', 10)).bytes.length, 0);
});

test.serial('refuses what is missing, too large, or replaced since it was listed', async (t) => {
  const objects = objectsAt(moto.url);
  t.is(await failureOf(() => objects.head('none.csv')), 'billing.object-missing (not-found)');
  t.is(await failureOf(() => objects.open('none.csv', null, never)), 'billing.object-missing (not-found)');
  t.is(await failureOf(() => objects.readAll('big.bin', 1_000)), 'billing.object-too-large (limit-exceeded)');
  const before = await objects.head('empty.csv');
  await moto.unchecked(() => account.putObject(BUCKET, 'empty.csv', 'no longer'));
  t.is(await failureOf(() => objects.open('empty.csv', before.etag, never)), 'billing.object-changed (precondition)');
  const after = await objects.head('empty.csv');
  t.is(await digestOf(await objects.open('empty.csv', after.etag, never)), createHash('sha256').update('no longer').digest('hex'));
});

async function withFaults<T>(rates: FaultRates, run: (proxy: FaultProxy) => Promise<T>, slowMs = 200): Promise<T> {
  const proxy = await startFaultProxy(moto.url, { seed: 7, rates, slowMs });
  try {
    return await run(proxy);
  } finally {
    await proxy.stop();
  }
}

test.serial('a broken-off body never ends as if it were whole', async (t) => {
  const code = await withFaults({ truncate: 1 }, ({ url }) => failureOf(async () => digestOf(await objectsAt(url).open('big.bin', null, never))));
  t.is(code, 'billing.object-truncated (unavailable)');
});

test.serial('a body with one wrong bit fails by the checksum S3 sends along', async (t) => {
  const code = await withFaults({ corrupt: 1 }, ({ url }) => failureOf(async () => digestOf(await objectsAt(url).open('big.bin', null, never))));
  t.is(code, 'billing.checksum-mismatch (unavailable)');
});

test.serial('a body that falls silent fails instead of waiting for ever', async (t) => {
  const code = await withFaults(
    { slow: 1 },
    ({ url }) => failureOf(async () => digestOf(await objectsAt(url, 150).open('big.bin', null, never))),
    1_500,
  );
  t.is(code, 'billing.object-truncated (unavailable)');
});

test.serial('500s and resets are worth another try and are tried exactly once here', async (t) => {
  await withFaults({ 'server-error': 1 }, async ({ url, requests }) => {
    t.is(await failureOf(() => objectsAt(url).head('big.bin')), 'aws.server-error (unavailable)');
    t.is(await failureOf(() => objectsAt(url).open('big.bin', null, never)), 'aws.server-error (unavailable)');
    t.is(requests.length, 2);
  });
  await withFaults({ reset: 1 }, async ({ url, requests }) => {
    t.is(await failureOf(() => objectsAt(url).open('big.bin', null, never)), 'aws.unreachable (unavailable)');
    t.is(requests.length, 1);
  });
});

test.serial('an aborted read ends with the reason it was aborted for', async (t) => {
  const reason = new Error('cancelled by a person');
  const controller = new AbortController();
  await withFaults({ slow: 1 }, async ({ url }) => {
    const body = await objectsAt(url).open('big.bin', null, controller.signal);
    const reading = digestOf(body);
    controller.abort(reason);
    t.is(await t.throwsAsync(reading), reason);
  });
  t.is(await t.throwsAsync(() => objectsAt(moto.url).open('big.bin', null, controller.signal)), reason);
});

test.serial('the fate of a request behind the fault proxy depends on the seed alone', async (t) => {
  const rates = { 'server-error': 0.3, reset: 0.3 };
  const runOnce = async (seed: number): Promise<unknown> => {
    const proxy = await startFaultProxy(moto.url, { seed, rates });
    for (let index = 0; index < 12; index++) await failureOf(() => objectsAt(proxy.url).head('big.bin'));
    await proxy.stop();
    return proxy.requests.map((request) => request.fault);
  };
  const first = await runOnce(1);
  t.deepEqual(await runOnce(1), first);
  t.notDeepEqual(await runOnce(2), first);
});
