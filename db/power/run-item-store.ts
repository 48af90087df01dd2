import type { RunItem } from '../../domain/power/run-item.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

type Row = Record<string, unknown>;

/** Writes the items of a new run in one statement. */
export async function insertRunItems(tx: Transaction, organizationId: string, runId: string, items: readonly RunItem[]): Promise<void> {
  await tx.raw(
    `insert into power_run_items (run_id, organization_id, position, resource_id, data_source_id, schedule_id, slot, due_at,
       local_time, moved, superseded, action, generation, state, attempts, detail, next_attempt_at, deadline_at, finished_at)
     select :runId, :organizationId, position, "resourceId", "dataSourceId", "scheduleId", slot, "dueAt", "localTime", moved, superseded, action,
       generation, state, attempts, detail, "nextAttemptAt", "deadlineAt", "finishedAt"
     from jsonb_to_recordset(cast(:items as jsonb)) as i (position integer, "resourceId" text, "dataSourceId" text,
       "scheduleId" text, slot integer, "dueAt" timestamptz, "localTime" text, moved text, superseded jsonb, action text, generation bigint, state text,
       attempts integer, detail text, "nextAttemptAt" timestamptz, "deadlineAt" timestamptz, "finishedAt" timestamptz)`,
    { runId, organizationId, items: JSON.stringify(items) },
  );
}

/** Items of a portion that are open and want to be looked at by `at`. */
export async function openItems(db: Database, organizationId: string, runId: string, slot: number, at: Instant): Promise<RunItem[]> {
  const rows = await db('power_run_items')
    .where({ organization_id: organizationId, run_id: runId, slot, state: 'open' })
    .where((due) => void due.whereNull('next_attempt_at').orWhere('next_attempt_at', '<=', at))
    .orderBy('position')
    .select<Row[]>('*');
  return rows.map(toRunItem);
}

/** Which of the instances a run is at. */
export async function withOpenItems(tx: Transaction, organizationId: string, resourceIds: readonly string[]): Promise<Set<string>> {
  const ids = await tx('power_run_items')
    .where({ organization_id: organizationId, state: 'open' })
    .whereRaw('resource_id = any(?)', [resourceIds as string[]])
    .distinct('resource_id')
    .pluck<string[]>('resource_id');
  return new Set(ids);
}

/**
 * Writes what became of items that are still open, in one statement; answers with the positions it
 * wrote. One that has ended meanwhile stays as it is, so a late attempt changes nothing.
 */
export async function saveItems(tx: Transaction, organizationId: string, runId: string, items: readonly RunItem[]): Promise<Set<number>> {
  const result = await tx.raw<{ rows: { position: number }[] }>(
    `update power_run_items i set state = g.state, observed = g.observed, observed_at = g."observedAt", attempts = g.attempts,
       called_at = g."calledAt", operation = g.operation, last_error = g."lastError", detail = g.detail,
       next_attempt_at = g."nextAttemptAt", finished_at = g."finishedAt"
     from jsonb_to_recordset(cast(:items as jsonb)) as g (position integer, state text, observed text, "observedAt" timestamptz,
       attempts integer, "calledAt" timestamptz, operation text, "lastError" jsonb, detail text, "nextAttemptAt" timestamptz,
       "finishedAt" timestamptz)
     -- The positions once more, so that it goes by the index whatever the planner believes of the record set.
     where i.organization_id = :organizationId and i.run_id = :runId and i.position = any(:positions) and i.position = g.position and i.state = 'open'
     returning i.position`,
    { organizationId, runId, positions: items.map((item) => item.position), items: JSON.stringify(items.map(toProgress)) } as never,
  );
  return new Set(result.rows.map((row) => row.position));
}

/** What changes of an item while its run goes on. */
function toProgress({ position, state, observed, observedAt, attempts, calledAt, operation, lastError, detail, nextAttemptAt, finishedAt }: RunItem) {
  return { position, state, observed, observedAt, attempts, calledAt, operation, lastError, detail, nextAttemptAt, finishedAt };
}

export function toRunItem(row: Row): RunItem {
  return {
    position: row.position as number,
    resourceId: row.resource_id as string,
    dataSourceId: row.data_source_id as string,
    scheduleId: row.schedule_id as string | null,
    slot: row.slot as number,
    dueAt: row.due_at as string,
    localTime: row.local_time as string | null,
    moved: row.moved as RunItem['moved'],
    superseded: row.superseded as RunItem['superseded'],
    action: row.action as RunItem['action'],
    generation: row.generation as number,
    state: row.state as RunItem['state'],
    observed: row.observed as RunItem['observed'],
    observedAt: row.observed_at as string | null,
    attempts: row.attempts as number,
    calledAt: row.called_at as string | null,
    operation: row.operation as string | null,
    lastError: row.last_error as RunItem['lastError'],
    detail: row.detail as string | null,
    nextAttemptAt: row.next_attempt_at as string | null,
    deadlineAt: row.deadline_at as string,
    finishedAt: row.finished_at as string | null,
  };
}
