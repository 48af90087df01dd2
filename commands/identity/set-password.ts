import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { revokeSessionsOf } from '../../db/identity/session-store.ts';
import { lockUser, saveUser } from '../../db/identity/user-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { laterOf, type Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';

/** Puts another password in place and ends the account's sessions except, where given, the one that asked. */
export async function setPassword(
  tx: Transaction,
  request: { userId: string; passwordHash: string; keepSession: Buffer | null },
  decision: { at: Instant; by: Actor },
): Promise<void> {
  const user = await lockUser(tx, request.userId);
  if (user === null) throw notFound('user', request.userId);
  const at = laterOf(decision.at, user.lastAt);
  await saveUser(tx, { ...user, passwordHash: request.passwordHash, version: user.version + 1, lastAt: at });
  await revokeSessionsOf(tx, user.id, at, request.keepSession);
  await recordLedgerEntry(tx, {
    id: newId('ledger-entry'),
    organizationId: null,
    at,
    subject: user.id,
    action: 'identity.set-password',
    by: decision.by,
    before: null,
    after: null,
  });
}
