import { setTimeout as delay } from 'node:timers/promises';
import type { Database, Transaction } from './connection.ts';

const SERIALIZATION_FAILURE = '40001';
const DEADLOCK_DETECTED = '40P01';
const ATTEMPTS = 5;

/** PostgreSQL's five-character SQLSTATE of an error, or null when it did not come from the database. */
export function sqlStateOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}

/** The name of the violated constraint, when the error is one. */
export function violatedConstraint(error: unknown): string | null {
  const constraint = (error as { constraint?: unknown } | null)?.constraint;
  return typeof constraint === 'string' ? constraint : null;
}

/**
 * Runs `work` in one transaction at READ COMMITTED and answers with its result. A deadlock or
 * serialization failure is retried from the start, so `work` must have no effect outside the
 * transaction; anything else rolls back and is thrown on.
 */
export async function inTransaction<T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction(work);
    } catch (error) {
      const state = sqlStateOf(error);
      const passing = state === SERIALIZATION_FAILURE || state === DEADLOCK_DETECTED;
      if (!passing || attempt === ATTEMPTS) throw error;
      await delay(5 * 2 ** attempt);
    }
  }
}
