import { powerRunEntity } from '../../commands/power/power-run-entity.ts';
import { advanceEntity } from '../../commands/shared/entity-commands.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { PowerRunActivities, PowerSweepActivities } from '../../workflows/power/messages.ts';
import { actuate } from './actuate.ts';
import type { PowerActivityDependencies } from './dependencies.ts';
import { sweepPower } from './sweep.ts';

/** The activities behind the acts of power runs; see their interface for what they guarantee. */
export function createPowerRunActivities(deps: PowerActivityDependencies): PowerRunActivities {
  return {
    async actuate(ref, act) {
      const outcome = await actuate(deps, ref, act);
      const plan = await inTransaction(deps.db, (tx) => advanceEntity(tx, powerRunEntity, ref, deps.clock.now()));
      return { outcome, plan };
    },
  };
}

/** The activity of the sweep; see its interface for what it guarantees. */
export function createPowerSweepActivities(deps: Pick<PowerActivityDependencies, 'db' | 'clock'>): PowerSweepActivities {
  return { sweepPower: (at) => sweepPower(deps, at) };
}
