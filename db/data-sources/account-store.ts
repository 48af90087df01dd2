import type { CloudConnection } from '../../domain/data-sources/cloud-ports.ts';
import type { Cloud } from '../../domain/resources/instance.ts';
import type { Database } from '../shared/connection.ts';

/** The account behind a data source, without its secret. */
export interface ConnectedAccount {
  cloud: Cloud;
  name: string;
  accountId: string;
  connection: CloudConnection;
  credentialsKind: string;
}

/** The account of a data source that is neither deleted nor being deleted, or null. */
export async function connectedAccount(db: Database, organizationId: string, dataSourceId: string): Promise<ConnectedAccount | null> {
  const row = await db('data_sources')
    .where({ organization_id: organizationId, id: dataSourceId })
    .whereNotIn('state', ['deleting', 'deleted'])
    .first<Record<string, unknown> | undefined>('cloud', 'name', 'account_id', 'connection', 'credentials_kind');
  if (row === undefined) return null;
  return {
    cloud: row.cloud as Cloud,
    name: row.name as string,
    accountId: row.account_id as string,
    connection: row.connection as CloudConnection,
    credentialsKind: row.credentials_kind as string,
  };
}
