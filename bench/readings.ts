import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PeriodReading } from '../domain/billing/ports.ts';
import { createPeriodReader } from '../providers/aws/billing/period-reader.ts';
import { filesOf } from './bills.ts';
import type { Bill } from './bills.ts';

/** A month of a bill as the product's reader gives it, and the file that says so. */
export interface SavedReading {
  reading: PeriodReading;
  path: string;
}

/** Room for a million groups at once without spilling: this reading is not what is measured. */
const MEMORY_LIMIT_MB = 1_500;

/** Reads a month of a legacy bill into `directory`. */
export async function readMonth(bill: Bill, month: string, directory: string): Promise<SavedReading> {
  await mkdir(directory, { recursive: true });
  const reading = await createPeriodReader({ memoryLimitMb: MEMORY_LIMIT_MB }).read({
    billingPeriod: `${month}-01`, files: filesOf(bill, 'cur-csv', month), takenAccounts: 'all', workDirectory: directory,
    signal: new AbortController().signal, onProgress: () => undefined,
  });
  const path = join(directory, 'reading.json');
  await writeFile(path, JSON.stringify(reading));
  return { reading, path };
}
