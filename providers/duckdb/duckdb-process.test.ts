import { fork } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { DomainError } from '../../domain/shared/errors.ts';
import { DuckDbError, DuckDbProcess, sqlText } from './duckdb-process.ts';

async function directory(t: { teardown(fn: () => Promise<void>): void }): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'duckdb-process-'));
  t.teardown(async () => await rm(path, { recursive: true, force: true }));
  return path;
}

const FOREVER = 'SELECT count(*) FROM range(1000000000000) a, range(1000000) b';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

test('decimals come back as exact text and a refused statement leaves the process usable', async (t) => {
  const settings = { memoryLimitMb: 200, threads: 1, temporaryDirectory: await directory(t) };
  await using duckDb = new DuckDbProcess(settings, new AbortController().signal);
  t.deepEqual(await duckDb.run("SELECT '12345678901234.000000000000000000000001'::DECIMAL(38,24) AS cost"), [
    { cost: '12345678901234.000000000000000000000001' },
  ]);
  await t.throwsAsync(duckDb.run('SELECT nothing_such'), { instanceOf: DuckDbError });
  t.deepEqual(await duckDb.run(`SELECT ${sqlText("it's")} AS said`), [{ said: "it's" }]);
});

test('an abort ends the child and rejects what runs with the reason given', async (t) => {
  const abort = new AbortController();
  const settings = { memoryLimitMb: 200, threads: 1, temporaryDirectory: await directory(t) };
  await using duckDb = new DuckDbProcess(settings, abort.signal);
  await duckDb.run('SELECT 1');
  const pid = duckDb.pid ?? 0;
  const running = duckDb.run(FOREVER);
  abort.abort(new Error('enough'));
  await t.throwsAsync(running, { message: 'enough' });
  await duckDb.close();
  t.false(isAlive(pid));
});

test('a killed child is a crash that may be tried again', async (t) => {
  const settings = { memoryLimitMb: 200, threads: 1, temporaryDirectory: await directory(t) };
  await using duckDb = new DuckDbProcess(settings, new AbortController().signal);
  await duckDb.run('SELECT 1');
  const running = duckDb.run(FOREVER);
  process.kill(duckDb.pid ?? 0, 'SIGKILL');
  const error = await t.throwsAsync<DomainError>(running);
  t.is(error?.code, 'billing.reader-crashed');
  t.is(error?.kind, 'unavailable');
  await t.throwsAsync(duckDb.run('SELECT 1'), { message: error?.message ?? '' });
});

test('too little memory is a crash that may be tried again', async (t) => {
  const settings = { memoryLimitMb: 20, threads: 1, temporaryDirectory: await directory(t) };
  await using duckDb = new DuckDbProcess(settings, new AbortController().signal);
  await duckDb.run("SET temp_directory = ''");
  const error = await t.throwsAsync<DomainError>(duckDb.run('SELECT list(i) FROM range(100000000) t(i)'));
  t.is(error?.code, 'billing.reader-crashed');
});

test('the child does not outlive a parent that is killed', async (t) => {
  const path = await directory(t);
  const script = join(path, 'parent.ts');
  const source = new URL('./duckdb-process.ts', import.meta.url).href;
  await writeFile(
    script,
    `import { DuckDbProcess } from ${JSON.stringify(source)};
     const duckDb = new DuckDbProcess({ memoryLimitMb: 200, threads: 1, temporaryDirectory: ${JSON.stringify(path)} }, new AbortController().signal);
     await duckDb.run('SELECT 1');
     process.send?.(duckDb.pid);
     await duckDb.run(${JSON.stringify(FOREVER)});`,
  );
  const parent = fork(script, { execArgv: [] });
  const pid = await new Promise<number>((resolve) => parent.once('message', (value) => resolve(Number(value))));
  t.true(isAlive(pid));
  parent.kill('SIGKILL');
  for (let round = 0; round < 200 && isAlive(pid); round += 1) await new Promise((resolve) => setTimeout(resolve, 25));
  t.false(isAlive(pid));
});
