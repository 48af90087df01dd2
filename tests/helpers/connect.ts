import { beginConnection } from '../../commands/data-sources/connect-data-source.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { getCheck } from '../../db/data-sources/credential-check-store.ts';
import { getOperation } from '../../db/operations/operation-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { AwsConnectionRequest } from '../../domain/data-sources/aws-connection.ts';
import type { AwsCredentials } from '../../domain/data-sources/aws-credentials.ts';
import type { CloudCredentials } from '../../domain/data-sources/cloud-credentials.ts';
import type { ConnectWish, CredentialCheck, RequestedConnection } from '../../domain/data-sources/credential-check.ts';
import type { Operation } from '../../domain/operations/operation.ts';
import { system } from '../../domain/shared/entity.ts';
import { systemClock, vaultOf } from '../../workers/dependencies.ts';
import { eventually, type Platform } from './platform.ts';

export const tester = system('test');

/** An organization to put things in. */
export async function anOrganization({ db }: Pick<Platform, 'db'>, name = 'Acme'): Promise<string> {
  const id = newId('organization');
  const at = systemClock.now();
  await db('organizations').insert({ id, name, created_at: at, last_at: at });
  return id;
}

/** Asks for a connection as the API does; the workers try it. */
export async function ask(
  platform: Platform,
  organizationId: string,
  connection: AwsConnectionRequest,
  wish: AskedBeside & { credentials?: AwsCredentials; dataSourceId?: string } = {},
): Promise<CredentialCheck> {
  return await askFor(platform, organizationId, { cloud: 'aws', connection }, wish);
}

/** What a wish may say beside the account. */
type AskedBeside = Partial<Omit<ConnectWish, 'cloud' | 'connection'>>;

/** Asks for a connection to an account of any cloud. */
export async function askFor(
  platform: Pick<Platform, 'db' | 'config'>,
  organizationId: string,
  requested: RequestedConnection,
  wish: AskedBeside & { credentials?: CloudCredentials; dataSourceId?: string } = {},
): Promise<CredentialCheck> {
  const { credentials, dataSourceId, ...rest } = wish;
  return await inTransaction(platform.db, (tx) =>
    beginConnection(tx, vaultOf(platform.config), {
      organizationId,
      wish: {
        ...requested,
        name: 'Bill',
        credentialsKind: credentials?.kind ?? 'none',
        linkedAccounts: 'all',
        importIntervalMinutes: 1440,
        initialMonths: 4,
        discoveryIntervalMinutes: 1440,
        ...rest,
      },
      secret: credentials === undefined ? null : JSON.stringify(credentials),
      dataSourceId: dataSourceId ?? null,
      at: systemClock.now(),
      by: tester,
    }),
  );
}

/** The check once it has ended. */
export async function outcomeOf(platform: Platform, check: CredentialCheck): Promise<CredentialCheck> {
  return await eventually(async () => {
    const now = await getCheck(platform.db, check.organizationId, check.id);
    return now !== null && now.state !== 'checking' ? now : null;
  }, `check ${check.id}`);
}

/** Connects a directory; answers with the data source's id. Throws what the check found wrong. */
export async function connectDirectory(platform: Platform, organizationId: string, path: string, wish: AskedBeside = {}): Promise<string> {
  const request: AwsConnectionRequest = {
    kind: 'root',
    export: { scheme: 'directory', dialect: null, name: null, path, prefix: '' },
  };
  const check = await outcomeOf(platform, await ask(platform, organizationId, request, wish));
  if (check.error !== null) throw new Error(`${check.error.code}: ${check.error.message}`);
  return check.dataSourceId;
}

/** The newest import of a data source once it has ended, with its operation. */
export async function importOutcome(
  { db }: Pick<Platform, 'db'>,
  organizationId: string,
  dataSourceId: string,
  seconds = 90,
): Promise<{ importId: string; operation: Operation }> {
  return await eventually(
    async () => {
      const open = await db('billing_imports').where({ data_source_id: dataSourceId }).whereIn('state', ['scheduled', 'running']).first('id');
      if (open !== undefined) return null;
      const row = await db('billing_imports').where({ data_source_id: dataSourceId }).orderBy('id', 'desc').first<{ id: string; operation_id: string } | undefined>();
      if (row === undefined) return null;
      const operation = await getOperation(db, organizationId, row.operation_id);
      return operation === null ? null : { importId: row.id, operation };
    },
    `imports of ${dataSourceId} to end`,
    seconds,
  );
}

/** Sum of billed cost in the database, exact, by currency. */
export async function billedTotals({ db }: Pick<Platform, 'db'>, dataSourceId: string): Promise<Record<string, string>> {
  const result = await db.raw<{ rows: { currency: string; total: string }[] }>(
    `select c.billing_currency as currency, trim_scale(sum(c.billed_cost))::text as total from daily_costs c where c.data_source_id = ? group by 1 order by 1`,
    [dataSourceId],
  );
  return Object.fromEntries(result.rows.map((row) => [row.currency, row.total]));
}
