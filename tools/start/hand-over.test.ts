import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';

const root = join(import.meta.dirname, '..', '..');
const startFile = readFileSync(join(root, 'start.mjs'), 'utf8');

/** A checkout whose lock file names Node, a library and a tool of development; `present` are installed. */
function checkout(t: ExecutionContext, present: string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'orrery-checkout-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const locked: Record<string, object> = {
    'node_modules/node': { version: '24.0.0' },
    'node_modules/library': { version: '1.0.0' },
    'node_modules/tester': { version: '1.0.0', dev: true },
  };
  const installed = Object.fromEntries(Object.entries(locked).filter(([path]) => present.includes(path.replace('node_modules/', ''))));
  for (const folder of ['tools/test', 'node_modules/node/bin']) mkdirSync(join(directory, folder), { recursive: true });
  copyFileSync(join(root, 'start.mjs'), join(directory, 'start.mjs'));
  symlinkSync(process.execPath, join(directory, 'node_modules/node/bin/node'));
  writeFileSync(join(directory, 'package-lock.json'), JSON.stringify({ packages: { '': {}, ...locked } }));
  writeFileSync(join(directory, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }));
  for (const file of ['tools/migrate.ts', 'tools/test/main.ts']) writeFileSync(join(directory, file), 'console.log("ran", ...process.argv.slice(2)); process.exitCode = 3;');
  writeFileSync(join(directory, 'npm-cli.js'), 'console.log("npm was asked"); process.exit(1);');
  return directory;
}

function run(directory: string, ...args: string[]): Promise<{ code: number; said: string }> {
  const env = { PATH: process.env.PATH ?? '', npm_execpath: join(directory, 'npm-cli.js') };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(directory, 'start.mjs'), ...args], { env }, (error, out, said) => resolve({ code: error === null ? 0 : Number(error.code), said: out + said }));
  });
}

test('each program is a file, and an npm script of the same name', (t) => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  const programs = [...startFile.matchAll(/^ {2}'?([\w-]+)'?: '(\S+\.ts)',$/gm)].map(([, name = '', file = '']) => ({ name, file }));
  t.true(programs.length >= 8);
  for (const { name, file } of programs) {
    t.true(existsSync(join(root, file)), file);
    t.is(scripts[name], name === 'start' ? 'exec node start.mjs' : `exec node start.mjs ${name}`);
  }
});

test('a program runs under the installed Node with its arguments, and its exit code is the command’s', async (t) => {
  const directory = checkout(t, ['node', 'library', 'tester']);
  t.deepEqual(await run(directory, 'migrate', '--flag', 'value'), { code: 3, said: 'ran --flag value\n' });
});

test('what only tests need is not missed by the commands of production, and installed before the tests', async (t) => {
  const directory = checkout(t, ['node', 'library']);
  t.deepEqual(await run(directory, 'migrate'), { code: 3, said: 'ran\n' });
  const tests = await run(directory, 'test');
  t.is(tests.code, 1);
  t.regex(tests.said, /npm was asked/);
});

test('a package that the platform needs is installed first', async (t) => {
  const { code, said } = await run(checkout(t, ['node', 'tester']), 'migrate');
  t.is(code, 1);
  t.regex(said, /npm was asked/);
});
