import type { CalendarDate } from '../../domain/shared/time.ts';
import type { DataSourceTick, EntityAct, EntityRef, Performed } from '../messages.ts';

/** Kinds of the workflows of this domain; ids are `<kind>/<row id>`. */
export const DATA_SOURCE = 'data-source';
export const CREDENTIAL_CHECK = 'credential-check';

/** Brings one of the Temporal Schedules in line with the row. */
export interface ApplyScheduleAct extends EntityAct {
  name: 'apply-schedule';
  tick: DataSourceTick['name'];
  schedule: string;
}

/** Lists what the cloud account holds and keeps it. */
export interface DiscoverAct extends EntityAct {
  name: 'discover';
  discoveryId: string;
}

/** Looks at the export and decides which months to read. */
export interface PlanImportAct extends EntityAct {
  name: 'plan-import';
  importId: string;
}

/** Reads one month and puts it in place of its previous generation. */
export interface ImportPeriodAct extends EntityAct {
  name: 'import-period';
  importId: string;
  billingPeriod: CalendarDate;
}

/** Deletes everything of a data source that is being deleted, in bounded steps. */
export interface PurgeAct extends EntityAct {
  name: 'purge';
}

export type DataSourceAct = ApplyScheduleAct | DiscoverAct | PlanImportAct | ImportPeriodAct | PurgeAct;

/** Tries the credentials of a check against the cloud. */
export interface CheckConnectionAct extends EntityAct {
  name: 'check-connection';
}

/**
 * The activities behind the acts. Each is idempotent: its outcome is a command recorded once under
 * the act's key, and an attempt that lost its fence writes nothing. A final failure is recorded on
 * the row and does not fail the activity.
 */
export interface DataSourceActivities {
  applySchedule(ref: EntityRef, act: ApplyScheduleAct): Promise<Performed<DataSourceAct>>;
  discover(ref: EntityRef, act: DiscoverAct): Promise<Performed<DataSourceAct>>;
  planImport(ref: EntityRef, act: PlanImportAct): Promise<Performed<DataSourceAct>>;
  importPeriod(ref: EntityRef, act: ImportPeriodAct): Promise<Performed<DataSourceAct>>;
  purgeDataSource(ref: EntityRef, act: PurgeAct): Promise<Performed<DataSourceAct>>;
  checkConnection(ref: EntityRef, act: CheckConnectionAct): Promise<Performed<CheckConnectionAct>>;
}
