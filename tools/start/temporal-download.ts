import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { downloadedPath, downloadVersion } from './temporal-cache.ts';
import { elapsed, StartError, type Log } from './steps.ts';

const POLL_MILLISECONDS = 1000;
const STALLED_MILLISECONDS = 20_000;

/**
 * Lets the Temporal SDK download its CLI into the user cache, in a process of its own so that a stalled
 * network can be given up on: 20 s without a new byte end the attempt.
 *
 * @throws StartError with the SDK's reason.
 */
export async function downloadTemporal(cache: string, log: Log): Promise<{ path: string; source: string }> {
  const directory = join(cache, `download-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  log(`Downloading Temporal CLI ${downloadVersion} by the Temporal SDK`);
  try {
    const failure = await runDownload(directory, log);
    const file = readdirSync(directory).find((name) => statSync(join(directory, name)).isFile());
    if (failure !== null || file === undefined) {
      throw new StartError(`The SDK's download failed: ${failure ?? 'it left no file'}.`);
    }
    const path = downloadedPath(cache);
    mkdirSync(join(path, '..'), { recursive: true });
    renameSync(join(directory, file), path);
    return { path, source: "the SDK's download" };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Null on success, else the last thing the child said. */
async function runDownload(directory: string, log: Log): Promise<string | null> {
  const began = performance.now();
  const child = spawn(process.execPath, [join(import.meta.dirname, 'sdk-download.ts'), directory, downloadVersion], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-2000);
  });
  let [bytes, changedAt, stalled] = [0, performance.now(), false];
  const watch = setInterval(() => {
    const now = sizeOf(directory);
    if (now !== bytes) {
      [bytes, changedAt] = [now, performance.now()];
      log(`downloaded ${(bytes / 1e6).toFixed(0)} MB in ${elapsed(began)}`);
    } else if (performance.now() - changedAt > STALLED_MILLISECONDS) {
      stalled = true;
      child.kill('SIGKILL');
    }
  }, POLL_MILLISECONDS);
  try {
    const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (code === 0) return null;
    return stalled ? 'no byte came for 20 s' : reasonIn(said);
  } finally {
    clearInterval(watch);
  }
}

/** The innermost cause, which is what a person can act on. */
function reasonIn(text: string): string {
  const line = text.split('\n').find((candidate) => candidate.includes('rror')) ?? text.trim();
  return line.split(': ').slice(-2).join(': ').replace(/[\].]+$/, '').trim();
}

function sizeOf(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
