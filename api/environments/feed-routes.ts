import { createCalendarFeed, revokeCalendarFeed } from '../../commands/environments/calendar-feeds.ts';
import { listFeeds, organizationOfFeed } from '../../db/environments/feed-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { CalendarFeed } from '../../domain/environments/calendar-feed.ts';
import { requireCaller } from '../shared/authorize.ts';
import { idOf, inOrganization, instant } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

const tags = ['environments'];
const feedBody = z.strictObject({ id: z.string(), organization_id: z.string(), created_at: instant }).openapi('CalendarFeed');

function feedView({ id, organizationId, createdAt }: CalendarFeed): z.input<typeof feedBody> {
  return { id, organization_id: organizationId, created_at: createdAt };
}

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/calendar-feeds',
  id: 'listCalendarFeeds',
  summary: 'One’s own links to the calendar of the environments, newest first',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: z.strictObject({ ...pageFields }),
  responses: { 200: pageOf(feedBody) },
  async handle({ deps, caller, organizationId }, { query }) {
    const cursor = readCursor('listCalendarFeeds', query, 1);
    const { userId } = requireCaller(caller);
    const found = await listFeeds(deps.db, organizationId, userId, { limit: query.page_size + 1, before: cursor === null ? null : String(cursor[0]) });
    return { status: 200, body: toPage('listCalendarFeeds', query, found, { item: feedView, positionOf: (row) => [row.id] }) };
  },
});

const create = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}/calendar-feeds',
  id: 'createCalendarFeed',
  summary: 'Make a secret .ics link to the calendar of the environments, shown this once, for a calendar program',
  description: 'Whoever has the link sees environments, times and names. It ends when it is revoked and when you leave the organization.',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  responses: { 201: z.strictObject({ calendar_feed: feedBody, url: z.string() }).openapi('NewCalendarFeed') },
  handle: ({ transact, deps, caller, organizationId, at, actor: by }) =>
    transact(async (tx) => {
      const { userId } = requireCaller(caller);
      const { feed, secret } = await createCalendarFeed(tx, { organizationId, userId }, { at, by });
      return { status: 201, body: { calendar_feed: feedView(feed), url: `${deps.config.publicUrl}/v1/feeds/${secret}.ics` }, holdsSecret: true };
    }),
});

const revoke = defineOperation({
  method: 'delete',
  path: '/v1/calendar-feeds/{id}',
  id: 'revokeCalendarFeed',
  summary: 'End a calendar link at once; one’s own, or as a manager anybody’s',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: ({ db }, { id }: { id: string }) => organizationOfFeed(db, id) },
  tokenScope: 'write',
  params: z.strictObject({ id: idOf('calendar-feed') }),
  responses: { 204: null },
  async handle({ deps, caller, organizationId, role, at, actor: by }, { params: { id } }) {
    const { userId } = requireCaller(caller);
    await inTransaction(deps.db, (tx) => revokeCalendarFeed(tx, { organizationId, id }, { at, by, asks: { userId, role } }));
    return { status: 204, body: null };
  },
});

export const feedRoutes = [list, create, revoke];
