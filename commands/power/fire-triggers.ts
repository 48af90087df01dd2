import type { Transaction } from '../../db/shared/connection.ts';
import type { PowerClaim, Wanted } from '../../domain/power/claims.ts';
import type { RunCause } from '../../domain/power/power-run.ts';
import type { PowerState, Reconsidered } from '../../domain/power/power-state.ts';
import type { SupersededWish } from '../../domain/power/run-item.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';
import { createRuns, type CreatedRun, type Wish } from './create-runs.ts';
import { reconsiderClaims } from './reconsider-claims.ts';

/** A schedule's word on one of its instances. */
export interface TriggerFire {
  resourceId: string;
  scheduleId: string;
  scheduleName: string;
  wanted: Wanted;
  /** The instant of the fire. */
  dueAt: Instant;
  /** Its local time, as the trigger has it. */
  localTime: string;
  /** Where that local time was left out by a clock change, and what else was said at its end. */
  moved: 'gap' | null;
  superseded: SupersededWish[];
  /** The end of the schedule's validity: its word counts no longer. */
  until: Instant | null;
}

/**
 * Schedules speak, of one organization: their claims take the place of those of before, holds that
 * lasted until the next trigger end, and runs carry out what the claims add up to. An instance on which
 * something stronger decides gets an item that says so.
 */
export async function fireTriggers(
  tx: Transaction,
  organizationId: string,
  fires: readonly TriggerFire[],
  { cause, at, by, withOperation = false }: { cause: RunCause & ('trigger' | 'run-now' | 'apply-now'); at: Instant; by: Actor; withOperation?: boolean },
): Promise<CreatedRun[]> {
  const byResource = new Map(fires.map((fire) => [fire.resourceId, fire]));
  const looked = await reconsiderClaims(tx, organizationId, [...byResource.keys()], at, (claims, states) => {
    const spoken = new Map(claims.filter((claim) => claim.source === 'schedule').map((claim) => [`${claim.resourceId}/${claim.sourceId}`, claim.id]));
    const put = states.flatMap(({ resourceId }) => {
      const fire = byResource.get(resourceId);
      if (fire === undefined || (fire.until !== null && fire.until <= at)) return [];
      // The schedule's own claim is said anew, in place.
      return [claimOf(organizationId, fire, { id: spoken.get(`${resourceId}/${fire.scheduleId}`) ?? newId('power-claim'), cause, at })];
    });
    return { put, drop: claims.filter((claim) => claim.untilNextTrigger).map((claim) => claim.id) };
  });
  const wishes = looked.flatMap((one) => {
    const fire = byResource.get(one.state.resourceId);
    return fire === undefined ? [] : wishOf(one, fire);
  });
  return await createRuns(tx, organizationId, wishes, { cause, by, at, withOperation });
}

function claimOf(organizationId: string, fire: TriggerFire, { id, cause, at }: { id: string; cause: RunCause; at: Instant }): PowerClaim {
  return {
    id,
    organizationId,
    resourceId: fire.resourceId,
    source: 'schedule',
    sourceId: fire.scheduleId,
    wanted: fire.wanted,
    from: fire.dueAt < at ? fire.dueAt : at,
    until: fire.until,
    untilNextTrigger: false,
    reason: '',
    origin: { kind: cause === 'trigger' ? 'trigger' : 'apply-now', name: fire.scheduleName },
    createdAt: at,
  };
}

function wishOf({ state, isNewWish }: Reconsidered, fire: TriggerFire): Wish[] {
  const { resourceId, scheduleId, dueAt, localTime, moved, superseded } = fire;
  const wish = { resourceId, scheduleId, dueAt, localTime, moved, superseded, generation: state.generation };
  if (state.wanted !== null && isNewWish) return [{ ...wish, action: state.wanted, overruledBy: null }];
  return [{ ...wish, action: fire.wanted, overruledBy: overruling(state) }];
}

function overruling({ decidedBy, wanted }: PowerState): string {
  if (decidedBy === null || wanted === null) return 'The schedule is no longer valid.';
  return `A ${decidedBy.source} keeps it ${wanted} (${decidedBy.id}).`;
}
