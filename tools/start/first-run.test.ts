import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { startApi, type RunningApi } from '../../api/main.ts';
import type { Config } from '../../config.ts';
import { monthOf, plusMonths, toInstant } from '../../domain/shared/time.ts';
import { writeHandMadePeriod } from '../../tests/helpers/hand-made-bill.ts';
import { runOrrery } from '../../tests/helpers/orrery-command.ts';
import { platform, type Platform } from '../../tests/helpers/platform.ts';
import { closingBlock } from './closing-block.ts';
import { prepareFirstRun, type FirstRunFacts } from './first-run.ts';
import { readOptions } from './options.ts';

const lastMonth = plusMonths(monthOf(toInstant(Date.now())), -1);
let running: Platform;
let workers: { stop(): Promise<void> };
let api: RunningApi;
let config: Config;
const warnings: unknown[] = [];

test.before(async () => {
  running = await platform();
  workers = await running.startWorkers();
  api = await startApi(running.config, running.log);
  // As people reach it, which this machine cannot.
  config = { ...running.config, http: { ...running.config.http, port: Number(new URL(api.url).port), publicUrl: 'https://orrery.example.org' } };
});

test.after.always(async () => {
  await api.stop();
  await workers.stop();
  await running.end();
});

async function firstRun(dataDirectory = running.directory): Promise<FirstRunFacts> {
  const prepared = await prepareFirstRun(readOptions(['--data-dir', dataDirectory], '/'), config, (reason) => warnings.push(reason));
  return await prepared.finish();
}

/** What the block's own example answers, run by a shell as a person would. */
async function asked(facts: FirstRunFacts): Promise<{ totals: { cost: string }[]; start: string }> {
  const shown = { ...facts, apiUrl: api.url, temporalUiUrl: null, logDirectory: '/logs', mailDirectory: null, dataDirectory: running.directory, tookSeconds: 1 };
  const command = /^ +(curl .*)$/m.exec(closingBlock(shown))?.[1] ?? '';
  const { stdout } = await promisify(execFile)('sh', ['-c', command]);
  return JSON.parse(stdout) as { totals: { cost: string }[]; start: string };
}

test.serial('the block’s example answers with what the demonstration cost last month', async (t) => {
  const facts = await firstRun();
  t.deepEqual(warnings, []);
  t.like(facts, { month: lastMonth, demonstrates: true });
  const { totals } = await asked(facts);
  t.is(totals.length, 1);
  t.true(Number(totals[0]?.cost) > 0, JSON.stringify(totals));
});

test.serial('of a bill of one’s own that ended the newest month is asked for', async (t) => {
  const month = plusMonths(lastMonth, -7);
  const bill = join(running.directory, 'ended');
  for (const [one, unblended] of [[plusMonths(month, -1), '1.5'], [month, '2.5']] as const) {
    writeHandMadePeriod(bill, 'cur', 'acme', { month: one, assembly: 'a', rows: [{ day: `${one}-03`, resource: 'i-1', unblended }] });
  }
  // The command finds the API by what the first run left in the data directory.
  const { code, error } = await runOrrery(['import', bill, '--data-dir', running.directory], {}, running.directory);
  t.is(code, 0, error);
  const facts = await firstRun();
  t.is(facts.month, month);
  const { start, totals } = await asked(facts);
  t.is(start, `${month}-01`);
  t.like(totals, [{ cost: '2.5' }]);
});

test.serial('a demonstration that fails is told and leaves the platform running', async (t) => {
  const outside = mkdtempSync(join(tmpdir(), 'orrery-outside-'));
  t.teardown(() => rmSync(outside, { recursive: true, force: true }));
  mkdirSync(join(outside, 'demonstration'));
  writeFileSync(join(outside, 'demonstration.written'), '');
  t.false((await firstRun(outside)).demonstrates);
  t.is(warnings.length, 1);
  t.regex(String(warnings[0]), /ORRERY_IMPORT_ROOTS/);
});
