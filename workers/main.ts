import { setTimeout as delay } from 'node:timers/promises';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { configOrExit, type Config } from '../config.ts';
import { connect } from '../db/shared/connection.ts';
import type { Clock, Instant } from '../domain/shared/time.ts';
import { taskQueueName } from '../workflows/messages.ts';
import { dataSourceDependencies, entities, outboundDependencies, systemClock } from './dependencies.ts';
import { startDueSweep } from './due-sweep.ts';
import { startMonitor } from './monitor.ts';
import { workersLog } from './log.ts';
import { ensureNamespace } from './namespace.ts';
import { startReconciler } from './reconciler.ts';
import { startRelay, wakeThrough } from './relay.ts';
import { startQueueWorkers } from './runtime.ts';
import { clearAbandonedSpool } from '../activities/shared/spool.ts';
import { connectClient, connectWorkers } from './temporal-connection.ts';
import { tickSchedules } from './tick-schedules.ts';

/** Stopping takes less than the five seconds that `npm start` gives this process. */
const STOP_MS = 3_500;
const CLOSE_MS = 400;

export interface StartWorkersOptions {
  workflowBundle?: { codePath: string };
  /** Where "now" comes from in activities, relay and reconciler; the computer's by default. */
  clock?: Clock;
}

export interface RunningWorkers {
  /** When rows and Temporal were last compared to the end; null until the first time. */
  reconciledAt(): Instant | null;
  stop(): Promise<void>;
}

/**
 * Starts Temporal workers, the relay and the reconciler of one process. `stop` ends them in order, in
 * five seconds at most: nothing new is taken up, what runs hands over, then connections close.
 */
export async function startWorkers(config: Config, log: Logger, options: StartWorkersOptions = {}): Promise<RunningWorkers> {
  installRuntime(log);
  await clearAbandonedSpool(config.spoolDirectory);
  const db = connect(config.databaseUrl, { poolMax: 20, applicationName: 'orrery-workers' });
  const { client, connection } = await connectClient(config);
  const workerConnection = await connectWorkers(config);
  await ensureNamespace(connection, config.temporal.namespace);
  const taskQueue = taskQueueName(config.taskQueuePrefix, 'entities');
  const schedules = tickSchedules(client, taskQueue);
  const clock = options.clock ?? systemClock;
  const activities = dataSourceDependencies(config, { db, schedules, log, clock });
  const workers = await startQueueWorkers({
    connection: workerConnection,
    namespace: config.temporal.namespace,
    taskQueuePrefix: config.taskQueuePrefix,
    entities,
    activities,
    outbound: outboundDependencies(config),
    log,
    workflowBundle: options.workflowBundle,
  });
  const relay = startRelay({ db, databaseUrl: config.databaseUrl, clock, entities, wake: wakeThrough(client, taskQueue), log });
  const dueSweep = startDueSweep({ db, clock, entities, log });
  const reconciler = startReconciler({
    db,
    clock,
    client,
    connection,
    namespace: config.temporal.namespace,
    taskQueue,
    entities,
    schedules,
    log,
  });
  const monitored = { db, clock, log, workers: workers.status, reconciledAt: reconciler.succeededAt };
  const monitor = config.workersPort === null ? null : await startMonitor(monitored, { host: config.http.host, port: config.workersPort });
  log.info({ namespace: config.temporal.namespace, taskQueuePrefix: config.taskQueuePrefix }, 'workers, relay and reconciler run');
  return {
    reconciledAt: reconciler.succeededAt,
    async stop() {
      // Together: none waits for another, and a Temporal or PostgreSQL that is gone holds up neither.
      await Promise.all([
        within(STOP_MS, reconciler.stop(), 'the reconciler', log),
        within(STOP_MS, relay.stop(), 'the relay', log),
        within(STOP_MS, dueSweep.stop(), 'the sweep of deadlines', log),
        within(STOP_MS, workers.stop(), 'a worker', log),
        within(STOP_MS, monitor?.stop() ?? Promise.resolve(), 'the monitor', log),
      ]);
      // An activity that was abandoned may still hold a connection; it ends with the process.
      await within(CLOSE_MS, workerConnection.close(), 'the connection of the workers', log);
      await within(CLOSE_MS, connection.close(), 'the connection of the client', log);
      await within(CLOSE_MS, db.destroy(), 'the database pool', log);
      log.info('workers, relay and reconciler have stopped');
    },
  };
}

/** Waits for an end, but not for ever: what hangs or fails then is named in the log and left to the end of the process. */
async function within(milliseconds: number, end: Promise<unknown>, what: string, log: Logger): Promise<void> {
  const late = Symbol('late');
  const timer = new AbortController();
  try {
    const first = await Promise.race([end, delay(milliseconds, late, { signal: timer.signal })]);
    if (first === late) log.warn({ milliseconds }, `${what} did not end in time and is abandoned`);
  } catch (error) {
    log.warn({ err: error }, `${what} did not end well`);
  } finally {
    timer.abort();
  }
}

let runtimeInstalled = false;

/** Sends the Temporal runtime's own log through ours and leaves signals to us. Has an effect once a process. */
export function installRuntime(log: Logger): void {
  if (runtimeInstalled) return;
  runtimeInstalled = true;
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      const method = level === 'WARN' ? 'warn' : level === 'ERROR' ? 'error' : 'debug';
      log[method]({ ...meta }, message);
    }),
    shutdownSignals: [],
  });
}

if (import.meta.main) {
  const config = configOrExit(process.env);
  const log = workersLog(config.logLevel);
  const running = await startWorkers(config, log);
  let stopping: Promise<void> | null = null;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      stopping ??= running.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, 'stopping failed');
          process.exit(1);
        },
      );
    });
  }
}
