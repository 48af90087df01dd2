import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { buildTemporal } from './temporal-build.ts';
import { downloadTemporal } from './temporal-download.ts';
import { builtPath, downloadedPath } from './temporal-cache.ts';
import { StartError, type Log } from './steps.ts';
import { isOlder, parseVersions } from './versions.ts';

const run = promisify(execFile);

export interface TemporalBinary {
  path: string;
  cliVersion: string;
  serverVersion: string;
  /** Where it came from, for the person reading. */
  source: string;
}

export interface TemporalBinaryRequest {
  /** Least version of the server inside, for example `1.31.0`; tests need 1.32.0, the first with virtual time. */
  minimum: string;
  log: Log;
  env?: NodeJS.ProcessEnv;
}

/**
 * Finds or makes the Temporal CLI with its development server, in this order: TEMPORAL_CLI_PATH, `temporal` on
 * PATH, the user cache, the SDK's own download, a build from the Go modules pinned in tools/temporal-server.
 *
 * @throws StartError when none worked, saying what each attempt met and what to do next. A TEMPORAL_CLI_PATH that
 * is set but unusable is an error at once: a choice made on purpose is not passed over.
 */
export async function ensureTemporalBinary({ minimum, log, env = process.env }: TemporalBinaryRequest): Promise<TemporalBinary> {
  const cache = cacheDirectory(env);
  const met: string[] = [];
  const accept = async (path: string, source: string): Promise<TemporalBinary | null> => {
    const found = await inspect(path, source);
    if (typeof found !== 'string' && !isOlder(found.serverVersion, minimum)) return found;
    met.push(`${source}: ${typeof found === 'string' ? found : `${path} has server ${found.serverVersion}, but ${minimum} is needed`}`);
    return null;
  };
  const chosen = env.TEMPORAL_CLI_PATH;
  if (chosen !== undefined && chosen !== '') {
    const found = await accept(chosen, 'TEMPORAL_CLI_PATH');
    if (found === null) throw new StartError(`${met.join('')}. Point TEMPORAL_CLI_PATH at a newer Temporal CLI, or unset it.`);
    return found;
  }
  const onPath = findOnPath('temporal', env.PATH ?? '');
  const ready = (onPath !== null && (await accept(onPath, '`temporal` on PATH'))) || (await fromCache(cache, accept));
  if (ready) return ready;
  for (const make of [downloadTemporal, buildTemporal]) {
    try {
      const { path, source } = await make(cache, log, env);
      const found = await accept(path, source);
      if (found !== null) return found;
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      met.push(error.message);
      log(error.message);
    }
  }
  throw new StartError(
    ['No Temporal server could be had:', ...met.map((text) => `  - ${text}`), `Next: install the Temporal CLI (https://docs.temporal.io/cli) with server ${minimum} or newer and put it on PATH or in TEMPORAL_CLI_PATH, or install Go (https://go.dev/dl) and start again.`].join('\n'),
  );
}

/** `$XDG_CACHE_HOME/orrery`, by default `~/.cache/orrery`: shared by all checkouts of one user. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'orrery');
}

/** The binary's versions, or why it cannot be used. */
async function inspect(path: string, source: string): Promise<TemporalBinary | string> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 20_000 });
    const versions = parseVersions(stdout);
    return versions === null ? `${path} does not say which server it carries` : { path, source, ...versions };
  } catch (error) {
    return `${path} cannot be run (${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)})`;
  }
}

type Accept = (path: string, source: string) => Promise<TemporalBinary | null>;

async function fromCache(cache: string, accept: Accept): Promise<TemporalBinary | null> {
  for (const path of [builtPath(cache), downloadedPath(cache)]) {
    const found = existsSync(path) ? await accept(path, 'the user cache') : null;
    if (found !== null) return found;
  }
  return null;
}

function findOnPath(name: string, path: string): string | null {
  for (const directory of path.split(delimiter).filter((part) => part !== '')) {
    const candidate = join(directory, process.platform === 'win32' ? `${name}.exe` : name);
    if (isExecutable(candidate)) return candidate;
  }
  return null;
}

function isExecutable(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return false;
    throw error;
  }
}
