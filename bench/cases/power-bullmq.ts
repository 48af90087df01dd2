import { setTimeout as delay } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { Prepare } from '../case.ts';
import { latenessOf } from './power-firing.ts';

export interface PowerBullmqInput {
  port: number;
  due: number;
  /** Jobs that the worker has in hand at a time. */
  concurrency: number;
}

const QUEUE = 'power';
/** Schedulers that are asked for together: one after the other would take long. */
const MADE_AT_ONCE = 500;
const MADE_A_SECOND = 400;

/**
 * A job scheduler for each resource, all with the same cron pattern, and one worker. A job's start is
 * what counts: it calls no cloud, observes nothing and writes nothing.
 */
export const prepare: Prepare<PowerBullmqInput> = async ({ port, due, concurrency }) => {
  const connection = new Redis({ port, host: '127.0.0.1', maxRetriesPerRequest: null });
  const connectionOfWorker = connection.duplicate();
  await connection.flushall();
  const queue = new Queue(QUEUE, { connection });
  // Time to make them and to come to rest; a pattern's last field but the seconds is the minute.
  const dueAt = Math.ceil((Date.now() + 3_000 + (due / MADE_A_SECOND) * 1_000) / 1_000) * 1_000;
  const at = new Date(dueAt);
  const pattern = `${at.getUTCSeconds()} ${at.getUTCMinutes()} ${at.getUTCHours()} * * *`;
  for (let from = 0; from < due; from += MADE_AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(MADE_AT_ONCE, due - from) }, async (_, index) => {
        const instance = `instance-${from + index}`;
        await queue.upsertJobScheduler(instance, { pattern, tz: 'UTC' }, { name: 'power_on', data: { instance }, opts: { removeOnComplete: true } });
      }),
    );
  }
  if (Date.now() > dueAt - 1_000) throw new Error(`${due} job schedulers were not made in time for their instant: nothing can be said of its lateness`);
  const startedAt: number[] = [];
  const instances = new Set<string>();
  const ended = Promise.withResolvers<void>();
  const process = (job: { data: { instance: string } }): Promise<void> => {
    startedAt.push(Date.now());
    instances.add(job.data.instance);
    if (startedAt.length === due) ended.resolve();
    return Promise.resolve();
  };
  const worker = new Worker<{ instance: string }>(QUEUE, process, { connection: connectionOfWorker, concurrency });
  await worker.waitUntilReady();
  return {
    async run() {
      await ended.promise;
    },
    async finish() {
      // A job that came twice would come now.
      await delay(500);
      await worker.close();
      await queue.close();
      for (const one of [connection, connectionOfWorker]) one.disconnect();
      if (startedAt.length !== due || instances.size !== due) throw new Error(`${startedAt.length} jobs for ${instances.size} instances instead of one for each of ${due}`);
      return { starts: latenessOf(startedAt, dueAt) };
    },
  };
};
