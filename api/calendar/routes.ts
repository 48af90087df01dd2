import { disconnectCalendar, editCalendar, retryCalendar } from '../../commands/calendar/edit-calendar.ts';
import { calendarOf, getCalendar, organizationOfCalendar } from '../../db/calendar/calendar-store.ts';
import { pageOfEvents } from '../../db/calendar/event-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { EventRow } from '../../domain/calendar/event-row.ts';
import type { Calendar } from '../../domain/calendar/calendar.ts';
import { NEEDED_RIGHT, setupSteps } from '../../domain/calendar/setup.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { inOrganization } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { connectCalendar, connectResponses, reconnectCalendar } from './connect.ts';
import { notificationRoutes } from './notification-routes.ts';
import { sandboxEventRoutes } from './sandbox-routes.ts';
import { calendarBody, calendarEdit, calendarParams as params, connectInput, disconnectQuery, eventBody, eventsQuery, reconnectInput, setupBody } from './schemas.ts';
import { calendarView, eventView } from './views.ts';

const tags = ['calendar'];
const SCOPE = 'https://www.googleapis.com/auth/calendar.events';

function ofCalendar(role: 'member' | 'manager') {
  return {
    kind: 'organization' as const,
    role,
    scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfCalendar(db, id),
  };
}

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/calendars',
  id: 'listCalendars',
  summary: 'The calendar that mirrors the organization’s bookings, if it has one',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: z.strictObject({ ...pageFields }),
  responses: { 200: pageOf(calendarBody) },
  async handle({ deps, organizationId }, { query }) {
    readCursor('listCalendars', query, 1);
    const calendar = await calendarOf(deps.db, organizationId);
    const rows = calendar === null ? [] : [calendar];
    return { status: 200, body: toPage('listCalendars', query, { rows, total: rows.length }, { item: calendarView, positionOf: (row: Calendar) => [row.id] }) };
  },
});

const setup = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/calendars:setup',
  id: 'getCalendarSetup',
  summary: 'What to do with Google before a calendar can be connected',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  responses: { 200: setupBody },
  async handle({ deps, organizationId }) {
    const account = (await calendarOf(deps.db, organizationId))?.account ?? null;
    return { status: 200, body: { steps: setupSteps(account), account, right: NEEDED_RIGHT, scope: SCOPE } };
  },
});

const connect = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}/calendars',
  id: 'connectCalendar',
  summary: 'Connect the calendar that is to show the organization’s bookings',
  description:
    'A probe event is made and deleted before anything is saved. Answers 201 when the calendar answered within 20 seconds, else 202 with an operation. ' +
    'An organization has one calendar. The sandbox’s needs no key.',
  tags,
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  body: connectInput,
  responses: connectResponses,
  handle: (context, { body }) => connectCalendar(context, body),
});

const get = defineOperation({
  method: 'get',
  path: '/v1/calendars/{id}',
  id: 'getCalendar',
  summary: 'A calendar: how it stands, what waits for it, and what went wrong',
  tags,
  access: ofCalendar('member'),
  tokenScope: 'read',
  params,
  responses: { 200: calendarBody },
  async handle({ deps, organizationId }, { params: { id } }) {
    const calendar = await getCalendar(deps.db, organizationId, id);
    if (calendar === null) throw notFound('calendar', id);
    return { status: 200, body: calendarView(calendar), version: calendar.version };
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/calendars/{id}',
  id: 'editCalendar',
  summary: 'Switch between one way and two, or off and on',
  tags,
  access: ofCalendar('manager'),
  tokenScope: 'write',
  params,
  body: calendarEdit,
  responses: { 200: calendarBody },
  async handle(context, { params: { id }, body }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'calendar');
    const calendar = await inTransaction(deps.db, (tx) => editCalendar(tx, { organizationId, id }, { twoWay: body.two_way, enabled: body.enabled }, { at, by, check }));
    return { status: 200, body: calendarView(calendar), version: calendar.version };
  },
});

const reconnect = defineOperation({
  method: 'post',
  path: '/v1/calendars/{id}:reconnect',
  id: 'reconnectCalendar',
  summary: 'Put another key in place, once it has been tried',
  tags,
  access: ofCalendar('manager'),
  tokenScope: 'write',
  params,
  body: reconnectInput,
  responses: connectResponses,
  handle: (context, { params: { id }, body }) => reconnectCalendar(context, id, body),
});

const retry = defineOperation({
  method: 'post',
  path: '/v1/calendars/{id}:retry',
  id: 'retryCalendar',
  summary: 'Try now what waits, whatever was to be waited for',
  tags,
  access: ofCalendar('manager'),
  tokenScope: 'write',
  params,
  body: z.strictObject({}).openapi('RetryCalendar'),
  responses: { 202: calendarBody },
  handle: ({ transact, organizationId, at, actor: by }, { params: { id } }) =>
    transact(async (tx) => {
      const calendar = await retryCalendar(tx, { organizationId, id }, { at, by });
      return { status: 202, body: calendarView(calendar), version: calendar.version };
    }),
});

const remove = defineOperation({
  method: 'delete',
  path: '/v1/calendars/{id}',
  id: 'disconnectCalendar',
  summary: 'Disconnect: a workflow takes our events out of the calendar, then it is forgotten',
  tags,
  access: ofCalendar('manager'),
  tokenScope: 'write',
  params,
  query: disconnectQuery,
  responses: { 202: calendarBody },
  async handle(context, { params: { id }, query }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'calendar');
    const calendar = await inTransaction(deps.db, (tx) => disconnectCalendar(tx, { organizationId, id }, query.leave_events ?? false, { at, by, check }));
    return { status: 202, body: calendarView(calendar), version: calendar.version };
  },
});

const events = defineOperation({
  method: 'get',
  path: '/v1/calendars/{id}/events',
  id: 'listCalendarEvents',
  summary: 'The events of bookings: in line, waiting, or refused by the calendar with the reason',
  tags,
  access: ofCalendar('member'),
  tokenScope: 'read',
  params,
  query: eventsQuery,
  responses: { 200: pageOf(eventBody) },
  async handle({ deps, organizationId }, { params: { id }, query }) {
    const calendar = await getCalendar(deps.db, organizationId, id);
    if (calendar === null) throw notFound('calendar', id);
    const cursor = readCursor('listCalendarEvents', query, 1);
    const page = { limit: query.page_size + 1, after: cursor === null ? null : String(cursor[0]) };
    const found = await pageOfEvents(deps.db, { organizationId, id }, { isWaiting: query.waiting, hasFailed: query.refused }, page);
    const shape = { item: (row: EventRow) => eventView(calendar, row), positionOf: (row: EventRow) => [row.booked.bookingId] };
    return { status: 200, body: toPage('listCalendarEvents', query, found, shape) };
  },
});

export const calendarRoutes = [list, setup, connect, get, edit, reconnect, retry, remove, events, ...sandboxEventRoutes, ...notificationRoutes];
