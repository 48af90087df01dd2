import { revokeSession, revokeSessionsOf } from '../../db/identity/session-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { recordAccountStep, type AccountDecision } from './record-account-step.ts';

/** Ends the session that asked for it. */
export async function logOut(tx: Transaction, ref: { userId: string; sessionId: string }, decision: AccountDecision): Promise<void> {
  await revokeSession(tx, ref.userId, ref.sessionId, decision.at);
  await recordAccountStep(tx, { action: 'log-out', subject: ref.userId, before: { session_id: ref.sessionId } }, decision);
}

/** Ends one of a person's sessions, wherever it is. */
export async function endSession(tx: Transaction, ref: { userId: string; sessionId: string }, decision: AccountDecision): Promise<void> {
  if (!(await revokeSession(tx, ref.userId, ref.sessionId, decision.at))) throw notFound('session', ref.sessionId);
  await recordAccountStep(tx, { action: 'end-session', subject: ref.userId, before: { session_id: ref.sessionId } }, decision);
}

/** Ends a person's sessions but the one that asks, if one does; answers how many. */
export async function endOtherSessions(tx: Transaction, request: { userId: string; keep: string | null }, decision: AccountDecision): Promise<number> {
  const ended = await revokeSessionsOf(tx, request.userId, decision.at, request.keep);
  await recordAccountStep(tx, { action: 'end-other-sessions', subject: request.userId, after: { ended } }, decision);
  return ended;
}
