import type { PowerSchedule } from '../../domain/power-schedules/power-schedule.ts';
import type { PowerRunState, RunCounts } from '../../domain/power/power-run.ts';
import type { InstanceState } from '../../domain/resources/instance.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database } from '../shared/connection.ts';
import { inOrder, positionColumn, positionIn, type ListOrder, type ListPosition } from '../shared/list-order.ts';
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

/** What schedules are sorted by; those that act no more come last by their next fire. */
const SORTS = {
  name: { expression: 'lower(s.name)', type: 'text' },
  created_at: { expression: 's.created_at', type: 'timestamptz' },
  next_fire: { expression: `coalesce(s.next_due_at, 'infinity')`, type: 'timestamptz' },
} satisfies Record<string, Omit<ListOrder, 'descending'>>;
export type ScheduleSort = keyof typeof SORTS;
export const SCHEDULE_SORTS = Object.keys(SORTS) as ScheduleSort[];

/** Schedules of an organization in order; `after` is where the page before ended. */
export async function listSchedules(
  db: Database,
  organizationId: string,
  filter: ScheduleFilter,
  page: { limit: number; sort: ScheduleSort; descending: boolean; after: ListPosition | null },
): Promise<{ rows: (ListedSchedule & { position: ListPosition })[]; total: number }> {
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
  const order = { ...SORTS[page.sort], descending: page.descending };
  inOrder(matching, order, 's.id', page);
  const rows = await matching.select<Record<string, unknown>[]>(db.raw(COLUMNS), db.raw(positionColumn(order)));
  return { rows: rows.map((row) => ({ ...toListed(row), position: positionIn(row, row.id as string) })), total: counted?.count ?? 0 };
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

const MEMBER_ORDERS = {
  name: { expression: 'i.instance_name', type: 'text' },
  attached_at: { expression: 'm.attached_at', type: 'timestamptz' },
} satisfies Record<string, Omit<ListOrder, 'descending'>>;
export type MemberSort = keyof typeof MEMBER_ORDERS;
export const MEMBER_SORTS = Object.keys(MEMBER_ORDERS) as MemberSort[];

/** Instances that belong to a schedule, in order; those gone are left out. */
export async function listMembers(
  db: Database,
  organizationId: string,
  scheduleId: string,
  filter: { search?: string | undefined; state?: string | undefined },
  page: { limit: number; sort: MemberSort; descending: boolean; after: ListPosition | null },
): Promise<{ rows: (ListedMember & { position: ListPosition })[]; total: number }> {
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
  const order = { ...MEMBER_ORDERS[page.sort], descending: page.descending };
  inOrder(matching, order, 'i.resource_id', page);
  const rows = await matching.select<Record<string, unknown>[]>('m.*', 'i.instance_name', 'i.state', 'i.observed_at', db.raw(positionColumn(order)));
  return {
    total: counted?.count ?? 0,
    rows: rows.map((row) => ({
      resourceId: row.resource_id as string,
      name: row.instance_name as string,
      state: row.state as InstanceState,
      observedAt: row.observed_at as string,
      attachedBy: row.attached_by as ListedMember['attachedBy'],
      attachedAt: row.attached_at as string,
      position: positionIn(row, row.resource_id as string),
    })),
  };
}
