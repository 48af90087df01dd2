import test from 'ava';
import type { AwsExportRequest } from '../../domain/data-sources/aws-connection.ts';
import type { AwsKeyPair } from '../../domain/data-sources/aws-credentials.ts';
import { leastPrivilegePolicy, type PolicyOptions } from '../../domain/data-sources/aws-policy.ts';
import type { PolicyDocument } from '../../domain/data-sources/bucket-policy.ts';
import type { ExportSettings } from '../../domain/data-sources/data-source.ts';
import { createAwsConnectionChecker } from '../../providers/aws/connection-checker.ts';
import { createExportAccess } from '../../providers/aws/export-access.ts';
import { discoverPeriods } from '../../providers/aws/billing/discover-periods.ts';
import { awsAccount, peerSettings, type AwsAccount } from '../helpers/peers/aws-account.ts';
import { startDataExportsStandIn } from '../helpers/peers/data-exports-stand-in.ts';
import { startFaultProxy, type RecordedRequest } from '../helpers/peers/fault-proxy.ts';
import { startMinistack } from '../helpers/peers/ministack.ts';
import { MOTO_ACCOUNT, startMoto, type MotoPeer } from '../helpers/peers/moto.ts';
import { startReportPager } from '../helpers/peers/report-pager.ts';
import type { Peer } from '../helpers/peers/peer.ts';

const signal = new AbortController().signal;
const MONTH = '20260301-20260401';
const MANIFEST = JSON.stringify({
  assemblyId: 'a1',
  account: MOTO_ACCOUNT,
  billingPeriod: { start: '20260301T000000.000Z', end: '20260401T000000.000Z' },
  reportKeys: [`cur/acme/${MONTH}/a1/acme-1.csv`],
});

let moto: MotoPeer;
let ministack: Peer;
let account: AwsAccount;

test.before(async () => {
  [moto, ministack] = await Promise.all([startMoto(), startMinistack()]);
  account = awsAccount(moto.url);
  await moto.enforceAuth();
});

test.after.always(async () => {
  await Promise.all([moto?.stop(), ministack?.stop()]);
});

/** A call as IAM sees it. */
interface Call {
  action: string;
  resource: string;
  /** `s3:prefix` of a listing. */
  prefix?: string;
}

/** What S3 asks IAM for, by the form of the request. Source: "Actions, resources, and condition keys for Amazon S3". */
function s3Call({ method, url }: RecordedRequest): Call {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const [bucket = '', ...rest] = pathname.slice(1).split('/').map(decodeURIComponent);
  const key = rest.join('/');
  const onBucket = `arn:aws:s3:::${bucket}`;
  if (key !== '') return { action: method === 'PUT' ? 's3:PutObject' : 's3:GetObject', resource: `${onBucket}/${key}` };
  if (searchParams.has('policy')) return { action: method === 'PUT' ? 's3:PutBucketPolicy' : 's3:GetBucketPolicy', resource: onBucket };
  if (method === 'PUT') return { action: 's3:CreateBucket', resource: onBucket };
  return { action: 's3:ListBucket', resource: onBucket, ...(method === 'GET' && { prefix: searchParams.get('prefix') ?? '' }) };
}

/** IAM's decision on identity policies, as far as our policies go: Allow, wildcards, StringLike on `s3:prefix`. */
function allows(policy: PolicyDocument, call: Call): boolean {
  return policy.Statement.some((statement) => {
    const prefixes = [statement.Condition?.StringLike?.['s3:prefix'] ?? []].flat();
    const isPrefixFine = statement.Condition === undefined || prefixes.some((pattern) => matches(pattern, call.prefix ?? ''));
    return isPrefixFine && [statement.Action].flat().includes(call.action) && [statement.Resource].flat().some((one) => matches(one, call.resource));
  });
}

function matches(pattern: string, value: string): boolean {
  return new RegExp(`^${pattern.split('*').map((part) => part.replaceAll(/[.?+^$()[\]{}|\\]/g, String.raw`\$&`)).join('.*')}$`).test(value);
}

function actionsOf(policy: PolicyDocument): string[] {
  return [...new Set(policy.Statement.flatMap((statement) => statement.Action))].sort();
}

/** Connects and reads everything an import reads, and tells every call that was made. */
async function connectAndRead(wanted: AwsExportRequest, key: AwsKeyPair): Promise<Call[]> {
  const recorder = await startFaultProxy(moto.url, { seed: 0, rates: {} });
  const reports = await startReportPager(ministack.url);
  const dataExports = await startDataExportsStandIn({ accountId: MOTO_ACCOUNT });
  const aws = peerSettings({ s3: recorder.url, sts: moto.url, costAndUsageReport: reports.url, dataExports: dataExports.url });
  try {
    // One is what adopting finds, and what creating has to tell from its own.
    dataExports.exports.set('acme', { ...stored({ name: 'acme', bucket: 'least', prefix: 'cur' }), status: 'HEALTHY', statusReason: null });
    const checked = await createAwsConnectionChecker({ aws, allowedRoots: [] }).check({ kind: 'root', export: wanted }, key, signal);
    const settings = checked.export as ExportSettings;
    const objects = createExportAccess({ aws, allowedRoots: [] }).exportObjectsFor(settings, key);
    for (const period of await discoverPeriods(objects, settings)) {
      for (const { key, etag } of period.objects) (await objects.open(key, etag, signal)).destroy();
    }
    const api = [...reports.calls, ...dataExports.calls].map((action) => ({ action, resource: '*' }));
    return [...recorder.requests.map(s3Call), ...api];
  } finally {
    await Promise.all([recorder.stop(), reports.stop(), dataExports.stop()]);
  }
}

function stored({ name, bucket, prefix }: { name: string; bucket: string; prefix: string }) {
  return {
    definition: {
      Name: name,
      DataQuery: { QueryStatement: 'SELECT line_item_unblended_cost FROM COST_AND_USAGE_REPORT' },
      DestinationConfigurations: {
        S3Destination: {
          S3Bucket: bucket,
          S3Prefix: prefix,
          S3Region: 'us-east-1',
          S3OutputConfigurations: { OutputType: 'CUSTOM', Format: 'TEXT_OR_CSV', Compression: 'GZIP', Overwrite: 'CREATE_NEW_REPORT' } as const,
        },
      },
      RefreshCadence: { Frequency: 'SYNCHRONOUS' as const },
    },
  };
}

interface Scenario {
  title: string;
  wanted: AwsExportRequest;
  options: PolicyOptions & { scheme: 'adopt' | 'create' | 'bucket-only' };
  /** In the policy though we never call it: AWS asks for it inside another call. */
  askedByAws: string[];
}

const known = { kind: 'root' as const, accountId: MOTO_ACCOUNT, bucket: 'least', prefix: 'cur', name: 'acme' };
const scenarios: Scenario[] = [
  {
    title: 'a bucket alone',
    wanted: { scheme: 'bucket-only', dialect: 'cur', name: 'acme', bucket: 'least', prefix: 'cur', region: 'us-east-1' },
    options: { ...known, scheme: 'bucket-only', dialect: 'cur' },
    askedByAws: [],
  },
  {
    title: 'a bucket alone, with nothing else known',
    wanted: { scheme: 'bucket-only', dialect: null, name: null, bucket: 'least', prefix: '', region: null },
    options: { ...known, scheme: 'bucket-only', dialect: null, prefix: '', name: null },
    askedByAws: [],
  },
  {
    title: 'adopting a CUR 2.0 export',
    wanted: { scheme: 'adopt', dialect: 'cur2', name: 'acme', bucket: null },
    options: { ...known, scheme: 'adopt', dialect: 'cur2' },
    askedByAws: [],
  },
  {
    title: 'adopting whatever matches',
    wanted: { scheme: 'adopt', dialect: null, name: 'acme', bucket: 'least' },
    options: { ...known, scheme: 'adopt', dialect: null },
    askedByAws: [],
  },
  {
    title: 'creating a legacy report',
    wanted: { scheme: 'create', dialect: 'cur', name: 'fresh-cur', bucket: 'least-cur', prefix: 'cur', region: 'us-east-1' },
    options: { ...known, scheme: 'create', dialect: 'cur', bucket: 'least-cur', name: 'fresh-cur' },
    askedByAws: [],
  },
  {
    title: 'creating a CUR 2.0 export',
    wanted: { scheme: 'create', dialect: 'cur2', name: 'fresh', bucket: 'least-cur2', prefix: 'cur2', region: 'us-east-1' },
    options: { ...known, scheme: 'create', dialect: 'cur2', bucket: 'least-cur2', prefix: 'cur2', name: 'fresh' },
    askedByAws: ['cur:PutReportDefinition'],
  },
];

test.serial('without a bill there is nothing to allow', (t) => {
  t.is(leastPrivilegePolicy({ kind: 'linked' }), null);
  t.is(leastPrivilegePolicy({ kind: 'root', scheme: 'directory' }), null);
});

for (const [index, { title, wanted, options, askedByAws }] of scenarios.entries()) {
  test.serial(`the policy allows exactly the calls really made: ${title}`, async (t) => {
    const policy = leastPrivilegePolicy(options);
    if (policy === null) throw new Error('this scheme needs a policy');
    const user = await moto.unchecked(async () => {
      await fill();
      return account.createUser(`least-${index}`, { ...policy, Statement: [...policy.Statement, motoHeadBucket] });
    });
    const calls = await connectAndRead(wanted, user);
    const s3Calls = calls.filter((call) => call.action.startsWith('s3:'));
    t.deepEqual(s3Calls.filter((call) => !allows(policy, call)), [], 'every call is allowed, on its resource and prefix');
    // A new bucket is empty: reading its files is part of the policy, and comes with the first delivery.
    const later = options.scheme === 'create' ? ['s3:GetObject'] : [];
    const made = [...new Set([...calls.map((call) => call.action), ...askedByAws, ...later])].sort();
    t.deepEqual(actionsOf(policy), made, 'nothing is allowed that is not called');
  });
}

/** S3 asks for s3:ListBucket when a bucket is looked at with HEAD; moto asks for an action that does not exist. */
const motoHeadBucket = { Effect: 'Allow' as const, Action: 's3:HeadBucket', Resource: '*' };

let isFilled = false;

async function fill(): Promise<void> {
  if (isFilled) return;
  isFilled = true;
  await account.createBucket('least');
  await account.putObject('least', `cur/acme/${MONTH}/acme-Manifest.json`, MANIFEST);
  await account.putObject('least', `cur/acme/${MONTH}/a1/acme-1.csv`, 'identity/LineItemId\n');
}

test.serial('each S3 action is needed: without it the check names it', async (t) => {
  const { wanted, options } = scenarios[0] as Scenario;
  const policy = leastPrivilegePolicy(options) as PolicyDocument;
  const user = await moto.unchecked(() => account.createUser('least-lacking', policy));
  for (const missing of actionsOf(policy)) {
    const rest = policy.Statement.filter((statement) => ![statement.Action].flat().includes(missing));
    await moto.unchecked(() => account.setUserPolicy('least-lacking', { ...policy, Statement: rest }));
    const error = await t.throwsAsync(connectAndRead(wanted, user), { code: 'aws.missing-permission' });
    t.is((error as Error & { details?: { action?: string } }).details?.action, missing);
  }
});
