import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { formatOfKey } from '../../domain/billing/export-layout.ts';
import type { ExportObject, ExportObjects } from '../../domain/billing/ports.ts';
import {
  refuseMalformedRequest,
  type AdoptExport,
  type AwsConnectionRequest,
  type AwsExportRequest,
  type BucketOnlyExport,
  type CreateExport,
  type DirectoryExport,
} from '../../domain/data-sources/aws-connection.ts';
import { refuseMalformedCredentials, type AwsCredentials } from '../../domain/data-sources/aws-credentials.ts';
import type { ExportSettings } from '../../domain/data-sources/data-source.ts';
import { deliveryStatements } from '../../domain/data-sources/bucket-policy.ts';
import type { CheckedConnection, ConnectionChecker, ExportAccess } from '../../domain/data-sources/ports.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { awsErrors } from '../../domain/data-sources/aws-errors.ts';
import { payerAccountOf, payerAccountOfParquet } from './billing/first-record.ts';
import { allowDelivery, createBucket, findBucket } from './bucket.ts';
import { createAwsClients, type AwsClients } from './clients.ts';
import { createDataExport, listDataExports } from './data-exports.ts';
import { createExportAccess, type ExportAccessOptions } from './export-access.ts';
import type { FoundExport } from './found-export.ts';
import { inspectExport, severalExports, type ExportHint } from './inspect-export.ts';
import { listReportDefinitions, putReportDefinition } from './report-definitions.ts';
import { callAws } from './sdk-errors.ts';
import { BILLING_API_REGION } from './settings.ts';

/** Checks AWS connections against AWS itself (or the directory). */
export function createAwsConnectionChecker(options: ExportAccessOptions): ConnectionChecker {
  const access = createExportAccess(options);
  return {
    check: async (request, credentials, signal) => {
      refuseMalformedRequest(request);
      if (credentials !== null) refuseMalformedCredentials(credentials);
      if (request.kind === 'root' && request.export.scheme === 'directory') {
        return checkDirectory(access, request.export, await identify(options, credentials, signal), signal);
      }
      if (credentials === null) throw noCredentials();
      const check: Check = { access, clients: createAwsClients(options.aws, credentials), credentials, signal };
      return checkAccount(check, request, await callerIdentity(check.clients, signal));
    },
  };
}

interface Check {
  access: ExportAccess;
  clients: AwsClients;
  credentials: AwsCredentials;
  signal: AbortSignal;
}

type Identity = Pick<CheckedConnection, 'accountId' | 'principalArn'>;

async function checkAccount(check: Check, request: AwsConnectionRequest, identity: Identity & { accountId: string }): Promise<CheckedConnection> {
  if (request.kind === 'linked') {
    const warning =
      'A linked account brings no bill of its own: its costs appear once the root (payer) account of its organization is connected.';
    return { ...identity, export: null, warnings: [warning] };
  }
  const { settings, isKnown, warnings } = await locate(check, request.export, identity.accountId);
  const { objects, region } = await openInItsRegion(check, settings);
  const hint: ExportHint = {
    prefix: settings.prefix,
    name: settings.name,
    dialect: settings.dialect,
    place: `s3://${settings.bucket}/${settings.prefix}`,
    isKnown,
  };
  const { prefix, name, dialect, warnings: seen } = await inspectExport(objects, hint, check.signal);
  return { ...identity, export: { ...settings, region, prefix, name, dialect }, warnings: [...warnings, ...seen] };
}

/** Export settings whose dialect and region may still have to be told. */
type Located = Omit<ExportSettings, 'dialect'> & { dialect: ExportSettings['dialect'] | null; bucket: string };

async function locate(
  check: Check,
  wanted: AwsExportRequest,
  accountId: string,
): Promise<{ settings: Located; isKnown: boolean; warnings: string[] }> {
  if (wanted.scheme === 'adopt') return adopt(check, wanted);
  if (wanted.scheme === 'create') return create(check, wanted, accountId);
  if (wanted.scheme === 'bucket-only') return { settings: bucketOnly(wanted), isKnown: wanted.dialect !== null, warnings: [] };
  throw new DomainError({ kind: 'invariant', code: 'data-sources.not-in-s3', message: 'A directory does not lie in a bucket.' });
}

function bucketOnly(wanted: BucketOnlyExport): Located {
  const { dialect, name, bucket, prefix, region } = wanted;
  return { scheme: 'bucket-only', dialect, name, bucket, prefix, region, path: null };
}

function fromApi(scheme: 'adopt' | 'create', found: Omit<FoundExport, 'warnings'>): Located {
  const { dialect, name, bucket, prefix, region } = found;
  return { scheme, dialect, name, bucket, prefix, region, path: null };
}

async function adopt(check: Check, wanted: AdoptExport) {
  const all = await listExports(check, wanted.dialect);
  const matching = all.filter(
    (one) => (wanted.name === null || one.name === wanted.name) && (wanted.bucket === null || one.bucket === wanted.bucket),
  );
  const [only, ...others] = matching;
  if (only === undefined) {
    throw new DomainError({
      kind: 'invalid-input',
      code: 'data-sources.export-not-found',
      message: 'The account has no such export. Choose another name or bucket (details.exports lists what there is), or let one be created.',
      details: { exports: all.map(describeFound) },
    });
  }
  if (others.length > 0) throw severalExports('the account', matching.map(describeFound));
  return { settings: fromApi('adopt', only), isKnown: true, warnings: only.warnings };
}

async function listExports({ clients, signal }: Check, dialect: AdoptExport['dialect']): Promise<FoundExport[]> {
  const modern = dialect === 'cur' ? [] : await listDataExports(await clients.dataExports(), signal);
  const legacy = dialect === 'cur2' ? [] : await listReportDefinitions(await clients.costAndUsageReport(), signal);
  return [...modern, ...legacy];
}

function describeFound({ dialect, name, bucket, prefix, region }: FoundExport): object {
  return { dialect, name, bucket, prefix, region };
}

/** Each step looks before it acts, so that an attempt that was cut off is taken up where it ended. */
async function create(check: Check, wanted: CreateExport, accountId: string) {
  const { clients, signal } = check;
  const same = (await listExports(check, wanted.dialect)).find((one) => one.name === wanted.name);
  if (same !== undefined && (same.bucket !== wanted.bucket || same.prefix !== wanted.prefix)) {
    throw awsErrors.exportNameTaken(wanted.name, createCallOf(wanted), { awsCode: 'none' });
  }
  const warnings: string[] = [];
  const found = await findBucket(await clients.s3(wanted.region), wanted.bucket, wanted.region, signal);
  const region = found ?? wanted.region;
  if (found === null) await createBucket(await clients.s3(region), wanted.bucket, region, signal);
  else if (region !== wanted.region) warnings.push(`Bucket ${wanted.bucket} exists in ${region} and is used there, not in ${wanted.region}.`);
  const s3: S3Client = await clients.s3(region);
  // Before the export: AWS tries to write when the export is made.
  await allowDelivery(s3, wanted.bucket, deliveryStatements(wanted.dialect, wanted.bucket, accountId), signal);
  if (same === undefined) {
    const definition = { name: wanted.name, bucket: wanted.bucket, prefix: wanted.prefix, region };
    if (wanted.dialect === 'cur2') await createDataExport(await clients.dataExports(), definition, signal);
    else await putReportDefinition(await clients.costAndUsageReport(), definition, signal);
  }
  const settings = fromApi('create', { ...wanted, region });
  return { settings, isKnown: true, warnings: [...warnings, ...(same?.warnings ?? [])] };
}

function createCallOf(wanted: CreateExport) {
  return { action: wanted.dialect === 'cur2' ? 'bcm-data-exports:CreateExport' : 'cur:PutReportDefinition', resource: wanted.name };
}

/** Without a region S3 itself tells the right one, in its refusal: that needs no right to ask for it. */
async function openInItsRegion(check: Check, settings: Located): Promise<{ objects: ExportObjects; region: string }> {
  const open = (region: string): ExportObjects =>
    check.access.exportObjectsFor({ ...settings, dialect: settings.dialect ?? 'cur', region }, check.credentials);
  const first = settings.region ?? BILLING_API_REGION;
  if (settings.region !== null) return { objects: open(first), region: first };
  try {
    const pages = open(first).list(settings.prefix)[Symbol.asyncIterator]();
    await pages.next();
    await pages.return?.();
  } catch (error) {
    const right = error instanceof DomainError && error.code === 'aws.wrong-region' ? error.details.region : null;
    if (typeof right !== 'string') throw error;
    return { objects: open(right), region: right };
  }
  return { objects: open(first), region: first };
}

async function checkDirectory(
  access: ExportAccess,
  wanted: DirectoryExport,
  identity: Identity,
  signal: AbortSignal,
): Promise<CheckedConnection> {
  const { path, prefix, name } = wanted;
  const settings: ExportSettings = { scheme: 'directory', dialect: wanted.dialect ?? 'cur', name, bucket: null, prefix, region: null, path };
  const objects = access.exportObjectsFor(settings, null);
  const hint: ExportHint = { prefix, name, dialect: wanted.dialect, place: path, isKnown: wanted.dialect !== null };
  const found = await inspectExport(objects, hint, signal);
  const named = identity.accountId ?? found.accountId;
  const payer = named === null && found.sample !== null ? await payerOf(objects, found.sample, path, signal) : { accountId: named, warnings: [] };
  return {
    accountId: payer.accountId,
    principalArn: identity.principalArn,
    export: { ...settings, prefix: found.prefix, name: found.name, dialect: found.dialect },
    warnings: [...found.warnings, ...payer.warnings],
  };
}

/**
 * Without a manifest that names the account the bill itself does, so that the same bill in another directory is known as
 * such. A file that cannot be read is no reason not to connect: its import says precisely what is wrong with it.
 */
async function payerOf(objects: ExportObjects, sample: ExportObject, path: string, signal: AbortSignal): Promise<{ accountId: string | null; warnings: string[] }> {
  const work = await mkdtemp(join(tmpdir(), 'orrery-payer-'));
  try {
    if (formatOfKey(sample.key) !== 'parquet') return { accountId: await payerAccountOf(objects, sample, signal), warnings: [] };
    // DuckDB opens the file by itself: that it lies where files may be read is asked again.
    await objects.head(sample.key);
    return { accountId: await payerAccountOfParquet(join(path, sample.key), work, signal), warnings: [] };
  } catch (error) {
    signal.throwIfAborted();
    return { accountId: null, warnings: [`Whose bill it is cannot be read from ${sample.key}: ${error instanceof Error ? error.message : String(error)}`] };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function identify(options: ExportAccessOptions, credentials: AwsCredentials | null, signal: AbortSignal): Promise<Identity> {
  if (credentials === null) return { accountId: null, principalArn: null };
  return callerIdentity(createAwsClients(options.aws, credentials), signal);
}

async function callerIdentity(clients: AwsClients, signal: AbortSignal): Promise<Identity & { accountId: string }> {
  const { GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
  const client = await clients.sts();
  // Needs no permission: whoever may sign may ask.
  const context = { action: 'sts:GetCallerIdentity', resource: '*' };
  const answer = await callAws(context, signal, () => client.send(new GetCallerIdentityCommand({}), { abortSignal: signal }));
  if (answer.Account === undefined) throw awsErrors.unexpected(context, { awsCode: 'NoAccount' });
  return { accountId: answer.Account, principalArn: answer.Arn ?? null };
}

function noCredentials(): DomainError {
  return new DomainError({
    kind: 'invalid-input',
    code: 'data-sources.no-credentials',
    message: 'An AWS account needs credentials. Give a key pair, a role, or the worker\'s own (default-chain).',
  });
}
