import type { Prepare } from '../case.ts';
import { percentiles, runLoad } from './load.ts';
import type { Load, LoadResult } from './load.ts';
import { startServer, type ServerInput } from './server-process.ts';

export interface HttpInput extends Omit<Load, 'url'>, ServerInput {
  /** A file beside this one that listens and tells its port. */
  server: 'express-server.ts' | 'projects-express-server.ts' | 'product-server.ts';
  /** With the query. */
  path: string;
  warmUp: number;
}

/** A server in a process of its own, and the load on it from this one. */
export const prepare: Prepare<HttpInput> = async ({ server, databaseUrl, directory, path, warmUp, ...load }) => {
  const running = await startServer(server, { databaseUrl, directory });
  const url = `${running.url}${path}`;
  await runLoad({ ...load, url, requests: warmUp });
  let result: LoadResult = { latenciesMs: [], body: '' };
  return {
    async run() {
      result = await runLoad({ ...load, url });
    },
    async finish() {
      await running.stop();
      return { requests: result.latenciesMs.length, ...percentiles(result.latenciesMs), answer: JSON.parse(result.body) as unknown };
    },
  };
};
