import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileFormat, PeriodFile } from '../domain/billing/ports.ts';
import { BILL_DEFAULTS, generateBill } from '../tools/bill-generator/generate.ts';
import type { BillDialect, BillOptions, WrittenBill } from '../tools/bill-generator/generate.ts';
import { parseTruth } from '../tools/bill-generator/truth.ts';
import type { BillTruth, PeriodTruth } from '../tools/bill-generator/truth.ts';

const GENERATOR = join(import.meta.dirname, '..', 'tools', 'bill-generator');
/** Bills are kept between runs: the same options and generator give the same bytes. */
const CACHE = join(import.meta.dirname, '..', '.cache', 'bench');

export interface Bill {
  directory: string;
  truth: BillTruth;
  months: WrittenBill['months'];
}

type Contents = Partial<Omit<BillOptions, 'directory'>> & Pick<BillOptions, 'items' | 'resources' | 'days'>;

/** Generates a bill, or takes it from the cache. */
export async function billOf(contents: Contents, say: (line: string) => void): Promise<Bill> {
  const options = { ...BILL_DEFAULTS, ...contents };
  const directory = join(CACHE, digest(options));
  const index = join(directory, 'months.json');
  if (!existsSync(index)) {
    const began = performance.now();
    say(`generating ${options.items} items for ${options.dialects.join(', ')} …`);
    const unfinished = `${directory}.unfinished-${process.pid}`;
    const written = await generateBill({ ...options, directory: unfinished });
    writeFileSync(join(unfinished, 'months.json'), JSON.stringify(written.months));
    rmSync(directory, { recursive: true, force: true });
    renameSync(unfinished, directory);
    say(`generated in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
  return {
    directory,
    truth: parseTruth(readFileSync(join(directory, 'truth.json'), 'utf8')),
    months: JSON.parse(readFileSync(index, 'utf8')) as WrittenBill['months'],
  };
}

function digest(options: object): string {
  const hash = createHash('sha256').update(JSON.stringify(options));
  for (const name of readdirSync(GENERATOR).sort()) {
    if (name.endsWith('.ts') && !name.endsWith('.test.ts')) hash.update(readFileSync(join(GENERATOR, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

const FORMATS: Readonly<Record<BillDialect, FileFormat>> = { 'cur-csv': 'csv.gz', 'cur2-csv': 'csv.gz', 'cur2-parquet': 'parquet' };

/** A month's files as the period reader takes them. */
export function filesOf(bill: Bill, dialect: BillDialect, month: string): PeriodFile[] {
  const written = bill.months.find((candidate) => candidate.dialect === dialect && candidate.month === month);
  if (written === undefined) throw new RangeError(`the bill has no ${dialect} of ${month}`);
  return written.keys.map((key, position) => ({ position, key, path: join(bill.directory, key), format: FORMATS[dialect] }));
}

/** The only month of a bill that has one. */
export function onlyPeriod(bill: Bill): PeriodTruth {
  const [period, another] = bill.truth.periods;
  if (period === undefined || another !== undefined) throw new RangeError('expected a bill of one month');
  return period;
}
