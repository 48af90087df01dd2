import type { Instant } from '../shared/time.ts';

/** What an instance is meant to be. */
export type Wanted = 'on' | 'off';

/** Who may want something of an instance, strongest first. */
export const CLAIM_SOURCES = ['hold', 'booking', 'schedule'] as const;
export type ClaimSource = (typeof CLAIM_SOURCES)[number];

/** Where a claim comes from, for people. */
export interface ClaimOrigin {
  /** `cloud-console`: the change was made in the cloud itself and noticed here. */
  kind: 'person' | 'cloud-console' | 'trigger' | 'apply-now' | 'booking';
  /** A person's or a schedule's name at that time. */
  name: string;
}

/** Somebody's wish for one instance, from an instant on, until another or until it is withdrawn. */
export interface PowerClaim {
  id: string;
  organizationId: string;
  resourceId: string;
  source: ClaimSource;
  /** The schedule, the booking, or the user who holds; `cloud-console` for a hold that was noticed. */
  sourceId: string;
  wanted: Wanted;
  from: Instant;
  /** Exclusive; null: until withdrawn. */
  until: Instant | null;
  /** A hold that the next trigger of the instance's schedule ends. */
  untilNextTrigger: boolean;
  reason: string;
  origin: ClaimOrigin;
  createdAt: Instant;
}

/** What claims add up to at one instant. */
export interface Verdict {
  /** Null: nobody wants anything, the instance is left as it is. */
  wanted: Wanted | null;
  /** The claim that decided. */
  claim: PowerClaim | null;
  /** When the verdict must be looked at again: the next start or end of a claim. */
  nextDueAt: Instant | null;
}

/**
 * The wanted state is a function of the claims and the instant, and of nothing else: the strongest
 * source wins; of several claims of one source `on` wins, so that adjacent bookings keep a machine
 * on; then the one that began last, then the greater id. That a booking wants a machine off after it
 * is weaker than a schedule: the schedule knows whether somebody else needs it.
 */
export function verdictAt(claims: readonly PowerClaim[], at: Instant): Verdict {
  const open = claims.filter((claim) => claim.from <= at && !hasEnded(claim, at));
  const [claim = null] = open.toSorted(strongestFirst);
  const edges = claims.flatMap(({ from, until }) => (until === null ? [from] : [from, until])).filter((edge) => edge > at);
  const nextDueAt = edges.length === 0 ? null : edges.reduce((a, b) => (a < b ? a : b));
  return { wanted: claim?.wanted ?? null, claim, nextDueAt };
}

export function hasEnded(claim: PowerClaim, at: Instant): boolean {
  return claim.until !== null && claim.until <= at;
}

function strongestFirst(a: PowerClaim, b: PowerClaim): number {
  return (
    rankOf(a) - rankOf(b) ||
    Number(b.wanted === 'on') - Number(a.wanted === 'on') ||
    compare(b.from, a.from) ||
    compare(b.id, a.id)
  );
}

function rankOf({ source, wanted }: PowerClaim): number {
  return source === 'booking' && wanted === 'off' ? CLAIM_SOURCES.length : CLAIM_SOURCES.indexOf(source);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
