import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Prepare } from '../case.ts';

/** A case whose child process holds so many MB for a moment and burns CPU while it does. */
export const prepare: Prepare<{ megabytes: number; answer: string }> = ({ megabytes, answer }) =>
  Promise.resolve({
    async run() {
      const script = `const held = Buffer.alloc(${megabytes} * 1024 * 1024, 1);
        const end = process.cpuUsage().user + 300_000; while (process.cpuUsage().user < end) for (let i = 0; i < 1e6; i += 1); process.stdout.write(String(held.length));`;
      await promisify(execFile)(process.execPath, ['-e', script]);
    },
    finish: () => Promise.resolve({ answer }),
  });
