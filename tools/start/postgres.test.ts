import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import pg from 'pg';
import { systemCluster } from './postgres-place.ts';
import { startPostgres, type RunningPostgres } from './postgres.ts';
import { birthOf, endProcess } from './processes.ts';

const directory = mkdtempSync(join(tmpdir(), 'orrery-postgres-'));
const said: string[] = [];
const start = () => startPostgres({ dataDirectory: directory, log: (line) => said.push(line), throwAway: true });
let running: RunningPostgres;

test.after.always(async () => {
  await running.stop();
  for (const path of [systemCluster(directory), directory]) if (path !== null) rmSync(path, { recursive: true });
});

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

test.serial('a new directory becomes a server in UTC and UTF-8, with a password that only its owner may read', async (t) => {
  running = await start();
  t.deepEqual(await query(running.url, 'SHOW timezone'), [{ TimeZone: 'UTC' }]);
  t.deepEqual(await query(running.url, 'SHOW server_encoding'), [{ server_encoding: 'UTF8' }]);
  t.is(statSync(join(directory, 'password')).mode & 0o777, 0o600);
  const wrong = running.url.replace(/:[^:@]+@/, ':wrong@');
  await t.throwsAsync(query(wrong, 'SELECT 1'), { message: /password authentication failed/ });
  await query(running.url, 'CREATE TABLE kept AS SELECT 1 AS answer');
});

test.serial('after its main process was killed, the next start has the data, on the same port', async (t) => {
  const { pid } = running.process;
  const { port } = running;
  await endProcess(pid ?? 0, 'SIGKILL', 5000);
  running = await start();
  t.deepEqual(await query(running.url, 'SELECT answer FROM kept'), [{ answer: 1 }]);
  t.is(running.port, port);
});

test.serial('a server that outlived the run that started it is stopped, and its directory taken over', async (t) => {
  const left = running.process.pid ?? 0;
  running = await start();
  t.is(birthOf(left), null);
  t.regex(said.at(-1) ?? '', new RegExp(`an earlier run left \\(process ${left}\\)`));
  t.deepEqual(await query(running.url, 'SELECT answer FROM kept'), [{ answer: 1 }]);
});

test.serial('stopping leaves no process and no lock, and may be repeated', async (t) => {
  await running.stop();
  await running.stop();
  t.is(birthOf(running.process.pid ?? 0), null);
  t.regex(readFileSync(join(directory, 'log'), 'utf8').trimEnd(), /database system is shut down$/);
});
