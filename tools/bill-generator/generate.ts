import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { accountsIn } from './catalogue.ts';
import { billItems } from './bill.ts';
import type { BillContents } from './bill.ts';
import { cur2Columns } from './cur2-columns.ts';
import type { Cur2Column } from './cur2-columns.ts';
import { CsvFile } from './files.ts';
import { legacyColumns } from './legacy-columns.ts';
import type { Column } from './legacy-columns.ts';
import { dataKey, manifests } from './layout.ts';
import type { BillMonth, LineItem } from './line-item.ts';
import { billMonths } from './schedule.ts';
import { TruthKeeper } from './truth.ts';
import type { BillTruth } from './truth.ts';

/** `cur-csv`: legacy Cost and Usage Report; `cur2-*`: Data Exports, CUR 2.0. */
export type BillDialect = 'cur-csv' | 'cur2-parquet' | 'cur2-csv';

export interface BillOptions extends BillContents {
  /** Becomes the bucket's root; made when missing. */
  directory: string;
  dialects: readonly BillDialect[];
}

/** What every bill is unless told otherwise: one final month in USD, hour by hour, as one legacy file. */
export const BILL_DEFAULTS = {
  seed: 20_260_301, firstDay: '2026-03-01', granularity: 'hourly', filesPerMonth: 1, lastMonthRuns: false, monthlyGrowth: 0,
  currencies: ['USD'], correction: { version: 0, share: 0 }, dialects: ['cur-csv'],
} as const satisfies Partial<BillOptions>;

/** The files of one dialect for one month, from 0. */
export interface WrittenMonth {
  dialect: BillDialect;
  month: string;
  keys: string[];
}

export interface WrittenBill {
  truth: BillTruth;
  months: WrittenMonth[];
}

/**
 * Writes a bill as AWS would deliver it into `directory`, the same rows in every dialect asked for,
 * and `truth.json` beside it. The same options give the same bytes. Memory does not grow with items.
 */
export async function generateBill(options: BillOptions): Promise<WrittenBill> {
  await mkdir(options.directory, { recursive: true });
  const scratch = await mkdtemp(join(options.directory, '.generating-'));
  try {
    const writers = options.dialects.map((dialect) => new DialectWriter(options, dialect, scratch));
    const keeper = new TruthKeeper(options.seed);
    await writeItems(options, writers, keeper);
    const truth = keeper.finish();
    for (const writer of writers) await writer.finish();
    await writeFile(join(options.directory, 'truth.json'), `${JSON.stringify(truth, null, 1)}\n`);
    return { truth, months: writers.flatMap((writer) => writer.written) };
  } finally {
    await rm(scratch, { recursive: true });
  }
}

async function writeItems(options: BillOptions, writers: readonly DialectWriter[], keeper: TruthKeeper): Promise<void> {
  for (const item of billItems(options)) {
    keeper.add(item, options.filesPerMonth);
    for (const writer of writers) {
      const waiting = writer.write(item);
      if (waiting !== null) await waiting;
    }
  }
}

class DialectWriter {
  readonly written: WrittenMonth[] = [];
  readonly #options: BillOptions;
  readonly #dialect: BillDialect;
  readonly #columns: readonly (Column | Cur2Column)[];
  readonly #cur2: readonly Cur2Column[];
  readonly #scratch: string;
  #file: CsvFile | null = null;
  #month: BillMonth | null = null;
  #number = -1;
  readonly #paths = new Map<string, string>();

  constructor(options: BillOptions, dialect: BillDialect, scratch: string) {
    const payer = accountsIn(options.currencies)[0]?.id ?? '';
    this.#options = options;
    this.#dialect = dialect;
    this.#cur2 = cur2Columns(payer);
    this.#columns = dialect === 'cur-csv' ? legacyColumns(payer) : this.#cur2;
    this.#scratch = scratch;
  }

  /** A promise to wait for, or null when the row only went into a buffer. */
  write(item: LineItem): Promise<void> | null {
    if (this.#file === null || item.month.month !== this.#month?.month || item.file !== this.#number) {
      return this.#turnTo(item).then(() => void this.#file?.write(item));
    }
    return this.#file.write(item) ? this.#file.flush() : null;
  }

  async finish(): Promise<void> {
    await this.#file?.close();
    for (const month of billMonths(this.#options)) {
      const keys = Array.from({ length: this.#options.filesPerMonth }, (_, file) => this.#key(month, file));
      for (const key of keys) if (!this.#paths.has(key)) await (await this.#open(key)).close();
      this.written.push({ dialect: this.#dialect, month: month.month, keys });
      for (const { key, text } of manifests(this.#dialect, month, keys, this.#options.correction.version, this.#columns)) {
        await mkdir(dirname(this.#path(key)), { recursive: true });
        await writeFile(this.#path(key), text);
      }
    }
    if (this.#dialect !== 'cur2-parquet') return;
    const { convertToParquet } = await import('./parquet.ts');
    await convertToParquet([...this.#paths].map(([key, csv]) => ({ csv, parquet: this.#path(key) })), this.#cur2);
  }

  async #turnTo(item: LineItem): Promise<void> {
    await this.#file?.close();
    this.#month = item.month;
    this.#number = item.file;
    this.#file = await this.#open(this.#key(item.month, item.file));
  }

  async #open(key: string): Promise<CsvFile> {
    const path = this.#dialect === 'cur2-parquet' ? join(this.#scratch, `${this.#paths.size}.csv`) : this.#path(key);
    this.#paths.set(key, path);
    return await CsvFile.create(path, this.#columns);
  }

  #key(month: BillMonth, file: number): string {
    return dataKey(this.#dialect, month, file, this.#options.correction.version);
  }

  #path(key: string): string {
    return join(this.#options.directory, key);
  }
}
