import type { BookedTime } from '../../domain/calendar/booking-event.ts';
import type { Backlog } from '../../domain/calendar/calendar.ts';
import type { EventRow, EventRowState } from '../../domain/calendar/event-row.ts';
import type { ErrorRecord } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { prepared } from '../shared/prepared.ts';

type Row = Record<string, unknown>;

/** A calendar and who owns it. */
export interface CalendarRef {
  organizationId: string;
  id: string;
}

/** What waits for a calendar, and when the next of its events is due. */
export async function backlogOf(db: Database | Transaction, calendarId: string): Promise<Backlog> {
  const result = await db.raw<{ rows: { count: number; oldest: Instant | null; due: Instant | null }[] }>(
    `select (select count(*) from calendar_events where calendar_id = :calendarId and waiting_since is not null) as count,
       (select min(waiting_since) from calendar_events where calendar_id = :calendarId and waiting_since is not null) as oldest,
       (select min(due_at) from calendar_events where calendar_id = :calendarId and due_at is not null) as due`,
    { calendarId },
  );
  const [row] = result.rows;
  return { count: row?.count ?? 0, oldestAt: row?.oldest ?? null, dueAt: row?.due ?? null };
}

/**
 * Marks the events of bookings as to be brought in line, in the calendar of their organization if there is
 * one that stays. Answers with the calendar's id, or null. One statement where there is none.
 */
export async function wantEvents(tx: Transaction, organizationId: string, bookingIds: readonly string[], at: Instant): Promise<string | null> {
  const query = tx.raw<{ rows: { calendar_id: string }[] }>(
    `insert into calendar_events (calendar_id, booking_id, organization_id, wanted_version, waiting_since, due_at)
     select c.id, b.id, c.organization_id, 1, :at, :at from calendars c cross join unnest(cast(:bookingIds as text[])) as b (id)
     where c.organization_id = :organizationId and c.state <> 'disconnecting'
     on conflict (calendar_id, booking_id) do update set wanted_version = calendar_events.wanted_version + 1,
       waiting_since = coalesce(calendar_events.waiting_since, excluded.waiting_since), due_at = excluded.due_at, attempts = 0, last_error = null, note = null
     returning calendar_id`,
    { organizationId, bookingIds: bookingIds.toSorted(), at },
  );
  const { rows } = await prepared(query);
  return rows[0]?.calendar_id ?? null;
}

/** Sees to it that every booking that is, or will be, under way has its row. Answers how many lacked one. */
export async function wantMissing(tx: Database | Transaction, { organizationId, id }: CalendarRef, at: Instant): Promise<number> {
  const result = await tx.raw<{ rowCount: number }>(
    `insert into calendar_events (calendar_id, booking_id, organization_id, wanted_version, waiting_since, due_at)
     select c.id, b.id, b.organization_id, 1, :at, :at from bookings b join calendars c on c.organization_id = b.organization_id and c.id = :id
     where b.organization_id = :organizationId and b.state in ('reserved', 'active') and c.state <> 'disconnecting'
     on conflict (calendar_id, booking_id) do nothing`,
    { organizationId, id, at },
  );
  return result.rowCount;
}

/** Events are not as wanted: they are written again, at once. With `note`, it is shown in them. */
export async function writeAgain(tx: Database | Transaction, { organizationId, id }: CalendarRef, bookingIds: readonly string[], at: Instant, note?: string): Promise<void> {
  if (bookingIds.length === 0) return;
  await tx.raw(
    `update calendar_events set wanted_version = wanted_version + 1, waiting_since = coalesce(waiting_since, :at), due_at = :at, attempts = 0, note = coalesce(:note, note)
     where organization_id = :organizationId and calendar_id = :id and booking_id = any(:bookingIds)`,
    { organizationId, id, at, note: note ?? null, bookingIds },
  );
}

/** Everything that waits with a failure is due at once. */
export async function dueNow(tx: Transaction, { organizationId, id }: CalendarRef, at: Instant): Promise<void> {
  await tx('calendar_events').where({ organization_id: organizationId, calendar_id: id }).whereNotNull('waiting_since').where('due_at', '>', at).update({ due_at: at });
}

const SELECT = `
  select ce.*, b.environment_id, b.state, b.since, b.until, e.name as environment_name, u.display_name as holder_name
  from calendar_events ce
  join bookings b on b.id = ce.booking_id
  join environments e on e.id = b.environment_id
  join users u on u.id = b.holder_user_id`;

/** Events that are due, those that wait longest first, with their bookings as they are now. */
export async function dueEvents(db: Database, { organizationId, id }: CalendarRef, at: Instant, limit: number): Promise<EventRow[]> {
  const result = await db.raw<{ rows: Row[] }>(
    `${SELECT} where ce.organization_id = ? and ce.calendar_id = ? and ce.due_at <= ? order by ce.waiting_since nulls last, ce.booking_id limit ?`,
    [organizationId, id, at, limit],
  );
  return result.rows.map(toEventRow);
}

/** The rows of these bookings, with the bookings as they are now. */
export async function eventsOf(db: Database | Transaction, { organizationId, id }: CalendarRef, bookingIds: readonly string[]): Promise<Map<string, EventRow>> {
  const result = await db.raw<{ rows: Row[] }>(`${SELECT} where ce.organization_id = ? and ce.calendar_id = ? and ce.booking_id = any(?)`, [organizationId, id, bookingIds as string[]]);
  return new Map(result.rows.map((row) => [row.booking_id as string, toEventRow(row)]));
}

/** Events of a calendar by booking, from after `after` on. */
export async function pageOfEvents(
  db: Database,
  { organizationId, id }: CalendarRef,
  filter: { isWaiting?: boolean | undefined; hasFailed?: boolean | undefined },
  page: { limit: number; after: string | null },
): Promise<{ rows: EventRow[]; total: number }> {
  const conditions = [
    'ce.organization_id = :organizationId and ce.calendar_id = :id',
    ...(filter.isWaiting === undefined ? [] : [`ce.waiting_since is ${filter.isWaiting ? 'not null' : 'null'}`]),
    ...(filter.hasFailed === undefined ? [] : [`ce.last_error is ${filter.hasFailed ? 'not null' : 'null'}`]),
  ].join(' and ');
  const counted = await db.raw<{ rows: { count: number }[] }>(`select count(*) as count from calendar_events ce where ${conditions}`, { organizationId, id });
  const found = await db.raw<{ rows: Row[] }>(`${SELECT} where ${conditions} and ce.booking_id > :after order by ce.booking_id limit :limit`, {
    organizationId,
    id,
    after: page.after ?? '',
    limit: page.limit,
  });
  return { rows: found.rows.map(toEventRow), total: counted.rows[0]?.count ?? 0 };
}

/**
 * The calendar has what was wanted at `version`: it is in line, unless more was wanted meanwhile.
 * A row whose event is gone, as wanted, goes too.
 */
export async function recordWritten(
  db: Database,
  { organizationId, id }: CalendarRef,
  bookingId: string,
  version: number,
  written: { incarnation: number; openUntil: Instant | null; dueAt: Instant | null } | null,
): Promise<void> {
  const row = { organization_id: organizationId, calendar_id: id, booking_id: bookingId };
  if (written === null) {
    const gone = await db('calendar_events').where({ ...row, wanted_version: version }).delete();
    if (gone === 0) await db('calendar_events').where(row).update({ synced_version: null, open_until: null });
    return;
  }
  const { incarnation, openUntil, dueAt } = written;
  await db.raw(
    `update calendar_events set synced_version = :version, incarnation = :incarnation, open_until = :openUntil, attempts = 0, last_error = null,
       waiting_since = case when wanted_version = :version then null else waiting_since end,
       due_at = case when wanted_version = :version then cast(:dueAt as timestamptz) else due_at end
     where organization_id = :organizationId and calendar_id = :id and booking_id = :bookingId`,
    { organizationId, id, bookingId, version, incarnation, openUntil, dueAt },
  );
}

/** An event could not be written as it was wanted at `version`, for a reason of its own. What is wanted since is not put off by it. */
export async function recordRefused(db: Database, { organizationId, id }: CalendarRef, bookingId: string, version: number, error: ErrorRecord, dueAt: Instant): Promise<void> {
  await db('calendar_events')
    .where({ organization_id: organizationId, calendar_id: id, booking_id: bookingId, wanted_version: version })
    .update({ attempts: db.raw('attempts + 1'), last_error: JSON.stringify(error), due_at: dueAt });
}

/** Rows by booking, to take their events out of the calendar. */
export async function someEvents(db: Database, { organizationId, id }: CalendarRef, limit: number): Promise<{ bookingId: string; incarnation: number }[]> {
  const rows = await db('calendar_events')
    .where({ organization_id: organizationId, calendar_id: id })
    .orderBy('booking_id')
    .limit(limit)
    .select<{ booking_id: string; incarnation: number }[]>('booking_id', 'incarnation');
  return rows.map((row) => ({ bookingId: row.booking_id, incarnation: row.incarnation }));
}

export async function forgetEvent(db: Database, { organizationId, id }: CalendarRef, bookingId: string): Promise<void> {
  await db('calendar_events').where({ organization_id: organizationId, calendar_id: id, booking_id: bookingId }).delete();
}

/** Bookings whose events the calendar ought to have as they are, from after `after` on. */
export async function eventsInLine(db: Database, { organizationId, id }: CalendarRef, after: string, limit: number): Promise<{ bookingId: string; incarnation: number }[]> {
  const rows = await db('calendar_events')
    .where({ organization_id: organizationId, calendar_id: id })
    .whereNull('waiting_since')
    .where('booking_id', '>', after)
    .orderBy('booking_id')
    .limit(limit)
    .select<{ booking_id: string; incarnation: number }[]>('booking_id', 'incarnation');
  return rows.map((row) => ({ bookingId: row.booking_id, incarnation: row.incarnation }));
}

function toEventRow(row: Row): EventRow {
  const booked: BookedTime = {
    bookingId: row.booking_id as string,
    organizationId: row.organization_id as string,
    environmentId: row.environment_id as string,
    state: row.state as BookedTime['state'],
    since: row.since as Instant,
    until: row.until as Instant | null,
    environmentName: row.environment_name as string,
    holderName: row.holder_name as string,
  };
  const state: EventRowState = {
    wantedVersion: row.wanted_version as number,
    syncedVersion: row.synced_version as number | null,
    waitingSince: row.waiting_since as Instant | null,
    incarnation: row.incarnation as number,
    openUntil: row.open_until as Instant | null,
    note: row.note as string | null,
    dueAt: row.due_at as Instant | null,
    attempts: row.attempts as number,
    lastError: row.last_error as ErrorRecord | null,
  };
  return { ...state, booked };
}
