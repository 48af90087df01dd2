import { fencedOut, recordImportFailure, requireImportFence } from '../../commands/data-sources/record-import.ts';
import { lockDataSource } from '../../db/data-sources/data-source-store.ts';
import { takeImportFence } from '../../db/data-sources/import-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { DomainError, toErrorRecord } from '../../domain/shared/errors.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { actingActivity, longAttempt, passingFor, worthAnotherAttempt, type LongAttempt } from '../shared/attempt.ts';
import type { DataSourceActivityDependencies } from './dependencies.ts';

/** What an attempt meets while AWS overwrites the files it reads; the next one begins with the new manifest. */
const WHILE_AWS_REWRITES = ['billing.object-changed', 'billing.object-missing', 'billing.period-vanished'];
const ATTEMPTS_WHILE_AWS_REWRITES = 5;

/** What an attempt answers that finds its work done, or no longer wanted. */
export const NOTHING_TO_DO = 'nothing to do any more';

const TAKEN_OVER = 'another attempt has taken over';

/** An attempt of a running import that holds its fence. */
export interface ImportAttempt<Checkpoint> extends LongAttempt<Checkpoint> {
  fence: number;
}

/**
 * Runs one attempt of an import's work under a new fence. An import that does not run any more is
 * left alone. What cannot get better by another attempt fails the import with its reason, and the
 * activity ends well: the outcome is on the row. An attempt that lost its fence, or was told to
 * stop, decides nothing about the import. Answers in a few words what came of it, for people who
 * read the history; nothing decides by it.
 */
export async function importAttempt<Checkpoint>(
  deps: DataSourceActivityDependencies,
  ref: EntityRef,
  importId: string,
  work: (attempt: ImportAttempt<Checkpoint>) => Promise<string>,
): Promise<string> {
  return await longAttempt<Checkpoint, string>(async (attempt) => {
    const fence = await inTransaction(deps.db, (tx) => takeImportFence(tx, ref.organizationId, ref.id, importId));
    if (fence === null) return NOTHING_TO_DO;
    try {
      return await work({ ...attempt, fence });
    } catch (error) {
      // Whatever an abort broke says nothing about the bill: the reason for the abort is what happened.
      const { aborted, reason } = attempt.signal;
      if (aborted && !isFencedOut(reason)) throw reason;
      return await settleFailure(deps, ref, { importId, fence }, aborted ? reason : error);
    }
  });
}

async function settleFailure(
  deps: DataSourceActivityDependencies,
  ref: EntityRef,
  { importId, fence }: { importId: string; fence: number },
  failure: unknown,
): Promise<string> {
  const rewriting = failure instanceof DomainError && WHILE_AWS_REWRITES.includes(failure.code);
  const error = rewriting ? passingFor(ATTEMPTS_WHILE_AWS_REWRITES, failure) : failure;
  if (isFencedOut(error)) return TAKEN_OVER;
  deps.log.warn({ err: error, dataSourceId: ref.id, importId }, 'an attempt of an import failed');
  if (worthAnotherAttempt(error)) throw error;
  const reason = toErrorRecord(error);
  const decision = { at: deps.clock.now(), by: actingActivity('import'), outcomeKey: `${importId}/failed` };
  try {
    await inTransaction(deps.db, async (tx) => {
      await lockDataSource(tx, ref.organizationId, ref.id);
      await requireImportFence(tx, ref, importId, fence);
      await recordImportFailure(tx, ref, importId, reason, decision);
    });
  } catch (refusal) {
    if (!isFencedOut(refusal)) throw refusal;
    return TAKEN_OVER;
  }
  return `failed: ${reason.message} (${reason.code})`;
}

function isFencedOut(error: unknown): boolean {
  return error instanceof DomainError && error.code === fencedOut('').code;
}
