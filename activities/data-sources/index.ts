import { credentialCheckEntity } from '../../commands/data-sources/credential-check-entity.ts';
import { dataSourceEntity } from '../../commands/data-sources/data-source-entity.ts';
import { recordSchedule } from '../../commands/data-sources/record-schedule.ts';
import { tickDiscovery } from '../../commands/data-sources/request-discovery.ts';
import { tickImport } from '../../commands/data-sources/request-import.ts';
import { advanceEntity, type EntityDefinition } from '../../commands/shared/entity-commands.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { wantedScheduleOf } from '../../domain/data-sources/data-source.ts';
import type { EntityRow } from '../../domain/shared/entity.ts';
import { laterOf } from '../../domain/shared/time.ts';
import type { ApplyScheduleAct, DataSourceActivities } from '../../workflows/data-sources/messages.ts';
import type { EntityAct, EntityRef, Performed } from '../../workflows/messages.ts';
import type { TickActivities } from '../../workflows/tick.ts';
import { actingActivity } from '../shared/attempt.ts';
import { checkConnection } from './check-connection.ts';
import { tickOf, type DataSourceActivityDependencies } from './dependencies.ts';
import { discover } from './discover.ts';
import { importPeriod } from './import-period.ts';
import { planImport } from './plan-import.ts';
import { purgeDataSource } from './purge-data-source.ts';

/** The activities behind the acts of data sources and credential checks; see their interface for what they guarantee. */
export function createDataSourceActivities(deps: DataSourceActivityDependencies): DataSourceActivities {
  return {
    applySchedule: thenPlan(deps, dataSourceEntity, applySchedule),
    discover: thenPlan(deps, dataSourceEntity, discover),
    planImport: thenPlan(deps, dataSourceEntity, planImport),
    importPeriod: thenPlan(deps, dataSourceEntity, importPeriod),
    purgeDataSource: thenPlan(deps, dataSourceEntity, purgeDataSource),
    checkConnection: thenPlan(deps, credentialCheckEntity, checkConnection),
  };
}

/** Performs an act and answers with what came of it, or nothing worth saying. */
type Perform<Act> = (deps: DataSourceActivityDependencies, ref: EntityRef, act: Act) => Promise<string | void>;

/** An act's activity: performs it, then looks at the row. */
function thenPlan<E extends EntityRow, PlanAct extends EntityAct, Act>(
  deps: DataSourceActivityDependencies,
  definition: EntityDefinition<E, PlanAct>,
  perform: Perform<Act>,
): (ref: EntityRef, act: Act) => Promise<Performed<PlanAct>> {
  return async (ref, act) => {
    const outcome = (await perform(deps, ref, act)) ?? 'done';
    const plan = await inTransaction(deps.db, (tx) => advanceEntity(tx, definition, ref, deps.clock.now()));
    return { outcome, plan };
  };
}

async function applySchedule(deps: DataSourceActivityDependencies, ref: EntityRef, act: ApplyScheduleAct): Promise<void> {
  const schedule = wantedScheduleOf(act.schedule);
  if (schedule === null) await deps.schedules.remove(tickOf(act.tick, ref));
  else await deps.schedules.ensure(tickOf(act.tick, ref), schedule);
  const decision = { at: deps.clock.now(), by: actingActivity('schedule'), outcomeKey: act.key };
  await inTransaction(deps.db, (tx) => recordSchedule(tx, ref, act.tick, act.schedule, decision));
}

/** The commands that ticks issue, by the tick's name. */
const TICKS = { 'import-data-source': tickImport, 'discover-data-source': tickDiscovery };

export function createTickActivities({ db, clock }: Pick<DataSourceActivityDependencies, 'db' | 'clock'>): TickActivities {
  return {
    async issueTick(tick, at) {
      const by = actingActivity('schedule');
      await inTransaction(db, (tx) => TICKS[tick.name](tx, tick.ref, laterOf(at, clock.now()), by));
    },
  };
}
