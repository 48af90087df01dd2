import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Database } from '../../db/shared/connection.ts';
import type { bareTimer } from './bare-timer.ts';
import { latenessOf, type Lateness } from './power-firing.ts';

export const BARE_TIMERS = { table: 'bench_timers', taskQueue: 'bench-timers' } as const;

const AT_ONCE = 50;
export const LOOK_MS = 100;
const PATIENCE_MS = 120_000;

/** What came of things that were due together. */
export interface DueTogether {
  /** When each happened by its own row, in milliseconds after the due instant. */
  rows: Lateness;
  /** When all rows said so to somebody who looks every tenth of a second. */
  allMs: number;
}

/** As many timers as numbers, due together `leadMs` from now. All must rest on their timers before; then nobody asks Temporal. */
export async function fireBareTimers({ db, client }: { db: Database; client: Client }, size: number, leadMs: number): Promise<DueTogether> {
  await db.raw(`drop table if exists ${BARE_TIMERS.table}; create table ${BARE_TIMERS.table} (id integer primary key, fired_at timestamptz)`);
  await db.raw(`insert into ${BARE_TIMERS.table} (id) select generate_series(1, ?::int)`, [size]);
  const dueAt = Date.now() + leadMs;
  const ids = Array.from({ length: size }, (_, index) => index + 1);
  const workflowIds = await atOnce(ids, async (id) => {
    const workflowId = `bare-timer/${dueAt}/${id}`;
    await client.workflow.start<typeof bareTimer>('bareTimer', { workflowId, taskQueue: BARE_TIMERS.taskQueue, args: [id, dueAt] });
    return workflowId;
  });
  await atOnce(workflowIds, (workflowId) => untilAtRest(client, workflowId));
  await untilDue(dueAt, 'starting the timers');
  const fired = db(BARE_TIMERS.table).whereNotNull('fired_at');
  const allMs = await untilAll(async () => (await fired.clone().count<{ count: number }[]>('* as count'))[0]?.count ?? 0, size, dueAt);
  const at = await fired.clone().pluck<string[]>('fired_at');
  return { rows: latenessOf(at.map((one) => Date.parse(one)), dueAt), allMs };
}

/** Waits for the instant; refuses to when it has passed. */
export async function untilDue(dueAt: number, before: string): Promise<void> {
  const left = dueAt - Date.now();
  if (left < 1_000) throw new Error(`${before} took too long: ${-left} ms after the due instant`);
  await delay(left);
}

/** Looks until `count` answers with `size`: milliseconds after the due instant. */
export async function untilAll(count: () => Promise<number>, size: number, dueAt: number): Promise<number> {
  for (;;) {
    const found = await count();
    const lateMs = Date.now() - dueAt;
    if (found >= size) return lateMs;
    if (lateMs > PATIENCE_MS) throw new Error(`only ${found} of ${size} after ${PATIENCE_MS / 1000} s`);
    await delay(LOOK_MS);
  }
}

/** It waits for nothing but its timer. */
async function untilAtRest(client: Client, workflowId: string): Promise<void> {
  for (;;) {
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    if (raw.pendingWorkflowTask === null && (raw.pendingActivities ?? []).length === 0) return;
    await delay(LOOK_MS);
  }
}

async function atOnce<In, Out>(items: readonly In[], work: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  const left = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of left) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return results;
}
