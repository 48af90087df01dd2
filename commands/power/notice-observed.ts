import { powerStatesOf } from '../../db/power/power-state-store.ts';
import { settlePowerStates } from '../../db/power/power-state-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { PowerClaim, Wanted } from '../../domain/power/claims.ts';
import { doneByOthers } from '../../domain/power/power-state.ts';
import type { InstanceState } from '../../domain/resources/instance.ts';
import { system } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { newHold, recordHolds } from './hold-instances.ts';
import { reconsiderClaims } from './reconsider-claims.ts';

/** An instance's state as it was seen from outside of a power run. */
export interface SeenState {
  resourceId: string;
  state: InstanceState;
  observedAt: Instant;
}

const CONSOLE = 'cloud-console';

/**
 * People win: an instance that we had brought to its wanted state and that is now in the other one was
 * started or stopped by somebody outside of the product. That is held, until the next trigger, and
 * nothing is called. Answers with the holds. A look that is older than what is wanted now proves nothing.
 */
export async function noticeObserved(tx: Transaction, organizationId: string, seen: readonly SeenState[], at: Instant): Promise<PowerClaim[]> {
  const states = new Map((await powerStatesOf(tx, organizationId, seen.map((one) => one.resourceId))).map((state) => [state.resourceId, state]));
  const suspects = seen.filter((one) => {
    const state = states.get(one.resourceId);
    return state !== undefined && doneByOthers(state, one.state) !== null;
  });
  if (suspects.length === 0) return [];
  const holds: PowerClaim[] = [];
  const looked = await reconsiderClaims(tx, organizationId, suspects.map((one) => one.resourceId), at, (_claims, locked) => {
    for (const state of locked) {
      const one = suspects.find(({ resourceId }) => resourceId === state.resourceId);
      const wanted: Wanted | null = one === undefined || one.observedAt < (state.settledAt ?? state.wantedSince) ? null : doneByOthers(state, one.state);
      if (wanted !== null) holds.push(consoleHold(organizationId, state.resourceId, wanted, at));
    }
    return { put: holds, drop: [] };
  });
  const held = new Set(holds.map((hold) => hold.resourceId));
  // It is as it is wanted now: the next change is somebody's doing again.
  await settlePowerStates(tx, organizationId, looked.filter(({ state }) => held.has(state.resourceId)).map(({ state: { resourceId, generation } }) => ({ resourceId, generation })), at);
  await recordHolds(tx, holds, { at, by: system('cloud console') });
  return holds;
}

function consoleHold(organizationId: string, resourceId: string, wanted: Wanted, at: Instant): PowerClaim {
  const reason = `It was turned ${wanted} outside of the product.`;
  return newHold({ organizationId, resourceId, sourceId: CONSOLE, wanted, until: null, reason, origin: { kind: 'cloud-console', name: 'cloud console' } }, at);
}
