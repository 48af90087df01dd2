import type { Calendar } from '../../domain/calendar/calendar.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { backlogOf } from './event-store.ts';

type Row = Record<string, unknown>;

/**
 * Reads and locks a calendar until the transaction ends, with what waits for it. Bookings that are being
 * written refer to the row and are not held up.
 */
export async function lockCalendar(tx: Transaction, organizationId: string, id: string): Promise<Calendar | null> {
  const row = await tx('calendars').where({ organization_id: organizationId, id }).forNoKeyUpdate().first<Row | undefined>();
  return row === undefined ? null : await withBacklog(tx, row);
}

export async function getCalendar(db: Database | Transaction, organizationId: string, id: string): Promise<Calendar | null> {
  const row = await db('calendars').where({ organization_id: organizationId, id }).first<Row | undefined>();
  return row === undefined ? null : await withBacklog(db, row);
}

/** The calendar of an organization: one at most. */
export async function calendarOf(db: Database | Transaction, organizationId: string): Promise<Calendar | null> {
  const row = await db('calendars').where({ organization_id: organizationId }).first<Row | undefined>();
  return row === undefined ? null : await withBacklog(db, row);
}

export async function organizationOfCalendar(db: Database, id: string): Promise<string | null> {
  const row = await db('calendars').where({ id }).first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

/** Violates `calendars_one_an_organization` when the organization has one. */
export async function insertCalendar(tx: Transaction, calendar: Calendar): Promise<void> {
  await tx('calendars').insert({
    id: calendar.id,
    organization_id: calendar.organizationId,
    provider: calendar.provider,
    calendar_id: calendar.calendarId,
    generation: calendar.generation,
    created_by: JSON.stringify(calendar.createdBy),
    created_at: calendar.createdAt,
    ...toColumns(calendar),
  });
}

/** Writes what may change; one that is disconnected goes, with its credentials and what is known of its events. */
export async function saveCalendar(tx: Transaction, calendar: Calendar): Promise<void> {
  const row = tx('calendars').where({ organization_id: calendar.organizationId, id: calendar.id });
  if (calendar.state === 'disconnected') await row.delete();
  else await row.update(toColumns(calendar));
}

/** Calendars that wait with something, and since when the oldest does; how many are broken. For the workers' metrics. */
export async function calendarFigures(db: Database): Promise<{ broken: number; waiting: number; oldestAt: Instant | null }> {
  const result = await db.raw<{ rows: { broken: number; waiting: number; oldest: Instant | null }[] }>(
    `select (select count(*) from calendars where state = 'broken') as broken, count(*) as waiting, min(e.waiting_since) as oldest
     from calendar_events e join calendars c on c.id = e.calendar_id where e.waiting_since is not null and c.enabled`,
  );
  const [row] = result.rows;
  return { broken: row?.broken ?? 0, waiting: row?.waiting ?? 0, oldestAt: row?.oldest ?? null };
}

async function withBacklog(db: Database | Transaction, row: Row): Promise<Calendar> {
  return toCalendar(row, await backlogOf(db, row.id as string));
}

function toColumns(calendar: Calendar): Row {
  return {
    account: calendar.account,
    two_way: calendar.twoWay,
    enabled: calendar.enabled,
    state: calendar.state,
    problem: calendar.problem === null ? null : JSON.stringify(calendar.problem),
    broken_since: calendar.brokenSince,
    attempts: calendar.attempts,
    retry_at: calendar.retryAt,
    sync_token: calendar.syncToken,
    look_at: calendar.lookAt,
    full_at: calendar.fullAt,
    last_synced_at: calendar.lastSyncedAt,
    last_reconciled_at: calendar.lastReconciledAt,
    channel: calendar.channel === null ? null : JSON.stringify(calendar.channel),
    next_due_at: calendar.nextDueAt,
    version: calendar.version,
    last_at: calendar.lastAt,
  };
}

function toCalendar(row: Row, backlog: Calendar['backlog']): Calendar {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    provider: row.provider as Calendar['provider'],
    calendarId: row.calendar_id as string,
    account: row.account as string | null,
    generation: row.generation as number,
    twoWay: row.two_way as boolean,
    enabled: row.enabled as boolean,
    state: row.state as Calendar['state'],
    problem: row.problem as Calendar['problem'],
    brokenSince: row.broken_since as Instant | null,
    attempts: row.attempts as number,
    retryAt: row.retry_at as Instant | null,
    syncToken: row.sync_token as string | null,
    lookAt: row.look_at as Instant,
    fullAt: row.full_at as Instant,
    lastSyncedAt: row.last_synced_at as Instant | null,
    lastReconciledAt: row.last_reconciled_at as Instant | null,
    channel: row.channel as Calendar['channel'],
    createdBy: row.created_by as Actor,
    createdAt: row.created_at as Instant,
    backlog,
    version: row.version as number,
    lastAt: row.last_at as Instant,
    nextDueAt: row.next_due_at as Instant | null,
  };
}
