import type { WaitlistEntry } from '../../domain/bookings/waitlist.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

type Row = Record<string, unknown>;

export async function insertWaitlistEntry(tx: Transaction, entry: WaitlistEntry): Promise<void> {
  await tx('waitlist_entries').insert({
    id: entry.id,
    organization_id: entry.organizationId,
    environment_id: entry.environmentId,
    user_id: entry.userId,
    since: entry.since,
    until: entry.until,
    state: entry.state,
    created_at: entry.createdAt,
    last_at: entry.lastAt,
  });
}

export async function getWaitlistEntry(db: Database | Transaction, organizationId: string, id: string): Promise<WaitlistEntry | null> {
  const row = await db('waitlist_entries').where({ organization_id: organizationId, id }).first<Row | undefined>();
  return row === undefined ? null : toEntry(row);
}

export async function organizationOfWaitlistEntry(db: Database, id: string): Promise<string | null> {
  const row = await db('waitlist_entries').where({ id }).first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

/** Who waits for an environment, in the order in which they are served. The environment is locked. */
export async function waitingFor(db: Database | Transaction, organizationId: string, environmentId: string): Promise<WaitlistEntry[]> {
  const rows = await db('waitlist_entries')
    .where({ organization_id: organizationId, environment_id: environmentId, state: 'waiting' })
    .orderBy('id')
    .select<Row[]>('*');
  return rows.map(toEntry);
}

/** Changes an entry's state; `offeredBookingId` is kept unless given. */
export async function saveWaitlistEntry(
  tx: Transaction,
  organizationId: string,
  id: string,
  change: { state: WaitlistEntry['state']; offeredBookingId?: string | null; at: Instant },
): Promise<void> {
  await tx('waitlist_entries')
    .where({ organization_id: organizationId, id })
    .update({
      state: change.state,
      last_at: change.at,
      ...(change.offeredBookingId !== undefined && { offered_booking_id: change.offeredBookingId }),
    });
}

/** Ends the waiting for an environment that nobody can book any more. Answers with who waited. */
export async function expireWaiting(tx: Transaction, organizationId: string, environmentId: string, at: Instant): Promise<string[]> {
  const rows = await tx('waitlist_entries')
    .where({ organization_id: organizationId, environment_id: environmentId, state: 'waiting' })
    .update({ state: 'expired', last_at: at })
    .returning<{ user_id: string }[]>('user_id');
  return rows.map((row) => row.user_id);
}

/** Takes somebody off every list on which they wait and have no offer yet. */
export async function endWaitingOf(tx: Transaction, organizationId: string, userId: string, at: Instant): Promise<void> {
  await tx('waitlist_entries').where({ organization_id: organizationId, user_id: userId, state: 'waiting' }).update({ state: 'left', last_at: at });
}

/** Environments for which somebody waits, or is offered something. */
export async function environmentsWaitedForBy(tx: Transaction, organizationId: string, userId: string): Promise<string[]> {
  return await tx('waitlist_entries').where({ organization_id: organizationId, user_id: userId }).whereIn('state', ['waiting', 'offered']).pluck<string[]>('environment_id');
}

export async function listWaitlist(
  db: Database,
  organizationId: string,
  environmentId: string,
  page: { limit: number; after: string | null },
): Promise<{ rows: WaitlistEntry[]; total: number }> {
  const matching = db('waitlist_entries')
    .where({ organization_id: organizationId, environment_id: environmentId })
    .whereIn('state', ['waiting', 'offered']);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.after !== null) void matching.where('id', '>', page.after);
  const rows = await matching.orderBy('id').limit(page.limit).select<Row[]>('*');
  return { rows: rows.map(toEntry), total: counted?.count ?? 0 };
}

function toEntry(row: Row): WaitlistEntry {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    environmentId: row.environment_id as string,
    userId: row.user_id as string,
    since: row.since as string,
    until: row.until as string | null,
    state: row.state as WaitlistEntry['state'],
    offeredBookingId: row.offered_booking_id as string | null,
    createdAt: row.created_at as string,
    lastAt: row.last_at as string,
  };
}
