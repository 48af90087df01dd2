import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Big } from 'big.js';
import { parse } from 'csv-parse/sync';
import { formatOfKey } from '../../../domain/billing/export-layout.ts';
import type { DiscoveredPeriod, ExportObjects, PeriodFile, PeriodReading } from '../../../domain/billing/ports.ts';
import { DomainError } from '../../../domain/shared/errors.ts';
import { createPeriodReader } from '../../../providers/aws/billing/period-reader.ts';
import type { UnpackLimits } from '../../../providers/aws/billing/unpack.ts';

export interface ReadRows {
  costs: Record<string, string>[];
  resources: Record<string, string>[];
}

/** Fetches a period's objects as an import does (with the etag that was listed) and reads them. */
export async function readDiscovered(
  objects: ExportObjects,
  period: DiscoveredPeriod,
  workDirectory: string,
  options: { unpackLimits?: UnpackLimits; takenAccounts?: 'all' | string[] } = {},
): Promise<{ reading: PeriodReading; rows: ReadRows }> {
  if (period.problem !== undefined) throw new DomainError(period.problem);
  const files = await spool(objects, period, workDirectory);
  const reader = createPeriodReader(options.unpackLimits === undefined ? {} : { unpackLimits: options.unpackLimits });
  const reading = await reader.read({
    billingPeriod: period.billingPeriod,
    files,
    takenAccounts: options.takenAccounts ?? 'all',
    workDirectory: join(workDirectory, 'work'),
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  return { reading, rows: await readRows(reading) };
}

export async function spool(objects: ExportObjects, period: DiscoveredPeriod, workDirectory: string): Promise<PeriodFile[]> {
  await mkdir(join(workDirectory, 'work'), { recursive: true });
  const files: PeriodFile[] = [];
  for (const [position, { key, etag }] of period.objects.entries()) {
    const path = join(workDirectory, `object-${position}`);
    const signal = new AbortController().signal;
    await pipeline(await objects.open(key, etag, signal), createWriteStream(path));
    const format = formatOfKey(key);
    if (format === null) throw new Error(`no data file: ${key}`);
    files.push({ position, key, path, format });
  }
  return files;
}

export async function readRows(reading: PeriodReading): Promise<ReadRows> {
  const read = async (path: string): Promise<Record<string, string>[]> =>
    parse(await readFile(path, 'utf8'), { columns: true }) as Record<string, string>[];
  return { costs: await read(reading.costsPath), resources: await read(reading.resourcesPath) };
}

/** Exact sums of a cost column by currency. */
export function sumsOf(costs: Record<string, string>[], column: string): Record<string, string> {
  const sums: Record<string, Big> = {};
  for (const row of costs) {
    const currency = row['billing_currency'] ?? '';
    sums[currency] = (sums[currency] ?? new Big(0)).plus(row[column] ?? '');
  }
  return Object.fromEntries(Object.entries(sums).map(([currency, sum]) => [currency, sum.toFixed()]));
}

/** Exact sums that the reading says its files hold. */
export function takenOf(reading: PeriodReading): Record<string, string> {
  const sums: Record<string, Big> = {};
  for (const { currency, billedCost } of reading.files.flatMap((file) => file.taken)) {
    sums[currency] = (sums[currency] ?? new Big(0)).plus(billedCost);
  }
  return Object.fromEntries(Object.entries(sums).map(([currency, sum]) => [currency, sum.toFixed()]));
}
