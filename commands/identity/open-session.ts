import { forgetDevice, rememberDevice } from '../../db/identity/device-store.ts';
import { insertSession, revokeSessionBySecret, type Session, type SignInMethod } from '../../db/identity/session-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { clientOf, networkOf, SESSION_MS } from '../../domain/identity/session.ts';
import type { User } from '../../domain/identity/user.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';
import { recordAccountStep } from './record-account-step.ts';
import { hashSecret, newSessionSecret } from './secrets.ts';

/** From where somebody logs in. */
export interface LoginPlace {
  /** The caller's network address. */
  address: string;
  userAgent: string | undefined;
  requestId: string;
  at: Instant;
  /** Secrets of the browser's cookies from an earlier login, or null. */
  session: string | null;
  device: string | null;
}

/** What the browser is given: secrets for its cookies. */
export interface OpenedSession {
  user: User;
  secret: string;
  expiresAt: Instant;
  /** Tells this browser from a stranger's at the next login. */
  device: string;
}

/** Opens a session in the caller's transaction, which holds the user's row. The one that the browser had ends (OWASP ASVS 5.0, 7.2.4). */
export async function openSession(tx: Transaction, user: User, method: SignInMethod, place: LoginPlace): Promise<OpenedSession> {
  const { at } = place;
  const [secret, device] = [newSessionSecret(), newSessionSecret()];
  const expiresAt = plusMilliseconds(at, SESSION_MS);
  const where = { network: networkOf(place.address), client: clientOf(place.userAgent) };
  const session: Session = { id: newId('session'), userId: user.id, method, ...where, createdAt: at, lastSeenAt: at, expiresAt };
  if (place.session !== null) await revokeSessionBySecret(tx, hashSecret(place.session), at);
  if (place.device !== null) await forgetDevice(tx, hashSecret(place.device), user.id);
  await insertSession(tx, session, hashSecret(secret));
  await rememberDevice(tx, hashSecret(device), user.id, at);
  const by = { kind: 'person' as const, id: user.id, name: user.displayName, requestId: place.requestId };
  await recordAccountStep(tx, { action: 'log-in', subject: user.id, after: { session_id: session.id, method, expires_at: expiresAt } }, { at, by });
  return { user, secret, expiresAt, device };
}
