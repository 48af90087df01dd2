import type { BillingImport } from '../../domain/billing/billing-import.ts';
import type { DataSource } from '../../domain/data-sources/data-source.ts';
import type { z } from '../shared/zod.ts';
import type { dataSourceBody, importBody, importDetailBody } from './schemas.ts';

type Row = Record<string, unknown>;

export function importView(one: BillingImport): z.input<typeof importBody> {
  return {
    id: one.id,
    organization_id: one.organizationId,
    data_source_id: one.dataSourceId,
    operation_id: one.operationId,
    cause: one.cause,
    requested_months: one.requestedMonths,
    state: one.state,
    months: (one.periods ?? []).map(({ billingPeriod, state, files, bytes, rows }) => ({
      month: billingPeriod.slice(0, 7),
      state,
      files,
      bytes,
      rows,
    })),
    error: one.error,
    created_at: one.createdAt,
    started_at: one.startedAt,
    finished_at: one.finishedAt,
  };
}

export function importDetailView(
  one: BillingImport,
  { periods, files }: { periods: Row[]; files: Row[] },
): z.input<typeof importDetailBody> {
  return {
    ...importView(one),
    periods: periods.map((row) => ({
      billing_period: row.billing_period as string,
      outcome: row.outcome as 'unchanged' | 'replaced',
      completeness: row.completeness as string,
      reconciliation: row.reconciliation,
      differences: row.differences,
    })),
    files: files.map((row) => ({
      billing_period: row.billing_period as string,
      object_key: row.object_key as string,
      sha256: row.sha256 as string,
      size_bytes: row.size_bytes as number,
      rows: row.rows as number,
      split_rows: row.split_rows as number,
      taken: (row.taken as Totals[]).map(totalsView),
      skipped_accounts: (row.skipped_accounts as (Totals & { accountId: string })[]).map((totals) => ({
        account_id: totals.accountId,
        ...totalsView(totals),
      })),
    })),
  };
}

interface Totals {
  currency: string;
  rows: number;
  billedCost: string;
}

function totalsView({ currency, rows, billedCost }: Totals): { currency: string; rows: number; billed_cost: string } {
  return { currency, rows, billed_cost: billedCost };
}

/** A data source as callers see it: everything but its secret. */
export function dataSourceView(source: DataSource): z.input<typeof dataSourceBody> {
  return {
    id: source.id,
    organization_id: source.organizationId,
    cloud: source.cloud,
    kind: source.kind,
    name: source.name,
    account_id: source.accountId,
    credentials_kind: source.credentialsKind,
    export: source.export,
    linked_accounts: source.linkedAccounts,
    import_interval_minutes: source.importIntervalMinutes,
    initial_months: source.initialMonths,
    state: source.state,
    last_attempt_at: source.lastAttemptAt,
    last_success_at: source.lastSuccessAt,
    last_error: source.lastError,
    warnings: source.warnings,
    running_import: source.running === null ? null : importView(source.running),
    waiting_import: source.waiting === null ? null : importView(source.waiting),
    version: source.version,
    created_at: source.createdAt,
  };
}
