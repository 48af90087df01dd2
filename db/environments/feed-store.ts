import type { CalendarFeed } from '../../domain/environments/calendar-feed.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

type Row = Record<string, unknown>;

export async function insertFeed(tx: Transaction, feed: CalendarFeed, tokenHash: Buffer): Promise<void> {
  await tx('calendar_feeds').insert({
    id: feed.id,
    organization_id: feed.organizationId,
    user_id: feed.userId,
    token_hash: tokenHash,
    created_at: feed.createdAt,
    revoked_at: feed.revokedAt,
  });
}

export async function organizationOfFeed(db: Database, id: string): Promise<string | null> {
  const row = await db('calendar_feeds').where({ id }).first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

export async function lockFeed(tx: Transaction, organizationId: string, id: string): Promise<CalendarFeed | null> {
  const row = await tx('calendar_feeds').where({ organization_id: organizationId, id }).forUpdate().first<Row | undefined>();
  return row === undefined ? null : toFeed(row);
}

export async function revokeFeed(tx: Transaction, organizationId: string, id: string, at: Instant): Promise<void> {
  await tx('calendar_feeds').where({ organization_id: organizationId, id }).update({ revoked_at: at });
}

/** A person's links that are open, newest first; `before` is the id of the last one shown. */
export async function listFeeds(
  db: Database | Transaction,
  organizationId: string,
  userId: string,
  page: { limit: number; before: string | null },
): Promise<{ rows: CalendarFeed[]; total: number }> {
  const matching = db('calendar_feeds').where({ organization_id: organizationId, user_id: userId }).whereNull('revoked_at');
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.before !== null) void matching.where('id', '<', page.before);
  const rows = await matching.orderBy('id', 'desc').limit(page.limit).select<Row[]>('*');
  return { rows: rows.map(toFeed), total: counted?.count ?? 0 };
}

/** The organization that a token opens the calendar of; null when it is unknown or revoked, or its person may no longer look. */
export async function organizationByFeedToken(db: Database, tokenHash: Buffer): Promise<{ id: string; name: string } | null> {
  const row = await db('calendar_feeds as f')
    .join('organizations as o', 'o.id', 'f.organization_id')
    .join('users as u', 'u.id', 'f.user_id')
    .leftJoin('memberships as m', (join) => void join.on('m.organization_id', 'f.organization_id').andOn('m.user_id', 'f.user_id'))
    .where('f.token_hash', tokenHash)
    .whereNull('f.revoked_at')
    .whereNull('u.disabled_at')
    .where((either) => void either.whereNotNull('m.role').orWhere('u.platform_administrator', true))
    .first<{ id: string; name: string } | undefined>('o.id', 'o.name');
  return row ?? null;
}

function toFeed(row: Row): CalendarFeed {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    userId: row.user_id as string,
    createdAt: row.created_at as string,
    revokedAt: row.revoked_at as string | null,
  };
}
