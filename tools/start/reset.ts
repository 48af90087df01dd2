import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { readOptions } from './options.ts';
import { systemCluster } from './postgres-place.ts';
import { endRecorded, pathOfPid, recordedProcess } from './processes.ts';
import { StartError, step } from './steps.ts';

// npm run reset [-- --yes] [--data-dir DIR]: deletes all data of the embedded platform, after asking.
try {
  const { yes, directory } = readFlags();
  if (!existsSync(directory)) console.log(`There is nothing to delete: ${directory} does not exist.`);
  else if (yes || (await confirmed(directory))) await deleteAll(directory);
  else {
    console.log('Nothing was deleted.');
    process.exitCode = 1;
  }
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

function readFlags(): { yes: boolean; directory: string } {
  const args = process.argv.slice(2);
  const flags = args.filter((arg) => arg !== '--yes');
  return { yes: flags.length < args.length, directory: readOptions(flags, process.cwd()).dataDirectory };
}

async function confirmed(directory: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new StartError('npm run reset asks before it deletes, and here nobody can answer. Say it beforehand: npm run reset -- --yes');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(`Delete ${directory} with its database, raw bills, workflows and keys, for good? Type "yes": `);
    return answer.trim() === 'yes';
  } finally {
    terminal.close();
  }
}

async function deleteAll(directory: string): Promise<void> {
  const running = recordedProcess(pathOfPid(directory, 'supervisor'));
  if (running !== null) throw new StartError(`Orrery runs on ${directory} (process ${running}). Stop it with Ctrl-C first.`);
  await step(`Deleting ${directory}`, async () => {
    for (const [name, politely] of [['api', 'SIGTERM'], ['workers', 'SIGTERM'], ['temporal', 'SIGTERM'], ['postgres', 'SIGINT']] as const) {
      await endRecorded(pathOfPid(directory, name), politely, 3000);
    }
    const elsewhere = systemCluster(join(directory, 'postgres'));
    for (const path of elsewhere === null ? [directory] : [elsewhere, `${elsewhere}.ready`, directory]) rmSync(path, { recursive: true, force: true });
  });
}
