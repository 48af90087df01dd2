import { createHash } from 'node:crypto';
import type { CalendarChannels, CalendarEvent, CalendarProvider, EventPage, OpenCalendar } from '../../domain/calendar/ports.ts';
import { calendarProblemOf } from '../../domain/calendar/calendar-errors.ts';
import { checkedGcpInput } from '../../domain/data-sources/gcp-credentials.ts';
import type { GcpServiceAccountKey } from '../../domain/data-sources/cloud-credentials.ts';
import { invalidField, type DomainError } from '../../domain/shared/errors.ts';
import { toInstant } from '../../domain/shared/time.ts';
import { createTokenCache, refuseUnreadableKey } from '../gcp/tokens.ts';
import { callCalendar, type CalendarCall } from './errors.ts';
import { fromGoogleEvent, toGoogleEvent } from './events.ts';
import { calendarSdk, type CalendarSdk } from './sdk.ts';
import { CALENDAR_SCOPE, type GoogleCalendarSettings } from './settings.ts';

/** As Google shows it under "Integrate calendar": an address, or a person's own. */
const CALENDAR_ID = /^[^\s@]{1,200}@[A-Za-z0-9.-]{1,200}$/;

/** Google Calendar, by its API version 3, with the key of a service account. */
export function createGoogleCalendar(settings: GoogleCalendarSettings): CalendarProvider {
  const tokens = createTokenCache(settings, CALENDAR_SCOPE);
  const clients = new Map<string, Promise<CalendarSdk>>();
  const clientOf = (key: GcpServiceAccountKey): Promise<CalendarSdk> => {
    const digest = createHash('sha256').update(JSON.stringify(key)).digest('base64');
    const known = clients.get(digest) ?? calendarSdk(settings, tokens(key));
    clients.delete(digest);
    clients.set(digest, known);
    const [oldest] = clients.keys();
    if (clients.size > MOST_CLIENTS && oldest !== undefined) clients.delete(oldest);
    return known;
  };
  return {
    name: 'google',
    refuseMalformed,
    open({ calendarId }, key) {
      if (key === null) throw noKey();
      return openGoogleCalendar({ settings, calendarId, client: () => clientOf(key) });
    },
  };
}

const MOST_CLIENTS = 200;

function refuseMalformed(calendarId: string, key: GcpServiceAccountKey | null): void {
  if (!CALENDAR_ID.test(calendarId)) {
    throw invalidField('calendar.malformed-id', 'calendar_id', 'must be a calendar id, such as …@group.calendar.google.com: Google shows it in the settings of the calendar, under Integrate calendar');
  }
  if (key === null) throw noKey();
  checkedGcpInput({ account: 'any-project' }, key);
  refuseUnreadableKey(key);
}

function noKey(): DomainError {
  return invalidField('calendar.no-key', 'key', 'is missing: give the JSON key of a service account with which the calendar is shared');
}

interface OpenedGoogle {
  settings: GoogleCalendarSettings;
  calendarId: string;
  client(): Promise<CalendarSdk>;
}

function openGoogleCalendar({ settings, calendarId, client }: OpenedGoogle): OpenCalendar {
  const call = async <T>(about: CalendarCall, signal: AbortSignal, run: (sdk: CalendarSdk) => Promise<T>): Promise<T> =>
    await callCalendar(about, signal, async () => await run(await client()));
  return {
    insert: async (id, content, signal) =>
      await call(INSERT, signal, async (sdk) => eventOf(await sdk.events.insert({ calendarId, requestBody: { id, ...withoutNulls(toGoogleEvent(content)) } }, { signal }))),
    get: async (eventId, signal) =>
      await orNull(call(GET, signal, async (sdk) => eventOf(await sdk.events.get({ calendarId, eventId }, { signal })))),
    patch: async (eventId, content, signal) =>
      await call(PATCH, signal, async (sdk) => eventOf(await sdk.events.patch({ calendarId, eventId, requestBody: { ...toGoogleEvent(content), recurrence: null } }, { signal }))),
    remove: async (eventId, signal) => {
      await orNull(call(DELETE, signal, async (sdk) => await sdk.events.delete({ calendarId, eventId }, { signal })));
    },
    list: async ({ syncToken, pageToken }, signal) =>
      await call(LIST, signal, async (sdk) => {
        const from = { ...(syncToken !== null && { syncToken }), ...(pageToken !== null && { pageToken }) };
        const { data } = await sdk.events.list({ calendarId, maxResults: settings.pageSize, ...from }, { signal });
        return pageOf(data);
      }),
    channels: channelsOf(calendarId, call),
  };
}

const INSERT: CalendarCall = { method: 'calendar.events.insert', about: 'calendar' };
const GET: CalendarCall = { method: 'calendar.events.get', about: 'event' };
const PATCH: CalendarCall = { method: 'calendar.events.patch', about: 'event' };
const DELETE: CalendarCall = { method: 'calendar.events.delete', about: 'event' };
const LIST: CalendarCall = { method: 'calendar.events.list', about: 'calendar' };
const WATCH: CalendarCall = { method: 'calendar.events.watch', about: 'calendar' };
const STOP: CalendarCall = { method: 'calendar.channels.stop', about: 'event' };

type Call = <T>(about: CalendarCall, signal: AbortSignal, run: (sdk: CalendarSdk) => Promise<T>) => Promise<T>;

function channelsOf(calendarId: string, call: Call): CalendarChannels {
  return {
    open: async ({ id, address, token, seconds }, signal) =>
      await call(WATCH, signal, async (sdk) => {
        const { data } = await sdk.events.watch({ calendarId, requestBody: { id, address, token, type: 'web_hook', params: { ttl: String(seconds) } } }, { signal });
        return { id, resourceId: data.resourceId ?? '', expiresAt: toInstant(Number(data.expiration ?? 0)) };
      }),
    close: async ({ id, resourceId }, signal) => {
      await orNull(call(STOP, signal, async (sdk) => await sdk.channels.stop({ requestBody: { id, resourceId } }, { signal })));
    },
  };
}

function eventOf({ data }: { data: Parameters<typeof fromGoogleEvent>[0] }): CalendarEvent {
  return fromGoogleEvent(data);
}

function pageOf(data: { items?: Parameters<typeof fromGoogleEvent>[0][]; nextPageToken?: string | null; nextSyncToken?: string | null }): EventPage {
  return { events: (data.items ?? []).map(fromGoogleEvent), nextPageToken: data.nextPageToken ?? null, syncToken: data.nextSyncToken ?? null };
}

/** Where an event is made there is nothing to take away. */
function withoutNulls<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, one]) => (one === null ? [] : [[key, withoutNulls(one)]]))) as T;
}

async function orNull<T>(event: Promise<T>): Promise<T | null> {
  try {
    return await event;
  } catch (error) {
    if (calendarProblemOf(error) === 'event-gone') return null;
    throw error;
  }
}
