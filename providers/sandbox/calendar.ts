import { calendarError } from '../../domain/calendar/calendar-errors.ts';
import type { CalendarEvent, CalendarPlace, CalendarProvider, OpenCalendar } from '../../domain/calendar/ports.ts';
import { fieldsOf, SANDBOX_CALENDAR_ID, type SandboxCalendarStore, type SandboxEvent } from '../../domain/calendar/sandbox-calendar.ts';
import { invalidField } from '../../domain/shared/errors.ts';

export interface SandboxCalendarSettings {
  store: SandboxCalendarStore;
  /** Events a page of a listing; 250 unless said. */
  pageSize?: number;
}

/**
 * The calendars inside the product: what Google Calendar is to an organization that only looks around. Nobody
 * needs a key; two organizations with the same calendar id have nothing in common.
 */
export function createSandboxCalendar({ store, pageSize = 250 }: SandboxCalendarSettings): CalendarProvider {
  return {
    name: 'sandbox',
    refuseMalformed(calendarId, key) {
      if (!SANDBOX_CALENDAR_ID.test(calendarId)) {
        throw invalidField('calendar.malformed-id', 'calendar_id', 'must be a name of a to z, 0 to 9 and hyphens that begins with a letter, 40 characters at most');
      }
      if (key !== null) throw invalidField('calendar.takes-no-key', 'key', 'leave it out: a sandbox calendar asks for none');
    },
    open: (place) => openSandboxCalendar(store, place, pageSize),
  };
}

function openSandboxCalendar(store: SandboxCalendarStore, place: CalendarPlace, pageSize: number): OpenCalendar {
  return {
    async insert(id, content, signal) {
      signal.throwIfAborted();
      const made = await store.insert(place, id, fieldsOf(content));
      if (made === null) throw calendarError('event-exists', { call: 'calendar.events.insert', reason: 'duplicate' });
      return shown(made);
    },
    async get(id, signal) {
      signal.throwIfAborted();
      const found = await store.find(place, id);
      return found === null ? null : shown(found);
    },
    async patch(id, content, signal) {
      signal.throwIfAborted();
      const changed = await store.update(place, id, fieldsOf(content));
      if (changed === null) throw calendarError('event-gone', { call: 'calendar.events.patch', reason: 'notFound' });
      return shown(changed);
    },
    async remove(id, signal) {
      signal.throwIfAborted();
      const found = await store.find(place, id);
      if (found?.status === 'confirmed') await store.update(place, id, { status: 'cancelled' });
    },
    async list({ syncToken, pageToken }, signal) {
      signal.throwIfAborted();
      const from = positionOf(pageToken ?? syncToken);
      if (from === null) throw calendarError('sync-token-lost', { call: 'calendar.events.list', reason: 'fullSyncRequired' });
      const found = await store.changedAfter(place, from, pageSize + 1);
      const page = found.slice(0, pageSize);
      const last = page.at(-1)?.change ?? from;
      // Without a place to go on from, what was deleted is not part of the list.
      const events = (syncToken === null ? page.filter(({ status }) => status === 'confirmed') : page).map(shown);
      return found.length > pageSize ? { events, nextPageToken: String(last), syncToken: null } : { events, nextPageToken: null, syncToken: String(last) };
    },
    channels: null,
  };
}

function positionOf(token: string | null): number | null {
  if (token === null) return 0;
  return /^\d{1,15}$/.test(token) ? Number(token) : null;
}

function shown({ eventId, status, summary, description, start, end, isTransparent, marks }: SandboxEvent): CalendarEvent {
  return { id: eventId, status, summary, description, start, end, isTransparent, isRecurring: false, marks };
}
