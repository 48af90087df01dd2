import { GetBucketPolicyCommand, HeadBucketCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import test from 'ava';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { AwsKeyPair } from '../../domain/data-sources/aws-credentials.ts';
import type { AwsConnectionRequest, AwsExportRequest } from '../../domain/data-sources/aws-connection.ts';
import type { ConnectionChecker } from '../../domain/data-sources/ports.ts';
import { awsAccount, EVERYTHING, peerSettings, type AwsAccount } from '../../tests/helpers/peers/aws-account.ts';
import { startDataExportsStandIn, type DataExportsStandIn } from '../../tests/helpers/peers/data-exports-stand-in.ts';
import { startMinistack } from '../../tests/helpers/peers/ministack.ts';
import { MOTO_ACCOUNT, startMoto, type MotoPeer } from '../../tests/helpers/peers/moto.ts';
import { startReportPager, type ReportPager } from '../../tests/helpers/peers/report-pager.ts';
import type { Peer } from '../../tests/helpers/peers/peer.ts';
import { DuckDbProcess } from '../duckdb/duckdb-process.ts';
import { createAwsConnectionChecker } from './connection-checker.ts';
import { createAwsClients } from './clients.ts';
import { putReportDefinition } from './report-definitions.ts';
import type { AwsSettings } from './settings.ts';

const signal = new AbortController().signal;
const MANIFEST = `{"assemblyId":"a1","account":"${MOTO_ACCOUNT}","reportKeys":["cur/acme/20260301-20260401/a1/acme-1.csv"]}`;

let moto: MotoPeer;
let ministack: Peer;
let reports: ReportPager;
let dataExports: DataExportsStandIn;
let account: AwsAccount;
let key: AwsKeyPair;
let settings: AwsSettings;
let checker: ConnectionChecker;
let root: string;

test.before(async () => {
  [moto, ministack, dataExports] = await Promise.all([
    startMoto(),
    startMinistack(),
    startDataExportsStandIn({ accountId: MOTO_ACCOUNT, pageSize: 2 }),
  ]);
  reports = await startReportPager(ministack.url);
  account = awsAccount(moto.url);
  key = await account.createUser('admin');
  root = await mkdtemp(join(tmpdir(), 'orrery-exports-'));
  settings = peerSettings({ s3: moto.url, sts: moto.url, costAndUsageReport: reports.url, dataExports: dataExports.url });
  checker = createAwsConnectionChecker({ aws: settings, allowedRoots: [root] });
  await moto.enforceAuth();
});

test.after.always(async () => {
  await Promise.all([moto?.stop(), reports?.stop(), ministack?.stop(), dataExports?.stop()]);
  await rm(root, { recursive: true, force: true });
});

const rootOf = (wanted: AwsExportRequest): AwsConnectionRequest => ({ kind: 'root', export: wanted });
const check = (wanted: AwsExportRequest) => checker.check(rootOf(wanted), key, signal);

async function fill(bucket: string, files: Record<string, string>): Promise<void> {
  await moto.unchecked(async () => {
    await account.createBucket(bucket);
    for (const [name, body] of Object.entries(files)) await account.putObject(bucket, name, body);
  });
}

test.serial('a linked account is known by its keys alone and warned that it brings no bill', async (t) => {
  const checked = await checker.check({ kind: 'linked' }, key, signal);
  t.is(checked.accountId, MOTO_ACCOUNT);
  t.is(checked.principalArn, `arn:aws:iam::${MOTO_ACCOUNT}:user/admin`);
  t.is(checked.export, null);
  t.regex(checked.warnings.join(), /root \(payer\) account/);
});

test.serial('creating makes bucket, policy and CUR 2.0 export, and a second attempt finds them again', async (t) => {
  const wanted: AwsExportRequest = { scheme: 'create', dialect: 'cur2', name: 'made', bucket: 'made-here', prefix: 'cur2', region: 'eu-west-1' };
  const first = await check(wanted);
  const expected = { scheme: 'create', dialect: 'cur2', name: 'made', bucket: 'made-here', prefix: 'cur2', region: 'eu-west-1', path: null };
  t.deepEqual(first.export, expected as typeof first.export);
  t.regex(first.warnings.join(), /first files of a new export within 24 hours/);
  const made = await moto.unchecked(() => account.s3.send(new HeadBucketCommand({ Bucket: 'made-here' })));
  t.is(made.BucketRegion, 'eu-west-1');
  const query = dataExports.exports.get('made')?.definition.DataQuery?.QueryStatement ?? '';
  t.regex(query, /^SELECT bill_bill_type, .*line_item_resource_id.* FROM COST_AND_USAGE_REPORT$/);
  dataExports.calls.length = 0;
  t.deepEqual(await check(wanted), first);
  t.false(dataExports.calls.includes('bcm-data-exports:CreateExport'));
});

test.serial('an existing bucket is used where it lies, and its own policy statements stay', async (t) => {
  await fill('already-here', {});
  const own = { Sid: 'Own', Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${MOTO_ACCOUNT}:root` }, Action: 's3:GetObject', Resource: 'arn:aws:s3:::already-here/*' };
  const before = JSON.stringify({ Version: '2012-10-17', Statement: [own] });
  await moto.unchecked(() => account.s3.send(new PutBucketPolicyCommand({ Bucket: 'already-here', Policy: before })));
  const checked = await check({ scheme: 'create', dialect: 'cur', name: 'legacy-made', bucket: 'already-here', prefix: 'cur', region: 'eu-west-1' });
  t.is(checked.export?.region, 'us-east-1');
  t.regex(checked.warnings.join(), /already-here exists in us-east-1/);
  const { Policy } = await moto.unchecked(() => account.s3.send(new GetBucketPolicyCommand({ Bucket: 'already-here' })));
  const statements = (JSON.parse(Policy ?? '') as { Statement: { Sid: string }[] }).Statement;
  t.deepEqual(statements[0], own);
  t.deepEqual(statements.map((one) => one.Sid), ['Own', `OrreryReportsCheck${MOTO_ACCOUNT}`, `OrreryReportsDeliver${MOTO_ACCOUNT}`]);
});

test.serial('creating refuses a name that is taken with other settings', async (t) => {
  const wanted: AwsExportRequest = { scheme: 'create', dialect: 'cur2', name: 'made', bucket: 'elsewhere', prefix: 'cur2', region: 'us-east-1' };
  await t.throwsAsync(check(wanted), { code: 'aws.export-name-taken' });
});

test.serial('adopting finds the one export that matches, on any page of either API', async (t) => {
  await fill('acme-bills', { 'cur/report-6/20260301-20260401/report-6-Manifest.json': MANIFEST });
  const cur = await createAwsClients(settings, key).costAndUsageReport();
  for (let index = 1; index <= 6; index++) {
    await putReportDefinition(cur, { name: `report-${index}`, bucket: 'acme-bills', prefix: 'cur', region: 'us-east-1' }, signal);
  }
  for (const name of ['one', 'two', 'three']) dataExports.exports.set(name, await storedLike(name));
  reports.calls.length = 0;
  const legacy = await check({ scheme: 'adopt', dialect: null, name: 'report-6', bucket: null });
  t.deepEqual(reports.calls, Array(2).fill('cur:DescribeReportDefinitions'), 'seven reports, five a page');
  t.deepEqual(legacy.export, { scheme: 'adopt', dialect: 'cur', name: 'report-6', bucket: 'acme-bills', prefix: 'cur', region: 'us-east-1', path: null });
  t.deepEqual(legacy.warnings, []);
  const modern = await check({ scheme: 'adopt', dialect: 'cur2', name: 'three', bucket: null });
  t.is(modern.export?.bucket, 'made-here');
  const several = await t.throwsAsync(check({ scheme: 'adopt', dialect: 'cur', name: null, bucket: 'acme-bills' }), { code: 'data-sources.several-exports' });
  t.is(((several as { details?: { exports?: unknown[] } }).details?.exports ?? []).length, 6);
  await t.throwsAsync(check({ scheme: 'adopt', dialect: null, name: 'nowhere', bucket: null }), { code: 'data-sources.export-not-found' });
});

async function storedLike(name: string) {
  const made = dataExports.exports.get('made');
  if (made === undefined) throw new Error('the test that creates the export runs first');
  return { ...made, definition: { ...made.definition, Name: name } };
}

test.serial('adopting tells that AWS calls the export unhealthy and that a custom query leaves rows out', async (t) => {
  const stored = await storedLike('ailing');
  const DataQuery = { QueryStatement: 'SELECT line_item_unblended_cost FROM COST_AND_USAGE_REPORT WHERE line_item_line_item_type = \'Usage\'' };
  dataExports.exports.set('ailing', { definition: { ...stored.definition, DataQuery }, status: 'UNHEALTHY', statusReason: 'INSUFFICIENT_PERMISSION' });
  const { warnings } = await check({ scheme: 'adopt', dialect: 'cur2', name: 'ailing', bucket: null });
  t.regex(warnings[0] ?? '', /UNHEALTHY, INSUFFICIENT_PERMISSION/);
  t.regex(warnings[1] ?? '', /leaves rows out/);
  t.regex(warnings[2] ?? '', /no resource ids/);
});

test.serial('an export of another table is not a bill', async (t) => {
  const stored = await storedLike('focus');
  const DataQuery = { QueryStatement: 'SELECT BilledCost FROM FOCUS_1_2_AWS' };
  dataExports.exports.set('focus', { ...stored, definition: { ...stored.definition, Name: 'focus', DataQuery } });
  await t.throwsAsync(check({ scheme: 'adopt', dialect: 'cur2', name: 'focus', bucket: null }), { code: 'data-sources.export-not-found' });
});

test.serial('a bucket alone tells name, prefix and dialect from its keys', async (t) => {
  await fill('bucket-alone', {
    'x/acme/data/BILLING_PERIOD=2026-03/acme-00001.csv.gz': 'data',
    'x/acme/metadata/BILLING_PERIOD=2026-03/acme-Manifest.json': '{"dataFiles":[]}',
    'aws-programmatic-access-test-object': 'x',
  });
  const wanted: AwsExportRequest = { scheme: 'bucket-only', dialect: null, name: null, bucket: 'bucket-alone', prefix: '', region: null };
  const checked = await check(wanted);
  t.deepEqual(checked.export, { scheme: 'bucket-only', dialect: 'cur2', name: 'acme', bucket: 'bucket-alone', prefix: 'x', region: 'us-east-1', path: null });
  await moto.unchecked(() => account.putObject('bucket-alone', 'y/other/20260301-20260401/other-Manifest.json', MANIFEST));
  await t.throwsAsync(check(wanted), { code: 'data-sources.several-exports' });
  t.is((await check({ ...wanted, dialect: 'cur' })).export?.name, 'other');
  await t.throwsAsync(check({ ...wanted, prefix: 'nothing/here' }), { code: 'data-sources.export-not-found' });
  t.regex((await check({ ...wanted, prefix: 'nothing/here', dialect: 'cur' })).warnings.join(), /Nothing lies below/);
});

test.serial('a role is assumed with its external id, and refused with another', async (t) => {
  const trust = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${MOTO_ACCOUNT}:user/admin` },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': 'orrery-42' } },
      },
    ],
  };
  const roleArn = await moto.unchecked(() => account.createRole('billing-reader', trust, EVERYTHING));
  const wanted: AwsExportRequest = { scheme: 'bucket-only', dialect: 'cur', name: 'other', bucket: 'bucket-alone', prefix: 'y', region: 'us-east-1' };
  const role = { kind: 'assumed-role', role_arn: roleArn, external_id: 'orrery-42', base: key } as const;
  const checked = await checker.check(rootOf(wanted), role, signal);
  t.regex(checked.principalArn ?? '', /assumed-role\/billing-reader\/orrery$/);
  const refused = await t.throwsAsync(checker.check(rootOf(wanted), { ...role, external_id: 'wrong' }, signal), { code: 'aws.role-not-assumable' });
  t.regex(refused?.message ?? '', /billing-reader/);
});

test.serial('a directory is read without credentials and says whose bill it is', async (t) => {
  const folder = join(root, 'bill', 'cur', 'acme', '20260301-20260401');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'acme-Manifest.json'), MANIFEST);
  const wanted: AwsExportRequest = { scheme: 'directory', dialect: null, name: null, path: join(root, 'bill'), prefix: '' };
  const checked = await checker.check(rootOf(wanted), null, signal);
  t.is(checked.accountId, MOTO_ACCOUNT);
  t.deepEqual(checked.export, { scheme: 'directory', dialect: 'cur', name: 'acme', bucket: null, prefix: 'cur', region: null, path: join(root, 'bill') });
  await t.throwsAsync(checker.check(rootOf({ ...wanted, path: '/etc' }), null, signal), { code: 'data-sources.directory-not-allowed' });
});

for (const format of ['csv', 'csv.gz', 'parquet'] as const) {
  test.serial(`without a manifest the first ${format} file says whose bill it is`, async (t) => {
    const path = join(root, `bare-${format}`);
    const folder = join(path, 'BILLING_PERIOD=2026-03');
    await mkdir(folder, { recursive: true });
    const file = join(folder, `bill.${format}`);
    if (format === 'parquet') {
      await using duckDb = new DuckDbProcess({ memoryLimitMb: 200, threads: 1, temporaryDirectory: path }, signal);
      await duckDb.run(`copy (select 'Usage' as line_item_line_item_type, '${MOTO_ACCOUNT}' as bill_payer_account_id) to '${file}' (format parquet)`);
    } else {
      const text = `lineItem/LineItemType,bill/PayerAccountId\nUsage,${MOTO_ACCOUNT}\n`;
      await writeFile(file, format === 'csv' ? text : gzipSync(text));
    }
    const checked = await checker.check(rootOf({ scheme: 'directory', dialect: null, name: null, path, prefix: '' }), null, signal);
    t.is(checked.accountId, MOTO_ACCOUNT);
    t.deepEqual(checked.warnings, []);
  });
}

test.serial('a file that does not say whose bill it is leaves that open, and one that cannot be read says why', async (t) => {
  const path = join(root, 'nameless');
  const folder = join(path, 'BILLING_PERIOD=2026-03');
  await mkdir(folder, { recursive: true });
  const wanted: AwsExportRequest = { scheme: 'directory', dialect: null, name: null, path, prefix: '' };
  await writeFile(join(folder, 'bill.csv'), 'lineItem/LineItemType\nUsage\n');
  t.like(await checker.check(rootOf(wanted), null, signal), { accountId: null, warnings: [] });
  await writeFile(join(folder, 'bill.parquet'), 'PAR1 and nothing else');
  const broken = await checker.check(rootOf(wanted), null, signal);
  t.is(broken.accountId, null);
  t.regex(broken.warnings.join(), /cannot be read from .*bill\.parquet/);
});

test.serial('what is malformed is refused by its field before anything is called', async (t) => {
  dataExports.calls.length = 0;
  const create: AwsExportRequest = { scheme: 'create', dialect: 'cur2', name: 'made', bucket: 's3://made', prefix: 'cur2', region: 'eu-west-1' };
  t.deepEqual(await fieldsOf(check(create)), ['export.bucket']);
  t.deepEqual(await fieldsOf(check({ ...create, bucket: 'made-here', prefix: 'cur2/' })), ['export.prefix']);
  t.deepEqual(await fieldsOf(check({ ...create, bucket: 'made-here', region: 'Ireland' })), ['export.region']);
  t.deepEqual(await fieldsOf(check({ ...create, bucket: 'made-here', name: 'a b' })), ['export.name']);
  t.deepEqual(await fieldsOf(checker.check({ kind: 'linked' }, { ...key, access_key_id: 'no' }, signal)), ['access_key_id']);
  await t.throwsAsync(checker.check({ kind: 'linked' }, null, signal), { code: 'data-sources.no-credentials' });
  t.deepEqual(dataExports.calls, []);
});

async function fieldsOf(run: Promise<unknown>): Promise<string[]> {
  try {
    await run;
  } catch (error) {
    return (error as { fields: { field: string }[] }).fields.map((one) => one.field);
  }
  return [];
}
