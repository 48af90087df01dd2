import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { insertSession } from '../../db/identity/session-store.ts';
import { findUserByEmail } from '../../db/identity/user-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { User } from '../../domain/identity/user.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';
import { loginLimits } from './login-limits.ts';
import { passwordMatches } from './passwords.ts';
import { hashSecret, newSessionSecret } from './secrets.ts';

/** How long a session lasts: a working day. */
export const SESSION_MS = 12 * 3_600_000;

export interface LogIn {
  email: string;
  password: string;
  /** The caller's network address. */
  address: string;
  requestId: string;
  at: Instant;
}

/**
 * Opens a session. One answer, `identity.wrong-credentials`, and the same hashing work for an unknown
 * account, a wrong password and a disabled account. Hashing happens outside the transaction.
 */
export async function logIn(db: Database, request: LogIn): Promise<{ user: User; secret: string; expiresAt: Instant }> {
  const limits = loginLimits(db);
  await limits.take(request.email, request.address);
  const user = await findUserByEmail(db, request.email);
  const matches = await passwordMatches(user?.passwordHash ?? null, request.password);
  if (user === null || !matches || user.disabledAt !== null) {
    throw new DomainError({
      kind: 'unauthenticated',
      code: 'identity.wrong-credentials',
      message: 'No account has this address and password.',
    });
  }
  await limits.giveBack(request.email, request.address);
  const secret = newSessionSecret();
  const expiresAt = plusMilliseconds(request.at, SESSION_MS);
  await inTransaction(db, async (tx) => {
    await insertSession(tx, { tokenHash: hashSecret(secret), userId: user.id, createdAt: request.at, expiresAt });
    await recordLedgerEntry(tx, {
      id: newId('ledger-entry'),
      organizationId: null,
      at: request.at,
      subject: user.id,
      action: 'identity.log-in',
      by: { kind: 'person', id: user.id, name: user.displayName, requestId: request.requestId },
      before: null,
      after: { expires_at: expiresAt },
    });
  });
  return { user, secret, expiresAt };
}
