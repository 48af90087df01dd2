import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { DomainError } from '../../domain/shared/errors.ts';
import type { DuckDbReply, DuckDbRequest, DuckDbRow, DuckDbSettings } from './protocol.ts';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));

/** A statement that DuckDB refused: its message tells why. Memory and crashes are `billing.reader-crashed` instead. */
export class DuckDbError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DuckDbError';
  }
}

interface Waiting {
  resolve(rows: DuckDbRow[]): void;
  reject(error: unknown): void;
}

/**
 * One DuckDB in a child process, with an in-memory database that spills to a directory. The child
 * dies with its parent, on `close` and when the signal aborts; what runs then is rejected with the
 * signal's reason. It gets no environment variable but PATH, so no secret of the parent's.
 */
export class DuckDbProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #signal: AbortSignal;
  readonly #exited: Promise<void>;
  readonly #onAbort = (): void => void this.#child.kill('SIGKILL');
  #lastId = 0;
  #ended: unknown = null;

  constructor(settings: DuckDbSettings, signal: AbortSignal) {
    signal.throwIfAborted();
    this.#signal = signal;
    this.#child = fork(CHILD, [JSON.stringify(settings)], {
      env: { PATH: process.env['PATH'] ?? '', MALLOC_ARENA_MAX: '2' },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#child.on('message', (reply: DuckDbReply) => this.#settle(reply));
    const exited = Promise.withResolvers<void>();
    this.#exited = exited.promise;
    this.#child.once('error', (error) => this.#fail(crashed(`could not start: ${error.message}`)));
    this.#child.once('exit', (code, killedBy) => {
      this.#fail(signal.aborted ? signal.reason : crashed(`ended with ${killedBy ?? `code ${String(code)}`}`));
      exited.resolve();
    });
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The child's process id, for measuring its memory. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Runs one statement and gives its rows.
   * @throws DuckDbError when DuckDB refuses it; DomainError `billing.reader-crashed` when the child
   *   ended or ran out of memory; the signal's reason when aborted
   */
  async run(sql: string): Promise<DuckDbRow[]> {
    this.#signal.throwIfAborted();
    if (this.#ended !== null) throw this.#ended;
    this.#lastId += 1;
    const request: DuckDbRequest = { id: this.#lastId, sql };
    return await new Promise<DuckDbRow[]>((resolve, reject) => {
      this.#waiting.set(request.id, { resolve, reject });
      this.#child.send(request, (error) => {
        if (error !== null) this.#fail(crashed(`does not listen: ${error.message}`));
      });
    });
  }

  /** Ends the child and waits until it is gone. May be called again. */
  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#fail(new DuckDbError('The DuckDB process was closed.'));
    if (this.#child.pid === undefined) return;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #settle(reply: DuckDbReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (waiting === undefined) return;
    if ('rows' in reply) waiting.resolve(reply.rows);
    else if (/^Out of Memory Error/i.test(reply.error)) waiting.reject(crashed(`ran out of memory: ${firstLine(reply.error)}`));
    else waiting.reject(new DuckDbError(reply.error));
  }

  #fail(reason: unknown): void {
    this.#ended ??= reason;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended);
    this.#waiting.clear();
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function crashed(what: string): DomainError {
  return new DomainError({
    kind: 'unavailable',
    code: 'billing.reader-crashed',
    message: `The process that reads bills ${what}. The import tries again; if it recurs, give the worker more memory.`,
  });
}

/** Text as an SQL literal. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
