import { Readable } from 'node:stream';
import { objectErrors } from '../../domain/data-sources/object-errors.ts';
import { DomainError } from '../../domain/shared/errors.ts';

export interface VerifiedBodyOptions {
  key: string;
  body: Readable;
  expectedBytes: number;
  /** Counted only while a chunk is awaited, so a slow reader does not trip it. */
  idleTimeoutMs: number;
  signal: AbortSignal;
}

/**
 * Passes a response body on and fails it with `billing.object-truncated` when it is shorter or
 * longer than promised, breaks off or falls silent, and with `billing.checksum-mismatch` when the
 * SDK finds another checksum. At most one chunk is held.
 */
export function verifiedBody(options: VerifiedBodyOptions): Readable {
  const { body } = options;
  const verified = Readable.from(read(options), { objectMode: false });
  // A stream dropped before its first read never starts the generator: the socket goes with it here.
  verified.once('close', () => body.destroy());
  // The body may fail before anybody reads: the reader learns of it through the generator.
  body.on('error', () => undefined);
  return verified;
}

async function* read(options: VerifiedBodyOptions): AsyncGenerator<Buffer> {
  const { key, body, expectedBytes, signal } = options;
  const stop = (): void => void body.destroy(new Error('aborted'));
  signal.addEventListener('abort', stop, { once: true });
  let received = 0;
  try {
    const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for (;;) {
      signal.throwIfAborted();
      const next = await withinIdleTime(chunks, options, () => received);
      if (next.done === true) break;
      received += next.value.byteLength;
      yield next.value;
    }
    if (received !== expectedBytes) throw objectErrors.truncated(key, expectedBytes, received);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof DomainError) throw error;
    if (error instanceof Error && error.message.startsWith('Checksum mismatch')) throw objectErrors.checksumMismatch(key);
    throw objectErrors.truncated(key, expectedBytes, received);
  } finally {
    signal.removeEventListener('abort', stop);
    body.destroy();
  }
}

async function withinIdleTime(
  chunks: AsyncIterator<Buffer>,
  { key, body, expectedBytes, idleTimeoutMs }: VerifiedBodyOptions,
  received: () => number,
): Promise<IteratorResult<Buffer>> {
  const timer = setTimeout(() => body.destroy(objectErrors.truncated(key, expectedBytes, received())), idleTimeoutMs);
  try {
    return await chunks.next();
  } finally {
    clearTimeout(timer);
  }
}
