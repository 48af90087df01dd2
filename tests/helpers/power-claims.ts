import { changeClaims, withdrawClaims } from '../../commands/power/port.ts';
import { newId } from '../../commands/shared/new-id.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { PowerClaim } from '../../domain/power/claims.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { PowerArrangement } from './power-site.ts';

type Arranged = Pick<PowerArrangement, 'sandbox' | 'decision'> & { site: { db: Database } };

/** A booking's wish for an instance, as a domain that books writes it: its lead is part of the period. */
export function bookingClaim(
  { sandbox, decision }: Pick<PowerArrangement, 'sandbox' | 'decision'>,
  resourceId: string,
  period: { from: Instant; until: Instant | null },
): PowerClaim {
  return {
    id: newId('power-claim'),
    organizationId: sandbox.organizationId,
    resourceId,
    source: 'booking',
    sourceId: newId('power-claim'),
    wanted: 'on',
    ...period,
    untilNextTrigger: false,
    reason: '',
    origin: { kind: 'booking', name: 'Training' },
    createdAt: decision().at,
  };
}

export async function putClaims({ site, sandbox, decision }: Arranged, claims: PowerClaim[]): Promise<void> {
  const ids = claims.map((claim) => claim.resourceId);
  await inTransaction(site.db, (tx) => changeClaims(tx, sandbox.organizationId, ids, () => ({ put: claims, drop: [] }), decision()));
}

export async function withdraw({ site, sandbox, decision }: Arranged, sourceId: string): Promise<void> {
  await inTransaction(site.db, (tx) => withdrawClaims(tx, sandbox.organizationId, sourceId, 'all', decision()));
}
