import type { Readable } from 'node:stream';
import type { ErrorRecord } from '../shared/errors.ts';
import type { CalendarDate, Instant } from '../shared/time.ts';
import type { TagKey } from './tag-keys.ts';

/** One object of a billing export as its store lists it. */
export interface ExportObject {
  /** Verbatim: never cleaned, never mapped to a local file name. */
  key: string;
  sizeBytes: number;
  /** The store's version mark; a directory makes one from size, mtime and inode. */
  etag: string;
  lastModified: Instant;
}

/** Read access to the objects of one billing export, wherever they lie (S3 or a directory). */
export interface ExportObjects {
  /** Every object below the prefix, all pages, in key order. */
  list(prefix: string): AsyncIterable<ExportObject>;
  /** Fails with `billing.object-missing` when there is none. */
  head(key: string): Promise<ExportObject>;
  /** The whole object as bytes. Fails with `billing.object-too-large` above the limit. */
  readAll(key: string, limitBytes: number): Promise<{ bytes: Buffer; etag: string }>;
  /**
   * Streams the object verbatim. With `ifMatch`, fails with `billing.object-changed` unless it still
   * has that etag. A short or damaged body fails the stream with `billing.object-truncated` or
   * `billing.checksum-mismatch`.
   */
  open(key: string, ifMatch: string | null, signal: AbortSignal): Promise<Readable>;
}

/** Where the bytes of source objects are kept, verbatim, by content. Implementations: a directory, an S3 bucket. */
export interface RawStore {
  /** Keeps the stream's bytes; the same bytes twice are one object. Atomic: a killed put leaves nothing visible. */
  put(organizationId: string, body: Readable, signal: AbortSignal): Promise<{ sha256: string; sizeBytes: number }>;
  has(organizationId: string, sha256: string): Promise<boolean>;
  /** A local file that holds the bytes; call `release` when done with it. Fails with `billing.raw-object-missing`. */
  openFile(organizationId: string, sha256: string, signal: AbortSignal): Promise<LocalFile>;
  /** Small documents beside the bytes (manifests, generations), by name. */
  putDocument(organizationId: string, name: string, text: string): Promise<void>;
  remove(organizationId: string, sha256: string): Promise<void>;
  removeDocument(organizationId: string, name: string): Promise<void>;
}

export interface LocalFile {
  path: string;
  /** Settles when the bytes are known to be those that were kept; fails with `billing.raw-object-damaged`. What is made of them counts only then. */
  verified: Promise<void>;
  release(): Promise<void>;
}

/** How the rows of a bill are written. `cur`: legacy Cost and Usage Report. `cur2`: Data Exports, CUR 2.0. */
export type BillDialect = 'cur' | 'cur2';

/** What an export holds for one billing period, decided by its manifest where there is one. */
export interface DiscoveredPeriod {
  /** First day of the month. */
  billingPeriod: CalendarDate;
  dialect: BillDialect;
  /** `unproven`: there was no manifest, so a missing object would not be noticed. */
  completeness: 'manifest' | 'unproven';
  manifest: DiscoveredManifest | null;
  /** In manifest order (key order without one). */
  objects: Pick<ExportObject, 'key' | 'sizeBytes' | 'etag'>[];
  /** What a reader should know, each a sentence. */
  warnings: string[];
  /**
   * Why this period cannot be read (for example `billing.manifest-object-missing`), so that the
   * others still can. `objects` is then what could be found and must not be imported.
   */
  problem?: ErrorRecord;
}

export interface DiscoveredManifest {
  key: string;
  etag: string;
  /** assemblyId or execution id: opaque. */
  version: string;
  /** reportId or export ARN when told: another value means another export under the same name. */
  exportIdentity: string | null;
  text: string;
}

/** Where an AWS export lies inside its store. */
export interface ExportLocation {
  /** Verbatim prefix, without the report's name; may be empty. */
  prefix: string;
  /** Report or export name; null when only the bucket or directory is known. */
  name: string | null;
}

export type FileFormat = 'csv' | 'csv.gz' | 'csv.zip' | 'parquet';

/** One spooled file of a period, ready to be read. */
export interface PeriodFile {
  /** Order in the manifest, from 0. */
  position: number;
  key: string;
  /** Local path of the verbatim bytes. */
  path: string;
  format: FileFormat;
}

/** Exact decimal text with its currency. */
export interface CurrencyTotals {
  currency: string;
  rows: number;
  /** Sum of unblended cost as decimal text. */
  billedCost: string;
}

export interface FileReading {
  position: number;
  key: string;
  /** All rows of the file, taken, skipped and left out. */
  rows: number;
  taken: CurrencyTotals[];
  /** Accounts that `linked_accounts: connected` leaves out, with what they cost. */
  skippedAccounts: ({ accountId: string } & CurrencyTotals)[];
  /** Split-cost rows, which repeat their parent's cost and stay out of totals. */
  splitRows: number;
}

/** A period read into three CSV files ready for COPY; see `period-columns.ts` for their columns. */
export interface PeriodReading {
  costsPath: string;
  costRows: number;
  kindsPath: string;
  kindRows: number;
  resourcesPath: string;
  resourceRows: number;
  files: FileReading[];
  /** The tag keys of `resources`, where the bill tells the source key of a normalised one. */
  tagKeys: TagKey[];
  /** Every chargeable row carries an invoice id. */
  isFinal: boolean;
  warnings: string[];
}

export interface ReadPeriodRequest {
  billingPeriod: CalendarDate;
  /** In the manifest's order, asked for one by one; the reader starts while the first is awaited. An error of theirs fails the reading. */
  files: Iterable<PeriodFile> | AsyncIterable<PeriodFile>;
  takenAccounts: 'all' | string[];
  /** An empty directory of the caller's; the CSV files and all temporary files go there. */
  workDirectory: string;
  signal: AbortSignal;
  onProgress(progress: { filesDone: number; rows: number; bytes: number }): void;
}

/** Reads a period's files. The only implementation runs DuckDB in a child process. */
export interface PeriodReader {
  read(request: ReadPeriodRequest): Promise<PeriodReading>;
  /** One resource's line items, straight from the source files, in file and row order. */
  readLineItems(request: LineItemsRequest): Promise<LineItem[]>;
}

export interface LineItemsRequest {
  files: PeriodFile[];
  accountId: string;
  nativeId: string;
  offset: number;
  limit: number;
  workDirectory: string;
  signal: AbortSignal;
}

export interface LineItem {
  chargePeriodStart: Instant;
  chargePeriodEnd: Instant;
  lineItemType: string;
  description: string;
  usageType: string;
  operation: string;
  consumedQuantity: string | null;
  consumedUnit: string;
  currency: string;
  billedCost: string;
  effectiveCost: string;
  contractedCost: string;
  listCost: string;
  invoiceId: string;
}

/** Where in a resource's line items of one month a page begins: a bill's generation, and how many items of it are read. */
export interface LineItemPosition {
  dataSourceId: string;
  generationId: string;
  offset: number;
}

/** A line item with the data source whose bill holds it. */
export interface BilledLineItem extends LineItem {
  dataSourceId: string;
}

/** Reads a resource's line items of one month from the stored source files of all bills that know it. */
export interface LineItemReader {
  /**
   * At most `limit` items from `position` on, bill by bill, in file and row order; a page does not
   * cross from one bill to the next, so it may be short while `next` is set. Fails with
   * `billing.generation-replaced` when the bill was imported anew since `position` was given.
   */
  read(request: {
    organizationId: string;
    resourceId: string;
    billingPeriod: CalendarDate;
    position: LineItemPosition | null;
    limit: number;
    signal: AbortSignal;
  }): Promise<{ items: BilledLineItem[]; next: LineItemPosition | null }>;
}
