import { parentPort, workerData } from 'node:worker_threads';
import { DomainError } from '../../../domain/shared/errors.ts';
import type { UnpackOrder, UnpackReply } from './unpack-in-thread.ts';
import { unpackCsv } from './unpack.ts';

// Started by unpack-in-thread.ts with its order. Any message to it means: stop.
const { file, target, limits } = workerData as UnpackOrder;
const stop = new AbortController();
parentPort?.once('message', () => stop.abort(new Error('unpacking was stopped')));

async function unpack(): Promise<UnpackReply> {
  try {
    return { path: await unpackCsv(file, target, limits, stop.signal) };
  } catch (error) {
    if (error instanceof DomainError) {
      const { kind, code, message, fields, details } = error;
      return { refused: { kind, code, message, fields, details } };
    }
    return { broken: { message: (error as Error).message, code: (error as NodeJS.ErrnoException).code } };
  }
}

parentPort?.postMessage(await unpack());
