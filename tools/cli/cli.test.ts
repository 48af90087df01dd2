import { join } from 'node:path';
import test from 'ava';
import { startApi, type RunningApi } from '../../api/main.ts';
import { bootstrapAdministrator } from '../../commands/identity/bootstrap.ts';
import { writeHandMadePeriod } from '../../tests/helpers/hand-made-bill.ts';
import { runOrrery, type Said } from '../../tests/helpers/orrery-command.ts';
import { platform, type Platform } from '../../tests/helpers/platform.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { ApiClient } from './api-client.ts';

let running: Platform;
let workers: { stop(): Promise<void> };
let api: RunningApi;
let token: string;
let bill: string;

/** Runs the command with an address and a token alone. */
function orrery(args: string[], environment: Record<string, string> = { ORRERY_URL: api.url, ORRERY_TOKEN: token }): Promise<Said> {
  return runOrrery(args, environment, running.directory);
}

test.before(async () => {
  running = await platform();
  workers = await running.startWorkers();
  api = await startApi(running.config, running.log);
  token = (await bootstrapAdministrator(running.db, systemClock, { withSample: true })).token ?? '';
  bill = join(running.directory, 'bill');
  writeHandMadePeriod(bill, 'cur', 'acme', {
    month: '2026-10',
    assembly: '20261101T000000Z',
    rows: [
      { day: '2026-10-01', product: 'AmazonEC2', resource: 'i-1', unblended: '1.2345678901' },
      { day: '2026-10-02', product: 'AmazonEC2', resource: 'i-1', unblended: '0.005' },
      { day: '2026-10-02', product: 'AmazonS3', resource: 'bucket', unblended: '10' },
    ],
  });
});

test.after.always(async () => {
  await api.stop();
  await workers.stop();
  await running.end();
});

test.serial('an organization of one’s own without a bill does not hide the demonstration', async (t) => {
  const own = new ApiClient(api.url, token);
  const nothing = join(running.directory, 'nothing-here');
  const missing = await orrery(['import', nothing]);
  t.deepEqual(missing, { code: 1, out: '', error: `There is no directory ${nothing}.\n` });
  t.deepEqual((await own.listOrganizations()).map(({ name }) => name), ['Demonstration']);
  const refused = await orrery(['import', running.directory, '--name', 'Nothing yet', '--report', 'none']);
  t.is(refused.code, 1, refused.out);
  t.regex(refused.out, /^Made organization Default \(org_/);
  t.deepEqual((await own.listOrganizations()).map(({ name }) => name), ['Default', 'Demonstration']);
  t.regex((await orrery(['costs', '--month', '2026-10'])).out, /^Demonstration, /);
});

test.serial('a folder is connected and imported in one command', async (t) => {
  const { code, out, error } = await orrery(['import', bill]);
  t.is(code, 0, error);
  t.regex(out, /Connected data source bill \(ds_\w+, account \d{12}\)/);
  t.regex(out, /2026-10 replaced\nRead 3 rows of 1 file, billed 11\.2395678901 USD\.\n$/);
});

test.serial('importing the same folder again uses its data source and finds nothing new', async (t) => {
  const { out } = await orrery(['import', bill]);
  t.regex(out, /^Using data source bill/);
  t.regex(out, /2026-10 unchanged\nNothing had changed\.\n$/);
});

test.serial('costs answers by service with a total, and imports lists what ran', async (t) => {
  const costs = await orrery(['costs', '--by', 'service', '--month', '2026-10']);
  t.regex(costs.out, /^Default, 2026-10-01 to 2026-11-01/);
  t.regex(costs.out, /AmazonS3\s+10\.00\s+0\.00\s+USD\nAmazonEC2\s+1\.24\s+0\.00\s+USD\nTotal\s+11\.24/);
  const imports = await orrery(['imports']);
  t.regex(imports.out, /imp_\w+\s+bill\s+completed\s+2026-10/);
});

test.serial('what is wrong with one field is said once', async (t) => {
  const { error } = await orrery(['costs', '--by', 'bogus']);
  t.regex(error, /^group_by: knows no dimension "bogus"; use one of day, .*\(billing\.unknown-grouping\)\n$/);
});

test.serial('where several exports match, they are listed', async (t) => {
  const several = join(running.directory, 'several');
  for (const name of ['east', 'west']) writeHandMadePeriod(several, 'cur', name, { month: '2026-10', assembly: 'a', rows: [] });
  const { code, error } = await orrery(['import', several]);
  t.is(code, 1);
  t.regex(error, /\(data-sources\.several-exports\)\n {2}cur\/east \(cur\)\n {2}cur\/west \(cur\)\n$/);
});

test.serial('what the API refuses is told with its code, and the command fails', async (t) => {
  const outside = await orrery(['import', '/usr/share']);
  t.is(outside.code, 1);
  t.regex(outside.error, /ORRERY_IMPORT_ROOTS.*\(data-sources\.directory-not-allowed\)/s);
  const stranger = await orrery(['imports'], { ORRERY_URL: api.url, ORRERY_TOKEN: 'orr_wrong' });
  t.is(stranger.code, 1);
  t.notRegex(stranger.error, /at .*\.ts:\d+/);
});

test('without a token or a server it says what to do', async (t) => {
  // The checkout's own data directory may hold the token of a platform that somebody runs here.
  const nobody = await orrery(['costs', '--data-dir', join(running.directory, 'no-platform')], { ORRERY_URL: api.url });
  t.regex(nobody.error, /^There is no token: set ORRERY_TOKEN/);
  const nowhere = await orrery(['costs'], { ORRERY_URL: 'http://127.0.0.1:9', ORRERY_TOKEN: token });
  t.regex(nowhere.error, /^http:\/\/127\.0\.0\.1:9 does not answer/);
});

test('a month that does not exist is refused before anything is asked', async (t) => {
  const { code, error } = await orrery(['costs', '--month', '2026-13'], {});
  t.is(code, 1);
  t.regex(error, /2026-13.*YYYY-MM/);
});
