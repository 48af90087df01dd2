import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { PeriodFile } from '../../../domain/billing/ports.ts';
import { DuckDbError } from '../../duckdb/duckdb-process.ts';
import type { DuckDbProcess } from '../../duckdb/duckdb-process.ts';
import type { DuckDbRow } from '../../duckdb/protocol.ts';
import { unpackInThread } from './unpack-in-thread.ts';
import type { UnpackLimits } from './unpack.ts';

/** Whether the system has named pipes in its directories. */
export const hasPipes = process.platform !== 'win32';

const run = promisify(execFile);

/** How often a side that ended looks whether the other one has, too. */
const WATCH_MS = 5;

/**
 * Runs a statement that reads the CSV at `path` once, from its begin, while a packed file is unpacked into a named
 * pipe of that path: unpacking and reading overlap, and the plain content, ten times the file, never goes to a disk.
 * The rows count only if the whole file was unpacked and verified. The pipe is gone afterwards.
 * @throws DuckDbError when DuckDB refuses the statement or the content; the errors of `unpackCsv` otherwise
 */
export async function runOverPipe(
  duckDb: DuckDbProcess,
  sql: string,
  file: PeriodFile,
  path: string,
  limits: UnpackLimits,
  signal: AbortSignal,
): Promise<DuckDbRow[]> {
  await run('mkfifo', ['-m', '600', path]);
  const stop = new AbortController();
  try {
    const unpacking = settled(unpackInThread(file, path, limits, AbortSignal.any([signal, stop.signal])));
    const running = settled(duckDb.run(sql));
    const [unpacked, rows] = await Promise.all([
      unpacking.outcome.then(async (outcome) => {
        if ('error' in outcome) await endReader(path, running);
        return outcome;
      }),
      running.outcome.then(async (outcome) => {
        if ('error' in outcome) {
          stop.abort(CUT_OFF);
          await endWriter(path, unpacking);
        }
        return outcome;
      }),
    ]);
    signal.throwIfAborted();
    if ('error' in rows && !(rows.error instanceof DuckDbError)) throw rows.error;
    if ('error' in unpacked && !isCutOff(unpacked.error)) throw unpacked.error;
    if ('error' in rows) throw rows.error;
    if ('error' in unpacked) throw unpacked.error;
    return rows.value;
  } finally {
    await rm(path, { force: true });
  }
}

const CUT_OFF = new Error('The reader of the pipe has ended.');

/** Whether unpacking ended because DuckDB read no further. */
function isCutOff(error: unknown): boolean {
  return error === CUT_OFF || codeOf(error) === 'EPIPE';
}

/** A promise that is watched from two sides. */
interface Settling<Value> {
  isSettled: boolean;
  outcome: Promise<{ value: Value } | { error: unknown }>;
}

function settled<Value>(promise: Promise<Value>): Settling<Value> {
  const settling: Settling<Value> = {
    isSettled: false,
    outcome: promise
      .then((value) => ({ value }), (error: unknown) => ({ error }))
      .finally(() => {
        settling.isSettled = true;
      }),
  };
  return settling;
}

/** To open a pipe, or to write to a full one, waits for the other end: reads until the writer has noticed that it is to end. */
async function endWriter(path: string, writer: Settling<unknown>): Promise<void> {
  const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(65_536);
    while (!writer.isSettled) {
      await reader.read(buffer).catch(ignoring('EAGAIN'));
      await setTimeout(WATCH_MS);
    }
  } finally {
    await reader.close();
  }
}

/** The reader, too, may come after the writer has failed: gives it an end of file. */
async function endReader(path: string, reader: Settling<unknown>): Promise<void> {
  while (!reader.isSettled) {
    const writer = await open(path, constants.O_WRONLY | constants.O_NONBLOCK).catch(ignoring('ENXIO'));
    await writer?.close();
    await setTimeout(WATCH_MS);
  }
}

function ignoring(code: string): (error: unknown) => undefined {
  return (error) => {
    if (codeOf(error) !== code) throw error;
  };
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
