import { powerRunEntity } from '../../commands/power/power-run-entity.ts';
import { keepProgress } from '../../commands/power/record-looks.ts';
import { advanceEntity } from '../../commands/shared/entity-commands.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { laterOf, type Clock } from '../../domain/shared/time.ts';
import type { PowerRunActivities, PowerSweepActivities } from '../../workflows/power/messages.ts';
import { actuate } from './actuate.ts';
import type { PowerActivityDependencies } from './dependencies.ts';
import { sweepPower } from './sweep.ts';

/** The activities behind the acts of power runs; see their interface for what they guarantee. */
export function createPowerRunActivities(deps: PowerActivityDependencies): PowerRunActivities {
  return {
    async actuate(ref, act) {
      const clock: Clock = { now: () => laterOf(act.at, deps.clock.now()) };
      const outcome = await actuate({ ...deps, clock }, ref, act);
      const plan = await inTransaction(deps.db, async (tx) => {
        await keepProgress(tx, ref);
        return await advanceEntity(tx, powerRunEntity, ref, clock.now());
      });
      return { outcome, plan };
    },
  };
}

/** The activity of the sweep; see its interface for what it guarantees. */
export function createPowerSweepActivities(deps: Pick<PowerActivityDependencies, 'db' | 'clock'>): PowerSweepActivities {
  return { sweepPower: (at) => sweepPower(deps, at) };
}
