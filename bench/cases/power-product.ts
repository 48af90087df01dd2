import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { connect } from '../../db/shared/connection.ts';
import type { Database } from '../../db/shared/connection.ts';
import { toInstant } from '../../domain/shared/time.ts';
import { actionsOf } from '../../tests/helpers/histories.ts';
import { POWER_SWEEP } from '../../workers/sweep-schedule.ts';
import { connectClient } from '../../workers/temporal-connection.ts';
import { entityWorkflowId } from '../../workflows/messages.ts';
import { POWER_RUN } from '../../workflows/power/messages.ts';
import type { Prepare } from '../case.ts';
import { benchConfig } from './config.ts';
import type { Place } from './config.ts';
import { markNow, readFiring, untilEnded, type Firing } from './power-firing.ts';
import { insertSchedules, makeDue, minuteAfter, minuteBefore, type Due } from './power-fleet.ts';

export interface PowerSizes {
  /** Due in one minute: the case beside the peers. */
  due: number;
  /** Growth from these to those. */
  few: number;
  many: number;
  /** Schedules that are not due. */
  crowd: number;
}

export interface PowerProductInput extends Place, PowerSizes {
  workflowBundle: string;
  /** Begin with the crowd: every other round, so that drift hits both sides alike. */
  crowdFirst: boolean;
}

/** What a round of the product's case answers with. */
export interface PowerProductOutput {
  due: Firing;
  few: Firing;
  many: Firing;
  alone: Firing;
  crowded: Firing;
  /** Temporal actions of the runs of `due`, by their histories. */
  actions: number;
}

interface Site {
  db: Database;
  client: Client;
}

/** Time for the rows to be written before the minute. */
const BEFORE_MINUTE_MS = 3_000;

/**
 * Schedules through the product: the Temporal Schedule, the sweep, relay, run workflows and activities in
 * a process of their own, the sandbox. `due` waits for the full minute; the others have the Schedule triggered.
 */
export const prepare: Prepare<PowerProductInput> = async (input) => {
  const config = benchConfig(input);
  const db = connect(config.databaseUrl, { poolMax: 4, applicationName: 'orrery-bench' });
  const { client, connection } = await connectClient(config);
  const workers = await startWorkersProcess(input);
  await untilScheduled(client);
  const site = { db, client };
  let output: Omit<PowerProductOutput, 'actions'>;
  return {
    async run() {
      const few = await fireNow(site, { from: input.many + 1, to: input.many + input.few, action: 'power_on' });
      const many = await fireNow(site, { from: 1, to: input.many, action: 'power_on' });
      const [alone, crowded] = await besideCrowd(site, input);
      const due = await fireAtMinute(site, { from: 1, to: input.due, action: 'power_on' });
      output = { due, few, many, alone, crowded };
    },
    async finish() {
      const actions = await actionsOfRuns(client, output.due.runIds);
      await stopProcess(workers);
      await connection.close();
      await db.destroy();
      return { ...output, actions };
    },
  };
};

async function startWorkersProcess(input: PowerProductInput): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('workers-process.ts', import.meta.url)), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  child.send(input);
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the workers ended with ${String(code)}`);
  });
  await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => undefined);
  return child;
}

async function stopProcess(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** The reconciler has made the Schedule. */
async function untilScheduled(client: Client): Promise<void> {
  for (;;) {
    for await (const { scheduleId } of client.schedule.list()) if (scheduleId === POWER_SWEEP) return;
    await delay(100);
  }
}

/** The half of the fleet that is not acted on with the crowd is acted on without. */
async function besideCrowd(site: Site, { due, many, crowd, crowdFirst }: PowerProductInput): Promise<[alone: Firing, crowded: Firing]> {
  const middle = Math.min(due, Math.floor(many / 2));
  const alone = (): Promise<Firing> => fireNow(site, { from: 1, to: middle, action: 'power_off' });
  const crowded = async (): Promise<Firing> => {
    await insertSchedules(site.db, 'psx_', crowd, toInstant(Date.now()));
    await site.db.raw('vacuum analyze power_schedules');
    const fired = await fireNow(site, { from: middle + 1, to: 2 * middle, action: 'power_off' });
    await site.db('power_schedules').where('id', 'like', 'psx\\_%').delete();
    await site.db.raw('vacuum analyze power_schedules');
    return fired;
  };
  if (crowdFirst) {
    const fired = await crowded();
    return [await alone(), fired];
  }
  return [await alone(), await crowded()];
}

/** They were due at the minute before; late counts from when the Schedule is triggered. */
async function fireNow(site: Site, due: Omit<Due, 'at'>): Promise<Firing> {
  const mark = await markNow(site.db);
  await makeDue(site.db, { ...due, at: toInstant(minuteBefore(Date.now())) });
  const at = Date.now();
  // Beside a sweep that waits: the policy for skipping is for the Schedule's own starts.
  await site.client.schedule.getHandle(POWER_SWEEP).trigger(ScheduleOverlapPolicy.ALLOW_ALL);
  return await firing(site, mark, due, at);
}

async function fireAtMinute(site: Site, due: Omit<Due, 'at'>): Promise<Firing> {
  const mark = await markNow(site.db);
  const at = minuteAfter(Date.now() + BEFORE_MINUTE_MS);
  await makeDue(site.db, { ...due, at: toInstant(at) });
  // Nobody asks the database while the product works on it.
  await delay(at - Date.now());
  return await firing(site, mark, due, at);
}

async function firing({ db }: Site, mark: Awaited<ReturnType<typeof markNow>>, { from, to, action }: Omit<Due, 'at'>, at: number): Promise<Firing> {
  const count = to - from + 1;
  await untilEnded(db, mark, count);
  return await readFiring(db, mark, action === 'power_on' ? 'start' : 'stop', count, at);
}

/** Of the runs' own workflows: ticks, such as the sweep, do not count. */
async function actionsOfRuns(client: Client, runIds: readonly string[]): Promise<number> {
  let actions = 0;
  for (const id of runIds) {
    actions += actionsOf(await client.workflow.getHandle(entityWorkflowId(POWER_RUN, id)).fetchHistory());
  }
  return actions;
}
