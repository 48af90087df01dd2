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
