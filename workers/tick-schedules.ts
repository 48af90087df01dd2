import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleOptions,
} from '@temporalio/client';
import type { TickSchedules } from '../activities/data-sources/dependencies.ts';
import { tickScheduleId, type Tick } from '../workflows/messages.ts';

/** Spreads the ticks of many data sources over the first minute, below the server's starts a second. */
const JITTER = '60 s';
/** A tick missed for longer than this is not made up: the next one looks at everything anyway. */
const CATCH_UP = '1 hour';

/** Temporal Schedules that start the `tick` workflow. */
export function tickSchedules(client: Client, taskQueue: string): TickSchedules {
  return {
    async ensure(tick, { everyMinutes, paused }) {
      const options = optionsOf(tick, taskQueue, everyMinutes, paused);
      try {
        await client.schedule.create(options);
      } catch (error) {
        if (!(error instanceof ScheduleAlreadyRunning)) throw error;
        // An update discards fires due before it, so an unchanged Schedule is left alone.
        const handle = client.schedule.getHandle(options.scheduleId);
        const { spec, state } = await handle.describe();
        const every = spec.intervals?.[0]?.every;
        if (every === everyMinutes * 60_000 && state.paused === paused) return;
        await handle.update(() => ({ ...options, state: { paused } }));
      }
    },
    async remove(tick) {
      try {
        await client.schedule.getHandle(tickScheduleId(tick)).delete();
      } catch (error) {
        if (!(error instanceof ScheduleNotFoundError)) throw error;
      }
    },
  };
}

function optionsOf(tick: Tick, taskQueue: string, everyMinutes: number, paused: boolean): ScheduleOptions {
  return {
    scheduleId: tickScheduleId(tick),
    spec: { intervals: [{ every: `${everyMinutes} min` }], jitter: JITTER },
    action: {
      type: 'startWorkflow',
      workflowType: 'tick',
      workflowId: tickScheduleId(tick),
      taskQueue,
      args: [tick],
      staticSummary: `${tick.name} ${tick.ref.id}`,
    },
    // A tick lasts a moment; if one hangs, another beside it would only ask for the same.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCH_UP },
    state: { paused },
  };
}

/** Ids of every tick Schedule in the namespace. */
export async function listTickSchedules(client: Client): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const schedule of client.schedule.list()) ids.add(schedule.scheduleId);
  return ids;
}
