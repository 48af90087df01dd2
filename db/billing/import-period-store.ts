import type { FileReading } from '../../domain/billing/ports.ts';
import type { CalendarDate, Instant } from '../../domain/shared/time.ts';
import type { Transaction } from '../shared/connection.ts';
import type { BillSource } from './billing-period-store.ts';
import type { PeriodDifferences } from './replace-period.ts';

export interface ImportedPeriod {
  organizationId: string;
  importId: string;
  billingPeriod: CalendarDate;
  source: Pick<BillSource, 'completeness' | 'objects'>;
  files: FileReading[];
  differences: PeriodDifferences;
  at: Instant;
}

/**
 * Keeps what an import did to a month: its outcome, reconciliation and differences, and file by
 * file what was taken and what was skipped. An attempt that was repeated replaces its own record.
 */
export async function recordImportedPeriod(tx: Transaction, period: ImportedPeriod): Promise<void> {
  const { outcome, reconciliation, ...differences } = period.differences;
  const key = {
    organization_id: period.organizationId,
    import_id: period.importId,
    billing_period: period.billingPeriod,
  };
  await tx('billing_import_files').where(key).delete();
  await tx('billing_import_periods').where(key).delete();
  await tx('billing_import_periods').insert({
    ...key,
    outcome,
    completeness: period.source.completeness,
    reconciliation: JSON.stringify(reconciliation),
    differences: JSON.stringify(differences),
    at: period.at,
  });
  const rows = period.files.map((file) => fileRow(key, file, period.source));
  if (rows.length > 0) await tx.batchInsert('billing_import_files', rows, 500);
}

function fileRow(
  key: Record<string, unknown>,
  file: FileReading,
  source: Pick<BillSource, 'objects'>,
): Record<string, unknown> {
  const object = source.objects[file.position];
  if (object === undefined || object.key !== file.key) {
    throw new Error(`file ${file.position} of the reading, ${file.key}, is not the object at that place: ${object?.key}`);
  }
  return {
    ...key,
    position: file.position,
    object_key: file.key,
    etag: object.etag,
    sha256: object.sha256,
    size_bytes: object.sizeBytes,
    rows: file.rows,
    split_rows: file.splitRows,
    taken: JSON.stringify(file.taken),
    skipped_accounts: JSON.stringify(file.skippedAccounts),
  };
}
