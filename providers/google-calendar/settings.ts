/** How Google Calendar is reached. Given by whoever wires the process; nothing here reads the environment. */
export interface GoogleCalendarSettings {
  /** Own endpoints for gateways and test peers; null means Google's. `calendar` is an origin, `token` a URL. */
  endpoints: { calendar: string | null; token: string | null };
  /** From a request's being sent until its whole answer is there. */
  requestTimeoutMs: number;
  /** Events in a page of a listing, at most 2500. */
  pageSize: number;
}

/** Google's own endpoints, the largest pages it gives, and patience that suits them. */
export const GOOGLE_CALENDAR_DEFAULTS: GoogleCalendarSettings = {
  endpoints: { calendar: null, token: null },
  requestTimeoutMs: 20_000,
  pageSize: 2500,
};

/** The narrowest scope that reads and writes events. */
export const CALENDAR_SCOPE = 'https://www.googleapis.com/auth/calendar.events';
