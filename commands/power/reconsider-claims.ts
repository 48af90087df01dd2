import { claimsOf, deleteClaims, putClaims } from '../../db/power/claim-store.ts';
import { lockPowerStates, savePowerStates } from '../../db/power/power-state-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { hasEnded, type PowerClaim } from '../../domain/power/claims.ts';
import { reconsider, type PowerState, type Reconsidered } from '../../domain/power/power-state.ts';
import type { Instant } from '../../domain/shared/time.ts';

/** How claims change before they are looked at. */
export interface ClaimChange {
  put: PowerClaim[];
  /** Ids of claims that are withdrawn. */
  drop: string[];
}

export const NO_CHANGE: ClaimChange = { put: [], drop: [] };

/**
 * The one way in which claims change: locks the instances' power states in order of their ids, lets
 * `change` decide on the claims there are, and looks at what they add up to then. A claim that is put
 * counts as said just now. Answers for every instance of the organization among `resourceIds`.
 */
export async function reconsiderClaims(
  tx: Transaction,
  organizationId: string,
  resourceIds: readonly string[],
  at: Instant,
  change: (claims: PowerClaim[], states: PowerState[]) => ClaimChange,
): Promise<Reconsidered[]> {
  if (resourceIds.length === 0) return [];
  const states = await lockPowerStates(tx, organizationId, resourceIds, at);
  const known = await claimsOf(tx, organizationId, resourceIds);
  const { put, drop } = change(known, states);
  const after = applied(known, { put, drop });
  const standing = new Set(after.filter((claim) => !hasEnded(claim, at)).map((claim) => claim.id));
  // What makes room goes first: an instance has one hold and one claim of a schedule.
  await deleteClaims(tx, organizationId, known.filter((claim) => !standing.has(claim.id)).map((claim) => claim.id));
  await putClaims(tx, organizationId, put.filter((claim) => standing.has(claim.id)));
  const byResource = Map.groupBy(after, (claim) => claim.resourceId);
  const stated = new Set(put.map((claim) => claim.id));
  const looked = states.map((state) => reconsider(state, byResource.get(state.resourceId) ?? [], at, stated));
  const changed = looked.filter((one, index) => JSON.stringify(one.state) !== JSON.stringify(states[index]));
  await savePowerStates(tx, changed.map((one) => one.state));
  return looked;
}

/** The claims as the database has them after the change: an instance has one hold and one claim of a schedule. */
function applied(known: readonly PowerClaim[], { put, drop }: ClaimChange): PowerClaim[] {
  const gone = new Set(drop);
  const replaced = new Set(put.flatMap((claim) => [claim.id, ...(claim.source === 'booking' ? [] : [`${claim.resourceId}/${claim.source}`])]));
  const kept = known.filter(
    (claim) => !gone.has(claim.id) && !replaced.has(claim.id) && !replaced.has(`${claim.resourceId}/${claim.source}`),
  );
  return [...kept, ...put];
}
