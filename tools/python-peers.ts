import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const run = promisify(execFile);

/** Python 3.10 is the oldest that the pinned moto takes. */
const VERSION_CHECK = 'import sys, venv, ensurepip; assert sys.version_info >= (3, 10), sys.version';
const INSTALL_LIMIT_MS = 10 * 60_000;

export interface PythonPeers {
  /** The interpreter of the virtual environment with moto and ministack in it. */
  python: string;
}

/** What to install and where; other than the defaults only in tests of this file. */
export interface PeerEnvironment {
  requirements: string;
  /** One environment below it for each set of pins. */
  cache: string;
}

const committed: PeerEnvironment = {
  requirements: join(repository, 'tests', 'peers', 'requirements.txt'),
  cache: join(repository, '.cache', 'peers'),
};

/**
 * Gives a virtual environment with the pinned peers, under `.cache/peers/`, and makes it when the
 * pins have changed or it is not there. Processes that ask together install once.
 *
 * @throws Error that names the step that failed and what to install.
 */
export async function ensurePythonPeers(
  onProgress: (step: string) => void = () => undefined,
  { requirements, cache }: PeerEnvironment = committed,
): Promise<PythonPeers> {
  const pins = await readFile(requirements);
  const home = join(cache, createHash('sha256').update(pins).digest('hex').slice(0, 16));
  const peers = { python: join(home, 'bin', 'python') };
  if (await exists(join(home, 'ready'))) return peers;
  await mkdir(cache, { recursive: true });
  const release = await takeLock(`${home}.lock`);
  try {
    if (await exists(join(home, 'ready'))) return peers;
    await install(home, requirements, peers.python, onProgress);
  } finally {
    await release();
  }
  return peers;
}

async function install(home: string, requirements: string, python: string, onProgress: (step: string) => void): Promise<void> {
  // What is there without its mark was cut off in the middle.
  await rm(home, { recursive: true, force: true });
  onProgress('making a Python environment for the test peers');
  await run(await findPython(), ['-m', 'venv', home], { timeout: INSTALL_LIMIT_MS });
  onProgress('installing moto and ministack (about a minute, 320 MB)');
  try {
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements], {
      timeout: INSTALL_LIMIT_MS,
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    throw new Error(`pip could not install ${requirements}. Check that PyPI or your mirror (PIP_INDEX_URL) can be reached.`, { cause: error });
  }
  await writeFile(join(home, 'ready'), '');
}

async function findPython(): Promise<string> {
  const problems: string[] = [];
  for (const name of ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python']) {
    try {
      await run(name, ['-c', VERSION_CHECK]);
      return name;
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error)}`);
    }
  }
  throw new Error(
    `The test peers need Python 3.10 or newer with venv (Debian: apt-get install python3-venv). Tried:\n${problems.join('\n')}`,
  );
}

/** A file that holds its owner's process id; a lock whose owner is gone is taken over. */
async function takeLock(path: string): Promise<() => Promise<void>> {
  const deadline = Date.now() + INSTALL_LIMIT_MS;
  for (;;) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    if (await isAbandoned(path)) await rm(path, { force: true });
    if (Date.now() > deadline) throw new Error(`Another process has been installing the test peers for ten minutes; if none is, remove ${path}.`);
    await sleep(250);
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const owner = Number(await readFile(path, 'utf8').catch(() => ''));
  // Empty: its owner has not written yet, or it is gone already.
  if (owner === 0) return false;
  try {
    process.kill(owner, 0);
    return false;
  } catch {
    return true;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

if (import.meta.main) {
  const started = performance.now();
  const { python } = await ensurePythonPeers((step) => console.log(`${step} …`));
  console.log(`test peers ready: ${python} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}
