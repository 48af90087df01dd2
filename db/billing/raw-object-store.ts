import type { CalendarDate, Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

/**
 * Keeps others from taking up or removing raw objects of the organization until the transaction
 * ends: an import that is about to name an object and a purge that is about to remove it exclude each other.
 */
export async function lockRawObjects(tx: Transaction, organizationId: string): Promise<void> {
  await tx.raw(`select pg_advisory_xact_lock(hashtextextended(?, 0))`, [`raw-objects/${organizationId}`]);
}

/** Notes that an import of the data source uses an object of the raw store; from then on deleting the data source finds it. */
export async function noteRawObject(db: Database, organizationId: string, dataSourceId: string, sha256: string, at: Instant): Promise<void> {
  await db('raw_objects')
    .insert({ organization_id: organizationId, data_source_id: dataSourceId, sha256, noted_at: at })
    .onConflict(['data_source_id', 'sha256'])
    .ignore();
}

/** Up to `limit` objects noted for a data source; `shared`: another one of the organization uses the same bytes. */
export async function notedRawObjects(
  tx: Transaction,
  organizationId: string,
  dataSourceId: string,
  limit: number,
): Promise<{ sha256: string; shared: boolean }[]> {
  const result = await tx.raw<{ rows: { sha256: string; shared: boolean }[] }>(
    `select sha256, exists (select from raw_objects other where other.organization_id = noted.organization_id
       and other.sha256 = noted.sha256 and other.data_source_id <> noted.data_source_id) as shared
     from raw_objects noted where organization_id = ? and data_source_id = ? order by sha256 limit ?`,
    [organizationId, dataSourceId, limit],
  );
  return result.rows;
}

export async function forgetRawObjects(tx: Transaction, organizationId: string, dataSourceId: string, sha256s: string[]): Promise<void> {
  await tx('raw_objects').where({ organization_id: organizationId, data_source_id: dataSourceId }).whereIn('sha256', sha256s).delete();
}

/** The months that imports of a data source read or were about to read: each may have left a generation document. */
export async function generationsBegun(
  db: Database,
  organizationId: string,
  dataSourceId: string,
): Promise<{ importId: string; billingPeriod: CalendarDate }[]> {
  const result = await db.raw<{ rows: { import_id: string; billing_period: CalendarDate }[] }>(
    `select i.id as import_id, period ->> 'billingPeriod' as billing_period
     from billing_imports i, jsonb_array_elements(i.periods) as period
     where i.organization_id = ? and i.data_source_id = ? and (period ->> 'state' <> 'unchanged' or (period ->> 'read')::boolean)`,
    [organizationId, dataSourceId],
  );
  return result.rows.map((row) => ({ importId: row.import_id, billingPeriod: row.billing_period }));
}
