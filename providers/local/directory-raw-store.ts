import { randomUUID } from 'node:crypto';
import { access, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { LocalFile, RawStore } from '../../domain/billing/ports.ts';
import { objectErrors } from '../../domain/data-sources/object-errors.ts';
import { sha256OfFile, spoolToFile } from './file-digest.ts';
import { documentPath, refuseMalformedDigest, refuseMalformedOrganization } from './raw-names.ts';

/**
 * A raw store in a directory: `<root>/<organization>/sha256/ab/<digest>` and
 * `<root>/<organization>/documents/<name>`. Everything is written under `<root>/incoming` first,
 * flushed, and only then given its name, so that a killed process leaves nothing visible.
 */
export function createDirectoryRawStore(root: string): RawStore {
  return new DirectoryRawStore(root);
}

class DirectoryRawStore implements RawStore {
  readonly #root: string;
  #swept: Promise<void> | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  async put(organizationId: string, body: Readable, signal: AbortSignal): Promise<{ sha256: string; sizeBytes: number }> {
    refuseMalformedOrganization(organizationId);
    const draft = await this.#draft();
    const spooled = await spoolToFile(body, draft, signal);
    try {
      await publish(draft, this.#pathOf(organizationId, spooled.sha256));
    } finally {
      await rm(draft, { force: true });
    }
    return spooled;
  }

  async has(organizationId: string, sha256: string): Promise<boolean> {
    return exists(this.#pathOf(organizationId, sha256));
  }

  async openFile(organizationId: string, sha256: string, signal: AbortSignal): Promise<LocalFile> {
    const path = this.#pathOf(organizationId, sha256);
    if (!(await exists(path))) throw objectErrors.rawMissing(sha256);
    const verified = verify(path, sha256, signal);
    // Whoever waits for it is told of its failure; it may come before anyone does.
    verified.catch(() => undefined);
    return { path, verified, release: () => Promise.resolve() };
  }

  async putDocument(organizationId: string, name: string, text: string): Promise<void> {
    const path = this.#documentOf(organizationId, name);
    const draft = await this.#draft();
    try {
      await writeFlushed(draft, text);
      await mkdir(dirname(path), { recursive: true });
      await rename(draft, path);
      await flushDirectory(dirname(path));
    } finally {
      await rm(draft, { force: true });
    }
  }

  async remove(organizationId: string, sha256: string): Promise<void> {
    await rm(this.#pathOf(organizationId, sha256), { force: true });
  }

  async removeDocument(organizationId: string, name: string): Promise<void> {
    await rm(this.#documentOf(organizationId, name), { force: true });
  }

  #pathOf(organizationId: string, sha256: string): string {
    refuseMalformedOrganization(organizationId);
    refuseMalformedDigest(sha256);
    return join(this.#root, organizationId, 'sha256', sha256.slice(0, 2), sha256);
  }

  #documentOf(organizationId: string, name: string): string {
    refuseMalformedOrganization(organizationId);
    return join(this.#root, organizationId, 'documents', documentPath(name));
  }

  async #draft(): Promise<string> {
    const directory = join(this.#root, 'incoming');
    await mkdir(directory, { recursive: true });
    this.#swept ??= removeAbandoned(directory);
    await this.#swept;
    return join(directory, randomUUID());
  }
}

async function verify(path: string, sha256: string, signal: AbortSignal): Promise<void> {
  const actual = await sha256OfFile(path, signal);
  if (actual !== sha256) throw objectErrors.rawDamaged(sha256, actual);
}

/** A draft that nobody has written to for a day belongs to a process that was killed. */
const ABANDONED_AFTER_MS = 86_400_000;

async function removeAbandoned(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const info = await stat(path).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    });
    if (info !== null && info.mtimeMs < Date.now() - ABANDONED_AFTER_MS) await rm(path, { force: true });
  }
}

/** Gives a flushed file its name. The same digest is the same bytes, so a name that is taken is a success. */
async function publish(draft: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await link(draft, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    return;
  }
  await flushDirectory(dirname(path));
}

async function writeFlushed(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename or link durable. */
async function flushDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
