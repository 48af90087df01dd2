import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { PeriodFile } from '../../../domain/billing/ports.ts';
import { DuckDbError, DuckDbProcess, sqlText } from '../../duckdb/duckdb-process.ts';
import { runOverPipe } from './piped-csv.ts';
import { UNPACK_LIMITS } from './unpack.ts';

const LINES = 400_000;
/** Far more than a pipe holds, so that both sides wait for each other many times. */
const PACKED = gzipSync(`number,text\n${Array.from({ length: LINES }, (_, index) => `${index},line ${index}\n`).join('')}`, { level: 1 });

interface Bench {
  duckDb: DuckDbProcess;
  directory: string;
  run(sql: (relation: string) => string, packed?: Buffer): Promise<unknown>;
}

async function bench(t: ExecutionContext, signal = new AbortController().signal): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'piped-csv-'));
  const work = await mkdtemp(join(tmpdir(), 'piped-csv-duckdb-'));
  const duckDb = new DuckDbProcess({ memoryLimitMb: 200, threads: 2, temporaryDirectory: work }, signal);
  t.teardown(async () => {
    await duckDb.close();
    for (const path of [directory, work]) await rm(path, { recursive: true, force: true });
  });
  const packedPath = join(work, 'bill.csv.gz');
  const file: PeriodFile = { position: 0, key: 'bill.csv.gz', path: packedPath, format: 'csv.gz' };
  const pipe = join(directory, 'bill.csv');
  const relation = `read_csv(${sqlText(pipe)}, auto_detect = false, header = true, columns = {'number': 'VARCHAR', 'text': 'VARCHAR'}, delim = ',', quote = '"', escape = '"')`;
  return {
    duckDb, directory,
    async run(sql, packed = PACKED) {
      await writeFile(packedPath, packed);
      return await runOverPipe(duckDb, sql(relation), file, pipe, UNPACK_LIMITS, signal);
    },
  };
}

const SUMS = (relation: string): string => `SELECT CAST(count(*) AS INTEGER) AS lines, CAST(sum(CAST(number AS BIGINT)) AS VARCHAR) AS sum FROM ${relation}`;

test('a statement reads every line of a file that is unpacked meanwhile, and no pipe stays behind', async (t) => {
  const { run, directory } = await bench(t);
  t.deepEqual(await run(SUMS), [{ lines: LINES, sum: String((LINES * (LINES - 1)) / 2) }]);
  t.deepEqual(await readdir(directory), []);
});

test('a file that is damaged or cut off late fails whatever DuckDB made of what came before', async (t) => {
  const { run, directory } = await bench(t);
  const wrongCrc = Buffer.from(PACKED);
  wrongCrc.writeUInt32LE(0, wrongCrc.length - 8);
  for (const packed of [PACKED.subarray(0, -PACKED.length / 4), wrongCrc, Buffer.concat([PACKED, Buffer.from('garbage')])]) {
    await t.throwsAsync(run(SUMS, packed), { code: 'billing.gzip-damaged' });
  }
  t.deepEqual(await readdir(directory), []);
});

test('a statement that fails before, while or instead of reading lets the unpacking go', async (t) => {
  const { run, directory } = await bench(t);
  const refused = [
    (relation: string) => `SELECT nothing_such FROM ${relation}`,
    (relation: string) => `SELECT sum(CAST(text AS INTEGER)) FROM ${relation}`,
    () => 'SELECT nothing_such',
  ];
  for (const sql of refused) await t.throwsAsync(run(sql), { instanceOf: DuckDbError });
  t.deepEqual(await readdir(directory), []);
  t.deepEqual(await run(SUMS), [{ lines: LINES, sum: String((LINES * (LINES - 1)) / 2) }]);
});

test('an abort, and a child that is killed, end both sides', async (t) => {
  const abort = new AbortController();
  const aborted = await bench(t, abort.signal);
  await aborted.duckDb.run('SELECT 1');
  const first = aborted.run((relation) => `SELECT count(*) FROM ${relation} a, range(1000000) b WHERE a.number <> b.range::VARCHAR`);
  abort.abort(new Error('enough'));
  await t.throwsAsync(first, { message: 'enough' });
  const killed = await bench(t);
  await killed.duckDb.run('SELECT 1');
  const second = killed.run((relation) => `SELECT count(*) FROM range(100000000) b, ${relation} a WHERE a.number <> b.range::VARCHAR`);
  process.kill(killed.duckDb.pid ?? 0, 'SIGKILL');
  await t.throwsAsync(second, { code: 'billing.reader-crashed' });
  t.deepEqual([...(await readdir(aborted.directory)), ...(await readdir(killed.directory))], []);
});
