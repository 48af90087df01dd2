import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import type { Prepare } from '../case.ts';

/** Reads a gzip file and drops what is in it: the least that any reader of it must do. */
export const prepare: Prepare<{ path: string }> = ({ path }) => {
  let bytes = 0;
  return Promise.resolve({
    async run() {
      const gunzip = createReadStream(path, { highWaterMark: 1 << 20 }).pipe(createGunzip({ chunkSize: 1 << 18 }));
      for await (const chunk of gunzip) bytes += (chunk as Buffer).length;
    },
    finish: () => Promise.resolve({ bytes }),
  });
};
