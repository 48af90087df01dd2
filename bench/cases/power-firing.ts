import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../db/shared/connection.ts';
import { SANDBOX } from './power-fleet.ts';

/** Milliseconds after the due instant, by the computer's clock, which is that of the sandbox's call log too. */
export interface Lateness {
  first: number;
  median: number;
  last: number;
}

/** What came of schedules that were due together. */
export interface Firing {
  calls: Lateness;
  /** When the last instance was observed in its wanted state. */
  settledMs: number;
  runIds: string[];
}

export function latenessOf(startedAt: readonly number[], dueAt: number): Lateness {
  const sorted = startedAt.map((at) => at - dueAt).toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { first: at(0), median: at(Math.floor((sorted.length - 1) / 2)), last: at(sorted.length - 1) };
}

/** Where the call log and the runs stand before a firing. */
export interface Mark {
  call: number;
  run: string;
}

export async function markNow(db: Database): Promise<Mark> {
  const result = await db.raw<{ rows: [Mark] }>(
    `select (select coalesce(max(number), 0) from sandbox_calls) as call, (select coalesce(max(id), '') from power_runs) as run`,
  );
  return result.rows[0];
}

const LOOK_MS = 300;
const PATIENCE_MS = 50_000;

/** Waits until runs begun since the mark have ended for `due` instances in all. */
export async function untilEnded(db: Database, mark: Mark, due: number): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const [row] = await db('power_runs')
      .where('id', '>', mark.run)
      .select<{ running: number; settled: number }[]>(
        db.raw(`count(*) filter (where state = 'running') as running, coalesce(sum((counts ->> 'settled')::bigint), 0)::bigint as settled`),
      );
    if (row?.running === 0 && row.settled === due) return;
    if (Date.now() > deadline) throw new Error(`${row?.settled} of ${due} instances are as wanted and ${row?.running} runs go on, ${PATIENCE_MS / 1000} s later`);
    await delay(LOOK_MS);
  }
}

/** Reads how late the provider was called, and refuses a firing in which not every one of `due` instances was acted on exactly once. */
export async function readFiring(db: Database, mark: Mark, action: 'start' | 'stop', due: number, dueAt: number): Promise<Firing> {
  const calledAt = await readCalls(db, mark.call, action, due);
  const runs = await db('power_runs').where('id', '>', mark.run).select<{ id: string; state: string }[]>('id', 'state');
  const [items] = await db('power_run_items')
    .where('run_id', '>', mark.run)
    .select<{ settled: number; resources: number; at: string }[]>(
      db.raw(`count(*) filter (where state = 'settled' and attempts = 1) as settled, count(distinct resource_id) as resources, max(observed_at) as at`),
    );
  if (items?.settled !== due || items.resources !== due) throw new Error(`${items?.settled} items of ${items?.resources} instances came to be as wanted by one call, not ${due}`);
  if (runs.some(({ state }) => state !== 'completed')) throw new Error('a run did not complete');
  return { calls: latenessOf(calledAt, dueAt), settledMs: Date.parse(items.at) - dueAt, runIds: runs.map(({ id }) => id) };
}

/** The instants of starts and stops since a line of the log, each of another instance, `due` in all. */
export async function readCalls(db: Database, since: number, action: 'start' | 'stop', due: number): Promise<number[]> {
  const calls = await db('sandbox_calls')
    .where({ organization_id: SANDBOX.organizationId })
    .whereIn('action', ['start', 'stop'])
    .where('number', '>', since)
    .select<{ at: string; instance_id: string; action: string; changed: boolean }[]>('at', 'instance_id', 'action', 'changed');
  const effective = calls.filter((call) => call.changed && call.action === action);
  const instances = new Set(effective.map((call) => call.instance_id));
  if (calls.length !== due || effective.length !== due || instances.size !== due) {
    throw new Error(`${calls.length} calls, ${effective.length} of them effective, on ${instances.size} instances instead of one on each of ${due}`);
  }
  return effective.map((call) => Date.parse(call.at));
}
