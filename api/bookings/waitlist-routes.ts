import { acceptEntry, joinWaitlist, leaveWaitlist } from '../../commands/bookings/waitlist.ts';
import { getListedBooking } from '../../db/bookings/booking-list.ts';
import { listWaitlist, organizationOfWaitlistEntry } from '../../db/bookings/waitlist-store.ts';
import { organizationOfEnvironment } from '../../db/environments/environment-lock.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { idOf } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { bookerOf } from './booker.ts';
import { bookingBody, joinInput, waitlistEntryBody } from './schemas.ts';
import { bookingView, waitlistEntryView } from './views.ts';

const tags = ['bookings'];
const environmentParams = z.strictObject({ id: idOf('environment') });
const ofEnvironment = (role: 'member' | 'engineer') => ({
  kind: 'organization' as const,
  role,
  scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfEnvironment(db, id),
});
const entryParams = z.strictObject({ id: idOf('waitlist-entry') });
const ofEntry = {
  kind: 'organization' as const,
  role: 'engineer' as const,
  scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfWaitlistEntry(db, id),
};

const join = defineOperation({
  method: 'post',
  path: '/v1/environments/{id}/waitlist',
  id: 'joinWaitlist',
  summary: 'Wait for a period of an environment that is taken',
  description: 'When it gets free it is offered in the order of waiting, and held while the offer lasts.',
  tags,
  access: ofEnvironment('engineer'),
  tokenScope: 'write',
  params: environmentParams,
  body: joinInput,
  responses: { 201: waitlistEntryBody },
  async handle(context, { params: { id }, body }) {
    const { organizationId, at, actor: by } = context;
    const booker = bookerOf(context);
    return await context.transact(async (tx) => {
      const entry = await joinWaitlist(tx, { organizationId, environmentId: id, since: body.since ?? at, until: body.until }, { at, by, booker });
      return { status: 201, body: waitlistEntryView(entry) };
    });
  },
});

const list = defineOperation({
  method: 'get',
  path: '/v1/environments/{id}/waitlist',
  id: 'listWaitlist',
  summary: 'Who waits for an environment, in the order in which they are served',
  tags,
  access: ofEnvironment('member'),
  tokenScope: 'read',
  params: environmentParams,
  query: z.strictObject(pageFields),
  responses: { 200: pageOf(waitlistEntryBody) },
  async handle({ deps, organizationId }, { params: { id }, query }) {
    const cursor = readCursor('listWaitlist', query, 1);
    const page = { limit: query.page_size + 1, after: cursor === null ? null : String(cursor[0]) };
    const found = await listWaitlist(deps.db, organizationId, id, page);
    return { status: 200, body: toPage('listWaitlist', query, found, { item: waitlistEntryView, positionOf: (entry) => [entry.id] }) };
  },
});

const accept = defineOperation({
  method: 'post',
  path: '/v1/waitlist-entries/{id}:accept',
  id: 'acceptOffer',
  summary: 'Take what is offered: the period is booked',
  tags,
  access: ofEntry,
  tokenScope: 'write',
  params: entryParams,
  body: z.strictObject({}).openapi('AcceptOffer'),
  responses: { 200: bookingBody },
  async handle(context, { params: { id } }) {
    const { organizationId, at, actor: by } = context;
    const booker = bookerOf(context);
    return await context.transact(async (tx) => {
      const booking = await acceptEntry(tx, { organizationId, id }, { at, by, booker });
      const listed = await getListedBooking(tx, organizationId, booking.id);
      if (listed === null) throw notFound('booking', booking.id);
      return { status: 200, body: bookingView(listed), version: booking.version };
    });
  },
});

const leave = defineOperation({
  method: 'delete',
  path: '/v1/waitlist-entries/{id}',
  id: 'leaveWaitlist',
  summary: 'Leave the waitlist; an open offer goes to the next in line',
  tags,
  access: ofEntry,
  tokenScope: 'write',
  params: entryParams,
  responses: { 200: waitlistEntryBody },
  async handle(context, { params: { id } }) {
    const { deps, organizationId, at, actor: by } = context;
    const booker = bookerOf(context);
    const entry = await inTransaction(deps.db, (tx) => leaveWaitlist(tx, { organizationId, id }, { at, by, booker }));
    return { status: 200, body: waitlistEntryView(entry) };
  },
});

export const waitlistRoutes = [join, list, accept, leave];
