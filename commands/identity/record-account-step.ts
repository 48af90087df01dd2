import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';

/** When and by whom something about an account is decided. */
export interface AccountDecision {
  at: Instant;
  by: Actor;
  /** Refuses to decide on a row that changed since the caller read it. */
  check?: ((version: number) => void) | undefined;
}

/** Writes what became of an account to the ledger. Of a person's own: no organization sees it, and it holds no address. */
export async function recordAccountStep(
  tx: Transaction,
  step: { action: string; subject: string; before?: unknown; after?: unknown },
  { at, by }: AccountDecision,
): Promise<void> {
  const { action, subject, before = null, after = null } = step;
  await recordLedgerEntry(tx, { id: newId('ledger-entry'), organizationId: null, at, subject, action: `identity.${action}`, by, before, after });
}
