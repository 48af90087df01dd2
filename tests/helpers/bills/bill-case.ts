import type { ExportLocation, DiscoveredPeriod, ExportObjects, PeriodReading } from '../../../domain/billing/ports.ts';
import type { UnpackLimits } from '../../../providers/aws/billing/unpack.ts';
import type { ExportDirectory } from './export-directory.ts';

/** What a month of a case is read into. */
export interface ImportedMonth {
  /** Exact sum of billed cost by currency. */
  billed: Record<string, string>;
  /** Exact sum of effective cost by currency, where the case is about it. */
  effective?: Record<string, string>;
  rows?: number;
  splitRows?: number;
  resources?: number;
  isFinal?: boolean;
  completeness?: DiscoveredPeriod['completeness'];
  /** Each must match one warning of the period or the reading. */
  warnings?: RegExp[];
  /** Native ids, in order. */
  nativeIds?: string[];
  /** Tags of the one resource that is no named line. */
  tags?: Record<string, string>;
  /** Further checks by the case's own eyes. */
  check?(reading: PeriodReading, rows: { costs: Record<string, string>[]; resources: Record<string, string>[] }): string | null;
}

export interface Refusal {
  code: string;
  /** Must match the message: it names the file, and line or column where there is one. */
  message: RegExp;
}

/** One malformed or surprising input and what must come of it. */
export interface BillCase {
  title: string;
  write(directory: ExportDirectory): Promise<void>;
  location?: ExportLocation;
  unpackLimits?: UnpackLimits;
  /** Happens after discovery and before the files are fetched. */
  meanwhile?(directory: ExportDirectory, objects: ExportObjects): Promise<void>;
  /** The whole export is refused when it is looked at. */
  refusedAtOnce?: Refusal;
  /** By month, `2026-03`. */
  months?: Record<string, ImportedMonth | Refusal>;
}
