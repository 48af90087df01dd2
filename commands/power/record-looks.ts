import { recordLedgerEntries } from '../../db/audit/ledger-store.ts';
import { saveItems } from '../../db/power/run-item-store.ts';
import { settlePowerStates } from '../../db/power/power-state-store.ts';
import { lockRun, readProgress, saveRun } from '../../db/power/run-store.ts';
import { saveObserved } from '../../db/resources/instance-targets.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { withProgress } from '../../domain/power/power-run.ts';
import type { RunItem } from '../../domain/power/run-item.ts';
import type { ObservedInstance } from '../../domain/resources/instance.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { eventsOfEnded } from './item-events.ts';

/** What looks at instances of a run showed and led to. */
export interface Looks {
  items: readonly RunItem[];
  /** What was observed, by resource id; empty when nothing was. */
  observed: ReadonlyMap<string, ObservedInstance>;
}

/**
 * Keeps what an attempt saw and did: items, what was observed of the instances, which wishes are
 * fulfilled, and an event for each instance that came to its end. Items that ended meanwhile are left
 * alone, so repeating it changes nothing. The run's row stays unlocked, for its other portions are
 * recorded at the same time: `keepProgress` comes once, at the end.
 */
export async function recordLooks(tx: Transaction, ref: EntityRef, looks: Looks, { at, by }: { at: Instant; by: Actor }): Promise<void> {
  const written = await saveItems(tx, ref.organizationId, ref.id, looks.items);
  const items = looks.items.filter((item) => written.has(item.position));
  const observed = [...looks.observed].map(([resourceId, { state, stateReason }]) => ({ resourceId, state, stateReason }));
  await saveObserved(tx, ref.organizationId, observed, at);
  await settlePowerStates(tx, ref.organizationId, items.filter((item) => item.state === 'settled'), at);
  await recordLedgerEntries(tx, eventsOfEnded(ref, items, { at, by }));
}

/** Reads from its items how a run stands. Progress is no decision: the run's version stays. */
export async function keepProgress(tx: Transaction, ref: EntityRef): Promise<void> {
  const run = await lockRun(tx, ref.organizationId, ref.id);
  if (run === null || run.state !== 'running') return;
  const { slots, counts } = await readProgress(tx, ref.id);
  await saveRun(tx, withProgress(run, slots, counts));
}
