import type { Database, Transaction } from '../../db/shared/connection.ts';
import type { Instant } from '../../domain/shared/time.ts';

/** Activates a person without their asking, as they would be after `POST /v1/me:activate`. */
export async function activate(db: Database | Transaction, userId: string, at: Instant): Promise<void> {
  await db('users').where('id', userId).update({ activation: 'passed', activation_requested_at: at, activated_at: at });
}
