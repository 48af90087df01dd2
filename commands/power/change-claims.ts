import { resourcesClaimedBy } from '../../db/power/claim-store.ts';
import { takeDueStates } from '../../db/power/power-state-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { PowerClaim } from '../../domain/power/claims.ts';
import type { RunCause } from '../../domain/power/power-run.ts';
import type { Reconsidered } from '../../domain/power/power-state.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { createRuns, type CreatedRun, type Wish } from './create-runs.ts';
import { NO_CHANGE, reconsiderClaims, type ClaimChange } from './reconsider-claims.ts';

export interface ClaimDecision {
  at: Instant;
  by: Actor;
  /** Why the runs that come of it exist; `claim` unless a person asked. */
  cause?: RunCause;
  withOperation?: boolean;
}

/**
 * Changes claims on instances of one organization in the caller's transaction; where that leads to a
 * new wish, runs carry it out. `change` is given the claims as they are, with their instances locked.
 */
export async function changeClaims(
  tx: Transaction,
  organizationId: string,
  resourceIds: readonly string[],
  change: (claims: PowerClaim[]) => ClaimChange,
  { at, by, cause = 'claim', withOperation = false }: ClaimDecision,
): Promise<CreatedRun[]> {
  const looked = await reconsiderClaims(tx, organizationId, resourceIds, at, change);
  return await createRuns(tx, organizationId, looked.flatMap((one) => wishOf(one, at)), { cause, by, at, withOperation });
}

/** Withdraws what a claimant wants of these instances, or of all it has claims on; what is next in line applies. */
export async function withdrawClaims(
  tx: Transaction,
  organizationId: string,
  sourceId: string,
  resourceIds: readonly string[] | 'all',
  decision: ClaimDecision,
): Promise<CreatedRun[]> {
  const ids = resourceIds === 'all' ? await resourcesClaimedBy(tx, organizationId, sourceId) : resourceIds;
  const drop = (claims: PowerClaim[]): ClaimChange => ({
    put: [],
    drop: claims.filter((claim) => claim.sourceId === sourceId).map((claim) => claim.id),
  });
  return await changeClaims(tx, organizationId, ids, drop, decision);
}

/** Instances whose claims one transaction looks at. */
const INSTANCES_AT_ONCE = 500;

/**
 * Looks at instances one of whose claims began or ended, in one transaction, and wakes the runs that
 * carry out what applies now. Answers with how many it looked at; 0: nothing is due that no other
 * sweep holds.
 */
export async function sweepClaims(tx: Transaction, at: Instant, by: Actor): Promise<number> {
  const due = await takeDueStates(tx, at, INSTANCES_AT_ONCE);
  if (due === null) return 0;
  await changeClaims(tx, due.organizationId, due.resourceIds, () => NO_CHANGE, { at, by });
  return due.resourceIds.length;
}

function wishOf({ state, isNewWish }: Reconsidered, at: Instant): Wish[] {
  if (!isNewWish || state.wanted === null) return [];
  const { resourceId, wanted, generation, decidedBy } = state;
  // What a schedule said before comes to its turn: then the schedule has it done.
  const scheduleId = decidedBy?.source === 'schedule' ? decidedBy.id : null;
  return [{ resourceId, scheduleId, dueAt: at, localTime: null, moved: null, superseded: [], action: wanted, generation, overruledBy: null }];
}
