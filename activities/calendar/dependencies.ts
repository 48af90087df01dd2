import type { CalendarChannelSettings } from '../../domain/calendar/notifications.ts';
import type { Database } from '../../db/shared/connection.ts';
import type { CalendarProviders } from '../../domain/calendar/ports.ts';
import type { Clock } from '../../domain/shared/time.ts';
import type { Vault } from '../../domain/shared/vault.ts';

/** What the calendar activities are given by the worker. */
export interface CalendarActivityDependencies {
  db: Database;
  clock: Clock;
  vault: Vault;
  calendars: CalendarProviders;
  /** The platform's address, without a trailing slash: events link to it. */
  publicUrl: string;
  /** How providers tell of changes; null when they are not asked to. */
  channels: CalendarChannelSettings | null;
}
