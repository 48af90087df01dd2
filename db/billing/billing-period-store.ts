import type { BillDialect, DiscoveredManifest, FileFormat } from '../../domain/billing/ports.ts';
import type { CalendarDate, Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import type { BillTotals } from './reconcile-period.ts';

/** One source object of a generation; its bytes lie in the raw store under `sha256`. */
export interface BillObject {
  key: string;
  etag: string;
  sha256: string;
  sizeBytes: number;
  format: FileFormat;
}

/** Where a generation of a bill came from. */
export interface BillSource {
  dialect: BillDialect;
  completeness: 'manifest' | 'unproven';
  manifest: Omit<DiscoveredManifest, 'text'> | null;
  /** In manifest order. */
  objects: BillObject[];
  takenAccounts: 'all' | string[];
}

/** The current generation of one (data source, billing period). */
export interface BillingPeriod extends BillSource {
  /** Short key of its cost rows; never leaves the database's readers. */
  key: number;
  organizationId: string;
  dataSourceId: string;
  billingPeriod: CalendarDate;
  generationId: string;
  /** The import that wrote this generation. */
  importId: string;
  totals: BillTotals[];
  isFinal: boolean;
  warnings: string[];
  importedAt: Instant;
}

type Row = Record<string, unknown>;

function toBillingPeriod(row: Row): BillingPeriod {
  return {
    key: row.key as number,
    organizationId: row.organization_id as string,
    dataSourceId: row.data_source_id as string,
    billingPeriod: row.billing_period as string,
    generationId: row.generation_id as string,
    importId: row.import_id as string,
    dialect: row.dialect as BillDialect,
    completeness: row.completeness as BillSource['completeness'],
    manifest: row.manifest as BillSource['manifest'],
    objects: row.objects as BillObject[],
    takenAccounts: row.taken_accounts as BillSource['takenAccounts'],
    totals: row.totals as BillTotals[],
    isFinal: row.is_final as boolean,
    warnings: row.warnings as string[],
    importedAt: row.imported_at as string,
  };
}

/** The current generations of a data source, newest month first. */
export async function listPeriods(db: Database, organizationId: string, dataSourceId: string): Promise<BillingPeriod[]> {
  const rows = await db('billing_periods')
    .where({ organization_id: organizationId, data_source_id: dataSourceId })
    .orderBy('billing_period', 'desc')
    .select<Row[]>('*');
  return rows.map(toBillingPeriod);
}

/** The current generation of one month, or null when it was never imported. */
export async function getPeriod(
  db: Database,
  organizationId: string,
  dataSourceId: string,
  billingPeriod: CalendarDate,
): Promise<BillingPeriod | null> {
  const row = await db('billing_periods')
    .where({ organization_id: organizationId, data_source_id: dataSourceId, billing_period: billingPeriod })
    .first<Row>('*');
  return row === undefined ? null : toBillingPeriod(row);
}

export interface BillHeader extends BillSource {
  organizationId: string;
  dataSourceId: string;
  billingPeriod: CalendarDate;
  importId: string;
  generationId: string;
  totals: BillTotals[];
  isFinal: boolean;
  warnings: string[];
  firstChargeDate: CalendarDate | null;
  lastChargeDate: CalendarDate | null;
  at: Instant;
}

/** Creates the month's row and answers with its key. */
export async function insertPeriod(tx: Transaction, header: BillHeader): Promise<number> {
  const [row] = await tx('billing_periods')
    .insert({
      organization_id: header.organizationId,
      data_source_id: header.dataSourceId,
      billing_period: header.billingPeriod,
      generation_id: header.generationId,
      import_id: header.importId,
      imported_at: header.at,
      ...contentOf(header),
    })
    .returning<{ key: number }[]>('key');
  return (row as { key: number }).key;
}

/** Makes `header` the current generation if its content differs from what the row says or `costsChanged`. Answers whether it did. */
export async function updatePeriod(
  tx: Transaction,
  billKey: number,
  header: BillHeader,
  costsChanged: boolean,
): Promise<boolean> {
  const content = contentOf(header);
  const columns = Object.keys(content);
  const changed = tx.raw(`(${columns.join(', ')}) is distinct from (${columns.map(castTo).join(', ')})`, Object.values(content));
  const query = tx('billing_periods').where('key', billKey);
  if (!costsChanged) void query.andWhere(changed);
  const updated = await query.update({
    generation_id: header.generationId,
    import_id: header.importId,
    imported_at: header.at,
    ...content,
  });
  return updated > 0;
}

const CASTS: Record<string, string> = {
  dialect: 'text',
  completeness: 'text',
  is_final: 'boolean',
  first_charge_date: 'date',
  last_charge_date: 'date',
};

function castTo(column: string): string {
  return `cast(? as ${CASTS[column] ?? 'jsonb'})`;
}

function contentOf(header: BillHeader): Record<string, string | boolean | null> {
  const { manifest } = header;
  return {
    dialect: header.dialect,
    completeness: header.completeness,
    // Field by field: the document's text is kept in the raw store, not here.
    manifest:
      manifest === null
        ? null
        : JSON.stringify({
            key: manifest.key,
            etag: manifest.etag,
            version: manifest.version,
            exportIdentity: manifest.exportIdentity,
          }),
    objects: JSON.stringify(header.objects),
    taken_accounts: JSON.stringify(header.takenAccounts),
    totals: JSON.stringify(header.totals),
    is_final: header.isFinal,
    warnings: JSON.stringify(header.warnings),
    first_charge_date: header.firstChargeDate,
    last_charge_date: header.lastChargeDate,
  };
}
