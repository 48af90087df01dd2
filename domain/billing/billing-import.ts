import type { ErrorRecord } from '../shared/errors.ts';
import type { CalendarDate, Instant, Month } from '../shared/time.ts';

export type BillingImportState = 'scheduled' | 'running' | 'completed' | 'failed' | 'cancelled';

/** Why an import exists: the first of its data source, its schedule's tick, or somebody's request. */
export type ImportCause = 'first' | 'schedule' | 'request';

/** One month of an import. `unchanged`: the export holds nothing new for it, so nothing was read. */
export interface ImportPeriod {
  billingPeriod: CalendarDate;
  state: 'pending' | 'unchanged' | 'replaced';
  /** What the export listed for the month when the import looked. */
  files: number;
  bytes: number;
  /** Rows of its files, once read. */
  rows: number;
  /** Whether its files were read: an unchanged month may have been, on request. */
  read: boolean;
}

export interface BillingImport {
  id: string;
  organizationId: string;
  dataSourceId: string;
  operationId: string;
  cause: ImportCause;
  /** Whether it looks for whatever changed, beside the requested months. */
  automatic: boolean;
  /** Months to read again even if unchanged. */
  requestedMonths: Month[];
  state: BillingImportState;
  cancelRequestedAt: Instant | null;
  /** The attempt that may write; an older one drops out. Null until the first attempt. */
  fence: number | null;
  attempts: number;
  /** Null until the export has been looked at; then newest first. */
  periods: ImportPeriod[] | null;
  error: ErrorRecord | null;
  createdAt: Instant;
  startedAt: Instant | null;
  finishedAt: Instant | null;
}

export function isOpen(state: BillingImportState): boolean {
  return state === 'scheduled' || state === 'running';
}

/** Merges another wish into an import that has not started. */
export function joinImport(waiting: BillingImport, wish: { automatic: boolean; months: Month[] }): BillingImport {
  const months = [...new Set([...waiting.requestedMonths, ...wish.months])].sort().toReversed();
  return { ...waiting, automatic: waiting.automatic || wish.automatic, requestedMonths: months };
}

export interface PeriodCandidate {
  month: Month;
  /** The export's objects differ from the current generation's, or there is none yet. */
  changed: boolean;
  alreadyImported: boolean;
  files: number;
  bytes: number;
}

/**
 * Which months an import reads, newest first: the requested ones; and, when automatic, the newest
 * `initialMonths` of the export plus every month imported before, as far as they changed. Late
 * corrections to closed months are so picked up in any order.
 */
export function planPeriods(
  wish: Pick<BillingImport, 'automatic' | 'requestedMonths'>,
  candidates: PeriodCandidate[],
  initialMonths: number,
): ImportPeriod[] {
  const newestFirst = candidates.toSorted((a, b) => (a.month < b.month ? 1 : -1));
  const recent = new Set(newestFirst.slice(0, initialMonths).map((candidate) => candidate.month));
  const requested = new Set(wish.requestedMonths);
  const periods: ImportPeriod[] = [];
  for (const { month, changed, alreadyImported, files, bytes } of newestFirst) {
    const period = { billingPeriod: `${month}-01`, files, bytes, rows: 0, read: false };
    if (requested.has(month)) periods.push({ ...period, state: 'pending' });
    else if (wish.automatic && (recent.has(month) || alreadyImported)) {
      periods.push({ ...period, state: changed ? 'pending' : 'unchanged' });
    }
  }
  return periods;
}
