import test from 'ava';
import { chmod, mkdir, mkdtemp, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { getuid } from 'node:process';
import { createDirectoryExportObjects } from './directory-export-objects.ts';

const never = new AbortController().signal;

async function exportWith(files: Record<string, string>): Promise<{ root: string; path: string }> {
  const root = await mkdtemp(join(tmpdir(), 'orrery-directory-'));
  const path = join(root, 'bills');
  await mkdir(path);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { root, path };
}

async function textOf(body: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

test('lists files below a prefix in the order S3 gives their keys', async (t) => {
  // '.' sorts before '/' and 'ä' after every ASCII letter, as bytes.
  const files = ['cur/a/1.csv', 'cur/a.csv', 'cur/a0', 'cur/ä: 2026Z/x', 'curious/x', 'other'];
  const { root, path } = await exportWith(Object.fromEntries(files.map((name) => [name, name])));
  const objects = createDirectoryExportObjects({ path, allowedRoots: [root] });
  const keys = (await Array.fromAsync(objects.list('cur'))).map((one) => one.key);
  t.deepEqual(keys, files.slice(0, 5).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  t.deepEqual((await Array.fromAsync(objects.list('cur/a/'))).map((one) => one.key), ['cur/a/1.csv']);
  t.deepEqual(await Array.fromAsync(objects.list('none/')), []);
});

test('reads the bytes and refuses them once the file is another', async (t) => {
  const { root, path } = await exportWith({ 'a.csv': 'one' });
  const objects = createDirectoryExportObjects({ path, allowedRoots: [root] });
  const { etag } = await objects.head('a.csv');
  t.is(await textOf(await objects.open('a.csv', etag, never)), 'one');
  t.deepEqual(await objects.readAll('a.csv', 3), { bytes: Buffer.from('one'), etag });
  await writeFile(join(path, 'a.csv'), 'two');
  await utimes(join(path, 'a.csv'), 1, 1);
  await t.throwsAsync(objects.open('a.csv', etag, never), { code: 'billing.object-changed' });
  await t.throwsAsync(objects.readAll('a.csv', 2), { code: 'billing.object-too-large' });
  await t.throwsAsync(objects.head('b.csv'), { code: 'billing.object-missing' });
  await t.throwsAsync(objects.head('a.csv/b'), { code: 'billing.object-missing' });
});

test('a file that changes while it is read fails the read', async (t) => {
  const { root, path } = await exportWith({ 'grown.csv': 'x'.repeat(1_000_000), 'cut.csv': 'x'.repeat(1_000_000) });
  const objects = createDirectoryExportObjects({ path, allowedRoots: [root] });
  const readWith = async (key: string, change: () => Promise<void>): Promise<void> => {
    const chunks = (await objects.open(key, null, never))[Symbol.asyncIterator]();
    await chunks.next();
    await change();
    while ((await chunks.next()).done !== true);
  };
  await t.throwsAsync(readWith('grown.csv', () => writeFile(join(path, 'grown.csv'), 'y', { flag: 'a' })), { code: 'billing.object-changed' });
  await t.throwsAsync(readWith('cut.csv', () => truncate(join(path, 'cut.csv'), 10)), { code: 'billing.object-truncated' });
});

test('only directories below an allowed root are read, whatever links say', async (t) => {
  const { root, path } = await exportWith({ 'a.csv': 'one' });
  const outside = await exportWith({ 'secret.csv': 'two' });
  const listing = (path: string, allowedRoots: string[]) => Array.fromAsync(createDirectoryExportObjects({ path, allowedRoots }).list(''));
  for (const refused of [outside.path, `${path}/../../..`, 'relative', join(root, 'none'), join(path, 'a.csv'), `${root}x`]) {
    await t.throwsAsync(listing(refused, [root]), { code: 'data-sources.directory-not-allowed' }, refused);
  }
  await t.throwsAsync(listing(path, []), { code: 'data-sources.directory-not-allowed' });
  await symlink(outside.path, join(root, 'link'));
  await t.throwsAsync(listing(join(root, 'link'), [root]), { code: 'data-sources.directory-not-allowed' });
  t.is((await listing(path, ['/nowhere', root])).length, 1);
});

test('links and dots in keys do not lead out of the directory', async (t) => {
  const { root, path } = await exportWith({ 'a.csv': 'one', 'sub/b.csv': 'two' });
  const objects = createDirectoryExportObjects({ path, allowedRoots: [root] });
  await writeFile(join(root, 'neighbour.csv'), 'not yours');
  await t.throwsAsync(objects.head('../neighbour.csv'), { code: 'data-sources.directory-escape' });
  await t.throwsAsync(objects.open('sub/../../neighbour.csv', null, never), { code: 'data-sources.directory-escape' });
  await symlink('a.csv', join(path, 'inner.csv'));
  t.is((await objects.readAll('inner.csv', 10)).bytes.toString('utf8'), 'one');
  await symlink(join(root, 'neighbour.csv'), join(path, 'outer.csv'));
  await t.throwsAsync(objects.open('outer.csv', null, never), { code: 'data-sources.directory-escape' });
  await t.throwsAsync(Array.fromAsync(objects.list('')), { code: 'data-sources.directory-escape' });
  t.deepEqual((await Array.fromAsync(objects.list('sub/'))).map((one) => one.key), ['sub/b.csv']);
});

test('a link back up is refused instead of followed for ever', async (t) => {
  const { root, path } = await exportWith({ 'sub/b.csv': 'two' });
  await symlink('..', join(path, 'sub', 'up'));
  await t.throwsAsync(Array.fromAsync(createDirectoryExportObjects({ path, allowedRoots: [root] }).list('')), { code: 'data-sources.directory-escape' });
});

test('an unreadable file says so', async (t) => {
  const { root, path } = await exportWith({ 'a.csv': 'one' });
  await chmod(join(path, 'a.csv'), 0);
  const objects = createDirectoryExportObjects({ path, allowedRoots: [root] });
  // The superuser reads everything: then there is nothing to refuse.
  if (getuid?.() === 0) t.is((await objects.readAll('a.csv', 10)).bytes.length, 3);
  else await t.throwsAsync(objects.readAll('a.csv', 10), { code: 'data-sources.directory-unreadable' });
  await rm(root, { recursive: true });
});

test('an aborted or dropped read ends', async (t) => {
  const { root, path } = await exportWith({ 'a.csv': 'x'.repeat(2_000_000) });
  const objects = createDirectoryExportObjects({ path, allowedRoots: [root] });
  const controller = new AbortController();
  const body = await objects.open('a.csv', null, controller.signal);
  controller.abort(new Error('enough'));
  await t.throwsAsync(textOf(body), { message: 'enough' });
  const dropped = await objects.open('a.csv', null, never);
  dropped.destroy();
  await new Promise((resolve) => dropped.once('close', resolve));
  t.true(dropped.destroyed);
});
