import type { EntityAct, EntityRef, Performed } from '../messages.ts';

/** Kind of the workflow that carries out a power run; its id is `power-run/<run id>`. */
export const POWER_RUN = 'power-run';

/** Looks at the instances of one portion of a run and calls their cloud where that is needed. */
export interface ActuateAct extends EntityAct {
  name: 'actuate';
  slot: number;
  /** The plan's instant. What was due then is due for this act, also where a worker's clock is behind Temporal's. */
  at: string;
}

export type PowerRunAct = ActuateAct;

/**
 * The activities behind the acts. `actuate` may be repeated: it observes before it calls, reads each
 * instance's generation again before the call, and an item that has ended stays as it is.
 */
export interface PowerRunActivities {
  actuate(ref: EntityRef, act: ActuateAct): Promise<Performed<PowerRunAct>>;
}

/** What a sweep did, and when the next thing is due. */
export interface Swept {
  /** Schedules that fired. */
  fired: number;
  /** Instances whose claims began or ended. */
  edges: number;
  nextDueAt: string | null;
}

export interface PowerSweepActivities {
  /** Takes everything that is due by `at` off the due-table. Repeating it changes nothing. */
  sweepPower(at: string): Promise<Swept>;
}
