import type { PowerRun } from '../../domain/power/power-run.ts';
import type { RunItem } from '../../domain/power/run-item.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database } from '../shared/connection.ts';
import { escapeLike } from '../shared/like.ts';
import { inOrderOfIds } from '../shared/list-order.ts';
import { toRunItem } from './run-item-store.ts';
import { toRun } from './run-store.ts';

type Row = Record<string, unknown>;

export interface RunFilter {
  /** In the name of who asked for it. */
  search?: string | undefined;
  state?: string | undefined;
  cause?: string | undefined;
  scheduleId?: string | undefined;
  resourceId?: string | undefined;
  /** By when they were due; half-open. */
  since?: Instant | undefined;
  until?: Instant | undefined;
}

/** Runs of an organization, in the order of making; `after` is the last one of the page before. */
export async function listRuns(
  db: Database,
  organizationId: string,
  filter: RunFilter,
  page: { limit: number; descending: boolean; after: string | null },
): Promise<{ rows: PowerRun[]; total: number }> {
  const matching = db('power_runs as r').where('r.organization_id', organizationId);
  if (filter.search !== undefined) void matching.whereRaw(`r.requested_by ->> 'name' ilike ?`, [`%${escapeLike(filter.search)}%`]);
  if (filter.state !== undefined) void matching.where('r.state', filter.state);
  if (filter.cause !== undefined) void matching.where('r.cause', filter.cause);
  if (filter.since !== undefined) void matching.where('r.due_at', '>=', filter.since);
  if (filter.until !== undefined) void matching.where('r.due_at', '<', filter.until);
  if (filter.scheduleId !== undefined) void matching.whereRaw('r.id in (select run_id from power_run_items where schedule_id = ?)', [filter.scheduleId]);
  if (filter.resourceId !== undefined) void matching.whereRaw('r.id in (select run_id from power_run_items where resource_id = ?)', [filter.resourceId]);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  inOrderOfIds(matching, 'r.id', page);
  const rows = await matching.select<Row[]>('r.*');
  return { rows: rows.map(toRun), total: counted?.count ?? 0 };
}

/** An item with what a list shows beside it. */
export interface RunItemRow {
  runId: string;
  /** The instance's name; null when it left with its data source. */
  name: string | null;
  item: RunItem;
}

/** What became of each instance of a run, in the run's order. */
export async function listRunItems(
  db: Database,
  organizationId: string,
  runId: string,
  filter: { state?: string | undefined; search?: string | undefined },
  page: { limit: number; after: number | null },
): Promise<{ rows: RunItemRow[]; total: number }> {
  const matching = db('power_run_items as p').leftJoin('instances as i', 'i.resource_id', 'p.resource_id').where({ 'p.organization_id': organizationId, 'p.run_id': runId });
  if (filter.search !== undefined) {
    const pattern = `%${escapeLike(filter.search)}%`;
    void matching.where((either) => void either.whereILike('i.instance_name', pattern).orWhereILike('i.native_id', pattern));
  }
  if (filter.state !== undefined) void matching.where('p.state', filter.state);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.after !== null) void matching.where('p.position', '>', page.after);
  const rows = await matching
    .orderBy('p.position')
    .limit(page.limit)
    .select<Row[]>('p.*', 'i.instance_name');
  return { rows: rows.map(toItemRow), total: counted?.count ?? 0 };
}

/** What became of an instance in all runs, newest first. */
export async function listRunItemsOf(
  db: Database,
  organizationId: string,
  resourceId: string,
  page: { limit: number; before: { dueAt: Instant; runId: string } | null },
): Promise<{ rows: RunItemRow[]; total: number }> {
  const matching = db('power_run_items as p').where({ 'p.organization_id': organizationId, 'p.resource_id': resourceId });
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.before !== null) void matching.whereRaw('(p.due_at, p.run_id) < (?, ?)', [page.before.dueAt, page.before.runId]);
  const rows = await matching
    .leftJoin('instances as i', 'i.resource_id', 'p.resource_id')
    .orderBy([
      { column: 'p.due_at', order: 'desc' },
      { column: 'p.run_id', order: 'desc' },
    ])
    .limit(page.limit)
    .select<Row[]>('p.*', 'i.instance_name');
  return { rows: rows.map(toItemRow), total: counted?.count ?? 0 };
}

function toItemRow(row: Row): RunItemRow {
  return { runId: row.run_id as string, name: (row.instance_name as string | undefined) ?? null, item: toRunItem(row) };
}
