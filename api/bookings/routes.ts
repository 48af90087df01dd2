import { bookEnvironment } from '../../commands/bookings/book-environment.ts';
import { cancelBooking, editBooking, releaseBooking } from '../../commands/bookings/change-booking.ts';
import { getListedBooking, getListedBookings, listBookings } from '../../db/bookings/booking-list.ts';
import { organizationOfBooking } from '../../db/bookings/booking-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { weeksOf } from '../../domain/bookings/recurrence.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { idOf, inOrganization } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { bookerOf } from './booker.ts';
import { bookedBody, bookingBody, bookingEdit, bookingsQuery, bookInput } from './schemas.ts';
import { bookingView } from './views.ts';
import { waitlistRoutes } from './waitlist-routes.ts';

const tags = ['bookings'];
const params = z.strictObject({ id: idOf('booking') });
const ofBooking = (role: 'member' | 'engineer') => ({
  kind: 'organization' as const,
  role,
  scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfBooking(db, id),
});

const book = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}/bookings',
  id: 'bookEnvironment',
  summary: 'Book a shared environment, once or each week',
  description: 'Periods are half-open: touching is legal. Of two who ask at once one wins, and the other is told by whom and how long it is taken.',
  tags,
  access: { kind: 'organization', role: 'engineer', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  projectHeader: true,
  body: bookInput,
  responses: { 201: bookedBody },
  async handle(context, { body }) {
    const { organizationId, at, actor: by } = context;
    const booker = bookerOf(context);
    const first = { since: body.since ?? at, until: body.until };
    const { recurrence } = body;
    const periods = recurrence === undefined ? [first] : weeksOf(first, { timeZone: recurrence.time_zone, untilDate: recurrence.until_date });
    const request = {
      organizationId,
      environmentId: body.environment_id,
      holderUserId: body.holder_user_id ?? booker.userId,
      periods,
      note: body.note,
      sshKeyId: body.ssh_key_id,
      projectId: body.project_id ?? null,
    };
    return await context.transact(async (tx) => {
      const bookings = await bookEnvironment(tx, request, { at, by, booker });
      const items = (await getListedBookings(tx, organizationId, bookings.map(({ id }) => id))).map(bookingView);
      const location = bookings.length === 1 ? { Location: `/v1/bookings/${bookings[0]?.id}` } : undefined;
      return { status: 201, body: { items, series_id: bookings[0]?.seriesId ?? null }, headers: location };
    });
  },
});

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/bookings',
  id: 'listBookings',
  summary: 'Bookings by their beginning',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: bookingsQuery,
  responses: { 200: pageOf(bookingBody) },
  async handle({ deps, organizationId }, { query }) {
    const cursor = readCursor('listBookings', query, 2);
    const filter = {
      environmentId: query.environment_id,
      holderUserId: query.holder_user_id,
      seriesId: query.series_id,
      states: query.state,
      from: query.from,
      to: query.to,
    };
    const page = { limit: query.page_size + 1, after: cursor === null ? null : { since: String(cursor[0]), id: String(cursor[1]) } };
    const found = await listBookings(deps.db, organizationId, filter, page);
    return { status: 200, body: toPage('listBookings', query, found, { item: bookingView, positionOf: ({ booking }) => [booking.since, booking.id] }) };
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/bookings/{id}',
  id: 'getBooking',
  summary: 'A booking',
  tags,
  access: ofBooking('member'),
  tokenScope: 'read',
  params,
  responses: { 200: bookingBody },
  async handle({ deps, organizationId }, { params: { id } }) {
    const body = await shown(deps.db, organizationId, id);
    return { status: 200, body, version: body.version };
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/bookings/{id}',
  id: 'editBooking',
  summary: 'Move, extend or shorten a booking, or change its note',
  tags,
  access: ofBooking('engineer'),
  tokenScope: 'write',
  params,
  body: bookingEdit,
  responses: { 200: bookingBody },
  async handle(context, { params: { id }, body }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'booking');
    const booker = bookerOf(context);
    await inTransaction(deps.db, (tx) => editBooking(tx, { organizationId, id }, body, { at, by, check, booker }));
    const edited = await shown(deps.db, organizationId, id);
    return { status: 200, body: edited, version: edited.version };
  },
});

const release = defineOperation({
  method: 'post',
  path: '/v1/bookings/{id}:release',
  id: 'releaseBooking',
  summary: 'End a booking now: the environment is free at once',
  tags,
  access: ofBooking('engineer'),
  tokenScope: 'write',
  params,
  body: z.strictObject({}).openapi('ReleaseBooking'),
  responses: { 200: bookingBody },
  async handle(context, { params: { id } }) {
    const { organizationId, at, actor: by } = context;
    const booker = bookerOf(context);
    return await context.transact(async (tx) => {
      await releaseBooking(tx, { organizationId, id }, { at, by, booker });
      const body = await shown(tx, organizationId, id);
      return { status: 200, body, version: body.version };
    });
  },
});

const cancel = defineOperation({
  method: 'delete',
  path: '/v1/bookings/{id}',
  id: 'cancelBooking',
  summary: 'Take back a booking that has not begun',
  tags,
  access: ofBooking('engineer'),
  tokenScope: 'write',
  params,
  responses: { 200: bookingBody },
  async handle(context, { params: { id } }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'booking');
    const booker = bookerOf(context);
    await inTransaction(deps.db, (tx) => cancelBooking(tx, { organizationId, id }, { at, by, check, booker }));
    const body = await shown(deps.db, organizationId, id);
    return { status: 200, body, version: body.version };
  },
});

async function shown(db: Database, organizationId: string, id: string) {
  const listed = await getListedBooking(db, organizationId, id);
  if (listed === null) throw notFound('booking', id);
  return bookingView(listed);
}

export const bookingRoutes = [book, list, get, edit, release, cancel, ...waitlistRoutes];
