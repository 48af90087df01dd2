import { execFileSync, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

const LOG_LIMIT_BYTES = 20 * 1024 * 1024;

/** A process as the next start recognises it: the id alone may have been given to another by then. */
const recorded = z.object({ pid: z.number(), born: z.string() });

/**
 * When the process began, in the system's own notation, or null when there is none (a zombie counts as none).
 * From /proc where there is one (proc_pid_stat(5): fields 3 and 22), otherwise from `ps`.
 */
export function birthOf(pid: number): string | null {
  try {
    if (existsSync('/proc/self/stat')) {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
      return fields[0] === 'Z' ? null : (fields[19] ?? null);
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() || null;
  } catch (error) {
    const { code, status } = error as NodeJS.ErrnoException & { status?: number };
    if (code === 'ENOENT' || code === 'ESRCH' || status === 1) return null;
    throw error;
  }
}

/** Its command line, or '' when it is gone. */
export function commandLineOf(pid: number): string {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch (error) {
    const { code, status } = error as NodeJS.ErrnoException & { status?: number };
    if (code === 'ENOENT' || code === 'ESRCH' || status === 1) return '';
    throw error;
  }
}

/** Remembers a process, for a later start to find it by `recordedProcess`. */
export function recordProcess(file: string, pid: number): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ pid, born: birthOf(pid) ?? '' }), { mode: 0o600 });
}

/** The recorded process if that very process still runs, else null. */
export function recordedProcess(file: string): number | null {
  if (!existsSync(file)) return null;
  const text = readFileSync(file, 'utf8');
  // Killed while writing: nothing was recorded.
  if (text === '') return null;
  const { pid, born } = recorded.parse(JSON.parse(text));
  return birthOf(pid) === born ? pid : null;
}

/** Sends a signal; false when the process is gone. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/**
 * Asks a process to end, waits, and kills it when it does not. Answers whether it ended by itself.
 * Works for a child as well as for a stranger's process, whose exit cannot be awaited.
 */
export async function endProcess(pid: number, politely: NodeJS.Signals, waitMilliseconds: number): Promise<boolean> {
  const born = birthOf(pid);
  if (born === null || !signal(pid, politely)) return true;
  const deadline = performance.now() + waitMilliseconds;
  while (performance.now() < deadline) {
    if (birthOf(pid) !== born) return true;
    await delay(20);
  }
  signal(pid, 'SIGKILL');
  while (birthOf(pid) === born) await delay(20);
  return false;
}

/** Ends what a killed earlier run left behind, and forgets it. */
export async function endRecorded(file: string, politely: NodeJS.Signals, waitMilliseconds: number): Promise<boolean> {
  const pid = recordedProcess(file);
  if (pid !== null) await endProcess(pid, politely, waitMilliseconds);
  rmSync(file, { force: true });
  return pid !== null;
}

/** Opens a log for appending; a large one is set aside first, so that logs stay bounded. */
export function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (existsSync(path) && statSync(path).size > LOG_LIMIT_BYTES) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

/**
 * Spawns in a session of its own, output into a log file: Ctrl-C, which the terminal sends to its whole
 * foreground group, must reach the supervisor alone, or children would end before they are told in order.
 * With `channel`, the child can send messages and notices when its parent is gone.
 */
export function spawnDetached(command: string, args: string[], logFile: string, options: SpawnOptions = {}, channel = false): ChildProcess {
  const log = openLog(logFile);
  try {
    return spawn(command, args, { ...options, detached: true, stdio: ['ignore', log, log, ...(channel ? (['ipc'] as const) : [])] });
  } finally {
    closeSync(log);
  }
}

/** The last lines of a log, for a message about why a process ended. */
export function tailOf(path: string, lines = 16): string {
  if (!existsSync(path)) return '';
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines).map((line) => `    ${line.slice(0, 300)}`).join('\n');
}

export function pathOfPid(dataDirectory: string, name: string): string {
  return join(dataDirectory, 'run', `${name}.json`);
}
