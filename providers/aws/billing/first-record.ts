import { pipeline } from 'node:stream';
import type { Readable } from 'node:stream';
import { createGunzip, createInflateRaw } from 'node:zlib';
import { parse } from 'csv-parse';
import { bindColumns } from '../../../domain/billing/bill-columns.ts';
import { periodOfStamp } from '../../../domain/billing/billing-period.ts';
import { formatOfKey } from '../../../domain/billing/export-layout.ts';
import type { BillDialect, ExportObject, ExportObjects } from '../../../domain/billing/ports.ts';
import { normaliseReportName } from '../../../domain/billing/tag-keys.ts';
import { DomainError } from '../../../domain/shared/errors.ts';
import type { CalendarDate } from '../../../domain/shared/time.ts';
import { DuckDbProcess } from '../../duckdb/duckdb-process.ts';

/** The column of the payer's id, in every dialect's spelling. */
const PAYER_ACCOUNT = normaliseReportName('bill/PayerAccountId');

/** Bytes of a zip member's header before its name. */
const ZIP_HEADER_BYTES = 30;

/**
 * The billing period and dialect of a file that lies in no export's folder, from its own header
 * and first record.
 * @throws DomainError `billing.period-unknown` naming the file when they do not tell
 */
export async function firstRecordOf(
  objects: ExportObjects,
  object: ExportObject,
  signal: AbortSignal,
): Promise<{ period: CalendarDate; dialect: BillDialect }> {
  if (formatOfKey(object.key) === 'parquet') throw periodUnknown(object.key, 'is Parquet, whose month is told only by its folder');
  const [header, record] = await headerAndRecord(objects, object, signal).catch((cause: unknown) => {
    throw cause instanceof DomainError ? cause : periodUnknown(object.key, 'cannot be read as CSV', cause);
  });
  if (header === undefined) throw periodUnknown(object.key, 'is empty');
  const columns = bindColumns(header);
  const index = columns.fixed.periodStart;
  if (index === undefined) throw periodUnknown(object.key, 'has no column bill/BillingPeriodStartDate');
  const period = periodOfStamp(record?.[index] ?? '');
  if (period === null) throw periodUnknown(object.key, 'has no billing period in its first record');
  return { period, dialect: columns.style === 'snake' ? 'cur2' : 'cur' };
}

/** Whose bill a CSV file is, from its first record; null where it does not say. Fails as reading does. */
export async function payerAccountOf(objects: ExportObjects, object: ExportObject, signal: AbortSignal): Promise<string | null> {
  const [header = [], record = []] = await headerAndRecord(objects, object, signal);
  return accountId(record[header.findIndex((name) => normaliseReportName(name) === PAYER_ACCOUNT)]);
}

/** The same of a Parquet file on this machine. */
export async function payerAccountOfParquet(path: string, temporaryDirectory: string, signal: AbortSignal): Promise<string | null> {
  await using duckDb = new DuckDbProcess({ memoryLimitMb: 200, threads: 1, temporaryDirectory }, signal);
  const file = `'${path.replaceAll("'", "''")}'`;
  const columns = await duckDb.run(`select name from parquet_schema(${file})`);
  const column = columns.map((row) => String(row['name'])).find((name) => normaliseReportName(name) === PAYER_ACCOUNT);
  if (column === undefined) return null;
  const [row] = await duckDb.run(`select cast("${column.replaceAll('"', '""')}" as varchar) as payer from read_parquet(${file}) limit 1`);
  return accountId(row?.['payer']);
}

function accountId(value: unknown): string | null {
  return typeof value === 'string' && /^\d{12}$/.test(value) ? value : null;
}

async function headerAndRecord(objects: ExportObjects, object: ExportObject, signal: AbortSignal): Promise<string[][]> {
  const format = formatOfKey(object.key);
  const source = await objects.open(object.key, object.etag, signal);
  try {
    return await firstRecords(format === 'csv' ? source : await unpacked(source, format === 'csv.gz', object.key));
  } finally {
    source.destroy();
  }
}

async function firstRecords(source: Readable): Promise<string[][]> {
  const parser = parse({ bom: true, to: 2, relax_column_count: true });
  const records: string[][] = [];
  pipeline(source, parser, () => source.destroy());
  for await (const record of parser) records.push(record as string[]);
  return records;
}

async function unpacked(source: Readable, isGzip: boolean, key: string): Promise<Readable> {
  const unpack = isGzip ? createGunzip() : createInflateRaw();
  if (!isGzip) await skipZipHeader(source, key);
  pipeline(source, unpack, () => source.destroy());
  return unpack;
}

/** Reads past the local header of a zip's first member; what follows is raw deflate. */
async function skipZipHeader(source: Readable, key: string): Promise<void> {
  let head = Buffer.alloc(0);
  const reader = source.iterator({ destroyOnReturn: false });
  for (let end = ZIP_HEADER_BYTES; head.length < end; ) {
    const { value, done } = (await reader.next()) as IteratorResult<Buffer>;
    if (done === true) throw periodUnknown(key, 'is no zip file');
    head = Buffer.concat([head, value]);
    if (head.length >= ZIP_HEADER_BYTES) end = ZIP_HEADER_BYTES + head.readUInt16LE(26) + head.readUInt16LE(28);
    if (head.length >= end) source.unshift(head.subarray(end));
  }
  if (head.readUInt32LE(0) !== 0x04034b50 || head.readUInt16LE(8) !== 8) throw periodUnknown(key, 'is no zip file');
}

function periodUnknown(key: string, why: string, cause?: unknown): DomainError {
  return new DomainError({
    kind: 'invalid-input',
    code: 'billing.period-unknown',
    message: `The billing period of ${key} cannot be told: the file ${why}. Put it into a folder such as 20260301-20260401.`,
    details: { file: key },
    cause,
  });
}
