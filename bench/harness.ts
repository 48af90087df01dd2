import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CaseMessage, HarnessMessage, Output } from './case.ts';
import { ProcessMeter } from './process-meter.ts';

const SAMPLE_MS = 20;
const CASE_PROCESS = fileURLToPath(new URL('./case-process.ts', import.meta.url));

/** One thing to measure, in a process of its own. */
export interface Case {
  name: string;
  /** File below `cases/` that exports `prepare`. */
  module: string;
  /** What `prepare` is given in a round; may make a database for it. Not measured. */
  input(round: number): Promise<object> | object;
  /** Throws when the run did not do what it should: that voids all results. */
  check(output: Output, round: number): void;
  /** Cleans up after a round. */
  after?(round: number): Promise<void>;
}

export interface Measurement {
  wallMs: number;
  /** User and system time of the case's process and all its children; servers elsewhere are not in it. */
  cpuMs: number;
  /** Resident when prepared, before the run. */
  idleMb: number;
  peakMb: number;
  output: Output;
}

/** By case name, one measurement a round. */
export type Results = ReadonlyMap<string, readonly Measurement[]>;

export class VoidRun extends Error {}

/** Aborted by whoever wants the benchmark to end: the case that runs is killed, and what was started is cleaned up. */
export const interruption = new AbortController();

/** Runs every case once a round, in an order that turns from round to round, so that drift hits all alike. */
export async function runInterleaved(cases: readonly Case[], rounds: number, say: (line: string) => void): Promise<Results> {
  const results = new Map<string, Measurement[]>(cases.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < cases.length; turn += 1) {
      const one = cases[(turn + round) % cases.length];
      if (one === undefined) continue;
      const measured = await measure(one, round);
      results.get(one.name)?.push(measured);
      say(`round ${round + 1}/${rounds}  ${one.name}: ${(measured.wallMs / 1000).toFixed(2)} s, ${measured.peakMb.toFixed(0)} MB`);
    }
  }
  return results;
}

async function measure(one: Case, round: number): Promise<Measurement> {
  interruption.signal.throwIfAborted();
  try {
    const measured = await runCase(one.module, await one.input(round));
    try {
      one.check(measured.output, round);
    } catch (error) {
      throw new VoidRun(`${one.name}: ${error instanceof Error ? error.message : String(error)}. No result counts.`, { cause: error });
    }
    return measured;
  } finally {
    await one.after?.(round);
  }
}

async function runCase(module: string, input: object): Promise<Measurement> {
  const path = fileURLToPath(new URL(`./cases/${module}`, import.meta.url));
  const child = fork(CASE_PROCESS, [path], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  const exited = once(child, 'exit');
  const meter = new ProcessMeter(child.pid ?? 0);
  const timer = setInterval(() => void meter.sample(), SAMPLE_MS);
  try {
    send(child, { step: 'prepare', input });
    await next(child, 'ready');
    const before = meter.sample();
    send(child, { step: 'run' });
    const { wallMs } = await next(child, 'measured');
    const after = meter.sample();
    const { peakMb } = meter;
    send(child, { step: 'finish' });
    const { output } = await next(child, 'finished');
    await exited;
    return { wallMs, cpuMs: after.cpuMs - before.cpuMs, idleMb: before.residentMb, peakMb, output };
  } finally {
    clearInterval(timer);
    child.kill('SIGKILL');
  }
}

function send(child: ChildProcess, message: HarnessMessage): void {
  child.send(message);
}

async function next<Step extends CaseMessage['step']>(child: ChildProcess, step: Step): Promise<Extract<CaseMessage, { step: Step }>> {
  const { promise, resolve, reject } = Promise.withResolvers<Extract<CaseMessage, { step: Step }>>();
  const { signal } = interruption;
  const onExit = (code: number | null): void => reject(new Error(`the case's process ended with ${code} before it was ${step}`));
  const onAbort = (): void => reject(signal.reason as Error);
  const onMessage = (message: CaseMessage): void => {
    if (message.step === step) resolve(message as Extract<CaseMessage, { step: Step }>);
    else reject(new Error(`the case's process was ${message.step} before it was ${step}`));
  };
  child.once('exit', onExit);
  child.once('message', onMessage);
  signal.addEventListener('abort', onAbort);
  try {
    return await promise;
  } finally {
    child.off('exit', onExit);
    child.off('message', onMessage);
    signal.removeEventListener('abort', onAbort);
  }
}
