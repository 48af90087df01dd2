import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';

export interface SpooledFile {
  sha256: string;
  sizeBytes: number;
}

/**
 * Writes a stream into a new file, flushed to disk, and tells its digest. Backpressure holds: at
 * most one chunk is in memory. On failure or abort the file is removed and the stream destroyed.
 */
export async function spoolToFile(body: Readable, path: string, signal: AbortSignal): Promise<SpooledFile> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const stop = (): void => void body.destroy(reasonOf(signal));
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        signal.throwIfAborted();
        hash.update(chunk);
        sizeBytes += chunk.byteLength;
        await file.writeFile(chunk);
      }
      signal.throwIfAborted();
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    body.destroy();
    await rm(path, { force: true });
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

export async function sha256OfFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { signal, highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('Aborted.', { cause: signal.reason });
}
