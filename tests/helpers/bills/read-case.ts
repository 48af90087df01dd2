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

/** A reading's rows; those of costs with the words of their resource and kind in place of the numbers. */
export async function readRows(reading: PeriodReading): Promise<ReadRows> {
  const read = async (path: string): Promise<Record<string, string>[]> =>
    parse(await readFile(path, 'utf8'), { columns: true }) as Record<string, string>[];
  const resources = await read(reading.resourcesPath);
  const byNumber = (rows: Record<string, string>[], column: string): Map<string | undefined, Record<string, string>> => new Map(rows.map((row) => [row[column], row]));
  const numbered = { resources: byNumber(resources, 'resource_number'), kinds: byNumber(await read(reading.kindsPath), 'kind_number') };
  const costs = (await read(reading.costsPath)).map((row) => {
    const resource = numbered.resources.get(row['resource_number']);
    const kind = numbered.kinds.get(row['kind_number']);
    if (resource === undefined || kind === undefined) throw new Error(`no resource or kind of ${JSON.stringify(row)}`);
    return { ...row, ...kind, sub_account_id: resource['sub_account_id'] ?? '', native_id: resource['native_id'] ?? '' };
  });
  return { costs, resources };
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
