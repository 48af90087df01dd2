import type { BookingState } from '../../domain/bookings/booking.ts';
import type { Window } from '../../domain/environments/free-periods.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database } from '../shared/connection.ts';

/** An environment as a calendar names it. */
export interface CalendarEnvironment {
  id: string;
  name: string;
  resourceType: string;
  isActive: boolean;
}

/** A booking as a calendar shows it: the row itself, for ten thousand of them are read at a time. */
export interface CalendarBooking {
  id: string;
  environment_id: string;
  state: BookingState;
  since: Instant;
  until: Instant | null;
  holder_user_id: string;
  display_name: string;
  version: number;
}

/** What takes, or took, time: cancelled bookings and expired offers did not. */
const TOOK_TIME = `b.state in ('offered', 'reserved', 'active', 'released')`;
const IN_WINDOW = `b.since < :to and (b.until is null or b.until > :from)`;

/** What a calendar shows of the bookings of live environments that share time with a window. */
const SHOWN = `
  select b.id, b.environment_id, b.state, b.since, b.until, b.holder_user_id, u.display_name, b.version
  from bookings b join environments e on e.id = b.environment_id and e.deleted_at is null join users u on u.id = b.holder_user_id
  where b.organization_id = :organizationId and ${TOOK_TIME} and ${IN_WINDOW}`;

/** Live environments of an organization by name, or those of them that are named; `limit` at most. */
export async function calendarEnvironments(db: Database, organizationId: string, ids: readonly string[] | null, limit: number): Promise<CalendarEnvironment[]> {
  const rows = await db('environments')
    .where('organization_id', organizationId)
    .whereNull('deleted_at')
    .modify((query) => (ids === null ? undefined : void query.whereRaw('id = any(?)', [ids as string[]])))
    .orderByRaw('lower(name), id')
    .limit(limit)
    .select<{ id: string; name: string; resource_type: string; is_active: boolean }[]>('id', 'name', 'resource_type', 'is_active');
  return rows.map((row) => ({ id: row.id, name: row.name, resourceType: row.resource_type, isActive: row.is_active }));
}

/** Bookings that share time with a window, by their beginning; `limit` at most. Null for all environments. */
export async function calendarBookings(
  db: Database,
  organizationId: string,
  environmentIds: readonly string[] | null,
  { from, to }: Window,
  limit: number,
): Promise<CalendarBooking[]> {
  const result = await db.raw<{ rows: CalendarBooking[] }>(
    `${SHOWN} and (cast(:environmentIds as text[]) is null or b.environment_id = any(:environmentIds))
     order by b.since, b.id limit :limit`,
    { organizationId, from, to, limit, environmentIds: environmentIds as string[] | null },
  );
  return result.rows;
}

/** Of the bookings that share time with a window those nearest to `at`: what is under way, then what begins next or ended last. By their beginning; `limit` at most. */
export async function nearestBookings(db: Database, organizationId: string, { from, to }: Window, at: Instant, limit: number): Promise<CalendarBooking[]> {
  const result = await db.raw<{ rows: CalendarBooking[] }>(
    `select * from (
       ${SHOWN} order by greatest(b.since - cast(:at as timestamptz), cast(:at as timestamptz) - b.until, interval '0'), b.id limit :limit
     ) nearest order by since, id`,
    { organizationId, from, to, at, limit },
  );
  return result.rows;
}

/** Periods that are taken within a window, by environment, each in the order of its beginnings. */
export async function takenPeriods(
  db: Database,
  organizationId: string,
  environmentIds: readonly string[] | null,
  { from, to }: Window,
): Promise<Map<string, { since: Instant; until: Instant | null }[]>> {
  const result = await db.raw<{ rows: { environment_id: string; since: Instant; until: Instant | null }[] }>(
    `select b.environment_id, b.since, b.until from bookings b
     where b.organization_id = :organizationId and ${TOOK_TIME} and ${IN_WINDOW}
       and (cast(:environmentIds as text[]) is null or b.environment_id = any(:environmentIds))
     order by b.environment_id, b.since`,
    { organizationId, from, to, environmentIds: environmentIds as string[] | null },
  );
  const taken = new Map<string, { since: Instant; until: Instant | null }[]>();
  for (const row of result.rows) {
    const periods = taken.get(row.environment_id);
    if (periods === undefined) taken.set(row.environment_id, [row]);
    else periods.push(row);
  }
  return taken;
}
