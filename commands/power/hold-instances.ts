import { instanceTargets } from '../../db/resources/instance-targets.ts';
import { recordLedgerEntries } from '../../db/audit/ledger-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { ClaimOrigin, PowerClaim, Wanted } from '../../domain/power/claims.ts';
import { refusalOf } from '../../domain/power/stoppable.ts';
import type { InstanceState } from '../../domain/resources/instance.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { DomainError, invalidField, notFound } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';
import { changeClaims, type ClaimDecision } from './change-claims.ts';
import type { CreatedRun } from './create-runs.ts';

export interface HoldWish {
  resourceId: string;
  /** `as-it-is` holds the state it is in now. */
  wanted: Wanted | 'as-it-is';
  /** Null: until the next trigger of its schedule, or until it is released. */
  until: Instant | null;
  reason: string;
}

/**
 * A person wants an instance on, off, or left as it is, whatever schedules and bookings say, until an
 * instant or the next trigger. Refuses what does not exist, is gone, cannot be stopped, or an end that is past.
 */
export async function holdInstance(
  tx: Transaction,
  organizationId: string,
  wish: HoldWish,
  decision: ClaimDecision,
): Promise<{ claim: PowerClaim; run: CreatedRun | null }> {
  const { at, by } = decision;
  const target = (await instanceTargets(tx, organizationId, [wish.resourceId])).get(wish.resourceId);
  if (target === undefined) throw notFound('instance', wish.resourceId);
  if (target.isGone) throw goneInstance(target.name);
  if (wish.until !== null && wish.until <= at) {
    throw invalidField('power.hold-ends-in-past', 'until', `${wish.until} is not in the future. Give a later instant, or leave it out to hold until the next trigger.`);
  }
  const wanted = wish.wanted === 'as-it-is' ? stateNow(target.state, target.name) : wish.wanted;
  const refusal = wanted === 'off' && wish.wanted === 'off' ? refusalOf(target) : null;
  if (refusal !== null) throw refusal;
  const claim = newHold({ ...wish, wanted, organizationId, sourceId: by.id ?? by.name, origin: { kind: 'person', name: by.name } }, at);
  const [run = null] = await changeClaims(tx, organizationId, [wish.resourceId], () => ({ put: [claim], drop: [] }), decision);
  await recordHolds(tx, [claim], { at, by });
  return { claim, run };
}

/** Ends the hold on an instance; the next claim in line applies. Without a hold nothing changes. */
export async function releaseInstance(tx: Transaction, organizationId: string, resourceId: string, decision: ClaimDecision): Promise<CreatedRun | null> {
  let held: PowerClaim | undefined;
  const release = (claims: PowerClaim[]) => {
    held = claims.find((claim) => claim.source === 'hold');
    return { put: [], drop: held === undefined ? [] : [held.id] };
  };
  const [run = null] = await changeClaims(tx, organizationId, [resourceId], release, { ...decision, cause: 'release' });
  if (held !== undefined) {
    const { at, by } = decision;
    await recordLedgerEntries(tx, [
      { id: newId('ledger-entry'), organizationId, at, subject: resourceId, action: 'power.release', by, before: forLedger(held), after: null },
    ]);
  }
  return run;
}

export function newHold(
  hold: Pick<PowerClaim, 'organizationId' | 'resourceId' | 'sourceId' | 'wanted' | 'until' | 'reason'> & { origin: ClaimOrigin },
  at: Instant,
): PowerClaim {
  const { organizationId, resourceId, sourceId, wanted, until, reason, origin } = hold;
  return {
    id: newId('power-claim'),
    organizationId,
    resourceId,
    source: 'hold',
    sourceId,
    wanted,
    from: at,
    until,
    untilNextTrigger: until === null,
    reason,
    origin,
    createdAt: at,
  };
}

export async function recordHolds(tx: Transaction, claims: readonly PowerClaim[], { at, by }: { at: Instant; by: Actor }): Promise<void> {
  await recordLedgerEntries(
    tx,
    claims.map((claim) => ({
      id: newId('ledger-entry'),
      organizationId: claim.organizationId,
      at,
      subject: claim.resourceId,
      action: 'power.hold',
      by,
      before: null,
      after: forLedger(claim),
    })),
  );
}

function forLedger({ wanted, until, untilNextTrigger, reason, origin }: PowerClaim): unknown {
  return { wanted, until, untilNextTrigger, reason, origin };
}

function stateNow(state: InstanceState, name: string): Wanted {
  if (state === 'running' || state === 'starting') return 'on';
  if (state === 'stopped' || state === 'suspended' || state === 'stopping' || state === 'stopped-billed') return 'off';
  throw new DomainError({
    kind: 'conflict',
    code: 'power.state-unknown',
    message: `${name} is ${state}: there is no state to hold. Ask for :start or :stop, or discover its data source first.`,
  });
}

function goneInstance(name: string): DomainError {
  return new DomainError({ kind: 'conflict', code: 'power.instance-gone', message: `${name} no longer exists with its cloud.` });
}
