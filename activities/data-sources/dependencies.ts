import type { Logger } from 'pino';
import type { Database } from '../../db/shared/connection.ts';
import type { DiscoveredPeriod, ExportLocation, ExportObjects, PeriodReader, RawStore } from '../../domain/billing/ports.ts';
import type { CalendarProviders } from '../../domain/calendar/ports.ts';
import type { CloudProviders } from '../../domain/data-sources/cloud-ports.ts';
import type { ConnectionChecker, ExportAccess } from '../../domain/data-sources/ports.ts';
import type { Clock } from '../../domain/shared/time.ts';
import type { Vault } from '../../domain/shared/vault.ts';
import type { DataSourceTick, EntityRef, Tick } from '../../workflows/messages.ts';

/** Temporal Schedules, as rows want them. */
export interface TickSchedules {
  /** Creates or changes the tick's Schedule so that it fires every so many minutes, or is paused. Repeating it changes nothing. */
  ensure(tick: Tick, schedule: { everyMinutes: number; paused: boolean }): Promise<void>;
  /** Deletes it; one that does not exist is fine. */
  remove(tick: Tick): Promise<void>;
}

/** What the data source activities are given by the worker. */
export interface DataSourceActivityDependencies {
  db: Database;
  clock: Clock;
  vault: Vault;
  log: Logger;
  rawStore: RawStore;
  reader: PeriodReader;
  clouds: CloudProviders;
  calendars: CalendarProviders;
  checker: ConnectionChecker;
  exports: ExportAccess;
  discoverPeriods(objects: ExportObjects, location: ExportLocation): Promise<DiscoveredPeriod[]>;
  schedules: TickSchedules;
  /** Scratch space; each attempt makes and removes a directory of its own. */
  spoolDirectory: string;
}

/** A data source's tick of this name. */
export function tickOf(name: DataSourceTick['name'], { organizationId, id }: EntityRef): DataSourceTick {
  return { name, ref: { organizationId, id } };
}
