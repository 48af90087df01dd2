import type { GcpServiceAccountKey } from '../data-sources/cloud-credentials.ts';
import type { Instant } from '../shared/time.ts';

export const CALENDAR_PROVIDERS = ['google', 'sandbox'] as const;
export type CalendarProviderName = (typeof CALENDAR_PROVIDERS)[number];

/** What we say of an event; the rest of it is people's. */
export interface EventContent {
  summary: string;
  description: string;
  /** Whole seconds: calendars know no shorter time. */
  start: Instant;
  /** Exclusive, after `start`. */
  end: Instant;
  /** Properties that only the account that made the event sees: how ours are recognised. */
  marks: Record<string, string>;
}

/** An event as the calendar has it. */
export interface CalendarEvent {
  id: string;
  /** `cancelled`: deleted. Then nothing but the id is sure to be there. */
  status: 'confirmed' | 'tentative' | 'cancelled';
  summary: string | null;
  description: string | null;
  /** Null for an event of whole days, or where the calendar does not say. */
  start: Instant | null;
  end: Instant | null;
  /** Shown as free time. */
  isTransparent: boolean;
  /** Somebody made it repeat. */
  isRecurring: boolean;
  marks: Record<string, string>;
}

export interface EventPage {
  events: CalendarEvent[];
  /** Null on the last page. */
  nextPageToken: string | null;
  /** On the last page: where a later list of changes begins. */
  syncToken: string | null;
}

/**
 * A calendar that can be read and written. Every failure is a `calendar.<problem>` of calendar-errors.ts;
 * nothing is retried here. Each call ends at its time-out or when the signal is aborted.
 */
export interface OpenCalendar {
  /** Makes an event under an id of our choice. Fails with `calendar.event-exists` when the id is, or was, taken. */
  insert(id: string, content: EventContent, signal: AbortSignal): Promise<CalendarEvent>;
  /** One event, also a deleted one while the calendar remembers it; else null. */
  get(id: string, signal: AbortSignal): Promise<CalendarEvent | null>;
  /**
   * Puts our content in place, as a single confirmed event shown as free time, also of a deleted one;
   * whatever else people added stays. Fails with `calendar.event-gone`.
   */
  patch(id: string, content: EventContent, signal: AbortSignal): Promise<CalendarEvent>;
  /** Deletes an event; one that is not there is fine. */
  remove(id: string, signal: AbortSignal): Promise<void>;
  /**
   * A page of all events, or with a sync token of those that changed since it was given, deleted ones too.
   * Fails with `calendar.sync-token-lost`.
   */
  list(from: { syncToken: string | null; pageToken: string | null }, signal: AbortSignal): Promise<EventPage>;
  /** Asks to be told of changes; null where the provider does not offer it. */
  channels: CalendarChannels | null;
}

export interface Channel {
  id: string;
  /** The calendar's name for what is watched; it takes both to stop. */
  resourceId: string;
  expiresAt: Instant;
}

/** Notifications of changes, which say that something changed, never what. */
export interface CalendarChannels {
  open(wish: { id: string; address: string; token: string; seconds: number }, signal: AbortSignal): Promise<Channel>;
  /** One that is unknown is fine. */
  close(channel: Pick<Channel, 'id' | 'resourceId'>, signal: AbortSignal): Promise<void>;
}

/** Which calendar; a sandbox's belongs to an organization. */
export interface CalendarPlace {
  organizationId: string;
  calendarId: string;
}

/** A service that keeps calendars. */
export interface CalendarProvider {
  name: CalendarProviderName;
  /** Refuses an id or a key whose form alone is wrong, by field. */
  refuseMalformed(calendarId: string, key: GcpServiceAccountKey | null): void;
  open(place: CalendarPlace, key: GcpServiceAccountKey | null): OpenCalendar;
}

export type CalendarProviders = Readonly<Record<CalendarProviderName, CalendarProvider>>;
