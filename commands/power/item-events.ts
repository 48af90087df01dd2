import type { NewLedgerEntry } from '../../db/audit/ledger-store.ts';
import type { RunItem } from '../../domain/power/run-item.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { newId } from '../shared/new-id.ts';

/** The event of each instance of a run that came to its end, whatever end: one an item, however often it is recorded. */
export function eventsOfEnded(ref: EntityRef, items: readonly RunItem[], { at, by }: { at: Instant; by: Actor }): NewLedgerEntry[] {
  return items.flatMap((item) => {
    const action = endingOf(item);
    if (action === null) return [];
    const { resourceId, scheduleId, localTime, attempts, lastError, observed, detail } = item;
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
        after: { runId: ref.id, scheduleId, wanted: item.action, localTime, observed, attempts, detail, error: item.state === 'failed' ? lastError : null },
        outcomeKey: `${ref.id}/${item.position}/${item.state}`,
      },
    ];
  });
}

function endingOf({ state, action, attempts }: RunItem): string | null {
  const verb = action === 'on' ? 'start' : 'stop';
  if (state === 'open') return null;
  if (state === 'failed') return `power.fail-${verb}`;
  if (state === 'superseded') return `power.supersede-${verb}`;
  if (state === 'overruled') return `power.overrule-${verb}`;
  // Without a call it was so already.
  return attempts === 0 ? `power.find-${action}` : `power.${verb}`;
}
