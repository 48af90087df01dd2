import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

/** Whether somebody may use what belongs to projects: their activation has passed. Unknown people may not. */
export async function isActivated(db: Database | Transaction, userId: string): Promise<boolean> {
  return (await db('users').where({ id: userId, activation: 'passed' }).first('id')) !== undefined;
}

/** Whether somebody belongs to an organization and has shown that a mailbox is theirs: what activation asks for. */
export async function mayActivate(db: Database | Transaction, userId: string): Promise<boolean> {
  const result = await db.raw<{ rows: { may: boolean }[] }>(
    `select exists (select from memberships where user_id = ?) and exists (select from mailboxes where user_id = ? and verified_at is not null) as may`,
    [userId, userId],
  );
  return result.rows[0]?.may === true;
}

/** Writes where somebody's activation stands. */
export async function saveActivation(
  tx: Transaction,
  userId: string,
  activation: { state: 'requested' | 'passed'; requestedAt: Instant; activatedAt: Instant | null },
): Promise<void> {
  await tx('users')
    .where('id', userId)
    .update({ activation: activation.state, activation_requested_at: activation.requestedAt, activated_at: activation.activatedAt });
}
