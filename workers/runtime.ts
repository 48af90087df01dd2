import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createDataSourceActivities, createTickActivities } from '../activities/data-sources/index.ts';
import type { DataSourceActivityDependencies } from '../activities/data-sources/dependencies.ts';
import { createEntityActivities, type EntityRegistry } from '../activities/entities.ts';
import { TASK_QUEUES, taskQueueName, type TaskQueue } from '../workflows/messages.ts';
import { createCalendarActivities } from '../activities/calendar/index.ts';
import { createMailActivities } from '../activities/notifications/index.ts';
import { createWebhookActivities } from '../activities/webhooks/index.ts';
import type { OutboundDependencies } from './dependencies.ts';
import { createPowerRunActivities, createPowerSweepActivities } from '../activities/power/index.ts';
import { createProjectActivities } from '../activities/projects/index.ts';
import { failureInterceptor } from './failure-interceptor.ts';

export interface WorkerParts {
  connection: NativeConnection;
  namespace: string;
  taskQueuePrefix: string;
  entities: EntityRegistry;
  activities: DataSourceActivityDependencies;
  outbound: OutboundDependencies;
  log: Logger;
  /** A bundle built beforehand; without one it is built from workflows/index.ts. */
  workflowBundle?: { codePath: string } | undefined;
  /** Which queues this process serves; all by default. */
  queues?: readonly TaskQueue[] | undefined;
}

/** How many activities of a queue one process runs at a time. An import holds hundreds of MB, so one a process. */
const CONCURRENCY: Record<TaskQueue, number> = { entities: 50, imports: 1, cloud: 20, outbound: 20 };

/**
 * What runs when the worker stops is told so after this long. An import cannot end in time, so it is told at once and
 * another worker takes it up; the rest takes moments.
 */
const SHUTDOWN_GRACE: Record<TaskQueue, string> = { entities: '1 s', imports: '0 s', cloud: '1 s', outbound: '1 s' };
/** What does not listen is abandoned after this long: below the five seconds that `npm start` gives the workers. */
const SHUTDOWN_FORCE = '3 s';
const REPLACE_AFTER_MS = 1_000;
/** The share of pollers for tasks that belong to no worker. */
const NON_STICKY_POLLS = 0.5;

/** A queue's worker as it is now; `state` in the SDK's words: RUNNING, or why not. */
export interface QueueStatus {
  queue: TaskQueue;
  state: string;
  /** How many activities it runs. */
  activities: number;
}

interface KeptWorker {
  stop(): Promise<void>;
  status(): QueueStatus;
}

/** One Temporal worker a task queue, in this process; `stop` lets what runs finish or hand over. */
export async function startQueueWorkers(parts: WorkerParts): Promise<{ stop(): Promise<void>; status(): QueueStatus[] }> {
  const workers: KeptWorker[] = [];
  for (const queue of parts.queues ?? TASK_QUEUES) workers.push(await keepWorker(queue, parts));
  return {
    status: () => workers.map((worker) => worker.status()),
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
}

/** Keeps one worker running: one that ends by itself (its namespace was lost, say) is replaced until stopped. */
async function keepWorker(queue: TaskQueue, parts: WorkerParts): Promise<KeptWorker> {
  const stopping = new AbortController();
  let worker = await Worker.create(optionsOf(queue, parts));
  const keep = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        if (worker.getState() !== 'INITIALIZED') worker = await Worker.create(optionsOf(queue, parts));
        const ended = worker.run();
        // Stopped while it was being made: only a worker that ran can end.
        if (stopping.signal.aborted) worker.shutdown();
        await ended;
      } catch (error) {
        parts.log.error({ err: error, queue }, 'a worker ended; another takes its place');
        await delay(REPLACE_AFTER_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  };
  const kept = keep();
  return {
    status: () => ({ queue, state: worker.getState(), activities: worker.getStatus().numInFlightActivities }),
    async stop() {
      stopping.abort();
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await kept;
    },
  };
}

function optionsOf(queue: TaskQueue, parts: WorkerParts): WorkerOptions {
  const common: WorkerOptions = {
    connection: parts.connection,
    namespace: parts.namespace,
    taskQueue: taskQueueName(parts.taskQueuePrefix, queue),
    activities: activitiesOf(queue, parts),
    interceptors: { activity: [() => ({ inbound: failureInterceptor })] },
    maxConcurrentActivityTaskExecutions: CONCURRENCY[queue],
    shutdownGraceTime: SHUTDOWN_GRACE[queue],
    shutdownForceTime: SHUTDOWN_FORCE,
  };
  if (queue !== 'entities') return common;
  const workflows =
    parts.workflowBundle === undefined
      ? { workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)) }
      : { workflowBundle: parts.workflowBundle };
  return {
    ...common,
    ...workflows,
    // Most open workflows rest for longer than any cache holds them, and new ones are never in it: by default only a fifth
    // of the pollers would ask for their tasks, and a burst that outlasts a worker's own queue would wait behind itself.
    nonStickyToStickyPollRatio: NON_STICKY_POLLS,
    // The cache is counted, not weighed: explicit, so that memory is bounded whatever the heap.
    maxCachedWorkflows: 500,
    workflowThreadPoolSize: Math.min(2, availableParallelism()),
  };
}

function activitiesOf(queue: TaskQueue, { activities, outbound, entities }: WorkerParts): object {
  const { planImport, importPeriod, purgeDataSource, checkConnection, discover, applySchedule } = createDataSourceActivities(activities);
  switch (queue) {
    case 'entities':
      return { ...createEntityActivities({ db: activities.db, clock: activities.clock, entities }), ...createTickActivities(activities), ...createPowerSweepActivities(activities), ...createProjectActivities(activities), applySchedule };
    case 'imports':
      return { planImport, importPeriod, purgeDataSource };
    case 'cloud':
      return { checkConnection, discover, ...createPowerRunActivities(activities) };
    case 'outbound':
      return {
        ...createCalendarActivities({ db: activities.db, clock: activities.clock, vault: activities.vault, calendars: activities.calendars, ...outbound.calendar }),
        ...createWebhookActivities({ db: activities.db, clock: activities.clock, vault: activities.vault, webhooks: outbound.webhooks }),
        ...createMailActivities({ db: activities.db, clock: activities.clock, vault: activities.vault, mail: outbound.mail }),
      };
  }
}
