import { Worker } from 'node:worker_threads';
import type { PeriodFile } from '../../../domain/billing/ports.ts';
import { DomainError } from '../../../domain/shared/errors.ts';
import type { DomainErrorOptions } from '../../../domain/shared/errors.ts';
import type { UnpackLimits } from './unpack.ts';

export interface UnpackOrder {
  file: PeriodFile;
  target: string;
  limits: UnpackLimits;
}

export type UnpackReply = { path: string } | { refused: DomainErrorOptions } | { broken: { message: string; code: string | undefined } };

/**
 * `unpackCsv` in a thread of its own. A gigabyte of buffers passes through, and their collection
 * costs in proportion to the heap they belong to: a worker's heap, full of SDKs, made it seconds.
 * @throws what `unpackCsv` throws; the signal's reason when aborted
 */
export async function unpackInThread(file: PeriodFile, target: string, limits: UnpackLimits, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const order: UnpackOrder = { file, target, limits };
  const thread = new Worker(new URL('./unpack-thread.ts', import.meta.url), { workerData: order, env: {}, execArgv: [] });
  const stop = (): void => thread.postMessage('stop');
  signal.addEventListener('abort', stop, { once: true });
  try {
    const reply = await new Promise<UnpackReply>((resolve, reject) => {
      thread.once('message', resolve);
      thread.once('error', reject);
      thread.once('exit', (code) => reject(new Error(`the unpacking thread ended with code ${code}`)));
    });
    if ('path' in reply) return reply.path;
    signal.throwIfAborted();
    if ('refused' in reply) throw new DomainError(reply.refused);
    throw Object.assign(new Error(reply.broken.message), { code: reply.broken.code });
  } finally {
    signal.removeEventListener('abort', stop);
    await thread.terminate();
  }
}
