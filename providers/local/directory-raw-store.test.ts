import test from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { flipFirstByte, testRawStore } from '../../tests/helpers/peers/raw-store-contract.ts';
import { createDirectoryRawStore } from './directory-raw-store.ts';

let root: string;

test.before(async () => {
  root = await mkdtemp(join(tmpdir(), 'orrery-raw-'));
});

test.after.always(() => rm(root, { recursive: true, force: true }));

async function visible(base: string): Promise<string[]> {
  const entries = await readdir(base, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(base, join(entry.parentPath, entry.name)))
    .filter((name) => !name.startsWith('incoming/'))
    .sort();
}

testRawStore(test, 'a directory', () => ({
  store: createDirectoryRawStore(root),
  names: () => visible(root),
  damage: (name) => flipFirstByte(join(root, name)),
  leftovers: async () => {
    await mkdir(join(root, 'incoming'), { recursive: true });
    return readdir(join(root, 'incoming'));
  },
}));

test.serial('a process killed in the middle of a put leaves nothing visible', async (t) => {
  const base = join(root, 'killed');
  const program = `
    const { createDirectoryRawStore } = await import(${JSON.stringify(new URL('./directory-raw-store.ts', import.meta.url).href)});
    const { Readable } = await import('node:stream');
    async function* endless() { for (;;) { yield Buffer.alloc(65536, 1); process.stdout.write('.'); await new Promise(setImmediate); } }
    await createDirectoryRawStore(${JSON.stringify(base)}).put('org_1', Readable.from(endless()), new AbortController().signal);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  let written = 0;
  for await (const dots of child.stdout) {
    written += (dots as Buffer).length;
    if (written > 20) break;
  }
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  t.deepEqual(await visible(base), []);
  const drafts = await readdir(join(base, 'incoming'));
  t.is(drafts.length, 1, 'the draft is where nothing looks for objects');
  const { sha256 } = await createDirectoryRawStore(base).put('org_1', Readable.from([Buffer.from('after')]), new AbortController().signal);
  t.deepEqual(await visible(base), [`org_1/sha256/${sha256.slice(0, 2)}/${sha256}`]);
});

test.serial('drafts of processes that died are removed a day later, younger ones stay', async (t) => {
  const base = join(root, 'swept');
  await mkdir(join(base, 'incoming'), { recursive: true });
  for (const name of ['old', 'young']) await writeFile(join(base, 'incoming', name), 'half a');
  const twoDaysAgo = Date.now() / 1000 - 2 * 86_400;
  await utimes(join(base, 'incoming', 'old'), twoDaysAgo, twoDaysAgo);
  await createDirectoryRawStore(base).put('org_1', Readable.from([Buffer.from('x')]), new AbortController().signal);
  t.deepEqual(await readdir(join(base, 'incoming')), ['young']);
});
