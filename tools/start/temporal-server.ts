import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { endProcess, spawnDetached, tailOf } from './processes.ts';
import { StartError } from './steps.ts';

const START_MILLISECONDS = 60_000;
const STOP_MILLISECONDS = 3000;

export interface TemporalServerRequest {
  /** A Temporal CLI with the development server, see temporal-binary.ts. */
  binary: string;
  /** Holds the database file and the log. */
  dataDirectory: string;
  port: number;
  /** Port of the Web UI, or null for none. */
  uiPort: number | null;
  /** Where its output goes; `log` in the directory by default. */
  logFile?: string;
  /** Further flags of `temporal server start-dev`. */
  flags?: string[];
  /** Told of the process before it is ready. */
  onSpawn?: (child: ChildProcess) => void;
}

export interface RunningTemporal {
  address: string;
  uiUrl: string | null;
  process: ChildProcess;
  logFile: string;
  databaseFile: string;
  /** Stops it within 3 s; safe to call twice, or after it ended by itself. */
  stop(): Promise<void>;
}

/**
 * Flags that let a test move a workflow's clock: per-workflow virtual time (server 1.32), and timer queues quick
 * enough that a skip costs a tenth of a second. Never used by `npm start`.
 */
export const virtualTimeFlags = [
  ['frontend.WorkflowTimeSkippingEnabled', 'true'],
  ['history.timerProcessorMaxTimeShift', '"20ms"'],
  ['history.timerProcessorMaxPollInterval', '"1s"'],
].flatMap(([name, value]) => ['--dynamic-config-value', `${name}=${value}`]);

/**
 * Starts Temporal's development server on 127.0.0.1 with a database file in WAL mode (twice the throughput of the
 * default), in a session of its own, and waits until its namespace answers.
 *
 * @throws StartError with the log's last lines when it does not come up.
 */
export async function startTemporalServer(request: TemporalServerRequest): Promise<RunningTemporal> {
  const { dataDirectory, port, uiPort, logFile = join(dataDirectory, 'log') } = request;
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const databaseFile = join(dataDirectory, 'temporal.db');
  const address = `127.0.0.1:${port}`;
  const ui = uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort), '--ui-ip', '127.0.0.1', '--ui-disable-news-fetch'];
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), ...ui, '--db-filename', databaseFile];
  const pragmas = ['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'];
  const child = spawnDetached(request.binary, [...args, ...pragmas, '--log-format', 'json', ...(request.flags ?? [])], logFile);
  request.onSpawn?.(child);
  const stop = async () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) await endProcess(child.pid, 'SIGTERM', STOP_MILLISECONDS);
  };
  try {
    await waitUntilReady(child, address, logFile);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, uiUrl: uiPort === null ? null : `http://127.0.0.1:${uiPort}`, process: child, logFile, databaseFile, stop };
}

async function waitUntilReady(child: ChildProcess, address: string, logFile: string): Promise<void> {
  const deadline = performance.now() + START_MILLISECONDS;
  let reason: string | null = null;
  child.once('error', (error) => (reason = error.message));
  while (child.pid !== undefined && child.exitCode === null && child.signalCode === null && performance.now() < deadline) {
    reason = await whyNotReady(address);
    if (reason === null) return;
    await delay(50);
  }
  throw new StartError(`The Temporal server did not come up (${reason ?? 'it ended at once'}). The end of ${logFile}:\n${tailOf(logFile)}`);
}

/** Null when the default namespace answers; else what the attempt met, kept for the message when time runs out. */
async function whyNotReady(address: string): Promise<string | null> {
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({ address, connectTimeout: '1s' });
    await connection.workflowService.describeNamespace({ namespace: 'default' });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await connection?.close();
  }
}
