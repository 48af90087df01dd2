import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { insertFeed, listFeeds, lockFeed, revokeFeed } from '../../db/environments/feed-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { MOST_FEEDS, type CalendarFeed } from '../../domain/environments/calendar-feed.ts';
import type { OrganizationRole } from '../../domain/organizations/role.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { hashSecret, newLinkSecret } from '../identity/secrets.ts';
import type { Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';

/** Makes a link to the organization's calendar for a person. Its secret is in the answer and nowhere else. */
export async function createCalendarFeed(
  tx: Transaction,
  request: { organizationId: string; userId: string },
  { at, by }: Pick<Decision, 'at' | 'by'>,
): Promise<{ feed: CalendarFeed; secret: string }> {
  const { organizationId, userId } = request;
  const { total } = await listFeeds(tx, organizationId, userId, { limit: 1, before: null });
  if (total >= MOST_FEEDS) {
    throw new DomainError({ kind: 'limit-exceeded', code: 'environments.too-many-feeds', message: `You have ${total} calendar links here; ${MOST_FEEDS} is the most. Revoke one first.` });
  }
  const secret = newLinkSecret();
  const feed: CalendarFeed = { id: newId('calendar-feed'), organizationId, userId, createdAt: at, revokedAt: null };
  await insertFeed(tx, feed, hashSecret(secret));
  const entry = { id: newId('ledger-entry'), organizationId, at, subject: feed.id, action: 'environments.create-calendar-feed', by };
  await recordLedgerEntry(tx, { ...entry, before: null, after: { userId } });
  return { feed, secret };
}

/** Ends a link at once: one's own, or as a manager anybody's. Ending it again changes nothing. */
export async function revokeCalendarFeed(
  tx: Transaction,
  ref: EntityRef,
  { at, by, asks }: Pick<Decision, 'at' | 'by'> & { asks: { userId: string; role: OrganizationRole } },
): Promise<void> {
  const { organizationId, id } = ref;
  const feed = await lockFeed(tx, organizationId, id);
  if (feed === null || (feed.userId !== asks.userId && asks.role !== 'manager')) throw notFound('calendar-feed', id);
  if (feed.revokedAt !== null) return;
  await revokeFeed(tx, organizationId, id, at);
  const entry = { id: newId('ledger-entry'), organizationId, at, subject: id, action: 'environments.revoke-calendar-feed', by };
  await recordLedgerEntry(tx, { ...entry, before: { userId: feed.userId }, after: null });
}
