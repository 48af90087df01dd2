import { changeSandboxEvent, createSandboxEvent } from '../../commands/calendar/sandbox-events.ts';
import { getCalendar, organizationOfCalendar } from '../../db/calendar/calendar-store.ts';
import { listSandboxEvents, organizationOfSandboxEvent } from '../../db/calendar/sandbox-calendar-store.ts';
import type { Calendar } from '../../domain/calendar/calendar.ts';
import type { SandboxEvent } from '../../domain/calendar/sandbox-calendar.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageOf, readCursor, toPage } from '../shared/page.ts';
import { calendarParams, sandboxEventBody, sandboxEventEdit, sandboxEventInput, sandboxEventParams, sandboxEventsQuery } from './schemas.ts';
import { sandboxEventView } from './views.ts';

const tags = ['calendar'];

const ofCalendar = {
  kind: 'organization' as const,
  scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfCalendar(db, id),
};
const ofEvent = {
  kind: 'organization' as const,
  role: 'engineer' as const,
  scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfSandboxEvent(db, id),
};

/** The sandbox calendar behind a connected one. Another provider's events are looked at there. */
async function sandboxCalendar({ deps, organizationId }: Pick<RequestContext, 'deps' | 'organizationId'>, id: string): Promise<Calendar> {
  const calendar = await getCalendar(deps.db, organizationId, id);
  if (calendar === null) throw notFound('calendar', id);
  if (calendar.provider === 'sandbox') return calendar;
  throw new DomainError({ kind: 'conflict', code: 'calendar.no-sandbox', message: 'This calendar is Google’s: look at its events there. Only a sandbox calendar shows them here.' });
}

const list = defineOperation({
  method: 'get',
  path: '/v1/calendars/{id}/sandbox-events',
  id: 'listSandboxCalendarEvents',
  summary: 'What a sandbox calendar shows: events of bookings and those that people made, by their beginning',
  tags,
  access: { ...ofCalendar, role: 'member' },
  tokenScope: 'read',
  params: calendarParams,
  query: sandboxEventsQuery,
  responses: { 200: pageOf(sandboxEventBody) },
  async handle(context, { params: { id }, query }) {
    const { organizationId, calendarId } = await sandboxCalendar(context, id);
    const cursor = readCursor('listSandboxCalendarEvents', query, 2);
    const after = cursor === null ? null : { start: String(cursor[0]), id: String(cursor[1]) };
    const found = await listSandboxEvents(context.deps.db, { organizationId, calendarId }, { limit: query.page_size + 1, after });
    const shape = { item: sandboxEventView, positionOf: (row: SandboxEvent) => [row.start, row.id] };
    return { status: 200, body: toPage('listSandboxCalendarEvents', query, found, shape) };
  },
});

const create = defineOperation({
  method: 'post',
  path: '/v1/calendars/{id}/sandbox-events',
  id: 'createSandboxCalendarEvent',
  summary: 'Put an event of one’s own into a sandbox calendar, as people do in theirs',
  tags,
  access: { ...ofCalendar, role: 'engineer' },
  tokenScope: 'write',
  params: calendarParams,
  body: sandboxEventInput,
  responses: { 201: sandboxEventBody },
  async handle(context, { params: { id }, body }) {
    const { organizationId, calendarId } = await sandboxCalendar(context, id);
    return await context.transact(async (tx) => {
      const event = await createSandboxEvent(tx, { organizationId, calendarId }, body);
      return { status: 201, body: sandboxEventView(event) };
    });
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/sandbox-calendar-events/{id}',
  id: 'editSandboxCalendarEvent',
  summary: 'Move or rename an event in a sandbox calendar, as people do in theirs',
  tags,
  access: ofEvent,
  tokenScope: 'write',
  params: sandboxEventParams,
  body: sandboxEventEdit,
  responses: { 200: sandboxEventBody },
  async handle({ deps, organizationId }, { params: { id }, body }) {
    return { status: 200, body: sandboxEventView(await changeSandboxEvent(deps.db, { organizationId, id }, body)) };
  },
});

const remove = defineOperation({
  method: 'delete',
  path: '/v1/sandbox-calendar-events/{id}',
  id: 'deleteSandboxCalendarEvent',
  summary: 'Delete an event from a sandbox calendar, as people do from theirs',
  tags,
  access: ofEvent,
  tokenScope: 'write',
  params: sandboxEventParams,
  responses: { 200: sandboxEventBody },
  async handle({ deps, organizationId }, { params: { id } }) {
    return { status: 200, body: sandboxEventView(await changeSandboxEvent(deps.db, { organizationId, id }, { status: 'cancelled' })) };
  },
});

export const sandboxEventRoutes = [list, create, edit, remove];
