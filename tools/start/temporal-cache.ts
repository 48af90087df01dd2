import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder whose go.mod and go.sum pin every module of the build. */
export const modulesDirectory = join(import.meta.dirname, '..', 'temporal-server');

/** The CLI release that the SDK is asked for; it carries server 1.32.0. */
export const downloadVersion = 'v1.9.1';

/** Where the build keeps its binary: another set of modules is another file. */
export function builtPath(cache: string): string {
  const hash = createHash('sha256');
  for (const name of ['go.mod', 'go.sum']) hash.update(readFileSync(join(modulesDirectory, name)));
  return join(cache, `temporal-${hash.digest('hex').slice(0, 12)}`, 'temporal');
}

/** Where a downloaded binary is kept. */
export function downloadedPath(cache: string): string {
  return join(cache, `temporal-${downloadVersion}`, 'temporal');
}
