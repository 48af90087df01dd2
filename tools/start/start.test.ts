import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { freePort } from './ports.ts';
import { systemCluster } from './postgres-place.ts';
import { birthOf, endProcess, endRecorded, pathOfPid, recordedProcess } from './processes.ts';

const scratch = mkdtempSync(join(tmpdir(), 'orrery-start-'));
// Root's PostgreSQL runs as another user, who must be able to pass through.
chmodSync(scratch, 0o711);
const dataDirectory = join(scratch, 'data');
const parts = ['postgres', 'temporal', 'workers', 'api'];
let flags: string[];
let url: string;

test.before(async () => {
  const [api, temporal, ui] = [await freePort(), await freePort(), await freePort()];
  flags = ['--data-dir', dataDirectory, '--no-sample', '--port', String(api), '--temporal-port', String(temporal), '--temporal-ui-port', String(ui)];
  url = `http://127.0.0.1:${api}`;
});

test.after.always(async () => {
  for (const name of ['supervisor', ...parts.toReversed()]) await endRecorded(pathOfPid(dataDirectory, name), 'SIGINT', 5000);
  const elsewhere = systemCluster(join(dataDirectory, 'postgres'));
  for (const path of elsewhere === null ? [scratch] : [scratch, elsewhere, `${elsewhere}.ready`]) rmSync(path, { recursive: true, force: true });
});

interface Started {
  supervisor: ChildProcess;
  output(): string;
  /** Resolves with the output once it matches; rejects with it when the process ends before. */
  said(pattern: RegExp): Promise<string>;
}

function start(settings: Record<string, string> = {}): Started {
  // As `npm start` without settings of the caller's; the harness's own are no settings.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ORRERY_') && name !== 'DATABASE_URL' && name !== 'TEMPORAL_ADDRESS'));
  const supervisor = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...flags], {
    env: { ...env, ...settings, ...(process.env.ORRERY_TEST_TEMPORAL_CLI !== undefined && { TEMPORAL_CLI_PATH: process.env.ORRERY_TEST_TEMPORAL_CLI }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const waiting: (() => void)[] = [];
  for (const stream of [supervisor.stdout, supervisor.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      for (const look of waiting) look();
    });
  }
  const said = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        if (pattern.test(text)) resolve(text);
      };
      waiting.push(look);
      supervisor.once('close', () => reject(new Error(`It ended before it said ${pattern}:\n${text}`)));
      look();
    });
  return { supervisor, output: () => text, said };
}

function pidOf(part: string): number | null {
  return recordedProcess(pathOfPid(dataDirectory, part));
}

async function organizations(): Promise<unknown> {
  const token = readFileSync(join(dataDirectory, 'administrator-token'), 'utf8').trim();
  const response = await fetch(`${url}/v1/organizations`, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, names: ((await response.json()) as { items: { name: string }[] }).items.map(({ name }) => name) };
}

const answer = { status: 200, names: ['Default'] };
let running: Started;

test.serial('the first start ends with the block, its secrets in files of their own, and a token that works', async (t) => {
  running = start();
  const output = await running.said(/import s3:\/\/bucket\/prefix/);
  t.regex(output, new RegExp(`curl -s -H "Authorization: Bearer \\$\\(cat ${dataDirectory}/administrator-token\\)" "${url}/v1/organizations/org_`));
  for (const name of ['administrator-token', 'administrator-password', 'secret-key']) t.is(statSync(join(dataDirectory, name)).mode & 0o777, 0o600, name);
  for (const name of ['administrator-token', 'administrator-password']) t.false(output.includes(readFileSync(join(dataDirectory, name), 'utf8').trim()), name);
  t.deepEqual(await organizations(), answer);
});

test.serial('a second start on the same data is refused, and the first goes on', async (t) => {
  const second = start();
  const [code] = (await once(second.supervisor, 'close')) as [number];
  t.is(code, 1);
  t.regex(second.output(), /already runs on .* \(process \d+\).*--data-dir/);
  t.deepEqual(await organizations(), answer);
});

for (const part of parts) {
  test.serial(`when ${part} is killed, it is started again and the platform answers`, async (t) => {
    const pid = pidOf(part) ?? 0;
    process.kill(pid, 'SIGKILL');
    await running.said(new RegExp(`! ${part} ended \\(SIGKILL\\).*\\n.*${part} runs again`, 's'));
    t.not(pidOf(part), pid);
    t.deepEqual(await organizations(), answer);
  });
}

test.serial('after the supervisor itself is killed, the next start has ended what it left and has the same data, where the environment says', async (t) => {
  const left = parts.map((part) => pidOf(part) ?? 0);
  await endProcess(running.supervisor.pid ?? 0, 'SIGKILL', 5000);
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  running = start({ ORRERY_PORT: String(port), ORRERY_PUBLIC_URL: 'https://orrery.example.org' });
  const output = await running.said(/import s3:\/\/bucket\/prefix/);
  t.regex(output, /API and its documentation +https:\/\/orrery\.example\.org\/docs\n/);
  t.is(readFileSync(join(dataDirectory, 'url'), 'utf8'), `${url}\n`);
  t.deepEqual(left.map(birthOf), [null, null, null, null]);
  t.deepEqual(await organizations(), answer);
});

test.serial('an interrupt ends everything within ten seconds and leaves no process', async (t) => {
  const pids = parts.map((part) => pidOf(part) ?? 0);
  t.true(pids.every((pid) => birthOf(pid) !== null));
  const ended = once(running.supervisor, 'close');
  running.supervisor.kill('SIGINT');
  const [code] = (await ended) as [number];
  t.is(code, 0);
  t.deepEqual(pids.map(birthOf), [null, null, null, null]);
  // Killed parts would show here: each had ended when it was asked to.
  t.regex(readFileSync(join(dataDirectory, 'logs', 'workers.log'), 'utf8').trimEnd().split('\n').at(-1) ?? '', /have stopped/);
});
