import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { startPostgres } from './postgres.ts';
import { spawnDetached, tailOf } from './processes.ts';
import type { StartOptions } from './options.ts';
import { StartError, type Log } from './steps.ts';
import type { Part } from './supervisor.ts';
import { startTemporalServer } from './temporal-server.ts';

const READY_MILLISECONDS = 60_000;

// API and workers end together, then Temporal, then PostgreSQL: below 10 s in all, also when each has to be killed.
const STOP_MILLISECONDS = { api: 5000, workers: 5000, temporal: 2500, postgres: 2000 };

function logFileOf(name: string, options: StartOptions): string {
  return join(options.dataDirectory, 'logs', `${name}.log`);
}

/** The embedded PostgreSQL; `ready` is told its connection string. */
export function postgresPart(options: StartOptions, log: Log, ready: (url: string) => void): Part {
  const dataDirectory = join(options.dataDirectory, 'postgres');
  const logFile = logFileOf('postgres', options);
  return {
    name: 'postgres',
    // PostgreSQL's fast shutdown.
    stopSignal: 'SIGINT',
    stopMilliseconds: STOP_MILLISECONDS.postgres,
    stopRank: 0,
    logFile,
    async start(onSpawn) {
      ready((await startPostgres({ dataDirectory, log, logFile, onSpawn })).url);
    },
  };
}

/** The embedded Temporal server with its Web UI. */
export function temporalPart(options: StartOptions, binary: string): Part {
  const dataDirectory = join(options.dataDirectory, 'temporal');
  const logFile = logFileOf('temporal', options);
  return {
    name: 'temporal',
    stopSignal: 'SIGTERM',
    stopMilliseconds: STOP_MILLISECONDS.temporal,
    stopRank: 1,
    logFile,
    async start(onSpawn) {
      await startTemporalServer({ binary, dataDirectory, port: options.temporalPort, uiPort: options.temporalUiPort, logFile, onSpawn });
    },
  };
}

/** The workers or the API, in a process of their own: one that crashes takes nothing else with it. */
export function platformPart(name: 'workers' | 'api', options: StartOptions, env: NodeJS.ProcessEnv): Part {
  const logFile = logFileOf(name, options);
  return {
    name,
    stopSignal: 'SIGTERM',
    stopMilliseconds: STOP_MILLISECONDS[name],
    stopRank: 2,
    logFile,
    async start(onSpawn) {
      const child = spawnDetached(process.execPath, [join(import.meta.dirname, 'part.ts'), name], logFile, { env }, true);
      onSpawn(child);
      await waitUntilReady(name, child, logFile);
    },
  };
}

async function waitUntilReady(name: string, child: ChildProcess, logFile: string): Promise<void> {
  const fail = (reason: string) => new StartError(`The ${name} did not start (${reason}). The end of ${logFile}:\n${tailOf(logFile)}`);
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(fail('not ready after 60 s'));
    }, READY_MILLISECONDS);
    const settle = (end: () => void) => () => {
      clearTimeout(timer);
      end();
    };
    child.once('message', settle(resolve));
    child.once('error', settle(() => reject(fail('it could not be spawned'))));
    child.once('exit', (code, signal) => settle(() => reject(fail(signal ?? `exit code ${code}`)))());
  });
}
