import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { DataSourceActivityDependencies } from '../../activities/data-sources/dependencies.ts';
import type { PowerActivityDependencies } from '../../activities/power/dependencies.ts';
import { createPowerRunActivities, createPowerSweepActivities } from '../../activities/power/index.ts';
import { powerRunEntity } from '../../commands/power/power-run-entity.ts';
import { advanceEntity } from '../../commands/shared/entity-commands.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { dataSourceDependencies } from '../../workers/dependencies.ts';
import { tickSchedules } from '../../workers/tick-schedules.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { askToDiscover, attempt as attemptDiscovery } from './discovering.ts';
import { dyingDatabase } from './dying-database.ts';
import type { Platform } from './platform.ts';
import { arrangePower, type PowerArrangement } from './power-site.ts';
import { testClock, type TestClock } from './test-clock.ts';

/** Before which of its statements an attempt's process dies; null: it lives. */
export type Death = () => number | null;

/** An organization whose sweeps and runs a test carries out by hand, with the real activities and without Temporal. */
export interface PowerByHand extends PowerArrangement {
  clock: TestClock;
  /** What is due now, and then whatever becomes due until `to`, at its instant. */
  travelTo(to: Instant): Promise<void>;
  /** One attempt of a sweep, which may die; answers with the statements it made. */
  sweep(dies?: number | null): Promise<number>;
  /** Advances every run that is due and performs its acts once, which may die; answers with the statements of the first attempt. */
  actuate(dies?: number | null): Promise<number>;
}

/** Builds one. `death` is asked before each attempt of `travelTo`; an attempt that died is made again, as Temporal does. */
export async function powerByHand(site: Platform, start: Instant, death: Death = () => null): Promise<PowerByHand> {
  const clock = testClock(start);
  const { db } = site;
  const attempt = attemptsOn(site, clock);
  const discover = async (ref: EntityRef): Promise<void> => void (await attemptDiscovery(depsOn(site, db, clock), ref, await askToDiscover(site, ref)));
  const sweep: PowerByHand['sweep'] = (dies = death()) =>
    attempt(dies, async (deps) => void (await createPowerSweepActivities(deps).sweepPower(clock.now())));
  const actuate: PowerByHand['actuate'] = async (dies = death()) => {
    let statements = 0;
    for (const ref of await runsDue(db, clock.now())) {
      const { acts } = await inTransaction(db, (tx) => advanceEntity(tx, powerRunEntity, ref, clock.now()));
      for (const act of acts) statements ||= await attempt(dies, async (deps) => void (await createPowerRunActivities(deps).actuate(ref, act)));
    }
    return statements;
  };
  const workOff = async (): Promise<void> => {
    for (;;) {
      if (await isDue(db, clock.now())) await sweep();
      else if ((await runsDue(db, clock.now())).length > 0) await actuate();
      else return;
    }
  };
  return {
    ...(await arrangePower(site, clock, discover)),
    clock,
    sweep,
    actuate,
    async travelTo(to) {
      for (;;) {
        await workOff();
        const next = await firstDue(db);
        if (next === null || next > to) return clock.set(to);
        clock.set(next);
      }
    },
  };
}

/** An attempt by a process of its own database connections, which break before the given statement. */
function attemptsOn(site: Platform, clock: TestClock): (dies: number | null, work: (deps: PowerActivityDependencies) => Promise<void>) => Promise<number> {
  return async (dies, work) => {
    if (dies === null) {
      await run(() => work(depsOn(site, site.db, clock)));
      return 0;
    }
    const dying = dyingDatabase(site.config.databaseUrl, dies);
    // What a killed process would have thrown nobody hears. Had it lived, its work is done.
    await run(() => work(depsOn(site, dying.db, clock))).catch((error: unknown) => {
      if (dying.statements() < dies) throw error;
    });
    const statements = dying.statements();
    await dying.end();
    return statements;
  };
}

/** What the workers give to activities. */
function depsOn(site: Platform, db: Database, clock: TestClock): DataSourceActivityDependencies {
  return dataSourceDependencies(site.config, { db, schedules: tickSchedules(site.client, 'entities'), log: site.log, clock });
}

async function run(work: () => Promise<void>): Promise<void> {
  await new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') }).run(work);
}

async function runsDue(db: Database, at: Instant): Promise<EntityRef[]> {
  const rows = await db('power_runs')
    .where('state', 'running')
    .where((due) => void due.whereNull('next_due_at').orWhere('next_due_at', '<=', at))
    .orderBy('id')
    .select<{ id: string; organization_id: string }[]>('id', 'organization_id');
  return rows.map((row) => ({ id: row.id, organizationId: row.organization_id }));
}

async function isDue(db: Database, at: Instant): Promise<boolean> {
  const found = await Promise.all(['power_schedules', 'power_states'].map((table) => db(table).where('next_due_at', '<=', at).first('next_due_at')));
  return found.some((row) => row !== undefined);
}

async function firstDue(db: Database): Promise<Instant | null> {
  const firsts = await Promise.all(
    ['power_schedules', 'power_states', 'power_runs'].map(async (table) => (await db(table).min<{ at: Instant | null }[]>('next_due_at as at'))[0]?.at ?? null),
  );
  return firsts.reduce((first, at) => (first === null || (at !== null && at < first) ? at : first), null);
}
