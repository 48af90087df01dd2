import type { BillingImport, ImportPeriod } from './billing-import.ts';

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

/** Before a month is begun, and when the import has ended. */
export const NOTHING_PRESENT: PeriodProgress = { filesDone: 0, rows: 0, bytes: 0 };

/** Sums what earlier months of the import brought and where the present one stands. */
export function progressOf(running: BillingImport, present: PeriodProgress): ImportProgress {
  const periods = running.periods ?? [];
  const read = periods.filter((period) => period.state !== 'pending' && period.read);
  const wanted = periods.filter((period) => period.read || period.state === 'pending');
  const sum = (list: ImportPeriod[], of: 'files' | 'bytes' | 'rows'): number => list.reduce((total, one) => total + one[of], 0);
  return {
    months: periods.map(({ billingPeriod, state, files, bytes }) => ({ month: billingPeriod.slice(0, 7), state, files, bytes })),
    months_done: periods.filter((period) => period.state !== 'pending').length,
    months_total: periods.length,
    files_done: sum(read, 'files') + present.filesDone,
    files_total: sum(wanted, 'files'),
    rows: sum(periods, 'rows') + present.rows,
    bytes: sum(read, 'bytes') + present.bytes,
    bytes_total: sum(wanted, 'bytes'),
  };
}
