import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { revokeSession } from '../../db/identity/session-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';

/** Ends the session that asked for it. */
export async function logOut(tx: Transaction, tokenHash: Buffer, decision: { at: Instant; by: Actor & { id: string } }): Promise<void> {
  await revokeSession(tx, tokenHash, decision.at);
  await recordLedgerEntry(tx, {
    id: newId('ledger-entry'),
    organizationId: null,
    at: decision.at,
    subject: decision.by.id,
    action: 'identity.log-out',
    by: decision.by,
    before: null,
    after: null,
  });
}
