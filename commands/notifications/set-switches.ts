import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { getSwitches, saveSwitches } from '../../db/notifications/switch-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { NoticeKind } from '../../domain/notifications/mail.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';

/** Switches kinds of mail on or off for a person; those not named stay. Notices made before keep their mails. */
export async function setSwitches(
  tx: Transaction,
  userId: string,
  switches: Partial<Record<NoticeKind, boolean>>,
  { at, by }: { at: Instant; by: Actor },
): Promise<Record<NoticeKind, boolean>> {
  const before = await getSwitches(tx, userId);
  await saveSwitches(tx, userId, switches);
  const after = await getSwitches(tx, userId);
  await recordLedgerEntry(tx, { id: newId('ledger-entry'), organizationId: null, at, subject: userId, action: 'notifications.set-switches', by, before, after });
  return after;
}
