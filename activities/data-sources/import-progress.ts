import { fencedOut } from '../../commands/data-sources/record-import.ts';
import { holdsImportFence } from '../../db/data-sources/import-store.ts';
import { updateOperationProgress } from '../../db/operations/operation-store.ts';
import type { BillingImport } from '../../domain/billing/billing-import.ts';
import { progressOf, type PeriodProgress } from '../../domain/billing/import-progress.ts';
import type { DataSourceActivityDependencies } from './dependencies.ts';
import type { ImportAttempt } from './import-attempt.ts';

/** Progress is written at most this often. */
const INTERVAL_MS = 1_000;

export interface ProgressWriter {
  /** Remembers the latest; it is written within a second. */
  report(progress: Partial<PeriodProgress>): void;
  /** Stops writing. */
  stop(): Promise<void>;
}

/**
 * Writes an attempt's progress once a second, fenced: when the import is no longer this attempt's
 * (cancelled, or a newer attempt runs) the attempt is dropped.
 */
export function startProgress(
  deps: DataSourceActivityDependencies,
  running: BillingImport,
  attempt: ImportAttempt<unknown>,
): ProgressWriter {
  const latest: PeriodProgress = { filesDone: 0, rows: 0, bytes: 0 };
  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    try {
      if (!(await holdsImportFence(deps.db, running.organizationId, running.id, attempt.fence))) {
        attempt.drop(fencedOut(running.id));
        return;
      }
      const progress = { ...progressOf(running, latest) };
      await updateOperationProgress(deps.db, running.organizationId, running.operationId, progress, deps.clock.now());
    } catch (error) {
      // A database that is away for a moment must not end the reading; the final write will tell.
      deps.log.warn({ err: error, importId: running.id }, 'progress not written');
    }
  };
  const timer = setInterval(() => {
    writing = writing.then(write);
  }, INTERVAL_MS);
  return {
    report: (progress) => void Object.assign(latest, progress),
    stop: async () => {
      clearInterval(timer);
      writing = writing.then(write);
      await writing;
    },
  };
}
