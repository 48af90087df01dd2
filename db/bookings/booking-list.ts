import type { Booking } from '../../domain/bookings/booking.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database } from '../shared/connection.ts';
import { prepared } from '../shared/prepared.ts';
import { BOOKING_COLUMNS, toBooking } from './booking-store.ts';

export interface BookingFilter {
  environmentId?: string | undefined;
  holderUserId?: string | undefined;
  seriesId?: string | undefined;
  states?: readonly string[] | undefined;
  /** Bookings that share an instant with [from, to). */
  from?: Instant | undefined;
  to?: Instant | undefined;
}

/** A booking with the names that a list shows. */
export interface ListedBooking {
  booking: Booking;
  environmentName: string;
  holderName: string;
}

type Row = Record<string, unknown>;

/** Bookings of an organization by their beginning; `after` is the last one of the page before. */
export async function listBookings(
  db: Database,
  organizationId: string,
  filter: BookingFilter,
  page: { limit: number; after: { since: Instant; id: string } | null },
): Promise<{ rows: ListedBooking[]; total: number }> {
  const matching = db('bookings as b').where('b.organization_id', organizationId);
  if (filter.environmentId !== undefined) void matching.where('b.environment_id', filter.environmentId);
  if (filter.holderUserId !== undefined) void matching.where('b.holder_user_id', filter.holderUserId);
  if (filter.seriesId !== undefined) void matching.where('b.series_id', filter.seriesId);
  if (filter.states !== undefined) void matching.whereIn('b.state', [...filter.states]);
  if (filter.to !== undefined) void matching.where('b.since', '<', filter.to);
  if (filter.from !== undefined) void matching.whereRaw('(b.until is null or b.until > ?)', [filter.from]);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.after !== null) void matching.whereRaw('(b.since, b.id) > (?, ?)', [page.after.since, page.after.id]);
  const rows = await matching
    .join('environments as e', 'e.id', 'b.environment_id')
    .join('users as u', 'u.id', 'b.holder_user_id')
    .orderBy(['b.since', 'b.id'])
    .limit(page.limit)
    .select<Row[]>('b.*', 'e.name as environment_name', 'u.display_name as holder_name');
  return { rows: rows.map(toListed), total: counted?.count ?? 0 };
}

/** One text however many are asked for, so that it is prepared once. */
const LISTED_BY_IDS = `
  select ${BOOKING_COLUMNS.map((column) => `b.${column}`).join(', ')}, e.name as environment_name, u.display_name as holder_name
  from bookings b join environments e on e.id = b.environment_id join users u on u.id = b.holder_user_id
  where b.organization_id = ? and b.id = any(?)
  order by b.since`;

/** One booking as the list shows it, or null. */
export async function getListedBooking(db: Database, organizationId: string, id: string): Promise<ListedBooking | null> {
  const [booking] = await getListedBookings(db, organizationId, [id]);
  return booking ?? null;
}

/** Bookings as the list shows them, by their beginning; those that do not exist are left out. */
export async function getListedBookings(db: Database, organizationId: string, ids: readonly string[]): Promise<ListedBooking[]> {
  const { rows } = await prepared(db.raw<{ rows: Row[] }>(LISTED_BY_IDS, [organizationId, [...ids]]));
  return rows.map(toListed);
}

function toListed(row: Row): ListedBooking {
  return { booking: toBooking(row), environmentName: row.environment_name as string, holderName: row.holder_name as string };
}
