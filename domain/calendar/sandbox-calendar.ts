import type { Instant } from '../shared/time.ts';
import type { CalendarPlace, EventContent } from './ports.ts';

/** An event of a calendar inside the product. */
export interface SandboxEvent {
  /** Ours, for the API; the calendar's own is `eventId`. */
  id: string;
  organizationId: string;
  calendarId: string;
  eventId: string;
  status: 'confirmed' | 'cancelled';
  summary: string | null;
  description: string | null;
  start: Instant;
  end: Instant;
  isTransparent: boolean;
  marks: Record<string, string>;
  /** The calendar's count of changes when this one changed last. */
  change: number;
}

export type SandboxEventFields = Pick<SandboxEvent, 'status' | 'summary' | 'description' | 'start' | 'end' | 'isTransparent' | 'marks'>;

/** Where sandbox calendars are kept. One exists as soon as it is named; an organization sees its own alone. */
export interface SandboxCalendarStore {
  find(place: CalendarPlace, eventId: string): Promise<SandboxEvent | null>;
  /** Makes an event; null when the id is, or was, taken. */
  insert(place: CalendarPlace, eventId: string, fields: SandboxEventFields): Promise<SandboxEvent | null>;
  /** Changes an event; null when there is none. */
  update(place: CalendarPlace, eventId: string, fields: Partial<SandboxEventFields>): Promise<SandboxEvent | null>;
  /** Events that changed after a count of changes, in the order of their changes. */
  changedAfter(place: CalendarPlace, change: number, limit: number): Promise<SandboxEvent[]>;
}

/** A sandbox calendar's id: a name that a person chooses. */
export const SANDBOX_CALENDAR_ID = /^[a-z][a-z0-9-]{0,39}$/;
export const DEFAULT_SANDBOX_CALENDAR = 'sandbox';

/** What we put into an event, as a sandbox keeps it. */
export function fieldsOf(content: EventContent): SandboxEventFields {
  const { summary, description, start, end, marks } = content;
  return { status: 'confirmed', summary, description, start, end, isTransparent: true, marks };
}
