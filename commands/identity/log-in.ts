import { isKnownDevice } from '../../db/identity/device-store.ts';
import { findUserByEmail, lockUser } from '../../db/identity/user-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { loginLimits } from './login-limits.ts';
import { openSession, type LoginPlace, type OpenedSession } from './open-session.ts';
import { passwordMatches } from './passwords.ts';
import { hashSecret } from './secrets.ts';

export interface LogIn extends LoginPlace {
  email: string;
  password: string;
}

/**
 * Opens a session. One answer, `identity.wrong-credentials`, and the same hashing work for an unknown
 * account, a wrong password and a disabled account. Hashing happens outside the transaction. Whoever has the password of an
 * administrator's making after its time is told so: `identity.password-expired`.
 */
export async function logIn(db: Database, request: LogIn): Promise<OpenedSession> {
  const limits = loginLimits(db);
  const user = await findUserByEmail(db, request.email);
  const secretHash = request.device === null ? null : hashSecret(request.device);
  const known = user !== null && secretHash !== null && (await isKnownDevice(db, secretHash, user.id));
  const attempt = { email: request.email, address: request.address, device: known ? secretHash : null };
  await limits.take(attempt);
  const matches = await passwordMatches(user?.passwordHash ?? null, request.password);
  if (user === null || !matches || user.disabledAt !== null) throw wrongCredentials();
  if (user.passwordExpiresAt !== null && user.passwordExpiresAt <= request.at) {
    throw new DomainError({
      kind: 'not-allowed',
      code: 'identity.password-expired',
      message: 'This first password served for seven days. Have a letter for another one sent to your verified address, or ask a platform administrator.',
    });
  }
  await limits.giveBack(attempt);
  return await inTransaction(db, async (tx) => {
    // Meanwhile the password may be another one, and the account disabled: no session outlives that.
    const now = await lockUser(tx, user.id);
    if (now === null || now.disabledAt !== null || now.passwordHash !== user.passwordHash) throw wrongCredentials();
    return await openSession(tx, now, 'password', request);
  });
}

function wrongCredentials(): DomainError {
  return new DomainError({ kind: 'unauthenticated', code: 'identity.wrong-credentials', message: 'No account has this address and password.' });
}
