import type { CalendarProviderName } from './ports.ts';

/** The calendar that a person asked to connect, without the key. */
export interface CalendarWish {
  subject: 'calendar';
  /** As the workflow that checks it is called in its history. */
  name: string;
  provider: CalendarProviderName;
  calendarId: string;
  twoWay: boolean;
  /** Address of the service account; null where none is needed. */
  account: string | null;
}
