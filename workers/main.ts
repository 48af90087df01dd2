import { DefaultLogger, Runtime } from '@temporalio/worker';
import pino, { type Logger } from 'pino';
import { loadConfig, type Config } from '../config.ts';
import { connect } from '../db/shared/connection.ts';
import { taskQueueName } from '../workflows/messages.ts';
import { dataSourceDependencies, entities, systemClock } from './dependencies.ts';
import { ensureNamespace } from './namespace.ts';
import { startReconciler } from './reconciler.ts';
import { startRelay, wakeThrough } from './relay.ts';
import { startQueueWorkers } from './runtime.ts';
import { clearAbandonedSpool } from '../activities/shared/spool.ts';
import { connectClient, connectWorkers } from './temporal-connection.ts';
import { tickSchedules } from './tick-schedules.ts';

export interface StartWorkersOptions {
  workflowBundle?: { codePath: string };
}

/**
 * Starts Temporal workers, the relay and the reconciler of one process. `stop` ends them in order:
 * nothing new is taken up, what runs hands over, then connections close.
 */
export async function startWorkers(config: Config, log: Logger, options: StartWorkersOptions = {}): Promise<{ stop(): Promise<void> }> {
  installRuntime(log);
  await clearAbandonedSpool(config.spoolDirectory);
  const db = connect(config.databaseUrl, { poolMax: 20, applicationName: 'orrery-workers' });
  const { client, connection } = await connectClient(config);
  const workerConnection = await connectWorkers(config);
  await ensureNamespace(connection, config.temporal.namespace);
  const taskQueue = taskQueueName(config.taskQueuePrefix, 'entities');
  const schedules = tickSchedules(client, taskQueue);
  const activities = dataSourceDependencies(config, { db, schedules, log });
  const workers = await startQueueWorkers({
    connection: workerConnection,
    namespace: config.temporal.namespace,
    taskQueuePrefix: config.taskQueuePrefix,
    entities,
    activities,
    log,
    workflowBundle: options.workflowBundle,
  });
  const relay = startRelay({ db, databaseUrl: config.databaseUrl, clock: systemClock, entities, wake: wakeThrough(client, taskQueue), log });
  const reconciler = startReconciler({
    db,
    clock: systemClock,
    client,
    connection,
    namespace: config.temporal.namespace,
    entities,
    schedules,
    log,
  });
  log.info({ namespace: config.temporal.namespace, taskQueuePrefix: config.taskQueuePrefix }, 'workers, relay and reconciler run');
  return {
    async stop() {
      await reconciler.stop();
      await relay.stop();
      await workers.stop();
      await workerConnection.close();
      await connection.close();
      await db.destroy();
      log.info('workers, relay and reconciler have stopped');
    },
  };
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
  const config = loadConfig(process.env);
  const log = pino({ level: config.logLevel, base: { process: 'workers' } });
  const running = await startWorkers(config, log);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      running.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, 'stopping failed');
          process.exit(1);
        },
      );
    });
  }
}
