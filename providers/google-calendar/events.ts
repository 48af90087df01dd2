import type { calendar_v3 } from 'googleapis/build/src/apis/calendar/index.js';
import type { CalendarEvent, EventContent } from '../../domain/calendar/ports.ts';
import { toInstant, type Instant } from '../../domain/shared/time.ts';

type Event = calendar_v3.Schema$Event;

/**
 * An event as Google takes it: one confirmed time, shown as free, reminding nobody. Null takes away, in the
 * semantics of a patch, what would make it repeat.
 */
export function toGoogleEvent(content: EventContent): Event {
  return {
    status: 'confirmed',
    summary: content.summary,
    description: content.description,
    start: { dateTime: content.start, timeZone: 'UTC', date: null },
    end: { dateTime: content.end, timeZone: 'UTC', date: null },
    transparency: 'transparent',
    guestsCanModify: false,
    reminders: { useDefault: false },
    extendedProperties: { private: content.marks },
  };
}

/** What we read of Google's event. */
export function fromGoogleEvent(event: Event): CalendarEvent {
  return {
    id: event.id ?? '',
    status: statusOf(event.status),
    summary: event.summary ?? null,
    description: event.description ?? null,
    start: timeOf(event.start),
    end: timeOf(event.end),
    isTransparent: event.transparency === 'transparent',
    isRecurring: (event.recurrence ?? []).length > 0,
    marks: event.extendedProperties?.private ?? {},
  };
}

function statusOf(status: string | null | undefined): CalendarEvent['status'] {
  return status === 'cancelled' || status === 'tentative' ? status : 'confirmed';
}

/** Null for a date without a time. */
function timeOf(time: calendar_v3.Schema$EventDateTime | undefined): Instant | null {
  return time?.dateTime === undefined || time.dateTime === null ? null : toInstant(time.dateTime);
}
