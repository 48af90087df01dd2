import type { InstanceState } from '../resources/instance.ts';
import type { Instant } from '../shared/time.ts';
import { verdictAt, type ClaimSource, type PowerClaim, type Wanted } from './claims.ts';

/** What an instance is meant to be, as its claims added up when they were last looked at. */
export interface PowerState {
  organizationId: string;
  resourceId: string;
  wanted: Wanted | null;
  /** Grows with each new wish. A call made for an older one is not made any more. */
  generation: number;
  wantedSince: Instant;
  decidedBy: { source: ClaimSource; id: string } | null;
  /** The newest generation that was observed fulfilled. */
  settledGeneration: number;
  settledAt: Instant | null;
  nextDueAt: Instant | null;
}

export function newPowerState(organizationId: string, resourceId: string, at: Instant): PowerState {
  return {
    organizationId,
    resourceId,
    wanted: null,
    generation: 0,
    wantedSince: at,
    decidedBy: null,
    settledGeneration: 0,
    settledAt: null,
    nextDueAt: null,
  };
}

/** What came of looking at an instance's claims. */
export interface Reconsidered {
  state: PowerState;
  /** There is a new wish: what ran for an older one ends, and a run carries out the new one unless it is null. */
  isNewWish: boolean;
}

/**
 * Looks at the claims. The wish is new when it differs, or when `stated` says that somebody has just
 * said it again (a trigger fired, a person asked): then the instance is brought to it even if it was there.
 */
export function reconsider(state: PowerState, claims: readonly PowerClaim[], at: Instant, stated: ReadonlySet<string>): Reconsidered {
  const { wanted, claim, nextDueAt } = verdictAt(claims, at);
  const isNewWish = wanted !== state.wanted || (claim !== null && stated.has(claim.id));
  const decidedBy = claim === null ? null : { source: claim.source, id: claim.sourceId };
  if (!isNewWish) return { state: { ...state, decidedBy, nextDueAt }, isNewWish };
  return { state: { ...state, wanted, decidedBy, nextDueAt, generation: state.generation + 1, wantedSince: at }, isNewWish };
}

/** Whether an instance observed in this state is what is wanted of it. */
export function fulfils(observed: InstanceState, wanted: Wanted): boolean {
  if (wanted === 'on') return observed === 'running';
  return observed === 'stopped' || observed === 'suspended';
}

/**
 * What somebody did outside of the product, when this observation shows it: the instance had been
 * brought to the wanted state, nothing of ours has touched it since, and now it is in the opposite
 * one. Transitions on the way do not count, nor does its end.
 */
export function doneByOthers(state: PowerState, observed: InstanceState): Wanted | null {
  if (state.wanted === null || state.settledGeneration !== state.generation) return null;
  const opposite: Wanted = state.wanted === 'on' ? 'off' : 'on';
  return fulfils(observed, opposite) ? opposite : null;
}
