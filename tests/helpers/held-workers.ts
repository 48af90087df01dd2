import type { DataSourceActivityDependencies } from '../../activities/data-sources/dependencies.ts';
import type { PeriodReader } from '../../domain/billing/ports.ts';
import { dataSourceDependencies, entities, outboundDependencies, systemClock } from '../../workers/dependencies.ts';
import { installRuntime } from '../../workers/main.ts';
import { ensureNamespace } from '../../workers/namespace.ts';
import { startRelay, wakeThrough } from '../../workers/relay.ts';
import { startQueueWorkers } from '../../workers/runtime.ts';
import { connectWorkers } from '../../workers/temporal-connection.ts';
import { tickSchedules } from '../../workers/tick-schedules.ts';
import { testEnvironment } from './environment.ts';
import type { Platform } from './platform.ts';

/** A reader that waits when it has the files and before it reads them, as a large bill would make it. */
export interface Hold {
  /** Resolves when a reading has begun. */
  reached: Promise<void>;
  begin(): void;
  /** Lets it, and every later one, go on. */
  release(): void;
  released: Promise<void>;
  /** What ended a held reading, when an abort did. */
  aborted: Promise<unknown>;
  over(reader: PeriodReader): PeriodReader;
}

export function hold(): Hold {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<unknown>();
  return {
    reached: reached.promise,
    begin: reached.resolve,
    release: released.resolve,
    released: released.promise,
    aborted: aborted.promise,
    over: (reader) => ({
      ...reader,
      async read(request) {
        const files = await Array.fromAsync(request.files);
        reached.resolve();
        const stop = Promise.withResolvers<never>();
        const onAbort = (): void => {
          aborted.resolve(request.signal.reason);
          stop.reject(request.signal.reason);
        };
        request.signal.addEventListener('abort', onAbort);
        await Promise.race([released.promise, stop.promise]);
        return await reader.read({ ...request, files });
      },
    }),
  };
}

/** Activity dependencies as the workers have them, with a reader that can be held. */
export function heldDependencies(site: Platform, held: Hold): DataSourceActivityDependencies {
  const deps = dataSourceDependencies(site.config, { db: site.db, schedules: tickSchedules(site.client, 'entities'), log: site.log });
  return { ...deps, reader: held.over(deps.reader) };
}

/** Workers and relay of this process, whose reader can be held. */
export async function startHeldWorkers(site: Platform, held: Hold): Promise<{ stop(): Promise<void> }> {
  installRuntime(site.log);
  const { namespace } = site.config.temporal;
  const connection = await connectWorkers(site.config);
  await ensureNamespace(site.connection, namespace);
  const workers = await startQueueWorkers({
    connection,
    namespace,
    taskQueuePrefix: '',
    entities,
    activities: heldDependencies(site, held),
    outbound: outboundDependencies(site.config),
    log: site.log,
    workflowBundle: { codePath: testEnvironment('ORRERY_TEST_BUNDLE') },
  });
  const wake = wakeThrough(site.client, 'entities');
  const relay = startRelay({ db: site.db, databaseUrl: site.config.databaseUrl, clock: systemClock, entities, wake, log: site.log });
  let stopping: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    await relay.stop();
    await workers.stop();
    await connection.close();
  };
  return { stop: () => (stopping ??= stop()) };
}
