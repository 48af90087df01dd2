import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { clearAbandonedSpool, withWorkDirectory } from './spool.ts';

const HOST = hostname().replaceAll(/[^\w.]/g, '_');

test('directories of processes that were killed are cleared, those of living ones and of other hosts stay', async (t) => {
  const spool = mkdtempSync(join(tmpdir(), 'orrery-spool-'));
  t.teardown(() => rmSync(spool, { recursive: true }));
  const made = (name: string): string => {
    mkdirSync(join(spool, name));
    return join(spool, name);
  };
  const ofEarlierRun = made(`work-${HOST}-${process.pid}-00000000-abc`);
  const ofDeadProcess = made(`work-${HOST}-4194305-00000000-abc`);
  const ofParent = made(`work-${HOST}-${process.ppid}-00000000-abc`);
  const ofOtherHost = made('work-elsewhere-4194305-00000000-abc');
  const longForgotten = made('work-elsewhere-4194305-11111111-abc');
  utimesSync(longForgotten, 0, 0);
  await withWorkDirectory(spool, async (own) => {
    await clearAbandonedSpool(spool);
    t.deepEqual(
      [ofEarlierRun, ofDeadProcess, ofParent, ofOtherHost, longForgotten, own].map((path) => existsSync(path)),
      [false, false, true, true, false, true],
    );
  });
});
