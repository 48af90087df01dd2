import { execFile } from 'node:child_process';
import { join } from 'node:path';

const program = join(import.meta.dirname, '..', '..', 'tools', 'orrery.mjs');

export interface Said {
  code: number;
  out: string;
  error: string;
}

/** Runs the `orrery` command as a person does, in a directory and with nothing in its environment but what is given. */
export function runOrrery(args: string[], environment: Record<string, string>, cwd: string): Promise<Said> {
  const env = { PATH: process.env.PATH ?? '', ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env, cwd }, (error, out, said) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, error: said });
    });
  });
}
