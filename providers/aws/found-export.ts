import type { BillDialect } from '../../domain/billing/ports.ts';

/** An export as either billing API describes it. */
export interface FoundExport {
  dialect: BillDialect;
  name: string;
  bucket: string;
  /** Verbatim; AWS delivers below `<prefix>/<name>/`. */
  prefix: string;
  region: string;
  /** What a reader should know, each a sentence. */
  warnings: string[];
}

/** What has to be made. */
export interface WantedExport {
  name: string;
  bucket: string;
  prefix: string;
  region: string;
}
