import { Big } from 'big.js';
import type { BillingImport } from '../../domain/billing/billing-import.ts';
import type { DataSource } from '../../domain/data-sources/data-source.ts';
import type { Reconciliation } from '../../db/billing/reconcile-period.ts';
import type { PeriodDifferences } from '../../db/billing/replace-period.ts';
import type { DiscoveryScope } from '../../db/data-sources/discovery-store.ts';
import { discovers, type DiscoveryOfSource } from '../../domain/data-sources/discovery.ts';
import { DISCOVERED_TYPES, type DiscoveredType } from '../../domain/resources/discovered-resource.ts';
import type { z } from '../shared/zod.ts';
import type { dataSourceBody, discoveryBody, importBody, importDetailBody } from './schemas.ts';

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
      reconciliation: (row.reconciliation as Reconciliation[]).map((one) => ({
        currency: one.currency,
        file_rows: one.fileRows,
        files_billed_cost: one.filesBilledCost,
        stored_billed_cost: one.storedBilledCost,
      })),
      differences: differencesView(row.differences as Differences),
      skipped_accounts: summed(files.filter((file) => file.billing_period === row.billing_period).flatMap(skippedOf)).map(skippedView),
    })),
    files: files.map((row) => ({
      billing_period: row.billing_period as string,
      object_key: row.object_key as string,
      sha256: row.sha256 as string,
      size_bytes: row.size_bytes as number,
      rows: row.rows as number,
      split_rows: row.split_rows as number,
      taken: (row.taken as Totals[]).map(totalsView),
      skipped_accounts: skippedOf(row).map(skippedView),
    })),
  };
}

type Differences = Omit<PeriodDifferences, 'outcome' | 'reconciliation'>;
type PeriodView = z.input<typeof importDetailBody>['periods'][number];

function differencesView({ costRows, resources, billed, services }: Differences): PeriodView['differences'] {
  return {
    cost_rows: costRows,
    resources,
    billed,
    services: services.map(({ serviceName, currency, billedChange }) => ({ service: serviceName, currency, billed_change: billedChange })),
  };
}

type Skipped = Totals & { accountId: string };

function skippedOf(file: Row): Skipped[] {
  return file.skipped_accounts as Skipped[];
}

function skippedView(totals: Skipped): PeriodView['skipped_accounts'][number] {
  return { account_id: totals.accountId, ...totalsView(totals) };
}

/** One for each account and currency, in their order. */
function summed(all: Skipped[]): Skipped[] {
  const sums = new Map<string, Skipped>();
  for (const one of all) {
    const key = `${one.accountId} ${one.currency}`;
    const sum = sums.get(key);
    sums.set(key, sum === undefined ? one : { ...sum, rows: sum.rows + one.rows, billedCost: new Big(sum.billedCost).plus(one.billedCost).toFixed() });
  }
  return [...sums.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
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
  const hasBill = source.kind !== 'account';
  return {
    id: source.id,
    organization_id: source.organizationId,
    cloud: source.cloud,
    kind: source.kind,
    name: source.name,
    account_id: source.accountId,
    connection: source.connection,
    credentials_kind: source.credentialsKind,
    export: source.export,
    linked_accounts: hasBill ? source.linkedAccounts : null,
    import_interval_minutes: hasBill ? source.importIntervalMinutes : null,
    initial_months: hasBill ? source.initialMonths : null,
    state: source.state,
    last_attempt_at: source.lastAttemptAt,
    last_success_at: source.lastSuccessAt,
    last_error: source.lastError,
    warnings: source.warnings,
    running_import: source.running === null ? null : importView(source.running),
    waiting_import: source.waiting === null ? null : importView(source.waiting),
    discovery: discovers(source) ? discoveryStatus(source.discovery) : null,
    version: source.version,
    created_at: source.createdAt,
  };
}

type DiscoveryStatus = NonNullable<z.input<typeof dataSourceBody>['discovery']>;

function discoveryStatus({ intervalMinutes, current, lastAttemptAt, lastSuccessAt, lastError }: DiscoveryOfSource): DiscoveryStatus {
  return {
    interval_minutes: intervalMinutes,
    state: current === null ? 'idle' : current.fence === null ? 'waiting' : 'running',
    operation_id: current?.operationId ?? null,
    last_attempt_at: lastAttemptAt,
    last_success_at: lastSuccessAt,
    last_error: lastError,
  };
}

/** What discovery could list of a data source, and what not. */
export function discoveryView(source: DataSource, scopes: readonly DiscoveryScope[]): z.input<typeof discoveryBody> {
  return {
    data_source_id: source.id,
    ...discoveryStatus(source.discovery),
    resource_types: DISCOVERED_TYPES.map((type) => typeView(type, source.discovery, scopes.filter((one) => one.resourceType === type))),
  };
}

type TypeView = z.input<typeof discoveryBody>['resource_types'][number];

/** A discovery that failed as a whole says nothing of its scopes: they stand as they were seen last. */
function typeView(type: DiscoveredType, { lastError, lastSuccessAt }: DiscoveryOfSource, scopes: readonly DiscoveryScope[]): TypeView {
  const failed = scopes.filter((one) => one.status === 'failed');
  const asWhole = lastError !== null && failed.length === 0;
  const statusOf = (): TypeView['status'] => {
    if (asWhole) return 'failed';
    if (scopes.length === 0) return lastSuccessAt === null ? 'pending' : 'listed';
    if (failed.length === 0) return 'listed';
    return failed.length < scopes.length ? 'incomplete' : 'failed';
  };
  return {
    resource_type: type,
    status: statusOf(),
    error: asWhole ? lastError : (failed[0]?.error ?? null),
    resources: scopes.reduce((sum, one) => sum + one.resources, 0),
    scopes: scopes.map(scopeView),
  };
}

function scopeView(one: DiscoveryScope): TypeView['scopes'][number] {
  return {
    scope: one.scope,
    status: one.status,
    error: one.error,
    resources: one.resources,
    last_attempt_at: one.lastAttemptAt,
    last_success_at: one.lastSuccessAt,
  };
}
