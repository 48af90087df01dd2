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
import { newId } from '../shared/new-id.ts';

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
  await recordLedgerEntries(tx, items.flatMap((item) => eventOf(ref, item, { at, by })));
}

/** Reads from its items how a run stands. Progress is no decision: the run's version stays. */
export async function keepProgress(tx: Transaction, ref: EntityRef): Promise<void> {
  const run = await lockRun(tx, ref.organizationId, ref.id);
  if (run === null || run.state !== 'running') return;
  const { slots, counts } = await readProgress(tx, ref.id);
  await saveRun(tx, withProgress(run, slots, counts));
}

function eventOf(ref: EntityRef, item: RunItem, { at, by }: { at: Instant; by: Actor }) {
  const action = endingOf(item);
  if (action === null) return [];
  const { resourceId, scheduleId, localTime, attempts, lastError, observed } = item;
  return [
    {
      id: newId('ledger-entry'),
      organizationId: ref.organizationId,
      at,
      dueAt: item.dueAt,
      subject: resourceId,
      action,
      by,
      before: null,
      after: { runId: ref.id, scheduleId, wanted: item.action, localTime, observed, attempts, error: item.state === 'failed' ? lastError : null },
      outcomeKey: `${ref.id}/${item.position}/${item.state}`,
    },
  ];
}

/** An instance that was already there is no event; one that somebody newer took over has its own. */
function endingOf({ state, action, attempts }: RunItem): string | null {
  if (state === 'failed') return action === 'on' ? 'power.fail-start' : 'power.fail-stop';
  if (state !== 'settled' || attempts === 0) return null;
  return action === 'on' ? 'power.start' : 'power.stop';
}
