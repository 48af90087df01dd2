import type { ExportSettings } from '../../domain/data-sources/data-source.ts';
import type { Database } from '../../db/shared/connection.ts';

/** The organization and data source that every case imports for. */
export const TENANT = { organizationId: 'org_01jd00000000000000000bench', dataSourceId: 'ds_01jd00000000000000000bench' } as const;

export const AT = '2026-06-01T00:00:00.000Z';

/** Makes the organization. */
export async function createOrganization(db: Database): Promise<void> {
  await db('organizations').insert({ id: TENANT.organizationId, name: 'Bench', created_at: AT, last_at: AT });
}

/** Makes the two rows that a bill needs above it. */
export async function createTenant(db: Database): Promise<void> {
  await createOrganization(db);
  await db('data_sources').insert({
    id: TENANT.dataSourceId, organization_id: TENANT.organizationId, cloud: 'aws', kind: 'root', name: 'Bench', account_id: '012345678901',
    credentials_kind: 'none', linked_accounts: 'all', import_interval_minutes: 60, initial_months: 4, state: 'active', last_at: AT, created_at: AT,
  });
}

/** A legacy report in a directory, as the bill generator lays it out. */
export function directoryExport(path: string): ExportSettings {
  return { scheme: 'directory', dialect: 'cur', name: 'acme', bucket: null, prefix: 'cur', region: null, path };
}
