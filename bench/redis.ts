import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { answers, freePort } from '../tools/start/ports.ts';
import { endProcess, spawnDetached, tailOf } from '../tools/start/processes.ts';
import type { Say } from './options.ts';

const run = promisify(execFile);

const INSTALL_LIMIT_MS = 5 * 60_000;
const START_MS = 10_000;
const STOP_MS = 3_000;

export interface RunningRedis {
  port: number;
  /** `7.0.15` */
  version: string;
  stop(): Promise<void>;
}

/**
 * Starts a Redis of the benchmark's own on 127.0.0.1 and a free port, writing its append-only file
 * each second, as BullMQ asks of production. Takes `redis-server` from PATH; root on Debian installs
 * it when it is missing.
 *
 * @throws Error that says how to install it, or with the log's last lines when it does not come up.
 */
export async function startRedis(directory: string, say: Say): Promise<RunningRedis> {
  const version = await ensureRedis(say);
  mkdirSync(directory, { recursive: true });
  const port = await freePort();
  const logFile = join(directory, 'log');
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''];
  const child = spawnDetached('redis-server', settings, logFile);
  const stop = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) await endProcess(child.pid, 'SIGTERM', STOP_MS);
  };
  const deadline = performance.now() + START_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop();
      throw new Error(`Redis did not come up. The end of ${logFile}:\n${tailOf(logFile)}`);
    }
    await delay(20);
  }
  return { port, version, stop };
}

async function ensureRedis(say: Say): Promise<string> {
  const found = await versionOnPath();
  if (found !== null) return found;
  const remedy = 'Install redis-server (Debian: apt-get install redis-server) so that it is on PATH.';
  if (process.getuid?.() !== 0 || !(await isDebian())) throw new Error(`The peer BullMQ needs Redis. ${remedy}`);
  say('installing redis-server with apt-get …');
  try {
    // Its service is not wanted: the benchmark starts a server of its own.
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'redis-server'], { timeout: INSTALL_LIMIT_MS, env: environment });
  } catch (error) {
    throw new Error(`apt-get could not install it (does apt-get update help?). ${remedy}`, { cause: error });
  }
  const installed = await versionOnPath();
  if (installed === null) throw new Error(`apt-get installed it, and still there is none. ${remedy}`);
  return installed;
}

async function versionOnPath(): Promise<string | null> {
  const said = await outputOf('redis-server', ['--version']);
  return said === null ? null : (/v=(\S+)/.exec(said)?.[1] ?? said.trim());
}

async function isDebian(): Promise<boolean> {
  return (await outputOf('apt-get', ['--version'])) !== null;
}

/** Null when there is no such program. */
async function outputOf(program: string, args: string[]): Promise<string | null> {
  try {
    return (await run(program, args)).stdout;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
