import { beginCalendar } from '../../commands/calendar/connect-calendar.ts';
import { getCalendar } from '../../db/calendar/calendar-store.ts';
import { getOperation } from '../../db/operations/operation-store.ts';
import type { CalendarWish } from '../../domain/calendar/calendar-wish.ts';
import type { GcpServiceAccountKey } from '../../domain/data-sources/cloud-credentials.ts';
import type { CredentialCheck } from '../../domain/data-sources/credential-check.ts';
import { readKeyFile } from '../../domain/data-sources/gcp-key-file.ts';
import { DomainError, invalidField, notFound } from '../../domain/shared/errors.ts';
import { watchCheck } from '../data-sources/connect.ts';
import { operationBody } from '../operations/schemas.ts';
import { operationView } from '../operations/view.ts';
import type { Answer, RequestContext } from '../shared/operation.ts';
import type { z } from '../shared/zod.ts';
import { calendarBody, type connectInput, type reconnectInput } from './schemas.ts';
import { calendarView } from './views.ts';

/** The calendar, new (201) or with another key (200), when it answered in time, else 202 with the operation. */
export const connectResponses = { 200: calendarBody, 201: calendarBody, 202: operationBody };
type Context = RequestContext<typeof connectResponses>;
type ConnectAnswer = Answer<typeof connectResponses>;

/** Tries a calendar by a probe event, and waits a while for the outcome. */
export async function connectCalendar(context: Context, body: z.output<typeof connectInput>): Promise<ConnectAnswer> {
  const key = keyOf(body.key);
  const wish = { provider: body.provider, calendarId: body.calendar_id, twoWay: body.two_way };
  return await tryCalendar(context, { ...wish, subject: 'calendar', name: body.provider, account: key?.client_email ?? null }, key, null);
}

/** The same with another key for the calendar that is connected. */
export async function reconnectCalendar(context: Context, id: string, body: z.output<typeof reconnectInput>): Promise<ConnectAnswer> {
  const calendar = await getCalendar(context.deps.db, context.organizationId, id);
  if (calendar === null) throw notFound('calendar', id);
  const { provider, calendarId, twoWay } = calendar;
  const key = keyOf(body.key);
  return await tryCalendar(context, { subject: 'calendar', name: provider, provider, calendarId, twoWay, account: key?.client_email ?? null }, key, id);
}

async function tryCalendar(context: Context, wish: CalendarWish, key: GcpServiceAccountKey | null, calendarId: string | null): Promise<ConnectAnswer> {
  const { deps, organizationId, at, actor } = context;
  deps.calendars[wish.provider].refuseMalformed(wish.calendarId, key);
  const secret = key === null ? null : JSON.stringify(key);
  let check: CredentialCheck | null = null;
  const begun = await context.transact(async (tx) => {
    check = await beginCalendar(tx, deps.vault, { organizationId, wish, secret, calendarId, at, by: actor });
    const operation = await getOperation(tx, organizationId, check.operationId);
    if (operation === null) throw notFound('operation', check.operationId);
    return { status: 202, body: operationView(operation), headers: { Location: `/v1/operations/${operation.id}` } };
  });
  const calendar = check === null ? null : await watchCheck(deps.db, check, getCalendar);
  if (calendar === null) return begun;
  return { status: calendarId === null ? 201 : 200, body: calendarView(calendar), version: calendar.version };
}

/** Reads the key file, and says of a wrong one what is wrong under the name that the field has here. */
function keyOf(given: string | Record<string, unknown> | undefined): GcpServiceAccountKey | null {
  if (given === undefined) return null;
  try {
    return readKeyFile(given).credentials;
  } catch (error) {
    const [problem] = error instanceof DomainError ? error.fields : [];
    if (problem === undefined) throw error;
    throw invalidField('calendar.malformed-key', 'key', problem.problem);
  }
}
