import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import test from 'ava';
import { requestImport } from '../../commands/data-sources/request-import.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Operation } from '../../domain/operations/operation.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { anOrganization, ask, billedTotals, importOutcome, outcomeOf, tester } from '../helpers/connect.ts';
import { writeHandMadePeriod, type HandMadePeriod } from '../helpers/hand-made-bill.ts';
import { historiesOf } from '../helpers/histories.ts';
import { awsAccount, type AwsAccount } from '../helpers/peers/aws-account.ts';
import { startDeniedEc2 } from '../helpers/peers/aws/ec2-denied.ts';
import { startFaultProxy, type FaultProxy } from '../helpers/peers/fault-proxy.ts';
import { startMoto, type MotoPeer } from '../helpers/peers/moto.ts';
import type { Peer } from '../helpers/peers/peer.ts';
import { platform, type Platform } from '../helpers/platform.ts';

let site: Platform;
let moto: MotoPeer;
let ec2: Peer;
let proxy: FaultProxy;
let aws: AwsAccount;
let workers: { stop(): Promise<void> };
/** Once, when a key with this text is read: what AWS does just then. */
let meanwhile: { reading: string; happens(): Promise<void> } | null = null;

test.before(async () => {
  moto = await startMoto();
  aws = awsAccount(moto.url);
  ec2 = await startDeniedEc2();
  proxy = await startFaultProxy(moto.url, {
    seed: 1,
    rates: {},
    before({ method, url }) {
      if (meanwhile === null || method !== 'GET' || !url.includes(meanwhile.reading)) return undefined;
      const { happens } = meanwhile;
      meanwhile = null;
      return happens();
    },
  });
  site = await platform((config) => ({ ...config, awsEndpoints: { ...config.awsEndpoints, s3: proxy.url, sts: moto.url, ec2: ec2.url } }));
  workers = await site.startWorkers();
});
test.after.always(async () => {
  await workers?.stop();
  await site?.end();
  await proxy?.stop();
  await ec2?.stop();
  await moto?.stop();
});

async function deliver(bucket: string, period: Omit<HandMadePeriod, 'month' | 'rowsPerFile'>): Promise<void> {
  const path = join(site.directory, bucket, period.assembly);
  writeHandMadePeriod(path, 'cur', 'acme', { month: '2026-10', rowsPerFile: 1, ...period });
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  // As AWS does it: the manifest last.
  const keys = files.map((entry) => relative(path, join(entry.parentPath, entry.name))).toSorted((a, b) => Number(a.includes('Manifest')) - Number(b.includes('Manifest')));
  for (const key of keys) await aws.putObject(bucket, key, readFileSync(join(path, key)));
}

async function connected(bucket: string): Promise<{ organizationId: string; id: string }> {
  const organizationId = await anOrganization(site, bucket);
  const settings = { scheme: 'bucket-only' as const, dialect: null, name: null, bucket, prefix: 'cur', region: 'us-east-1' };
  const check = await outcomeOf(site, await ask(site, organizationId, { kind: 'root', export: settings }, { credentials: await aws.createUser(bucket) }));
  if (check.error !== null) throw new Error(`${check.error.code}: ${check.error.message}`);
  await importOutcome(site, organizationId, check.dataSourceId);
  return { organizationId, id: check.dataSourceId };
}

/** Imports once more; answers with the operation and the data files that were opened for it. */
async function importAgain({ organizationId, id }: { organizationId: string; id: string }): Promise<{ operation: Operation; opened: string[] }> {
  const before = proxy.requests.length;
  await inTransaction(site.db, (tx) => requestImport(tx, { organizationId, id }, { cause: 'request', months: [], at: systemClock.now(), by: tester }));
  const { operation } = await importOutcome(site, organizationId, id);
  const opened = proxy.requests.slice(before).filter(({ method, url }) => method === 'GET' && url.includes('.csv.gz'));
  return { operation, opened: opened.map(({ url }) => url.replace(/^.*\/20261001-20261101\//, '').replace(/\?.*$/, '')) };
}

/** The typed failures that attempts of the data source's activities ended with, in whichever run: a repeated wake-up starts another. */
async function failuresOf(id: string): Promise<(string | null | undefined)[]> {
  const histories = await historiesOf(site, `data-source/${id}`);
  return histories.flatMap(({ events }) => (events ?? []).flatMap((event) => event.activityTaskStartedEventAttributes?.lastFailure?.applicationFailureInfo?.type ?? []));
}

const row = (day: string, unblended: string) => ({ day: `2026-10-${day}`, resource: `i-${day}`, unblended });

test.serial('of a month whose one part changed that part alone is read again, of an unchanged one nothing', async (t) => {
  await aws.createBucket('parts');
  await deliver('parts', { assembly: 'a', folder: '', rows: [row('03', '1.25'), row('04', '10')] });
  const source = await connected('parts');
  t.deepEqual(await billedTotals(site, source.id), { USD: '11.25' });

  await deliver('parts', { assembly: 'b', folder: '', rows: [row('03', '1.25'), row('04', '20')] });
  const changed = await importAgain(source);
  t.is(changed.operation.state, 'completed', JSON.stringify(changed.operation.error));
  t.deepEqual(changed.opened, ['acme-00002.csv.gz']);
  t.deepEqual(await billedTotals(site, source.id), { USD: '21.25' });

  const unchanged = await importAgain(source);
  t.is(unchanged.operation.state, 'completed', JSON.stringify(unchanged.operation.error));
  t.deepEqual(unchanged.opened, []);
  t.deepEqual(await billedTotals(site, source.id), { USD: '21.25' });
});

test.serial('what AWS delivers while a month is being read is read by the next attempt, never mixed', async (t) => {
  await aws.createBucket('moving');
  await deliver('moving', { assembly: 'a', rows: [row('03', '1'), row('04', '2')] });
  const source = await connected('moving');
  await deliver('moving', { assembly: 'b', rows: [row('03', '10'), row('04', '20')] });
  meanwhile = { reading: '/b/acme-00002', happens: () => deliver('moving', { assembly: 'c', rows: [row('03', '100'), row('04', '200')] }) };
  const { operation, opened } = await importAgain(source);
  t.is(operation.state, 'completed', JSON.stringify(operation.error));
  t.deepEqual(opened, ['b/acme-00001.csv.gz', 'b/acme-00002.csv.gz', 'c/acme-00001.csv.gz', 'c/acme-00002.csv.gz']);
  t.deepEqual(await billedTotals(site, source.id), { USD: '300' });
  t.deepEqual(await failuresOf(source.id), ['billing.manifest-moved']);
});
