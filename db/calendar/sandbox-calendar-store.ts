import type { CalendarPlace } from '../../domain/calendar/ports.ts';
import type { SandboxCalendarStore, SandboxEvent, SandboxEventFields } from '../../domain/calendar/sandbox-calendar.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { inTransaction } from '../shared/transaction.ts';

type Row = Record<string, unknown>;

/** Sandbox calendars in PostgreSQL. Changes of one calendar are counted, one after another. */
export function createSandboxCalendarStore({ db, newEventId }: { db: Database; newEventId(): string }): SandboxCalendarStore {
  return {
    find: (place, eventId) => findEvent(db, place, eventId),
    insert: (place, eventId, fields) => inTransaction(db, (tx) => insertSandboxEvent(tx, place, { id: newEventId(), eventId }, fields)),
    update: (place, eventId, fields) =>
      inTransaction(db, async (tx) => {
        const change = await nextChange(tx, place);
        const [row] = await tx('sandbox_calendar_events').where(keyOf(place, eventId)).update({ ...toColumns(fields), change }).returning<Row[]>('*');
        return row === undefined ? null : toEvent(row);
      }),
    async changedAfter({ organizationId, calendarId }, change, limit) {
      const rows = await db('sandbox_calendar_events')
        .where({ organization_id: organizationId, calendar_id: calendarId })
        .where('change', '>', change)
        .orderBy('change')
        .limit(limit)
        .select<Row[]>('*');
      return rows.map(toEvent);
    },
  };
}

/** Makes an event in the caller's transaction; null when the calendar's id is, or was, taken. */
export async function insertSandboxEvent(tx: Transaction, place: CalendarPlace, ids: { id: string; eventId: string }, fields: SandboxEventFields): Promise<SandboxEvent | null> {
  const change = await nextChange(tx, place);
  const row = { id: ids.id, organization_id: place.organizationId, calendar_id: place.calendarId, event_id: ids.eventId, ...toColumns(fields), change };
  const [made] = await tx('sandbox_calendar_events').insert(row).onConflict(['organization_id', 'calendar_id', 'event_id']).ignore().returning<Row[]>('*');
  return made === undefined ? null : toEvent(made);
}

async function findEvent(db: Database, place: CalendarPlace, eventId: string): Promise<SandboxEvent | null> {
  const row = await db('sandbox_calendar_events').where(keyOf(place, eventId)).first<Row | undefined>();
  return row === undefined ? null : toEvent(row);
}

/** An event by our id, or null. */
export async function getSandboxEvent(db: Database, organizationId: string, id: string): Promise<SandboxEvent | null> {
  const row = await db('sandbox_calendar_events').where({ organization_id: organizationId, id }).first<Row | undefined>();
  return row === undefined ? null : toEvent(row);
}

export async function organizationOfSandboxEvent(db: Database, id: string): Promise<string | null> {
  const row = await db('sandbox_calendar_events').where({ id }).first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

/** Events that are not deleted, by their beginning; `after` is the last one of the page before. */
export async function listSandboxEvents(
  db: Database,
  { organizationId, calendarId }: CalendarPlace,
  page: { limit: number; after: { start: Instant; id: string } | null },
): Promise<{ rows: SandboxEvent[]; total: number }> {
  const matching = db('sandbox_calendar_events').where({ organization_id: organizationId, calendar_id: calendarId, status: 'confirmed' });
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.after !== null) void matching.whereRaw('(start_at, id) > (?, ?)', [page.after.start, page.after.id]);
  const rows = await matching.orderBy(['start_at', 'id']).limit(page.limit).select<Row[]>('*');
  return { rows: rows.map(toEvent), total: counted?.count ?? 0 };
}

/** The lock makes changes visible in the order in which they are counted: a list of changes misses none. */
async function nextChange(tx: Transaction, { organizationId, calendarId }: CalendarPlace): Promise<number> {
  await tx.raw('select pg_advisory_xact_lock(hashtextextended(?, 5120))', [`${organizationId}/${calendarId}`]);
  const [row] = await tx('sandbox_calendar_events').where({ organization_id: organizationId, calendar_id: calendarId }).max<{ last: number | null }[]>('change as last');
  return (row?.last ?? 0) + 1;
}

function keyOf({ organizationId, calendarId }: CalendarPlace, eventId: string): Row {
  return { organization_id: organizationId, calendar_id: calendarId, event_id: eventId };
}

function toColumns(fields: Partial<SandboxEventFields>): Row {
  return {
    ...(fields.status !== undefined && { status: fields.status }),
    ...(fields.summary !== undefined && { summary: fields.summary }),
    ...(fields.description !== undefined && { description: fields.description }),
    ...(fields.start !== undefined && { start_at: fields.start }),
    ...(fields.end !== undefined && { end_at: fields.end }),
    ...(fields.isTransparent !== undefined && { is_transparent: fields.isTransparent }),
    ...(fields.marks !== undefined && { marks: JSON.stringify(fields.marks) }),
  };
}

function toEvent(row: Row): SandboxEvent {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    calendarId: row.calendar_id as string,
    eventId: row.event_id as string,
    status: row.status as SandboxEvent['status'],
    summary: row.summary as string | null,
    description: row.description as string | null,
    start: row.start_at as Instant,
    end: row.end_at as Instant,
    isTransparent: row.is_transparent as boolean,
    marks: row.marks as Record<string, string>,
    change: row.change as number,
  };
}
