#!/usr/bin/env node
// The one file that must run on any Node from 18 on. It installs what package-lock.json names, if that is not done
// yet, and hands over to the Node 24 that the installation brought.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const nodeBinary = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
const marker = join(root, 'node_modules', '.orrery-installed');
// There is no build step: what V8 compiled is kept, which halves the start of each of the many processes of a test run.
const compileCache = join(root, '.cache', 'compile');
const programs = {
  start: 'tools/start/main.ts',
  test: 'tools/test/main.ts',
  soak: 'tools/soak/main.ts',
  bench: 'bench/main.ts',
  reset: 'tools/start/reset.ts',
  migrate: 'tools/migrate.ts',
  'rotate-keys': 'tools/rotate-keys.ts',
  'create-administrator': 'tools/create-administrator.ts',
};

const needDevelopment = ['test', 'soak', 'bench'];

const [first, ...rest] = process.argv.slice(2);
const [name, args] = first !== undefined && Object.hasOwn(programs, first) ? [first, rest] : ['start', process.argv.slice(2)];

const lock = readFileSync(join(root, 'package-lock.json'));
const wanted = createHash('sha256').update(lock).digest('hex');
if (!isInstalled()) await install();
await handOver(join(root, programs[name]), args);

/** Installed is: our marker names this lock file; or npm itself left exactly what the lock file names. */
function isInstalled() {
  if (!existsSync(nodeBinary)) return false;
  if (existsSync(marker)) {
    if (readFileSync(marker, 'utf8') === wanted) return true;
  }
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const present = JSON.parse(readFileSync(record, 'utf8')).packages;
  const packages = Object.entries(JSON.parse(lock.toString()).packages).filter(([path]) => path !== '');
  const isThere = ([path, { version, optional }]) => (present[path] === undefined ? optional === true : present[path].version === version);
  if (packages.every(isThere)) {
    writeFileSync(marker, wanted);
    return true;
  }
  // In production npm leaves out (npm ci --omit=dev) what only tests and benchmarks need.
  return !needDevelopment.includes(name) && packages.every((one) => isThere(one) || (one[1].dev === true && present[one[0]] === undefined));
}

async function install() {
  const began = Date.now();
  const line = (mark) => `${mark} Installing packages (npm ci)  ${((Date.now() - began) / 1000).toFixed(1)} s`;
  const terminal = process.stdout.isTTY;
  const timer = setInterval(() => process.stdout.write(terminal ? `\r\u001b[K${line('·')}` : `${line('·')}\n`), terminal ? 200 : 10_000);
  const flags = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const child = npm !== undefined && /npm-cli\.[cm]?js$/.test(npm)
    ? spawn(process.execPath, [npm, ...flags], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    : spawn('npm', flags, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const code = await new Promise((resolve) => {
    child.once('error', (error) => {
      said += error.message;
      resolve(1);
    });
    child.once('close', (exitCode) => resolve(exitCode ?? 1));
  });
  clearInterval(timer);
  process.stdout.write(`${terminal ? '\r\u001b[K' : ''}${line(code === 0 ? '✓' : '✗')}\n`);
  if (code !== 0 || !existsSync(nodeBinary)) {
    console.error(`${said.trim()}\nThe packages could not be installed. Check that npm reaches its registry, then try again.`);
    process.exit(1);
  }
  writeFileSync(marker, wanted);
}

/** Runs the program under Node 24 in this terminal; its exit code, or its death by a signal, becomes ours. */
async function handOver(program, programArguments) {
  const env = { NODE_COMPILE_CACHE: compileCache, ...process.env };
  const child = spawn(nodeBinary, [program, ...programArguments], { cwd: root, stdio: 'inherit', env });
  // Ctrl-C reaches the whole foreground group by itself; without a terminal nobody else passes SIGINT on.
  const forwarded = ['SIGTERM', 'SIGHUP', 'SIGQUIT', ...(process.stdin.isTTY ? [] : ['SIGINT'])];
  for (const signal of forwarded) process.on(signal, () => child.kill(signal));
  if (process.stdin.isTTY) process.on('SIGINT', () => {});
  child.once('error', (error) => {
    console.error(`Node 24 could not be started (${error.message}). Remove node_modules and try again.`);
    process.exit(1);
  });
  const [code, signal] = await new Promise((resolve) => child.once('close', (...how) => resolve(how)));
  if (signal === null) process.exit(code);
  for (const name of [...forwarded, 'SIGINT']) process.removeAllListeners(name);
  process.kill(process.pid, signal);
  // Reached only where the signal is not deadly to us.
  setTimeout(() => process.exit(128 + constants.signals[signal]), 1000);
}
