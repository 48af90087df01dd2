import { recordSchedule } from '../../commands/data-sources/record-import.ts';
import { tickImport } from '../../commands/data-sources/request-import.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { wantedScheduleOf } from '../../domain/data-sources/data-source.ts';
import type { DataSourceActivities } from '../../workflows/data-sources/messages.ts';
import type { TickActivities } from '../../workflows/tick.ts';
import { actingActivity } from '../shared/attempt.ts';
import { checkConnection } from './check-connection.ts';
import { importTick, type DataSourceActivityDependencies } from './dependencies.ts';
import { importPeriod } from './import-period.ts';
import { planImport } from './plan-import.ts';
import { purgeDataSource } from './purge-data-source.ts';

/** The activities behind the acts of data sources and credential checks; see their interface for what they guarantee. */
export function createDataSourceActivities(deps: DataSourceActivityDependencies): DataSourceActivities {
  return {
    planImport: (ref, act) => planImport(deps, ref, act),
    importPeriod: (ref, act) => importPeriod(deps, ref, act),
    purgeDataSource: (ref, act) => purgeDataSource(deps, ref, act),
    checkConnection: (ref, act) => checkConnection(deps, ref, act),
    async applySchedule(ref, act) {
      const schedule = wantedScheduleOf(act.schedule);
      if (schedule === null) await deps.schedules.remove(importTick(ref));
      else await deps.schedules.ensure(importTick(ref), schedule);
      const decision = { at: deps.clock.now(), by: actingActivity('schedule'), outcomeKey: act.key };
      await inTransaction(deps.db, (tx) => recordSchedule(tx, ref, act.schedule, decision));
    },
  };
}

/** The commands that ticks issue, by the tick's name. */
export function createTickActivities({ db }: Pick<DataSourceActivityDependencies, 'db'>): TickActivities {
  return {
    async issueTick(tick, at) {
      const by = actingActivity('schedule');
      await inTransaction(db, (tx) => tickImport(tx, tick.ref, at, by));
    },
  };
}
