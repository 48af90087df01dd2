import { open, readdir, realpath, stat } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import { Readable } from 'node:stream';
import type { ExportObject, ExportObjects } from '../../domain/billing/ports.ts';
import { objectErrors } from '../../domain/data-sources/object-errors.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { toInstant } from '../../domain/shared/time.ts';

export interface DirectoryExportOptions {
  /** Absolute directory of the export. */
  path: string;
  /** Absolute directories the operator allows; the export must lie in one of them after links are resolved. */
  allowedRoots: string[];
}

/**
 * An export that lies in a directory. Keys are the relative paths with `/`, verbatim. A link that
 * leads out of the directory is refused with `data-sources.directory-escape`; a directory outside
 * the allowed roots with `data-sources.directory-not-allowed`.
 */
export function createDirectoryExportObjects(options: DirectoryExportOptions): ExportObjects {
  return new DirectoryExportObjects(options);
}

class DirectoryExportObjects implements ExportObjects {
  readonly #options: DirectoryExportOptions;

  constructor(options: DirectoryExportOptions) {
    this.#options = options;
  }

  async *list(prefix: string): AsyncIterable<ExportObject> {
    const base = await this.#base();
    yield* this.#walk(base, '', prefix, [base]);
  }

  async head(key: string): Promise<ExportObject> {
    const path = await resolveKey(await this.#base(), key);
    return describe(key, await statFile(path, key));
  }

  async readAll(key: string, limitBytes: number): Promise<{ bytes: Buffer; etag: string }> {
    const { file, found } = await this.#openFile(key, null);
    if (found.sizeBytes > limitBytes) {
      await file.close();
      throw objectErrors.tooLarge(key, found.sizeBytes, limitBytes);
    }
    const chunks: Buffer[] = [];
    for await (const chunk of readUnchanged(file, found, new AbortController().signal)) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), etag: found.etag };
  }

  async open(key: string, ifMatch: string | null, signal: AbortSignal): Promise<Readable> {
    signal.throwIfAborted();
    const { file, found } = await this.#openFile(key, ifMatch);
    const body = Readable.from(readUnchanged(file, found, signal), { objectMode: false });
    // A stream that is dropped before its first read never starts the generator that closes the file; closing twice is allowed.
    body.once('close', () => void file.close());
    return body;
  }

  async #openFile(key: string, ifMatch: string | null): Promise<{ file: FileHandle; found: ExportObject }> {
    const path = await resolveKey(await this.#base(), key);
    await statFile(path, key);
    const file = await open(path, 'r').catch((error: unknown) => {
      throw explain(error, key);
    });
    const found = describe(key, await file.stat({ bigint: true }));
    if (ifMatch !== null && ifMatch !== found.etag) {
      await file.close();
      throw objectErrors.changed(key);
    }
    return { file, found };
  }

  /** The directory with its links resolved, checked each time: links can be changed while we run. */
  async #base(): Promise<string> {
    const { path, allowedRoots } = this.#options;
    const base = isAbsolute(path) ? await realpath(path).catch(() => null) : null;
    if (base !== null) {
      const info = await stat(base);
      for (const root of allowedRoots) {
        const allowed = await realpath(root).catch(() => null);
        if (allowed !== null && isInside(base, allowed) && info.isDirectory()) return base;
      }
    }
    // Missing and forbidden look alike on purpose: the answer tells nothing about the rest of the disk.
    throw new DomainError({
      kind: 'invalid-input',
      code: 'data-sources.directory-not-allowed',
      message:
        `${path} is not a directory below the roots that the operator allows. ` +
        'Put the export below one of them, or have ORRERY_IMPORT_ROOTS extended.',
      details: { path },
    });
  }

  async *#walk(base: string, folder: string, prefix: string, above: string[]): AsyncIterable<ExportObject> {
    const entries = await readdir(join(base, folder), { withFileTypes: true }).catch((error: unknown) => {
      throw explain(error, folder);
    });
    const found: { key: string; isDirectory: boolean }[] = [];
    for (const entry of entries) {
      const name = folder + entry.name;
      // What cannot hold a key with the prefix is not touched, so that a bad link elsewhere does no harm.
      if (!name.startsWith(prefix) && !prefix.startsWith(`${name}/`)) continue;
      const isDirectory = entry.isSymbolicLink() ? await leadsToDirectory(base, name) : entry.isDirectory();
      if (isDirectory || entry.isFile() || entry.isSymbolicLink()) found.push({ key: isDirectory ? `${name}/` : name, isDirectory });
    }
    found.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
    for (const { key, isDirectory } of found) {
      const path = await resolveKey(base, key);
      if (!isDirectory) {
        if (key.startsWith(prefix)) yield describe(key, await statFile(path, key));
      } else if (above.includes(path)) {
        throw escape(key, 'leads back to a directory above it');
      } else {
        yield* this.#walk(base, key, prefix, [...above, path]);
      }
    }
  }
}

async function leadsToDirectory(base: string, key: string): Promise<boolean> {
  return (await stat(await resolveKey(base, key))).isDirectory();
}

/** The real path of a key; refuses what leads out of the directory. */
async function resolveKey(base: string, key: string): Promise<string> {
  if (key.split('/').includes('..') || key.includes('\0')) throw escape(key, 'leads out of the directory');
  const path = await realpath(join(base, key)).catch((error: unknown) => {
    throw explain(error, key);
  });
  if (!isInside(path, base)) throw escape(key, 'leads out of the directory');
  return path;
}

function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}

async function statFile(path: string, key: string): Promise<BigIntStats> {
  const info = await stat(path, { bigint: true });
  // A pipe or device would block or never end.
  if (!info.isFile()) throw objectErrors.missing(key);
  return info;
}

function describe(key: string, info: BigIntStats): ExportObject {
  return {
    key,
    sizeBytes: Number(info.size),
    etag: `${info.size}-${info.mtimeNs}-${info.ino}`,
    lastModified: toInstant(Number(info.mtimeMs)),
  };
}

/** Reads exactly the bytes the file had when it was opened, and fails when it is not the same at the end. */
async function* readUnchanged(file: FileHandle, found: ExportObject, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    let position = 0;
    while (position < found.sizeBytes) {
      signal.throwIfAborted();
      const length = Math.min(1 << 18, found.sizeBytes - position);
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
      if (bytesRead === 0) throw objectErrors.truncated(found.key, found.sizeBytes, position);
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    if (describe(found.key, await file.stat({ bigint: true })).etag !== found.etag) throw objectErrors.changed(found.key);
  } finally {
    await file.close();
  }
}

function explain(error: unknown, key: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return objectErrors.missing(key);
  if (code === 'ELOOP') return escape(key, 'is a link that leads to itself');
  if (code !== 'EACCES' && code !== 'EPERM') return error;
  return new DomainError({
    kind: 'invalid-input',
    code: 'data-sources.directory-unreadable',
    message: `The worker may not read ${key === '' ? 'the directory' : key}. Give its user read access.`,
    details: { key },
  });
}

function escape(key: string, what: string): DomainError {
  return new DomainError({
    kind: 'invalid-input',
    code: 'data-sources.directory-escape',
    message: `${key} ${what}. Replace the link by the file itself.`,
    details: { key },
  });
}
