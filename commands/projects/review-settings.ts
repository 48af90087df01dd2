import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { lockReviewSettings, saveReviewSettings } from '../../db/projects/review-settings-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { editReviewSettings, type ReviewSettings } from '../../domain/projects/review-settings.ts';
import { laterOf } from '../../domain/shared/time.ts';
import type { Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';

/** States how long reviews of an organization wait. Those that run keep their deadlines. */
export async function changeReviewSettings(
  tx: Transaction,
  organizationId: string,
  changes: Parameters<typeof editReviewSettings>[1],
  decision: Decision,
): Promise<ReviewSettings> {
  const before = await lockReviewSettings(tx, organizationId);
  decision.check?.(before.version);
  const edited = editReviewSettings(before, changes);
  if (edited.escalateAfterDays === before.escalateAfterDays && edited.expireAfterDays === before.expireAfterDays) return before;
  const at = laterOf(decision.at, before.lastAt);
  const after = { ...edited, version: before.version + 1, lastAt: at };
  await saveReviewSettings(tx, after);
  await recordLedgerEntry(tx, { id: newId('ledger-entry'), organizationId, at, subject: organizationId, action: 'review-settings.edit', by: decision.by, before: forLedger(before), after: forLedger(after) });
  return after;
}

function forLedger({ escalateAfterDays, expireAfterDays }: ReviewSettings): unknown {
  return { escalate_after_days: escalateAfterDays, expire_after_days: expireAfterDays };
}
