import type { TestFn } from 'ava';
import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { RawStore } from '../../../domain/billing/ports.ts';

const ORGANIZATION = 'org_01jd8000000000000000000001';
const OTHER = 'org_01jd8000000000000000000002';
const never = new AbortController().signal;

export interface RawStoreUnderTest {
  store: RawStore;
  /** Names of everything the store shows, in whatever form, sorted. */
  names(): Promise<string[]>;
  /** Changes the stored bytes behind the store's back. */
  damage(name: string): Promise<void>;
  /** Files left where drafts and downloads go. */
  leftovers(): Promise<string[]>;
}

/** What every raw store promises; one suite for all adapters. */
export function testRawStore(test: TestFn, label: string, open: () => RawStoreUnderTest): void {
  testKeeping(test, label, open);
  testFailing(test, label, open);
  testNaming(test, label, open);
}

function testKeeping(test: TestFn, label: string, open: () => RawStoreUnderTest): void {
  test.serial(`${label}: keeps bytes verbatim under their digest, once`, async (t) => {
    const { store, names, leftovers } = open();
    const bytes = randomBytes(700_000);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const before = (await names()).length;
    t.deepEqual(await store.put(ORGANIZATION, chunked(bytes), never), { sha256, sizeBytes: bytes.length });
    t.deepEqual(await store.put(ORGANIZATION, Readable.from([bytes]), never), { sha256, sizeBytes: bytes.length });
    t.is((await names()).length, before + 1);
    t.true(await store.has(ORGANIZATION, sha256));
    const file = await store.openFile(ORGANIZATION, sha256, never);
    await file.verified;
    t.deepEqual(await readFile(file.path), bytes);
    await file.release();
    t.deepEqual(await leftovers(), []);
  });

  test.serial(`${label}: an empty object is an object`, async (t) => {
    const { store } = open();
    const { sha256, sizeBytes } = await store.put(ORGANIZATION, Readable.from([]), never);
    t.is(sizeBytes, 0);
    const file = await store.openFile(ORGANIZATION, sha256, never);
    t.is((await readFile(file.path)).length, 0);
    await file.release();
  });

  test.serial(`${label}: organizations share nothing, not even the same bytes`, async (t) => {
    const { store } = open();
    const { sha256 } = await store.put(ORGANIZATION, Readable.from([Buffer.from('shared bytes')]), never);
    t.false(await store.has(OTHER, sha256));
    await t.throwsAsync(store.openFile(OTHER, sha256, never), { code: 'billing.raw-object-missing' });
    await store.put(OTHER, Readable.from([Buffer.from('shared bytes')]), never);
    await store.remove(OTHER, sha256);
    t.true(await store.has(ORGANIZATION, sha256));
  });

  test.serial(`${label}: removing is final and may be repeated`, async (t) => {
    const { store } = open();
    const { sha256 } = await store.put(ORGANIZATION, Readable.from([Buffer.from('to be removed')]), never);
    await store.remove(ORGANIZATION, sha256);
    await store.remove(ORGANIZATION, sha256);
    t.false(await store.has(ORGANIZATION, sha256));
    await t.throwsAsync(store.openFile(ORGANIZATION, sha256, never), { code: 'billing.raw-object-missing' });
  });
}

function testFailing(test: TestFn, label: string, open: () => RawStoreUnderTest): void {
  test.serial(`${label}: a body that fails or is aborted leaves nothing`, async (t) => {
    const { store, names, leftovers } = open();
    const before = await names();
    await t.throwsAsync(store.put(ORGANIZATION, Readable.from(failing()), never), { message: 'the network broke' });
    const controller = new AbortController();
    await t.throwsAsync(store.put(ORGANIZATION, Readable.from(abortingAt(controller)), controller.signal), { message: 'cancelled' });
    t.deepEqual(await names(), before);
    t.deepEqual(await leftovers(), []);
  });

  test.serial(`${label}: bytes that changed in the store are told of`, async (t) => {
    const { store, names, damage, leftovers } = open();
    const { sha256 } = await store.put(ORGANIZATION, Readable.from([Buffer.from('precious')]), never);
    const name = (await names()).find((one) => one.endsWith(sha256)) ?? '';
    await damage(name);
    await t.throwsAsync(async () => { await (await store.openFile(ORGANIZATION, sha256, never)).verified; }, { code: 'billing.raw-object-damaged' });
    t.deepEqual(await leftovers(), []);
    await store.remove(ORGANIZATION, sha256);
  });
}

function testNaming(test: TestFn, label: string, open: () => RawStoreUnderTest): void {
  test.serial(`${label}: documents are written whole, replaced and removed`, async (t) => {
    const { store, names } = open();
    const before = await names();
    await store.putDocument(ORGANIZATION, 'ds_1/2026-03/manifest.json', '{"a":1}');
    await store.putDocument(ORGANIZATION, 'ds_1/2026-03/manifest.json', '{"a":2}');
    t.is((await names()).length, before.length + 1);
    await store.removeDocument(ORGANIZATION, 'ds_1/2026-03/manifest.json');
    t.deepEqual(await names(), before);
  });

  test.serial(`${label}: names that could lead elsewhere are refused`, async (t) => {
    const { store } = open();
    const bytes = (): Readable => Readable.from([Buffer.from('x')]);
    await t.throwsAsync(store.put('../etc', bytes(), never), { code: 'billing.malformed-raw-name' });
    await t.throwsAsync(store.has(ORGANIZATION, '../../x'), { code: 'billing.malformed-raw-name' });
    for (const name of ['../x', 'a//b', '/a', 'a/..', '.hidden', '']) {
      await t.throwsAsync(store.putDocument(ORGANIZATION, name, 'x'), { code: 'billing.malformed-raw-name' }, name);
    }
  });
}

function chunked(bytes: Buffer): Readable {
  return Readable.from([bytes.subarray(0, 10), bytes.subarray(10, 300_000), bytes.subarray(300_000)]);
}

async function* failing(): AsyncGenerator<Buffer> {
  yield Buffer.alloc(100_000);
  throw new Error('the network broke');
}

async function* abortingAt(controller: AbortController): AsyncGenerator<Buffer> {
  yield Buffer.alloc(100_000);
  controller.abort(new Error('cancelled'));
  yield Buffer.alloc(100_000);
}

export async function flipFirstByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[0] = (bytes[0] ?? 0) ^ 0xff;
  await writeFile(path, bytes);
}
