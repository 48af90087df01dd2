import test from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Asks for an environment in a process of its own; tells the steps it took. */
async function ask(requirements: string, cache: string): Promise<string[]> {
  const program = `
    const { ensurePythonPeers } = await import(${JSON.stringify(new URL('./python-peers.ts', import.meta.url).href)});
    const { python } = await ensurePythonPeers((step) => console.log(step), ${JSON.stringify({ requirements, cache })});
    console.log('have ' + python);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`ended with ${code}`);
  return output.trim().split('\n');
}

test('processes that ask together install once, also after one died with the lock', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'orrery-peers-'));
  const requirements = join(home, 'requirements.txt');
  const cache = join(home, 'cache');
  await writeFile(requirements, '# nothing but the environment itself\n');
  const asked = await Promise.all([ask(requirements, cache), ask(requirements, cache), ask(requirements, cache)]);
  t.is(asked.flat().filter((line) => line.startsWith('installing')).length, 1);
  t.is(new Set(asked.map((lines) => lines.at(-1))).size, 1);
  const [environment = ''] = await readdir(cache);
  await access(join(cache, environment, 'bin', 'python'));
  // A process that was killed in the middle leaves its lock and no mark.
  await rm(join(cache, environment, 'ready'));
  const dead = spawn(process.execPath, ['-e', '']);
  await once(dead, 'exit');
  await writeFile(join(cache, `${environment}.lock`), String(dead.pid));
  t.is((await ask(requirements, cache)).filter((line) => line.startsWith('making')).length, 1);
  t.deepEqual(await readdir(cache), [environment]);
  await rm(home, { recursive: true });
});
