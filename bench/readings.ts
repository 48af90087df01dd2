import { DuckDBInstance } from '@duckdb/node-api';
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
  /** The daily costs as one CSV file that needs no other: `DAILY_COLUMNS`, in words where the reading has numbers. */
  dailyPath: string;
}

/** A daily cost in words, in the order of a plain file of them. */
export const DAILY_COLUMNS = [
  'sub_account_id', 'native_id', 'charge_date', 'charge_category', 'charge_class', 'service_name', 'region_id', 'consumed_unit', 'billing_currency',
  'consumed_quantity', 'billed_cost', 'effective_cost', 'contracted_cost', 'list_cost',
] as const;

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
  const dailyPath = join(directory, 'daily.csv');
  await writeDaily(reading, dailyPath);
  return { reading, path, dailyPath };
}

async function writeDaily({ costsPath, kindsPath, resourcesPath }: PeriodReading, path: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const from = (file: string): string => `read_csv('${file.replaceAll("'", "''")}', header = true, all_varchar = true)`;
  const qualified = DAILY_COLUMNS.map((column) => (['service_name', 'region_id'].includes(column) ? `k.${column}` : column));
  const quoted = DAILY_COLUMNS.filter((column) => column !== 'charge_date' && !/_(cost|quantity)$/.test(column));
  await connection.run(`
    COPY (SELECT ${qualified.map((column) => `coalesce(${column}, '') AS ${column.replace('k.', '')}`).join(', ')}
      FROM ${from(costsPath)} JOIN ${from(resourcesPath)} r USING (resource_number) JOIN ${from(kindsPath)} k USING (kind_number)
      ORDER BY CAST(resource_number AS INTEGER), charge_date, CAST(kind_number AS INTEGER))
    TO '${path.replaceAll("'", "''")}' (FORMAT csv, HEADER true, FORCE_QUOTE (${quoted.join(', ')}))`);
  connection.closeSync();
  instance.closeSync();
}
