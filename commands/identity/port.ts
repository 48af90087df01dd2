import { mayActivate } from '../../db/identity/activation.ts';
import { lockUser, saveUser } from '../../db/identity/user-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { passedIfRequested, requested } from '../../domain/identity/activation.ts';
import type { User } from '../../domain/identity/user.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { laterOf } from '../../domain/shared/time.ts';
import { recordAccountStep, type AccountDecision } from './record-account-step.ts';

/** Somebody asks to be activated: passes at once where they belong to an organization and have a verified mailbox, else as soon as they do. */
export async function requestActivation(tx: Transaction, userId: string, decision: AccountDecision): Promise<User> {
  return await changeActivation(tx, userId, decision, requested);
}

/**
 * Activates somebody who asked for it and now fulfils what it needs. Called in the transaction that adds a membership or
 * verifies a mailbox, after it: both take the user's row, so of two that race the later one sees both.
 */
export async function passActivation(tx: Transaction, userId: string, decision: AccountDecision): Promise<User> {
  return await changeActivation(tx, userId, decision, (activation, ready, at) => (ready ? passedIfRequested(activation, at) : activation));
}

async function changeActivation(tx: Transaction, userId: string, decision: AccountDecision, change: typeof requested): Promise<User> {
  const user = await lockUser(tx, userId);
  if (user === null) throw notFound('user', userId);
  const at = laterOf(decision.at, user.lastAt);
  const activation = change(user.activation, await mayActivate(tx, userId), at);
  if (activation === user.activation) return user;
  const after: User = { ...user, activation, version: user.version + 1, lastAt: at };
  await saveUser(tx, after);
  const step = { action: 'activate', subject: user.id, before: { activation: user.activation.state }, after: { activation: activation.state } };
  await recordAccountStep(tx, step, { ...decision, at });
  return after;
}
