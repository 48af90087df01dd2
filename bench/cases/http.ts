import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Prepare } from '../case.ts';
import { runLoad } from './load.ts';
import type { Load, LoadResult } from './load.ts';

export interface HttpInput extends Omit<Load, 'url'> {
  /** A file beside this one that listens and tells its port. */
  server: 'express-server.ts' | 'product-server.ts';
  databaseUrl: string;
  /** Scratch space of the server. */
  directory: string;
  /** With the query. */
  path: string;
  warmUp: number;
}

/** What a server process is given, as its first message. */
export type ServerInput = Pick<HttpInput, 'databaseUrl' | 'directory'>;

/** A server in a process of its own, and the load on it from this one. */
export const prepare: Prepare<HttpInput> = async ({ server, databaseUrl, directory, path, warmUp, ...load }) => {
  const child = fork(fileURLToPath(new URL(`./${server}`, import.meta.url)), [], { execArgv: [] });
  const input: ServerInput = { databaseUrl, directory };
  child.send(input);
  const ended = once(child, 'exit').then(([code]) => Promise.reject<never>(new Error(`${server} ended with ${String(code)} before it listened`)));
  const [{ port }] = await Promise.race([once(child, 'message') as Promise<[{ port: number }]>, ended]);
  // From here on its end is expected.
  ended.catch(() => undefined);
  const url = `http://127.0.0.1:${port}${path}`;
  await runLoad({ ...load, url, requests: warmUp });
  let result: LoadResult = { latenciesMs: [], body: '' };
  return {
    async run() {
      result = await runLoad({ ...load, url });
    },
    async finish() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
      const sorted = result.latenciesMs.toSorted((a, b) => a - b);
      const at = (share: number): number | undefined => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
      return { requests: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), answer: JSON.parse(result.body) as unknown };
    },
  };
};
