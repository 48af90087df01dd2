import { setTimeout as delay } from 'node:timers/promises';
import { beginConnection } from '../../commands/data-sources/connect-data-source.ts';
import { getCheck } from '../../db/data-sources/credential-check-store.ts';
import { getDataSource } from '../../db/data-sources/data-source-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { getOperation } from '../../db/operations/operation-store.ts';
import type { ConnectWish, CredentialCheck } from '../../domain/data-sources/credential-check.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import { operationBody } from '../operations/schemas.ts';
import { operationView } from '../operations/view.ts';
import type { Answer, RequestContext } from '../shared/operation.ts';
import type { ConnectBody, ReconnectBody } from './connection-schemas.ts';
import { requestedConnection, requestedReconnection, type Requested } from './requested-connection.ts';
import { dataSourceBody } from './schemas.ts';
import { dataSourceView } from './views.ts';

/** How long a request watches its check before it answers 202. */
const WATCH_MS = 20_000;
const LOOK_EVERY_MS = 100;

/** The data source, new (201) or changed (200), when the cloud answered in time, else 202 with the operation. */
export const connectResponses = { 200: dataSourceBody, 201: dataSourceBody, 202: operationBody };
type Context = RequestContext<typeof connectResponses>;
type ConnectAnswer = Answer<typeof connectResponses>;

/** What a wish says beside the account and how it is reached. */
type Settings = Pick<ConnectWish, 'name' | 'linkedAccounts' | 'importIntervalMinutes' | 'initialMonths' | 'discoveryIntervalMinutes'>;

/** What a data source without a bill stands with, should its cloud's bills be read one day. */
const UNUSED_BILL_SETTINGS = { linkedAccounts: 'all', importIntervalMinutes: 60, initialMonths: 4 } as const;

/** Starts the check of a new connection and waits a while for its outcome. */
export async function connect(context: Context, body: ConnectBody): Promise<ConnectAnswer> {
  const common = { name: body.name, discoveryIntervalMinutes: body.discovery_interval_minutes };
  const settings: Settings =
    body.cloud === 'aws'
      ? { ...common, linkedAccounts: body.linked_accounts, importIntervalMinutes: body.import_interval_minutes, initialMonths: body.initial_months }
      : { ...common, ...UNUSED_BILL_SETTINGS };
  return await tryConnection(context, requestedConnection(context.deps.clouds, body), settings, null);
}

/** Starts the check of new credentials or export settings for a data source that exists. */
export async function reconnect(context: Context, id: string, body: ReconnectBody): Promise<ConnectAnswer> {
  const source = await getDataSource(context.deps.db, context.organizationId, id);
  if (source === null) throw notFound('data-source', id);
  const { name, linkedAccounts, importIntervalMinutes, initialMonths } = source;
  const settings = { name, linkedAccounts, importIntervalMinutes, initialMonths, discoveryIntervalMinutes: source.discovery.intervalMinutes };
  return await tryConnection(context, requestedReconnection(context.deps.clouds, source, body), settings, id);
}

async function tryConnection(
  context: Context,
  { wish: requested, credentials }: Requested,
  settings: Settings,
  dataSourceId: string | null,
): Promise<ConnectAnswer> {
  const { deps, organizationId, at, actor } = context;
  const wish: ConnectWish = { ...requested, ...settings, credentialsKind: credentials?.kind ?? 'none' };
  const secret = credentials === null ? null : JSON.stringify(credentials);
  let check: CredentialCheck | null = null;
  const begun = await context.transact(async (tx) => {
    check = await beginConnection(tx, deps.vault, { organizationId, wish, secret, dataSourceId, at, by: actor });
    const operation = await getOperation(tx, organizationId, check.operationId);
    if (operation === null) throw notFound('operation', check.operationId);
    return { status: 202, body: operationView(operation), headers: { Location: `/v1/operations/${operation.id}` } };
  });
  const source = check === null ? null : await watchCheck(deps.db, check, getDataSource);
  if (source === null) return begun;
  return { status: dataSourceId === null ? 201 : 200, body: dataSourceView(source), version: source.version };
}

/** Looks at a check until it ends or time is up: what came of it, null when still checking; throws what the check found wrong. */
export async function watchCheck<T>(db: Database, begun: CredentialCheck, read: (db: Database, organizationId: string, id: string) => Promise<T | null>): Promise<T | null> {
  const until = Date.now() + WATCH_MS;
  for (;;) {
    const check = await getCheck(db, begun.organizationId, begun.id);
    if (check?.error !== null && check?.error !== undefined) throw new DomainError({ ...check.error });
    if (check?.state === 'succeeded') return await read(db, begun.organizationId, begun.dataSourceId);
    if (Date.now() >= until) return null;
    await delay(LOOK_EVERY_MS);
  }
}
