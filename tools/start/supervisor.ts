import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { endProcess, pathOfPid, recordProcess, tailOf } from './processes.ts';
import { StartError, type Log } from './steps.ts';

const RESTARTS = 5;
const RESTARTS_WITHIN_MILLISECONDS = 60_000;

/** One process of the platform. */
export interface Part {
  /** Short name: of its pid file, and for the person reading. */
  name: string;
  /** Politely asks it to end; it is killed when it has not ended after `stopMilliseconds`. */
  stopSignal: NodeJS.Signals;
  stopMilliseconds: number;
  /** Parts of the highest rank are ended first, those of the same rank together. */
  stopRank: number;
  logFile: string;
  /** Resolves when the part does its work. Tells of its process as soon as there is one. */
  start(onSpawn: (child: ChildProcess) => void): Promise<void>;
}

interface Running {
  part: Part;
  child: ChildProcess;
}

/** Keeps the parts running, restarts one that dies, and ends all of them by rank. */
export class Supervisor {
  readonly #dataDirectory: string;
  readonly #log: Log;
  readonly #running: Running[] = [];
  #stopping: Promise<void> | null = null;
  readonly #fail: (reason: StartError) => void;

  /** `fail` is called when a part could not be kept running; stopping the rest is up to the caller. */
  constructor(dataDirectory: string, log: Log, fail: (reason: StartError) => void) {
    this.#dataDirectory = dataDirectory;
    this.#log = log;
    this.#fail = fail;
  }

  get stopping(): boolean {
    return this.#stopping !== null;
  }

  /** Resolves when the part does its work; from then on it is started again whenever it dies. */
  async start(part: Part, earlierStarts: number[] = []): Promise<void> {
    const starts = [...earlierStarts, performance.now()];
    const spawned: ChildProcess[] = [];
    await part.start((child) => {
      spawned.push(child);
      this.#register(part, child);
    });
    const child = spawned.at(-1);
    if (child === undefined) throw new Error(`${part.name} told of no process`);
    const restart = () => {
      if (!this.stopping) void this.#restart(part, starts, child.signalCode ?? `exit code ${child.exitCode}`);
    };
    if (hasEnded(child)) restart();
    else child.once('exit', restart);
  }

  /** Ends every part, the highest rank first. Safe to call again. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  /** Ends everything at once, without asking. */
  kill(): void {
    for (const { child } of this.#running) child.kill('SIGKILL');
  }

  async #stopAll(): Promise<void> {
    const ranks = [...new Set(this.#running.map(({ part }) => part.stopRank))].toSorted((a, b) => b - a);
    for (const rank of ranks) {
      await Promise.all(this.#running.filter(({ part }) => part.stopRank === rank).map((running) => this.#end(running)));
    }
  }

  async #end({ part, child }: Running): Promise<void> {
    if (child.pid !== undefined && !hasEnded(child)) await endProcess(child.pid, part.stopSignal, part.stopMilliseconds);
    rmSync(pathOfPid(this.#dataDirectory, part.name), { force: true });
  }

  #register(part: Part, child: ChildProcess): void {
    const index = this.#running.findIndex((running) => running.part === part);
    if (index === -1) this.#running.push({ part, child });
    else this.#running[index] = { part, child };
    if (child.pid !== undefined) recordProcess(pathOfPid(this.#dataDirectory, part.name), child.pid);
    // Ctrl-C came while it was being spawned: stopping has passed it by.
    if (this.stopping) child.kill(part.stopSignal);
  }

  async #restart(part: Part, starts: number[], reason: string): Promise<void> {
    const recent = starts.filter((at) => performance.now() - at < RESTARTS_WITHIN_MILLISECONDS);
    this.#log(`! ${part.name} ended (${reason}); starting it again`);
    try {
      if (recent.length > RESTARTS) throw new StartError(`${part.name} ended ${recent.length} times within a minute. The end of ${part.logFile}:\n${tailOf(part.logFile)}`);
      await this.start(part, recent);
      if (!this.stopping) this.#log(`  ${part.name} runs again`);
    } catch (error) {
      if (this.stopping) return;
      this.#fail(error instanceof StartError ? error : new StartError(`${part.name} could not be started again: ${String(error)}`, { cause: error }));
    }
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}
