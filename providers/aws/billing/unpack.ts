import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Transform } from 'node:stream';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createGunzip } from 'node:zlib';
import { open as openZip } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';
import type { PeriodFile } from '../../../domain/billing/ports.ts';
import { DomainError } from '../../../domain/shared/errors.ts';
import { badContent } from './read-errors.ts';

/** Bounds on what a packed file may become. */
export interface UnpackLimits {
  /** Bytes of the plain CSV. */
  maximumBytes: number;
  /** Plain bytes for each packed byte; deflate itself ends at about 1,030, real reports lie below 40. */
  maximumRatio: number;
}

export const UNPACK_LIMITS: UnpackLimits = { maximumBytes: 64_000_000_000, maximumRatio: 200 };

/** Below this many plain bytes a high ratio harms nobody: repeated rows compress well. */
const RATIO_FLOOR_BYTES = 64_000_000;

const CHUNK_BYTES = 256 * 1024;

/**
 * Makes a plain CSV of a file and gives its path: the file itself when it is plain. Everything packed
 * is verified: gzip with all its members, checksums and lengths and no garbage behind; zip with exactly
 * one entry, a harmless name and the right checksum.
 * @throws DomainError `billing.gzip-damaged`, `billing.zip-damaged`, `billing.zip-entries`,
 *   `billing.zip-unsafe-name`, `billing.unpacked-too-large`, each naming the file
 */
export async function unpackCsv(file: PeriodFile, target: string, limits: UnpackLimits, signal: AbortSignal): Promise<string> {
  if (file.format === 'csv') return file.path;
  const { size } = await stat(file.path);
  const cap = new ByteCap(file.key, size, limits);
  const sink = createWriteStream(target, { highWaterMark: 4 * CHUNK_BYTES });
  if (file.format === 'csv.gz') {
    await gunzipAll(file, size, cap, sink, signal).catch((error: unknown) => {
      throw damaged('billing.gzip-damaged', 'gzip', file.key, error, signal);
    });
    return target;
  }
  await unzip(file, cap, sink, signal).catch((error: unknown) => {
    throw damaged('billing.zip-damaged', 'zip', file.key, error, signal);
  });
  return target;
}

/** Node's gunzip takes several members and checks each, but ends in silence at bytes that are no further member. */
async function gunzipAll(file: PeriodFile, size: number, cap: ByteCap, sink: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  const source = createReadStream(file.path, { highWaterMark: CHUNK_BYTES });
  await pipeline(source, gunzip, cap, sink, { signal });
  if (gunzip.bytesWritten !== size) throw new Error(`${size - gunzip.bytesWritten} bytes of garbage follow it`);
}

/** Passes bytes on, counts and sums them, and stops at the limits. */
class ByteCap extends Transform {
  readonly #key: string;
  readonly #packedBytes: number;
  readonly #limits: UnpackLimits;
  #bytes = 0;
  #crc = 0;

  constructor(key: string, packedBytes: number, limits: UnpackLimits) {
    super({ readableHighWaterMark: 4 * CHUNK_BYTES, writableHighWaterMark: 4 * CHUNK_BYTES });
    this.#key = key;
    this.#packedBytes = packedBytes;
    this.#limits = limits;
  }

  /** Only zip needs it: gunzip checks its own. */
  isChecked = false;

  get crc(): number {
    return this.#crc;
  }

  override _transform(chunk: Buffer, _encoding: string, done: (error: Error | null, chunk?: Buffer) => void): void {
    this.#bytes += chunk.length;
    if (this.isChecked) this.#crc = crc32(chunk, this.#crc);
    const isAbsurd = this.#bytes > RATIO_FLOOR_BYTES && this.#bytes > this.#packedBytes * this.#limits.maximumRatio;
    if (isAbsurd || this.#bytes > this.#limits.maximumBytes) done(tooLarge(this.#key, this.#bytes, isAbsurd));
    else done(null, chunk);
  }
}

async function unzip(file: PeriodFile, cap: ByteCap, sink: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  const zip = await opened(file.path);
  try {
    const entries = await entriesOf(zip);
    const [entry] = entries;
    if (entry === undefined || entries.length > 1) {
      const names = entries.map((other) => other.fileName).slice(0, 5).join(', ');
      throw badContent('billing.zip-entries', { key: file.key }, `the zip holds ${entries.length} entries (${names}) instead of one CSV file`);
    }
    const source = await contentOf(zip, entry);
    cap.isChecked = true;
    await pipeline(source, cap, sink, { signal });
    if (cap.crc !== entry.crc32) throw new Error('its checksum is wrong');
  } finally {
    zip.close();
  }
}

async function opened(path: string): Promise<ZipFile> {
  return await new Promise((resolve, reject) => {
    openZip(path, { lazyEntries: true, autoClose: false, validateEntrySizes: true, strictFileNames: true }, (error, zip) =>
      error === null ? resolve(zip) : reject(error),
    );
  });
}

async function entriesOf(zip: ZipFile): Promise<Entry[]> {
  return await new Promise((resolve, reject) => {
    const entries: Entry[] = [];
    zip.on('entry', (entry: Entry) => {
      entries.push(entry);
      if (entries.length > 5) resolve(entries);
      else zip.readEntry();
    });
    zip.on('end', () => resolve(entries));
    zip.on('error', reject);
    zip.readEntry();
  });
}

async function contentOf(zip: ZipFile, entry: Entry): Promise<Readable> {
  return await new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error === null ? resolve(stream) : reject(error)));
  });
}

function damaged(code: string, kind: string, key: string, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof DomainError) return error;
  const { code: errno, message } = error as NodeJS.ErrnoException;
  if (errno === 'ENOSPC' || errno === 'EIO' || errno === 'ENOENT' || errno === 'EACCES' || errno === 'EPIPE') return error;
  if (/^(absolute path|invalid relative path|invalid characters in fileName)/.test(message)) {
    return badContent('billing.zip-unsafe-name', { key }, `the zip's entry has an unsafe name (${message})`, undefined, error);
  }
  return badContent(code, { key }, `the ${kind} file is damaged or cut off (${message})`, undefined, error);
}

function tooLarge(key: string, bytes: number, isAbsurd: boolean): DomainError {
  return new DomainError({
    kind: 'limit-exceeded',
    code: 'billing.unpacked-too-large',
    message:
      `${key} unpacks to more than ${bytes} bytes, ` +
      `${isAbsurd ? 'far more than a bill compresses' : 'the limit for one file'}. Check the file; if it is right, split it.`,
    details: { file: key },
  });
}
