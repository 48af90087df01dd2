import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const NAME = /^work-(\d+)-/;

/** Gives `work` an empty directory of its own and removes it afterwards, however the work ends. */
export async function withWorkDirectory<T>(spoolDirectory: string, work: (directory: string) => Promise<T>): Promise<T> {
  await mkdir(spoolDirectory, { recursive: true });
  const directory = await mkdtemp(join(spoolDirectory, `work-${process.pid}-`));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Removes the directories of processes that were killed before they could. */
export async function clearAbandonedSpool(spoolDirectory: string): Promise<void> {
  await mkdir(spoolDirectory, { recursive: true });
  for (const name of await readdir(spoolDirectory)) {
    const pid = Number(NAME.exec(name)?.[1] ?? Number.NaN);
    if (Number.isInteger(pid) && !isAlive(pid)) await rm(join(spoolDirectory, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
