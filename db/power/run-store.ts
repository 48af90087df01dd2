import type { PowerRun, RunCounts, RunSlot } from '../../domain/power/power-run.ts';
import { NO_ITEMS } from '../../domain/power/power-run.ts';
import type { Database, Transaction } from '../shared/connection.ts';

type Row = Record<string, unknown>;

/** Reads and locks a run until the transaction ends. */
export async function lockRun(tx: Transaction, organizationId: string, id: string): Promise<PowerRun | null> {
  const row = await tx('power_runs').where({ organization_id: organizationId, id }).forUpdate().first<Row | undefined>();
  return row === undefined ? null : toRun(row);
}

export async function getRun(db: Database | Transaction, organizationId: string, id: string): Promise<PowerRun | null> {
  const row = await db('power_runs').where({ organization_id: organizationId, id }).first<Row | undefined>();
  return row === undefined ? null : toRun(row);
}

export async function organizationOfRun(db: Database, id: string): Promise<string | null> {
  const row = await db('power_runs').where({ id }).first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

export async function insertRun(tx: Transaction, run: PowerRun): Promise<void> {
  await tx('power_runs').insert({
    id: run.id,
    organization_id: run.organizationId,
    cause: run.cause,
    requested_by: JSON.stringify(run.requestedBy),
    operation_id: run.operationId,
    due_at: run.dueAt,
    created_at: run.createdAt,
    ...toColumns(run),
  });
}

export async function saveRun(tx: Transaction, run: PowerRun): Promise<void> {
  await tx('power_runs').where({ organization_id: run.organizationId, id: run.id }).update(toColumns(run));
}

/** How a locked run stands by its items. */
export async function readProgress(tx: Transaction, runId: string): Promise<{ slots: RunSlot[]; counts: RunCounts }> {
  const result = await tx.raw<{ rows: Row[] }>(
    `select slot, min(data_source_id) as data_source_id, count(*) filter (where state = 'open') as open,
       min(next_attempt_at) filter (where state = 'open') as next_attempt_at,
       count(*) filter (where state = 'settled') as settled, count(*) filter (where state = 'superseded') as superseded,
       count(*) filter (where state = 'overruled') as overruled, count(*) filter (where state = 'failed') as failed
     from power_run_items where run_id = ? group by slot order by slot`,
    [runId],
  );
  const counts = { ...NO_ITEMS };
  for (const row of result.rows) for (const state of Object.keys(counts) as (keyof RunCounts)[]) counts[state] += row[state] as number;
  const slots = result.rows.map((row) => ({
    slot: row.slot as number,
    dataSourceId: row.data_source_id as string,
    open: row.open as number,
    nextAttemptAt: row.next_attempt_at as string | null,
  }));
  return { slots, counts };
}

function toColumns(run: PowerRun): Row {
  return {
    state: run.state,
    slots: JSON.stringify(run.slots),
    counts: JSON.stringify(run.counts),
    next_due_at: run.nextDueAt,
    version: run.version,
    last_at: run.lastAt,
    finished_at: run.finishedAt,
  };
}

export function toRun(row: Row): PowerRun {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    cause: row.cause as PowerRun['cause'],
    requestedBy: row.requested_by as PowerRun['requestedBy'],
    operationId: row.operation_id as string | null,
    state: row.state as PowerRun['state'],
    slots: row.slots as RunSlot[],
    counts: row.counts as RunCounts,
    dueAt: row.due_at as string,
    nextDueAt: row.next_due_at as string | null,
    version: row.version as number,
    lastAt: row.last_at as string,
    createdAt: row.created_at as string,
    finishedAt: row.finished_at as string | null,
  };
}
