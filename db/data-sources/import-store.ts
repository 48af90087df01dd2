import type { BillingImport } from '../../domain/billing/billing-import.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { inOrderOfIds } from '../shared/list-order.ts';

type Row = Record<string, unknown>;

export async function insertImport(tx: Transaction, one: BillingImport): Promise<void> {
  await tx('billing_imports').insert({
    id: one.id,
    organization_id: one.organizationId,
    data_source_id: one.dataSourceId,
    operation_id: one.operationId,
    cause: one.cause,
    created_at: one.createdAt,
    ...toColumns(one),
  });
}

export async function saveImport(tx: Transaction, one: BillingImport): Promise<void> {
  await tx('billing_imports').where({ organization_id: one.organizationId, id: one.id }).update(toColumns(one));
}

function toColumns(one: BillingImport): Row {
  return {
    automatic: one.automatic,
    requested_months: one.requestedMonths,
    state: one.state,
    cancel_requested_at: one.cancelRequestedAt,
    fence: one.fence,
    attempts: one.attempts,
    periods: one.periods === null ? null : JSON.stringify(one.periods),
    error: one.error === null ? null : JSON.stringify(one.error),
    started_at: one.startedAt,
    finished_at: one.finishedAt,
  };
}

function toImport(row: Row): BillingImport {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    dataSourceId: row.data_source_id as string,
    operationId: row.operation_id as string,
    cause: row.cause as BillingImport['cause'],
    automatic: row.automatic as boolean,
    requestedMonths: row.requested_months as string[],
    state: row.state as BillingImport['state'],
    cancelRequestedAt: row.cancel_requested_at as string | null,
    fence: row.fence as number | null,
    attempts: row.attempts as number,
    periods: row.periods as BillingImport['periods'],
    error: row.error as BillingImport['error'],
    createdAt: row.created_at as string,
    startedAt: row.started_at as string | null,
    finishedAt: row.finished_at as string | null,
  };
}

/** The running and the waiting import of a data source: at most one each, which the database guarantees. */
export async function openImportsOf(
  db: Database,
  organizationId: string,
  dataSourceId: string,
): Promise<{ running: BillingImport | null; waiting: BillingImport | null }> {
  const rows = await db('billing_imports')
    .where({ organization_id: organizationId, data_source_id: dataSourceId })
    .whereIn('state', ['scheduled', 'running'])
    .select<Row[]>('*');
  const imports = rows.map(toImport);
  return {
    running: imports.find((one) => one.state === 'running') ?? null,
    waiting: imports.find((one) => one.state === 'scheduled') ?? null,
  };
}

export async function getImport(db: Database, organizationId: string, id: string): Promise<BillingImport | null> {
  const row = await db('billing_imports').where({ organization_id: organizationId, id }).first<Row>();
  return row === undefined ? null : toImport(row);
}

export async function organizationOfImport(db: Database, id: string): Promise<string | null> {
  const row = await db('billing_imports').where({ id }).first<Row>('organization_id');
  return (row?.organization_id as string | undefined) ?? null;
}

/** Imports of an organization, newest first. */
export async function listImports(
  db: Database,
  organizationId: string,
  filter: { dataSourceId?: string | undefined; state?: string | undefined },
  page: { limit: number; descending: boolean; after: string | null },
): Promise<{ rows: BillingImport[]; total: number }> {
  const matching = db('billing_imports').where('organization_id', organizationId);
  if (filter.dataSourceId !== undefined) void matching.where('data_source_id', filter.dataSourceId);
  if (filter.state !== undefined) void matching.where('state', filter.state);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  inOrderOfIds(matching, 'id', page);
  const rows = await matching.select<Row[]>('*');
  return { rows: rows.map(toImport), total: counted?.count ?? 0 };
}

/** What an import did, month by month and file by file. */
export async function importDetails(
  db: Database,
  organizationId: string,
  importId: string,
): Promise<{ periods: Row[]; files: Row[] }> {
  const key = { organization_id: organizationId, import_id: importId };
  const periods = await db('billing_import_periods').where(key).orderBy('billing_period', 'desc').select<Row[]>('*');
  const files = await db('billing_import_files').where(key).orderBy(['billing_period', 'position']).select<Row[]>('*');
  return { periods, files };
}

/**
 * A new fencing number for an attempt of the running import, or null when the import does not run
 * any more (cancelled, finished, deleted): then the attempt must drop out. No ledger, no wake-up.
 */
export async function takeImportFence(tx: Transaction, organizationId: string, dataSourceId: string, importId: string): Promise<number | null> {
  const key = { organization_id: organizationId, id: dataSourceId };
  const source = await tx('data_sources').where(key).forUpdate().first<Row>('fence');
  if (source === undefined) return null;
  const fence = (source.fence as number) + 1;
  const taken = await tx('billing_imports')
    .where({ organization_id: organizationId, id: importId, state: 'running' })
    .whereNull('cancel_requested_at')
    .update({ fence, attempts: tx.raw('attempts + 1') });
  if (taken === 0) return null;
  await tx('data_sources').where(key).update({ fence });
  return fence;
}

/** Whether this attempt is still the one that may write; its row is locked when asked in a transaction that holds the data source. */
export async function holdsImportFence(db: Database, organizationId: string, importId: string, fence: number): Promise<boolean> {
  const row = await db('billing_imports')
    .where({ organization_id: organizationId, id: importId, state: 'running', fence })
    .whereNull('cancel_requested_at')
    .first<Row>('id');
  return row !== undefined;
}
