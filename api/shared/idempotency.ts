import { createHash } from 'node:crypto';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import {
  getIdempotencyRecord,
  saveIdempotencyRecord,
  tryLockIdempotencyKey,
  type IdempotencyRecord,
} from '../../db/shared/idempotency-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { DomainError, invalidField } from '../../domain/shared/errors.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import { etagOf } from './etag.ts';
import type { AnyAnswer } from './operation.ts';

const KEPT_MS = 24 * 3_600_000;
const KEY = /^[\x21-\x7e]{1,255}$/;

/** A POST that may be repeated: who sent it, under which key, and what it said. */
export interface IdempotentRequest {
  actor: string;
  key: string;
  hash: Buffer;
  at: Instant;
}

/** Reads the Idempotency-Key of a request; null without one. */
export function readIdempotencyKey(
  header: string | undefined,
  request: { actor: string; method: string; path: string; body: unknown; at: Instant },
): IdempotentRequest | null {
  if (header === undefined) return null;
  if (!KEY.test(header)) {
    throw invalidField('request.invalid-idempotency-key', 'Idempotency-Key', 'must be 1 to 255 visible ASCII characters, for example a UUID');
  }
  const said = JSON.stringify([request.method, request.path, request.body ?? null]);
  return { actor: request.actor, key: header, hash: createHash('sha256').update(said).digest(), at: request.at };
}

/** The recorded answer to this request, or null when it is new. Refuses a key that was used for another request. */
export async function replayOf(db: Database | Transaction, request: IdempotentRequest): Promise<AnyAnswer | null> {
  const record = await getIdempotencyRecord(db, request.actor, request.key, request.at);
  if (record === null) return null;
  if (!record.requestHash.equals(request.hash)) {
    // 422, as draft-ietf-httpapi-idempotency-key-header asks for.
    throw new DomainError({
      kind: 'limit-exceeded',
      code: 'request.idempotency-key-reused',
      message: 'This Idempotency-Key was used for a different request within the last 24 hours; use a new key for a new request.',
    });
  }
  if (record.holdsSecret) {
    throw new DomainError({
      kind: 'conflict',
      code: 'secret-already-shown',
      message: 'This request was carried out before, and its secret is shown only once; revoke what it made and ask anew.',
    });
  }
  return { status: record.status, headers: { ...record.headers, 'Idempotency-Replayed': 'true' }, body: record.body };
}

/** Thrown inside the transaction to leave it with the answer of an earlier call. */
export class Replayed extends Error {
  readonly answer: AnyAnswer;

  constructor(answer: AnyAnswer) {
    super('answered before');
    this.answer = answer;
  }
}

/**
 * Runs `work` and records its answer in the same transaction, so that either both happened or
 * neither. While another call under the key is running: 409 `request.idempotency-key-in-use`. A
 * failed call records nothing and may be repeated.
 */
export async function transactOnce<A extends AnyAnswer>(
  db: Database,
  request: IdempotentRequest,
  work: (tx: Transaction) => Promise<A>,
): Promise<A> {
  return await inTransaction(db, async (tx) => {
    if (!(await tryLockIdempotencyKey(tx, request.actor, request.key))) {
      throw new DomainError({
        kind: 'conflict',
        code: 'request.idempotency-key-in-use',
        message: 'A request with this Idempotency-Key is still running; repeat it in a moment to get its answer.',
      });
    }
    const earlier = await replayOf(tx, request);
    if (earlier !== null) throw new Replayed(earlier);
    const answer = await work(tx);
    await recordAnswer(tx, request, answer);
    return answer;
  });
}

/** Writes, or replaces, what a repetition of this request will be answered. */
export async function recordAnswer(db: Database | Transaction, request: IdempotentRequest, answer: AnyAnswer): Promise<void> {
  const record: IdempotencyRecord = {
    requestHash: request.hash,
    status: answer.status,
    headers: { ...answer.headers, ...(answer.version !== undefined && { ETag: etagOf(answer.version) }) },
    body: answer.holdsSecret === true ? null : answer.body,
    holdsSecret: answer.holdsSecret === true,
  };
  await saveIdempotencyRecord(db, request.actor, request.key, record, {
    createdAt: request.at,
    expiresAt: plusMilliseconds(request.at, KEPT_MS),
  });
}
