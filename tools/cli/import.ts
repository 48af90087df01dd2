import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { Big } from 'big.js';
import { isBelow } from '../../domain/billing/export-layout.ts';
import { ApiError, type ApiClient, type DataSource, type ImportDetail, type NewDataSource } from './api-client.ts';
import { followOperation, progressBar } from './follow.ts';

export interface ImportFlags {
  name?: string;
  report?: string;
  region?: string;
  dialect?: string;
  roleArn?: string;
  externalId?: string;
  keyPair?: boolean;
  initialMonths?: number;
  month?: string[];
}

/** Where a bill lies, as typed: a directory, or `s3://bucket/prefix`. */
export type Place = { scheme: 'directory'; path: string } | { scheme: 'bucket-only'; bucket: string; prefix: string };

export function readPlace(text: string): Place {
  if (!text.startsWith('s3://')) return { scheme: 'directory', path: resolve(text) };
  const [bucket = '', ...prefix] = text.slice('s3://'.length).split('/');
  if (bucket === '') throw new ApiError('no-bucket', `${text} names no bucket; write s3://bucket/prefix.`);
  // AWS keeps prefixes verbatim, but a slash at the end is how people point at a folder.
  return { scheme: 'bucket-only', bucket, prefix: prefix.join('/').replace(/\/$/, '') };
}

/** Refuses a directory that is not there, before anything is made for it. Another machine's is the API's to judge. */
export function requirePlace(client: Pick<ApiClient, 'isLocal'>, place: Place): void {
  if (place.scheme !== 'directory' || !client.isLocal) return;
  if (statSync(place.path, { throwIfNoEntry: false })?.isDirectory() !== true) throw new ApiError('no-directory', `There is no directory ${place.path}.`);
}

/** Imports the bill at `place`, connecting it as a data source first if it is not one yet, and follows to the end. */
export async function importBill(client: ApiClient, organizationId: string, place: Place, flags: ImportFlags, env: NodeJS.ProcessEnv): Promise<string> {
  const { source, isNew } = await ensureDataSource(client, organizationId, place, flags, env);
  console.log(`${isNew ? 'Connected' : 'Using'} data source ${source.name} (${source.id}, account ${source.account_id})`);
  const bar = progressBar(process.stdout);
  try {
    const { id, result } = await followOperation(client, await client.startImport(source.id, flags.month ?? []), bar.tell);
    return result?.import_id === undefined ? `Done (${id}).` : describeImport(await client.getImport(result.import_id));
  } finally {
    bar.stop();
  }
}

/** What an import did, month by month, with the exact sum of what it read. */
export function describeImport({ months, files }: ImportDetail): string {
  const sums = new Map<string, Big>();
  for (const { currency, billed_cost: cost } of files.flatMap(({ taken }) => taken)) sums.set(currency, (sums.get(currency) ?? new Big(0)).plus(cost));
  const rows = files.reduce((total, file) => total + file.rows, 0);
  const billed = [...sums].map(([currency, sum]) => `${sum.toFixed()} ${currency}`).join(', ');
  const read = files.length === 0 ? 'Nothing had changed.' : `Read ${rows.toLocaleString('en')} rows of ${files.length} ${files.length === 1 ? 'file' : 'files'}, billed ${billed}.`;
  return [...months.map(({ month, state }) => `${month} ${state}`), read].join('\n');
}

/** The data source of that place; made when there is none. @throws ApiError when several are there and none is named. */
export async function ensureDataSource(
  client: ApiClient,
  organizationId: string,
  place: Place,
  flags: ImportFlags,
  env: NodeJS.ProcessEnv,
): Promise<{ source: DataSource; isNew: boolean }> {
  const [known, ...others] = (await client.listDataSources(organizationId)).filter((source) => isAt(source, place, flags.report));
  if (known === undefined) return { source: await connect(client, organizationId, place, flags, env), isNew: true };
  if (others.length > 0) throw severalThere([known, ...others]);
  return { source: known, isNew: false };
}

/** What was found below a bucket's prefix is kept with the folders that lead to it, so the place as typed may lie above. */
function isAt({ export: settings }: DataSource, place: Place, report: string | undefined): boolean {
  if (settings === undefined || settings === null) return false;
  if (report !== undefined && settings.name !== report) return false;
  if (place.scheme === 'directory') return settings.path === place.path;
  return settings.bucket === place.bucket && isBelow(folderOf(settings), place.prefix);
}

function folderOf({ prefix, name }: { prefix?: string | null | undefined; name?: string | null | undefined }): string {
  return [prefix, name].filter((part) => part !== undefined && part !== null && part !== '').join('/');
}

function severalThere(sources: DataSource[]): ApiError {
  const lines = sources.map(({ id, name, export: settings }) => `  ${name} (${id}): ${folderOf(settings ?? {})}`);
  return new ApiError('several-data-sources', `${sources.length} data sources lie there; choose one with --report or a longer path:\n${lines.join('\n')}`);
}

async function connect(client: ApiClient, organizationId: string, place: Place, flags: ImportFlags, env: NodeJS.ProcessEnv): Promise<DataSource> {
  const standardName = place.scheme === 'directory' ? basename(place.path) : place.bucket;
  const wish: NewDataSource = {
    name: flags.name ?? standardName,
    ...(flags.initialMonths !== undefined && { initial_months: flags.initialMonths }),
    ...(place.scheme !== 'directory' && { credentials: credentialsFrom(flags, env) }),
    export: exportFrom(place, flags),
  };
  const created = await client.createDataSource(organizationId, wish);
  if ('dataSource' in created) return created.dataSource;
  const { subject_id: id } = await followOperation(client, created.operation, (operation) => console.log(`checking the credentials: ${operation.state}`));
  return client.getDataSource(id);
}

function exportFrom(place: Place, flags: ImportFlags): Record<string, string> {
  return {
    ...place,
    ...(flags.report !== undefined && { name: flags.report }),
    ...(flags.dialect !== undefined && { dialect: flags.dialect }),
    ...(place.scheme === 'bucket-only' && flags.region !== undefined && { region: flags.region }),
  };
}

/** Keys come from the environment, never from the command line, which other users of the machine can read. */
function credentialsFrom(flags: ImportFlags, env: NodeJS.ProcessEnv): Record<string, string> {
  if (flags.roleArn !== undefined) return { kind: 'assumed-role', role_arn: flags.roleArn, ...(flags.externalId !== undefined && { external_id: flags.externalId }) };
  if (flags.keyPair !== true) return { kind: 'default-chain' };
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: session } = env;
  if (!id || !secret) throw new ApiError('no-keys', '--key-pair sends AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from the environment; set both.');
  // Temporary keys, as single sign-on gives them, are no keys without it.
  return { kind: 'key-pair', access_key_id: id, secret_access_key: secret, ...(session && { session_token: session }) };
}
