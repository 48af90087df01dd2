import type { BookingState } from '../../domain/bookings/booking.ts';
import type { Window } from '../../domain/environments/window.ts';
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
    `select b.id, b.environment_id, b.state, b.since, b.until, b.holder_user_id, u.display_name, b.version
     from bookings b join environments e on e.id = b.environment_id and e.deleted_at is null join users u on u.id = b.holder_user_id
     where b.organization_id = :organizationId and ${TOOK_TIME} and ${IN_WINDOW}
       and (cast(:environmentIds as text[]) is null or b.environment_id = any(:environmentIds))
     order by b.since, b.id limit :limit`,
    { organizationId, from, to, limit, environmentIds: environmentIds as string[] | null },
  );
  return result.rows;
}

/** When somebody may book an environment within a window, and how much of it that is. */
export interface Availability {
  free: Window[];
  freeSeconds: number;
}

/**
 * What bookings leave free of a window, by environment, in the order of time; touching and overlapping bookings are fine.
 * An environment that is not named has no booking in the window: all of it is free. The database finds the gaps, beside
 * the API's one thread.
 */
export async function freePeriods(
  db: Database,
  organizationId: string,
  environmentIds: readonly string[] | null,
  { from, to }: Window,
): Promise<Map<string, Availability>> {
  const result = await db.raw<{ rows: { environment_id: string; from: Instant; to: Instant; seconds: number }[] }>(
    `with taken as (
       select b.environment_id, b.since, max(least(b.until, cast(:to as timestamptz))) over (partition by b.environment_id) as last_until,
         greatest(cast(:from as timestamptz), max(coalesce(b.until, 'infinity')) over (partition by b.environment_id
           order by b.since rows between unbounded preceding and 1 preceding)) as free_from,
         row_number() over (partition by b.environment_id order by b.since desc) as from_last
       from bookings b
       where b.organization_id = :organizationId and ${TOOK_TIME} and ${IN_WINDOW}
         and (cast(:environmentIds as text[]) is null or b.environment_id = any(:environmentIds))
     ), gaps (environment_id, "from", "to") as (
       select environment_id, free_from, since from taken where free_from < since
       union all
       -- After the last one, also where nothing is left: it tells that there are bookings.
       select environment_id, last_until, cast(:to as timestamptz) from taken where from_last = 1
     )
     select environment_id, "from", "to", cast(extract(epoch from "to" - "from") as float8) as seconds from gaps order by environment_id, "from"`,
    { organizationId, from, to, environmentIds: environmentIds as string[] | null },
  );
  const byEnvironment = new Map<string, Availability>();
  for (const { environment_id: id, from: start, to: end, seconds } of result.rows) {
    let availability = byEnvironment.get(id);
    if (availability === undefined) byEnvironment.set(id, (availability = { free: [], freeSeconds: 0 }));
    if (seconds === 0) continue;
    availability.free.push({ from: start, to: end });
    availability.freeSeconds += seconds;
  }
  return byEnvironment;
}
