import { fencedOut, recordImportFailure, requireImportFence } from '../../commands/data-sources/record-import.ts';
import { lockDataSource } from '../../db/data-sources/data-source-store.ts';
import { takeImportFence } from '../../db/data-sources/import-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { actingActivity, passingFor, type LongAttempt } from '../shared/attempt.ts';
import { fencedAttempt } from '../shared/fenced-attempt.ts';
import type { DataSourceActivityDependencies } from './dependencies.ts';

/** What an attempt meets while AWS overwrites the files it reads; the next one begins with the new manifest. */
const WHILE_AWS_REWRITES = ['billing.object-changed', 'billing.object-missing', 'billing.period-vanished'];
const ATTEMPTS_WHILE_AWS_REWRITES = 5;

/** An attempt of a running import that holds its fence. */
export interface ImportAttempt<Checkpoint> extends LongAttempt<Checkpoint> {
  fence: number;
}

/** Runs one attempt of an import's work under a new fence: see `fencedAttempt`. */
export async function importAttempt<Checkpoint>(
  deps: DataSourceActivityDependencies,
  ref: EntityRef,
  importId: string,
  work: (attempt: ImportAttempt<Checkpoint>) => Promise<string>,
): Promise<string> {
  return await fencedAttempt<number, Checkpoint>({
    fencedOut: fencedOut('').code,
    begin: () => inTransaction(deps.db, (tx) => takeImportFence(tx, ref.organizationId, ref.id, importId)),
    perform: (attempt, fence) => work({ ...attempt, fence }),
    judge: (failure) =>
      failure instanceof DomainError && WHILE_AWS_REWRITES.includes(failure.code) ? passingFor(ATTEMPTS_WHILE_AWS_REWRITES, failure) : failure,
    onFailure: (error) => deps.log.warn({ err: error, dataSourceId: ref.id, importId }, 'an attempt of an import failed'),
    async fail(fence, reason) {
      const decision = { at: deps.clock.now(), by: actingActivity('import'), outcomeKey: `${importId}/failed` };
      await inTransaction(deps.db, async (tx) => {
        await lockDataSource(tx, ref.organizationId, ref.id);
        await requireImportFence(tx, ref, importId, fence);
        await recordImportFailure(tx, ref, importId, reason, decision);
      });
    },
  });
}
