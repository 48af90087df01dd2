import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from './connection.ts';

/** The recorded answer to a POST. */
export interface IdempotencyRecord {
  /** SHA-256 of method, path and body. */
  requestHash: Buffer;
  status: number;
  headers: Record<string, string | string[]>;
  body: unknown;
  /** The answer showed a secret, which is not kept. */
  holdsSecret: boolean;
}

/** Tries to take the key for this transaction; false while another call with it is running. */
export async function tryLockIdempotencyKey(tx: Transaction, actor: string, key: string): Promise<boolean> {
  const result = await tx.raw<{ rows: { taken: boolean }[] }>(
    `select pg_try_advisory_xact_lock(hashtextextended(?, 7261)) as taken`,
    [`${actor}/${key}`],
  );
  return result.rows[0]?.taken === true;
}

/** The record under this key that is valid at `at`, or null. */
export async function getIdempotencyRecord(
  db: Database | Transaction,
  actor: string,
  key: string,
  at: Instant,
): Promise<IdempotencyRecord | null> {
  const row = await db('idempotency_records')
    .where({ actor, key })
    .where('expires_at', '>', at)
    .first<Record<string, unknown> | undefined>();
  if (row === undefined) return null;
  return {
    requestHash: row.request_hash as Buffer,
    status: row.status as number,
    headers: row.headers as Record<string, string | string[]>,
    body: row.body,
    holdsSecret: row.holds_secret as boolean,
  };
}

/** Writes the record in the caller's transaction, over one that has expired or that the same request wrote before. */
export async function saveIdempotencyRecord(
  tx: Database | Transaction,
  actor: string,
  key: string,
  record: IdempotencyRecord,
  period: { createdAt: Instant; expiresAt: Instant },
): Promise<void> {
  await tx('idempotency_records')
    .insert({
      actor,
      key,
      request_hash: record.requestHash,
      status: record.status,
      headers: JSON.stringify(record.headers),
      body: record.holdsSecret || record.body === null ? null : JSON.stringify(record.body),
      holds_secret: record.holdsSecret,
      created_at: period.createdAt,
      expires_at: period.expiresAt,
    })
    .onConflict(['actor', 'key'])
    .merge();
}

/** Deletes up to `limit` records that expired before `at`; answers how many. */
export async function deleteExpiredIdempotencyRecords(db: Database, at: Instant, limit: number): Promise<number> {
  return await db('idempotency_records')
    .whereIn(['actor', 'key'], db('idempotency_records').select('actor', 'key').where('expires_at', '<=', at).limit(limit))
    .delete();
}
