import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { pathOfPid, recordProcess } from './processes.ts';

function dataDirectory(t: ExecutionContext): string {
  const scratch = mkdtempSync(join(tmpdir(), 'orrery-reset-'));
  t.teardown(() => rmSync(scratch, { recursive: true, force: true }));
  const directory = join(scratch, 'data');
  mkdirSync(join(directory, 'raw'), { recursive: true });
  writeFileSync(join(directory, 'raw', 'bill'), 'kept');
  return directory;
}

/** As `npm run reset` runs it, where nobody can answer. */
function reset(directory: string, ...flags: string[]): Promise<{ code: number; out: string; error: string }> {
  return new Promise((resolve) => {
    const args = [join(import.meta.dirname, 'reset.ts'), '--data-dir', directory, ...flags];
    execFile(process.execPath, args, (failure, out, error) => resolve({ code: failure === null ? 0 : Number(failure.code), out, error }));
  });
}

test('where nobody can answer nothing is deleted, and what to say is said', async (t) => {
  const directory = dataDirectory(t);
  const { code, error } = await reset(directory);
  t.is(code, 1);
  t.regex(error, /nobody can answer.*npm run reset -- --yes\n$/);
  t.is(readFileSync(join(directory, 'raw', 'bill'), 'utf8'), 'kept');
});

test('said beforehand, everything is deleted; a second time there is nothing', async (t) => {
  const directory = dataDirectory(t);
  const { code, error } = await reset(directory, '--yes');
  t.is(code, 0, error);
  t.false(existsSync(directory));
  t.like(await reset(directory, '--yes'), { code: 0, out: `There is nothing to delete: ${directory} does not exist.\n` });
});

test('a platform that runs is left alone', async (t) => {
  const directory = dataDirectory(t);
  recordProcess(pathOfPid(directory, 'supervisor'), process.pid);
  const { code, error } = await reset(directory, '--yes');
  t.is(code, 1);
  t.regex(error, new RegExp(`^Orrery runs on .* \\(process ${process.pid}\\)`));
  t.true(existsSync(join(directory, 'raw', 'bill')));
});
