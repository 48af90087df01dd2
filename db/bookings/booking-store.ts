import { TAKING, type Booking, type BookingPeriod } from '../../domain/bookings/booking.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { prepared } from '../shared/prepared.ts';

type Row = Record<string, unknown>;

/**
 * Reads and locks a booking until the transaction ends, its environment first: whoever decides on
 * bookings of an environment waits for whoever does already.
 */
export async function lockBooking(tx: Transaction, organizationId: string, id: string): Promise<Booking | null> {
  await tx.raw(
    `select e.id from bookings b join environments e on e.id = b.environment_id
     where b.organization_id = ? and b.id = ? for update of e`,
    [organizationId, id],
  );
  const [booking] = await lockBookings(tx, organizationId, [id]);
  return booking ?? null;
}

/** `lockBooking` for many whose environments the caller holds already, in the order of their ids. */
export async function lockBookings(tx: Transaction, organizationId: string, ids: readonly string[]): Promise<Booking[]> {
  const rows = await tx('bookings as b')
    .leftJoin('projects as p', (on) => void on.on('p.organization_id', 'b.organization_id').andOn('p.id', 'b.project_id'))
    .where('b.organization_id', organizationId)
    .whereIn('b.id', [...ids])
    .orderBy('b.id')
    .forUpdate('b')
    .select<Row[]>('b.*', 'p.buffer_entered_at as project_ended_at');
  return rows.map(toBooking);
}

export async function getBooking(db: Database | Transaction, organizationId: string, id: string): Promise<Booking | null> {
  const row = await db('bookings').where({ organization_id: organizationId, id }).first<Row | undefined>();
  return row === undefined ? null : toBooking(row);
}

export async function organizationOfBooking(db: Database, id: string): Promise<string | null> {
  const row = await db('bookings').where({ id }).first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

/** Writes a new booking. Violates `bookings_no_overlap` when its period is taken. */
export async function insertBooking(tx: Transaction, booking: Booking): Promise<void> {
  const row: Row = {
    id: booking.id,
    organization_id: booking.organizationId,
    environment_id: booking.environmentId,
    environment_key: booking.environmentKey,
    holder_user_id: booking.holderUserId,
    booked_by: JSON.stringify(booking.bookedBy),
    ssh_key_id: booking.sshKeyId,
    ssh_public_key: booking.sshPublicKey,
    project_id: booking.projectId,
    series_id: booking.seriesId,
    waitlist_entry_id: booking.waitlistEntryId,
    created_at: booking.createdAt,
    ...toColumns(booking),
  };
  await prepared(tx('bookings').insert(row));
}

export async function saveBooking(tx: Transaction, booking: Booking): Promise<void> {
  await tx('bookings').where({ organization_id: booking.organizationId, id: booking.id }).update(toColumns(booking));
}

/** `saveBooking` for many of one organization, in one statement. */
export async function saveBookings(tx: Transaction, bookings: readonly Booking[]): Promise<void> {
  const [first] = bookings;
  if (first === undefined) return;
  await tx.raw(
    `update bookings b
     set state = c.state, since = c.since, until = c.until, note = c.note, offer_expires_at = c.offer_expires_at, ended_at = c.ended_at,
       end_reason = c.end_reason, next_due_at = c.next_due_at, version = c.version, last_at = c.last_at
     from jsonb_to_recordset(cast(? as jsonb)) as c (id text, state text, since timestamptz, until timestamptz, note text, offer_expires_at timestamptz,
       ended_at timestamptz, end_reason text, next_due_at timestamptz, version integer, last_at timestamptz)
     where b.organization_id = ? and b.id = c.id`,
    [JSON.stringify(bookings.map((booking) => ({ id: booking.id, ...toColumns(booking) }))), first.organizationId],
  );
}

/** What a colliding booking is named by. */
export type TakenPeriod = Pick<Booking, 'id' | 'since' | 'until' | 'holderUserId' | 'state'>;

/**
 * Bookings that take any of a period from an environment, by their beginning; `except` is left out. `at` is when somebody asked: what
 * has ended since then, while they waited for the environment, took it then.
 */
export async function takenIn(
  db: Database | Transaction,
  organizationId: string,
  environmentId: string,
  { since, until }: BookingPeriod,
  at: Instant,
  except: string | null = null,
): Promise<TakenPeriod[]> {
  const query = db.raw<{ rows: TakenPeriod[] }>(
    `select id, since, until, holder_user_id as "holderUserId", state from bookings
     where organization_id = :organizationId and environment_id = :environmentId
       and (state = any(:taking) or (state = 'released' and ended_at > :at))
       and tstzrange(since, until, '[)') && tstzrange(:since, :until, '[)') and (cast(:except as text) is null or id <> :except)
     order by since`,
    { organizationId, environmentId, taking: [...TAKING], at, since, until: until as never, except: except as never },
  );
  return (await prepared(query)).rows;
}

/** Bookings of an environment that have not ended, by their beginning; all of them, or the first `limit`. */
export async function openBookingsOf(db: Database | Transaction, organizationId: string, environmentId: string, limit: number | null = null): Promise<Booking[]> {
  const rows = await db('bookings')
    .where({ organization_id: organizationId, environment_id: environmentId })
    .whereIn('state', [...TAKING])
    .orderBy('since')
    .modify((query) => (limit === null ? undefined : void query.limit(limit)))
    .select<Row[]>('*');
  return rows.map(toBooking);
}

/** Bookings of a project that have not ended, at most `limit` of them: those under way first, then those that begin next. */
export async function openBookingsOfProject(tx: Transaction, organizationId: string, projectId: string, limit: number): Promise<OpenBooking[]> {
  return await openBookings(tx, { organization_id: organizationId, project_id: projectId }).limit(limit);
}

/** Which of these projects have bookings or offers that have not ended. */
export async function projectsWithOpenBookings(tx: Transaction, organizationId: string, projectIds: readonly string[]): Promise<Set<string>> {
  if (projectIds.length === 0) return new Set();
  const open = tx('bookings').where('organization_id', organizationId).whereIn('project_id', [...projectIds]).whereIn('state', [...TAKING]);
  return new Set(await open.distinct().pluck<string[]>('project_id'));
}

/** Bookings and offers of somebody that have not ended, those under way first, then those that begin next. */
export async function openBookingsOfHolder(tx: Transaction, organizationId: string, holderUserId: string): Promise<OpenBooking[]> {
  return await openBookings(tx, { organization_id: organizationId, holder_user_id: holderUserId });
}

interface OpenBooking {
  id: string;
  environmentId: string;
}

function openBookings(tx: Transaction, whose: Record<string, string>) {
  return tx('bookings').where(whose).whereIn('state', [...TAKING]).orderBy(['since', 'id']).select<OpenBooking[]>('id', 'environment_id as environmentId');
}

/** Bookings of an environment whose deadline has passed: they are settled before anybody decides on it. */
export async function overdueBookingsOf(tx: Transaction, organizationId: string, environmentId: string, at: Instant): Promise<string[]> {
  const query = tx('bookings')
    .where({ organization_id: organizationId, environment_id: environmentId })
    .where('next_due_at', '<=', at)
    .orderBy('next_due_at')
    .select<{ id: string }[]>('id');
  return (await prepared(query)).map((row) => row.id);
}

function toColumns(booking: Booking): Row {
  return {
    state: booking.state,
    since: booking.since,
    until: booking.until,
    note: booking.note,
    offer_expires_at: booking.offerExpiresAt,
    ended_at: booking.endedAt,
    end_reason: booking.endReason,
    next_due_at: booking.nextDueAt,
    version: booking.version,
    last_at: booking.lastAt,
  };
}

/** What `toBooking` reads of the table itself. */
export const BOOKING_COLUMNS = [
  'id', 'organization_id', 'environment_id', 'environment_key', 'holder_user_id', 'booked_by', 'state', 'since', 'until', 'note', 'ssh_key_id', 'ssh_public_key',
  'project_id', 'series_id', 'waitlist_entry_id', 'offer_expires_at', 'ended_at', 'end_reason', 'next_due_at', 'version', 'last_at', 'created_at',
] as const;

export function toBooking(row: Row): Booking {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    environmentId: row.environment_id as string,
    environmentKey: row.environment_key as number,
    holderUserId: row.holder_user_id as string,
    bookedBy: row.booked_by as Booking['bookedBy'],
    state: row.state as Booking['state'],
    since: row.since as string,
    until: row.until as string | null,
    note: row.note as string,
    sshKeyId: row.ssh_key_id as string | null,
    sshPublicKey: row.ssh_public_key as string | null,
    projectId: row.project_id as string | null,
    seriesId: row.series_id as string | null,
    waitlistEntryId: row.waitlist_entry_id as string | null,
    offerExpiresAt: row.offer_expires_at as string | null,
    endedAt: row.ended_at as string | null,
    endReason: row.end_reason as Booking['endReason'],
    nextDueAt: row.next_due_at as string | null,
    version: row.version as number,
    lastAt: row.last_at as string,
    createdAt: row.created_at as string,
    projectEndedAt: (row.project_ended_at as string | null | undefined) ?? null,
  };
}
