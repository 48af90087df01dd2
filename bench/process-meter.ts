import { readFileSync } from 'node:fs';

/** Kernel ticks a second: USER_HZ, 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** What a process and everything it started has used. */
export interface ProcessUse {
  cpuMs: number;
  /** Resident now, over all of them. */
  residentMb: number;
}

/**
 * Watches a process and its descendants through /proc (proc(5)). The peak is the sum of each process's
 * own high-water mark, so it is never too small: their peaks need not have come together.
 */
export class ProcessMeter {
  readonly #pid: number;
  readonly #peaks = new Map<number, number>();

  constructor(pid: number) {
    this.#pid = pid;
  }

  get peakMb(): number {
    return [...this.#peaks.values()].reduce((sum, kilobytes) => sum + kilobytes, 0) / 1024;
  }

  /** Call often: what a process used after the last sample before its death is not seen. */
  sample(): ProcessUse {
    let cpuTicks = 0;
    let residentKb = 0;
    for (const pid of withDescendants(this.#pid)) {
      const status = readProc(pid, 'status');
      const stat = readProc(pid, 'stat');
      // Gone between listing and reading.
      if (status === null || stat === null) continue;
      this.#peaks.set(pid, Math.max(this.#peaks.get(pid) ?? 0, kilobytes(status, 'VmHWM')));
      residentKb += kilobytes(status, 'VmRSS');
      // Fields 14 to 17: own user and system time, then those of children that ended and were waited for.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      cpuTicks += fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
    }
    return { cpuMs: (cpuTicks * 1000) / TICKS_PER_SECOND, residentMb: residentKb / 1024 };
  }
}

function withDescendants(pid: number): number[] {
  const children = (readProc(pid, `task/${pid}/children`) ?? '').split(' ').filter((text) => text !== '');
  return [pid, ...children.flatMap((child) => withDescendants(Number(child)))];
}

function readProc(pid: number, name: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}

function kilobytes(status: string, field: string): number {
  // A process that is ending has no memory lines any more.
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);
}
