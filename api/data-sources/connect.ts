import { setTimeout as delay } from 'node:timers/promises';
import { beginConnection } from '../../commands/data-sources/connect-data-source.ts';
import { getCheck } from '../../db/data-sources/credential-check-store.ts';
import { getDataSource } from '../../db/data-sources/data-source-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { getOperation } from '../../db/operations/operation-store.ts';
import { credentialsToText, refuseMalformedCredentials, type AwsCredentials } from '../../domain/data-sources/aws-credentials.ts';
import { refuseMalformedRequest, type AwsConnectionRequest, type AwsExportRequest } from '../../domain/data-sources/aws-connection.ts';
import type { ConnectWish, CredentialCheck } from '../../domain/data-sources/credential-check.ts';
import type { DataSource } from '../../domain/data-sources/data-source.ts';
import { DomainError, invalidField, notFound } from '../../domain/shared/errors.ts';
import { operationBody } from '../operations/schemas.ts';
import { operationView } from '../operations/view.ts';
import type { Answer, RequestContext } from '../shared/operation.ts';
import type { z } from '../shared/zod.ts';
import { dataSourceBody, type connectInput, type reconnectInput } from './schemas.ts';
import { dataSourceView } from './views.ts';

/** How long a request watches its check before it answers 202. */
const WATCH_MS = 20_000;
const LOOK_EVERY_MS = 100;

/** The data source, new (201) or changed (200), when the cloud answered in time, else 202 with the operation. */
export const connectResponses = { 200: dataSourceBody, 201: dataSourceBody, 202: operationBody };
type Context = RequestContext<typeof connectResponses>;
type ConnectAnswer = Answer<typeof connectResponses>;

/** Starts the check of a new connection and waits a while for its outcome. */
export async function connect(
  context: Context,
  body: z.output<typeof connectInput>,
): Promise<ConnectAnswer> {
  const credentials: AwsCredentials | undefined = body.credentials;
  const connection = connectionOf(body.kind, body.export);
  refuseMissing(connection, credentials);
  const wish: ConnectWish = {
    cloud: body.cloud,
    name: body.name,
    credentialsKind: credentials?.kind ?? 'none',
    connection,
    linkedAccounts: body.linked_accounts,
    importIntervalMinutes: body.import_interval_minutes,
    initialMonths: body.initial_months,
  };
  const { answer, check } = await begin(context, wish, credentials, null);
  const source = check === null ? null : await watch(context.deps.db, check);
  return source === null ? answer : { status: 201, body: dataSourceView(source), version: source.version };
}

/** Starts the check of new credentials or export settings for a data source that exists. */
export async function reconnect(
  context: Context,
  id: string,
  body: z.output<typeof reconnectInput>,
): Promise<ConnectAnswer> {
  const source = await getDataSource(context.deps.db, context.organizationId, id);
  if (source === null) throw notFound('data-source', id);
  const credentials: AwsCredentials | undefined = body.credentials;
  const connection = connectionOf(source.kind, body.export ?? exportOf(source));
  refuseMissing(connection, credentials);
  const wish: ConnectWish = {
    cloud: source.cloud,
    name: source.name,
    credentialsKind: credentials?.kind ?? 'none',
    connection,
    linkedAccounts: source.linkedAccounts,
    importIntervalMinutes: source.importIntervalMinutes,
    initialMonths: source.initialMonths,
  };
  const { answer, check } = await begin(context, wish, credentials, id);
  const updated = check === null ? null : await watch(context.deps.db, check);
  return updated === null ? answer : { status: 200, body: dataSourceView(updated), version: updated.version };
}

async function begin(
  context: Context,
  wish: ConnectWish,
  credentials: AwsCredentials | undefined,
  dataSourceId: string | null,
): Promise<{ answer: ConnectAnswer; check: CredentialCheck | null }> {
  const { deps, organizationId, at, actor } = context;
  let check: CredentialCheck | null = null;
  const answer = await context.transact(async (tx) => {
    const secret = credentials === undefined ? null : credentialsToText(credentials);
    check = await beginConnection(tx, deps.vault, { organizationId, wish, secret, dataSourceId, at, by: actor });
    const operation = await getOperation(tx, organizationId, check.operationId);
    if (operation === null) throw notFound('operation', check.operationId);
    return { status: 202, body: operationView(operation), headers: { Location: `/v1/operations/${operation.id}` } };
  });
  return { answer, check };
}

/** Looks at the check until it ends or time is up: the data source, null when still checking; throws what the check found wrong. */
async function watch(db: Database, begun: CredentialCheck): Promise<DataSource | null> {
  const until = Date.now() + WATCH_MS;
  for (;;) {
    const check = await getCheck(db, begun.organizationId, begun.id);
    if (check?.error !== null && check?.error !== undefined) throw new DomainError({ ...check.error });
    if (check?.state === 'succeeded') return await getDataSource(db, begun.organizationId, begun.dataSourceId);
    if (Date.now() >= until) return null;
    await delay(LOOK_EVERY_MS);
  }
}

function connectionOf(kind: 'root' | 'linked', wanted: AwsExportRequest | undefined): AwsConnectionRequest {
  if (kind === 'linked') {
    if (wanted !== undefined) {
      throw invalidField('data-sources.malformed', 'export', 'a linked account has no bill of its own: leave it out, or connect the account as root');
    }
    return { kind };
  }
  if (wanted === undefined) {
    throw invalidField('data-sources.malformed', 'export', 'is missing: say where the bill lies, for example {"scheme":"adopt"}');
  }
  const request: AwsConnectionRequest = { kind, export: wanted };
  refuseMalformedRequest(request);
  return request;
}

function refuseMissing(connection: AwsConnectionRequest, credentials: AwsCredentials | undefined): void {
  if (credentials !== undefined) return refuseMalformedCredentials(credentials);
  if (connection.kind === 'root' && connection.export.scheme === 'directory') return;
  throw invalidField('data-sources.malformed', 'credentials', 'is missing: give a key pair, a role, or {"kind":"default-chain"}');
}

/** The request that leads to the settings a data source has now. */
function exportOf(source: DataSource): AwsExportRequest | undefined {
  const settings = source.export;
  if (settings === null) return undefined;
  const { dialect, name, prefix, region } = settings;
  if (settings.scheme === 'directory') return { scheme: 'directory', dialect, name, prefix, path: settings.path ?? '' };
  return { scheme: 'bucket-only', dialect, name, prefix, region, bucket: settings.bucket ?? '' };
}
