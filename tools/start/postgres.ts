import { execFile, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort, isFree } from './ports.ts';
import { settlePlace, type PostgresPlace } from './postgres-place.ts';
import { commandLineOf, endProcess, spawnDetached, tailOf } from './processes.ts';
import { StartError, type Log } from './steps.ts';

const run = promisify(execFile);

const USER = 'orrery';
const DATABASE = 'orrery';
const START_MILLISECONDS = 30_000;
const STOP_MILLISECONDS = 4000;

export interface PostgresRequest {
  /** Holds everything of this server: cluster, password (0600), port, log. Made when missing. */
  dataDirectory: string;
  log: Log;
  /** Where its output goes; `log` in the directory by default. */
  logFile?: string;
  /** Throw-away data: no flush to disk, so a machine crash may lose it. A killed process loses nothing. */
  throwAway?: boolean;
  /** Told of the process before it is ready. */
  onSpawn?: (child: ChildProcess) => void;
}

export interface RunningPostgres {
  /** Connection string of the database, with its password: never print it. */
  url: string;
  port: number;
  process: ChildProcess;
  logFile: string;
  /** Stops it within 4 s; safe to call twice, or after it ended by itself. */
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL that npm brought, on 127.0.0.1 and a free port remembered in the directory, with a random
 * password (scram). Makes cluster and database the first time. Ends a server that a killed run left on the same
 * directory; recovers after any kill.
 *
 * @throws StartError with the log's last lines when it does not come up.
 */
export async function startPostgres({ dataDirectory, log, logFile = join(dataDirectory, 'log'), throwAway = false, onSpawn }: PostgresRequest): Promise<RunningPostgres> {
  const place = await settlePlace(dataDirectory);
  const password = readOrMake(join(dataDirectory, 'password'), () => randomBytes(24).toString('base64url'));
  await initialise(place, password, throwAway);
  await endLeftover(place.cluster, log);
  const port = await choosePort(join(dataDirectory, 'port'));
  const url = `postgres://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`;
  const spawnServer = () => {
    const child = spawnDetached(place.postgres, ['-D', place.cluster, ...settings(port, throwAway)], logFile, { ...place.identity, cwd: '/', env: environment() });
    onSpawn?.(child);
    return child;
  };
  const child = await spawnUntilReady(spawnServer, logFile, url);
  await createDatabase(url);
  return { url, port, process: child, logFile, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  // SIGINT is PostgreSQL's fast shutdown: sessions are ended, then a checkpoint is written.
  if (child.pid !== undefined && isRunning(child)) await endProcess(child.pid, 'SIGINT', STOP_MILLISECONDS);
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

function readOrMake(path: string, make: () => string): string {
  if (!existsSync(path)) writeFileSync(path, `${make()}\n`, { mode: 0o600 });
  return readFileSync(path, 'utf8').trim();
}

async function initialise(place: PostgresPlace, password: string, throwAway: boolean): Promise<void> {
  const { cluster, identity } = place;
  // initdb writes global/pg_control near its end, and PG_VERSION before; the marker is ours and comes last.
  const marker = join(dirname(cluster), `${basename(cluster)}.ready`);
  if (existsSync(marker)) return;
  const directory = mkdtempSync(join(tmpdir(), 'orrery-initdb-'));
  try {
    const passwordFile = join(directory, 'password');
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    if (identity !== null) for (const path of [directory, passwordFile]) chownSync(path, identity.uid, identity.gid);
    emptyOut(cluster);
    const flags = [`--pgdata=${cluster}`, '--auth=scram-sha-256', `--username=${USER}`, `--pwfile=${passwordFile}`, '--locale=C', '--encoding=UTF8', '--no-instructions'];
    await run(place.initdb, throwAway ? [...flags, '--no-sync'] : flags, { ...identity, cwd: '/', env: environment() });
    writeFileSync(marker, '');
  } catch (error) {
    throw new StartError(`PostgreSQL could not be initialised in ${cluster}: ${(error as Error).message}`, { cause: error });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Removes what an interrupted initdb left; only called while the cluster was never ready. */
function emptyOut(directory: string): void {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
}

function environment(): NodeJS.ProcessEnv {
  // Neither the caller's locale nor its PG* settings may change what the server does.
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
}

/** A postmaster that outlived its run: its first line in postmaster.pid is its id (PostgreSQL, miscadmin.h). */
async function endLeftover(cluster: string, log: Log): Promise<void> {
  const file = join(cluster, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n', 1)[0]);
  const commandLine = commandLineOf(pid);
  if (commandLine.includes(cluster)) {
    log(`stopping the PostgreSQL that an earlier run left (process ${pid})`);
    await endProcess(pid, 'SIGINT', STOP_MILLISECONDS);
  } else if (commandLine !== '') {
    // The id belongs to some other program by now; PostgreSQL would take that for a running server.
    rmSync(file);
  }
}

async function choosePort(file: string): Promise<number> {
  const remembered = existsSync(file) ? Number(readFileSync(file, 'utf8')) : Number.NaN;
  if (Number.isInteger(remembered) && (await isFree(remembered))) return remembered;
  const port = await freePort();
  writeFileSync(file, `${port}\n`);
  return port;
}

async function spawnUntilReady(spawnServer: () => ChildProcess, logFile: string, url: string): Promise<ChildProcess> {
  const deadline = performance.now() + START_MILLISECONDS;
  for (;;) {
    const child = spawnServer();
    try {
      while (isRunning(child) && performance.now() < deadline) {
        if (await accepts(url)) return child;
        await delay(30);
      }
    } catch (error) {
      await stop(child);
      throw error;
    }
    // Sessions of a killed postmaster need a moment to notice; until then it refuses to start.
    if (isRunning(child) || performance.now() >= deadline || !tailOf(logFile, 3).includes('still in use')) {
      await stop(child);
      throw new StartError(`PostgreSQL did not come up. The end of ${logFile}:\n${tailOf(logFile)}`);
    }
    await delay(200);
  }
}

function settings(port: number, throwAway: boolean): string[] {
  const values = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '256MB',
    max_wal_size: '2GB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    jit: 'off',
    // A test run keeps hundreds of databases, each of which would be looked at every minute.
    ...(throwAway && { fsync: 'off', full_page_writes: 'off', autovacuum_naptime: '10min' }),
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Whether the server takes sessions; its maintenance database exists from the start. */
async function accepts(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: maintenance(url), connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // 57P03: it is starting up.
    if (code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === '57P03') return false;
    throw error;
  } finally {
    await client.end();
  }
}

async function createDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: maintenance(url) });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
}

function maintenance(url: string): string {
  return new URL('/postgres', url).href;
}
