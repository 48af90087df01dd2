import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** Tells this process from an earlier one with its id: in a container the id is always the same. */
const INSTANCE = randomUUID().slice(0, 8);
const HOST = hostname().replaceAll(/[^\w.]/g, '_');
const NAME = /^work-([\w.]+)-(\d+)-(\w{8})-/;
/** Twice what an attempt may take: a directory of another host that nobody has touched for so long is abandoned. */
const ABANDONED_AFTER_MS = 86_400_000;

/** Gives `work` an empty directory of its own and removes it afterwards, however the work ends. */
export async function withWorkDirectory<T>(spoolDirectory: string, work: (directory: string) => Promise<T>): Promise<T> {
  await mkdir(spoolDirectory, { recursive: true });
  const directory = await mkdtemp(join(spoolDirectory, `work-${HOST}-${process.pid}-${INSTANCE}-`));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Removes the directories of processes that were killed before they could. Workers of several hosts may share the place. */
export async function clearAbandonedSpool(spoolDirectory: string): Promise<void> {
  await mkdir(spoolDirectory, { recursive: true });
  for (const name of await readdir(spoolDirectory)) {
    const [, host = '', pid = '', instance = ''] = NAME.exec(name) ?? [];
    if (host === '') continue;
    const path = join(spoolDirectory, name);
    const abandoned = host === HOST ? !isAlive(Number(pid), instance) : await isOld(path);
    if (abandoned) await rm(path, { recursive: true, force: true });
  }
}

function isAlive(pid: number, instance: string): boolean {
  if (pid === process.pid) return instance === INSTANCE;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function isOld(path: string): Promise<boolean> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    // Removed by its owner meanwhile.
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return info !== null && info.mtimeMs < Date.now() - ABANDONED_AFTER_MS;
}
