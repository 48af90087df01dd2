import type { PowerSchedule } from '../../domain/power-schedules/power-schedule.ts';
import type { PowerRunState, RunCounts } from '../../domain/power/power-run.ts';
import type { InstanceState } from '../../domain/resources/instance.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database } from '../shared/connection.ts';
import { escapeLike } from '../shared/like.ts';
import { toSchedule } from './schedule-store.ts';

/** A schedule with what a list shows beside it. */
export interface ListedSchedule {
  schedule: PowerSchedule;
  /** Instances that belong to it and exist. */
  instances: number;
  lastRun: { id: string; state: PowerRunState; counts: RunCounts; createdAt: Instant; finishedAt: Instant | null } | null;
}

export interface ScheduleFilter {
  search?: string | undefined;
  enabled?: boolean | undefined;
  timeZone?: string | undefined;
  resourceId?: string | undefined;
}

const COLUMNS = `s.*,
  (select count(*) from power_schedule_members m join instances i on i.resource_id = m.resource_id
   where m.schedule_id = s.id and i.gone_at is null) as instances,
  (select jsonb_build_object('id', r.id, 'state', r.state, 'counts', r.counts, 'createdAt', r.created_at, 'finishedAt', r.finished_at)
   from power_runs r where r.id = s.last_run_id) as last_run`;

/** Schedules of an organization by name; `after` is the last one of the page before. */
export async function listSchedules(
  db: Database,
  organizationId: string,
  filter: ScheduleFilter,
  page: { limit: number; after: { name: string; id: string } | null },
): Promise<{ rows: ListedSchedule[]; total: number }> {
  const matching = db('power_schedules as s').where('s.organization_id', organizationId);
  if (filter.enabled !== undefined) void matching.where('s.enabled', filter.enabled);
  if (filter.timeZone !== undefined) void matching.where('s.time_zone', filter.timeZone);
  if (filter.search !== undefined) {
    const pattern = `%${escapeLike(filter.search)}%`;
    void matching.where((either) => void either.whereILike('s.name', pattern).orWhereILike('s.description', pattern));
  }
  if (filter.resourceId !== undefined) {
    void matching.whereRaw('exists (select from power_schedule_members m where m.schedule_id = s.id and m.resource_id = ?)', [filter.resourceId]);
  }
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.after !== null) void matching.whereRaw('(lower(s.name), s.id) > (lower(?), ?)', [page.after.name, page.after.id]);
  const rows = await matching.orderByRaw('lower(s.name), s.id').limit(page.limit).select<Record<string, unknown>[]>(db.raw(COLUMNS));
  return { rows: rows.map(toListed), total: counted?.count ?? 0 };
}

/** One schedule as the list shows it, or null. */
export async function getListedSchedule(db: Database, organizationId: string, id: string): Promise<ListedSchedule | null> {
  const row = await db('power_schedules as s')
    .where({ 's.organization_id': organizationId, 's.id': id })
    .first<Record<string, unknown> | undefined>(db.raw(COLUMNS));
  return row === undefined ? null : toListed(row);
}

function toListed(row: Record<string, unknown>): ListedSchedule {
  const run = row.last_run as ListedSchedule['lastRun'];
  return {
    schedule: toSchedule(row),
    instances: row.instances as number,
    // Inside JSON, PostgreSQL writes instants its own way.
    lastRun: run === null ? null : { ...run, createdAt: iso(run.createdAt), finishedAt: run.finishedAt === null ? null : iso(run.finishedAt) },
  };
}

function iso(text: string): Instant {
  return new Date(text).toISOString();
}

/** An instance of a schedule, as it is now. */
export interface ListedMember {
  resourceId: string;
  name: string;
  state: InstanceState;
  observedAt: Instant;
  attachedBy: 'person' | 'selector';
  attachedAt: Instant;
}

/** Instances that belong to a schedule, by name; those gone are left out. */
export async function listMembers(
  db: Database,
  organizationId: string,
  scheduleId: string,
  filter: { search?: string | undefined; state?: string | undefined },
  page: { limit: number; after: { name: string; id: string } | null },
): Promise<{ rows: ListedMember[]; total: number }> {
  const matching = db('power_schedule_members as m')
    .join('instances as i', 'i.resource_id', 'm.resource_id')
    .where({ 'm.organization_id': organizationId, 'm.schedule_id': scheduleId })
    .whereNull('i.gone_at');
  if (filter.state !== undefined) void matching.where('i.state', filter.state);
  if (filter.search !== undefined) {
    const pattern = `%${escapeLike(filter.search)}%`;
    void matching.where((either) => void either.whereILike('i.instance_name', pattern).orWhereILike('i.native_id', pattern));
  }
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.after !== null) void matching.whereRaw('(i.instance_name, i.resource_id) > (?, ?)', [page.after.name, page.after.id]);
  const rows = await matching
    .orderBy(['i.instance_name', 'i.resource_id'])
    .limit(page.limit)
    .select<Record<string, unknown>[]>('m.*', 'i.instance_name', 'i.state', 'i.observed_at');
  return {
    total: counted?.count ?? 0,
    rows: rows.map((row) => ({
      resourceId: row.resource_id as string,
      name: row.instance_name as string,
      state: row.state as InstanceState,
      observedAt: row.observed_at as string,
      attachedBy: row.attached_by as ListedMember['attachedBy'],
      attachedAt: row.attached_at as string,
    })),
  };
}
