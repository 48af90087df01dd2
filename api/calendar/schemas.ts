import { CALENDAR_STATUSES } from '../../domain/calendar/calendar.ts';
import { CALENDAR_PROVIDERS } from '../../domain/calendar/ports.ts';
import { BOOKING_STATES } from '../../domain/bookings/booking.ts';
import { errorRecord, flag, idOf, instant, instantInput } from '../shared/fields.ts';
import { pageFields } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

const calendarId = z.string().trim().min(1).max(300).openapi({ example: 'c_0123456789abcdef@group.calendar.google.com' });
const key = z
  .union([z.string().max(20_000), z.record(z.string(), z.unknown())])
  .openapi({ description: 'The JSON key of a service account: the file’s text, or what it holds. It is sealed and never shown.' });
const twoWay = z.boolean().openapi({ description: 'Moving or deleting an event in the calendar asks for the same change of its booking. Else it is put back.' });

export const connectInput = z
  .strictObject({
    provider: z.enum(CALENDAR_PROVIDERS).default('google'),
    calendar_id: calendarId,
    key: key.optional(),
    two_way: twoWay.default(false),
  })
  .openapi('ConnectCalendar');

export const reconnectInput = z.strictObject({ key: key.optional() }).openapi('ReconnectCalendar');

export const calendarEdit = z
  .strictObject({ two_way: twoWay.optional(), enabled: z.boolean().optional().openapi({ description: 'Off, nothing is written; what was booked meanwhile follows when it is on again.' }) })
  .openapi('EditCalendar');

export const calendarBody = z
  .strictObject({
    id: z.string(),
    organization_id: z.string(),
    provider: z.enum(CALENDAR_PROVIDERS),
    calendar_id: z.string(),
    account: z.string().nullable().openapi({ description: 'Address of the service account.' }),
    status: z.enum(CALENDAR_STATUSES),
    two_way: z.boolean(),
    enabled: z.boolean(),
    waiting_events: z.int().openapi({ description: 'Events that are not yet as their bookings want them.' }),
    oldest_waiting_since: instant.nullable(),
    problem: errorRecord.nullable().openapi({ description: 'What went wrong last, until something succeeds.' }),
    broken_since: instant.nullable(),
    next_attempt_at: instant.nullable().openapi({ description: 'After a failure: nothing is called before.' }),
    last_synced_at: instant.nullable(),
    last_reconciled_at: instant.nullable(),
    notified: z.boolean().openapi({ description: 'The provider tells of changes at once; else they are looked for.' }),
    workflow_id: z.string(),
    version: z.int(),
    created_at: instant,
  })
  .openapi('Calendar');

export const setupBody = z
  .strictObject({ steps: z.array(z.string()), account: z.string().nullable(), right: z.string(), scope: z.string() })
  .openapi('CalendarSetup');

export const eventBody = z
  .strictObject({
    booking_id: z.string(),
    environment_id: z.string(),
    environment_name: z.string(),
    booking_state: z.enum(BOOKING_STATES),
    event_id: z.string(),
    state: z.enum(['in-line', 'waiting', 'refused']),
    since: instant,
    until: instant.nullable(),
    waiting_since: instant.nullable(),
    attempts: z.int(),
    next_attempt_at: instant.nullable(),
    last_error: errorRecord.nullable(),
    note: z.string().nullable().openapi({ description: 'Why a change asked for in the calendar was refused.' }),
  })
  .openapi('CalendarEvent');

export const eventsQuery = z.strictObject({ ...pageFields, waiting: flag.optional(), refused: flag.optional() });

export const disconnectQuery = z.strictObject({ leave_events: flag.optional().openapi({ description: 'Leave the events where they are and forget the calendar at once: for one that cannot be reached any more.' }) });

const text = z.string().max(2000);

export const sandboxEventBody = z
  .strictObject({
    id: z.string(),
    calendar_id: z.string(),
    event_id: z.string(),
    status: z.enum(['confirmed', 'cancelled']),
    summary: z.string().nullable(),
    description: z.string().nullable(),
    start: instant,
    end: instant,
    booking_id: z.string().nullable(),
  })
  .openapi('SandboxCalendarEvent');

export const sandboxEventsQuery = z.strictObject({ ...pageFields });

export const sandboxEventInput = z.strictObject({ summary: text, start: instantInput, end: instantInput }).openapi('CreateSandboxCalendarEvent');

export const sandboxEventEdit = z
  .strictObject({ summary: text.optional(), description: text.optional(), start: instantInput.optional(), end: instantInput.optional() })
  .openapi('EditSandboxCalendarEvent');

export const calendarParams = z.strictObject({ id: idOf('calendar') });
export const sandboxEventParams = z.strictObject({ id: idOf('sandbox-calendar-event') });
