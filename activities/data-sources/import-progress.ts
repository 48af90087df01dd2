import { fencedOut } from '../../commands/data-sources/record-import.ts';
import { holdsImportFence } from '../../db/data-sources/import-store.ts';
import { updateOperationProgress } from '../../db/operations/operation-store.ts';
import type { BillingImport } from '../../domain/billing/billing-import.ts';
import type { DataSourceActivityDependencies } from './dependencies.ts';
import type { ImportAttempt } from './import-attempt.ts';

/** Progress is written at most this often. */
const INTERVAL_MS = 1_000;

/** What an operation shows of an import; snake_case as the API answers it. */
export interface ImportProgress {
  months: { month: string; state: string; files: number; bytes: number }[];
  months_done: number;
  months_total: number;
  files_done: number;
  files_total: number;
  rows: number;
  bytes: number;
  bytes_total: number;
}

/** Where an attempt stands within the month it reads. */
export interface PeriodProgress {
  filesDone: number;
  rows: number;
  bytes: number;
}

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

/** Sums what earlier months of the import brought and where the present one stands. */
export function progressOf(running: BillingImport, present: PeriodProgress): ImportProgress {
  const periods = running.periods ?? [];
  const read = periods.filter((period) => period.state === 'replaced');
  const wanted = periods.filter((period) => period.state !== 'unchanged');
  const sum = (list: { files: number; bytes: number }[], of: 'files' | 'bytes'): number => list.reduce((total, one) => total + one[of], 0);
  return {
    months: periods.map(({ billingPeriod, state, files, bytes }) => ({ month: billingPeriod.slice(0, 7), state, files, bytes })),
    months_done: periods.filter((period) => period.state !== 'pending').length,
    months_total: periods.length,
    files_done: sum(read, 'files') + present.filesDone,
    files_total: sum(wanted, 'files'),
    rows: present.rows,
    bytes: sum(read, 'bytes') + present.bytes,
    bytes_total: sum(wanted, 'bytes'),
  };
}
