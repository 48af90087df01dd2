import type { PeriodReading } from '../../domain/billing/ports.ts';
import type { CalendarDate, Instant } from '../../domain/shared/time.ts';
import type { Transaction } from '../shared/connection.ts';
import { insertPeriod, updatePeriod, type BillHeader, type BillSource } from './billing-period-store.ts';
import {
  applyCostChanges,
  findCostChanges,
  identifyKinds,
  insertCosts,
  serviceChanges,
  servicesOfFirst,
  type CostChanges,
  type ServiceChange,
} from './merge-costs.ts';
import { identifyResources, keepTagKeys, mergeResources, type ResourceChanges } from './merge-resources.ts';
import { proveMerged, reconcile, stagedTotals, storedTotals, type BillTotals, type Reconciliation } from './reconcile-period.ts';
import { stageReading } from './stage-reading.ts';

export interface ReplacePeriodInput {
  organizationId: string;
  cloud: string;
  dataSourceId: string;
  importId: string;
  billingPeriod: CalendarDate;
  /** The id under which the period is current from now on, if anything changes. */
  generationId: string;
  reading: PeriodReading;
  source: BillSource;
  /** Mints ids for resources never seen before. */
  newResourceIds(count: number): string[];
  at: Instant;
}

/** Billed cost of the whole period in one currency, exact decimal text. */
export interface BilledChange {
  currency: string;
  before: string;
  after: string;
}

/** What replacing a period changed. */
export interface PeriodDifferences {
  /** `unchanged`: not a row was written. `replaced`: the period has a new generation, if only of source objects. */
  outcome: 'unchanged' | 'replaced';
  /** The generation that is current now; the given one unless unchanged. */
  generationId: string;
  costRows: CostChanges;
  resources: ResourceChanges;
  billed: BilledChange[];
  /** Services whose billed cost moved. */
  services: ServiceChange[];
  reconciliation: Reconciliation[];
}

/**
 * Makes a reading the current generation of its (data source, billing period), in the caller's
 * transaction, which holds the data source's row lock and has checked its fence. Stages the files,
 * reconciles them with what they were read from, and writes only rows that differ: costs,
 * roll-ups, resources and the period's own row. Repeating it writes nothing.
 *
 * Imports of one organization merge one after the other, as they share resources; staging, which
 * is most of the work, is done before that. Fails with `billing.reconciliation-failed`.
 */
export async function replacePeriod(tx: Transaction, input: ReplacePeriodInput): Promise<PeriodDifferences> {
  await stageReading(tx, input.reading);
  const totals = await stagedTotals(tx);
  const reconciliation = reconcile(input.reading.files, totals);
  await tx.raw(`select pg_advisory_xact_lock(hashtextextended(?, 0))`, [`billing-merge/${input.organizationId}`]);
  const header = await headerOf(tx, input, totals);
  const current = await currentPeriod(tx, input);
  const before = current === null ? [] : await storedTotals(tx, current.key);
  const billKey = current?.key ?? (await insertPeriod(tx, header));

  await keepTagKeys(tx, input.organizationId, input.reading.tagKeys);
  await identifyKinds(tx, input.organizationId);
  await identifyResources(tx, input);
  const { costRows, services } = await (current === null ? firstCosts : mergedCosts)(tx, input.organizationId, billKey);
  const costsChanged = costRows.added + costRows.changed + costRows.removed > 0;
  const resources = await mergeResources(tx, input.organizationId, billKey);
  proveMerged(totals, await storedTotals(tx, billKey));

  const resourcesChanged = resources.added + resources.changed + resources.removed > 0;
  const replaced = current === null || (await updatePeriod(tx, billKey, header, costsChanged || resourcesChanged));
  return {
    outcome: replaced ? 'replaced' : 'unchanged',
    generationId: replaced ? input.generationId : current.generationId,
    costRows,
    resources,
    billed: billedChanges(before, totals),
    services,
    reconciliation,
  };
}

interface MergedCosts {
  costRows: CostChanges;
  services: ServiceChange[];
}

/** Of a bill that the record does not hold, every row differs: nothing is compared. */
async function firstCosts(tx: Transaction, organizationId: string, billKey: number): Promise<MergedCosts> {
  return { costRows: await insertCosts(tx, organizationId, billKey), services: await servicesOfFirst(tx) };
}

async function mergedCosts(tx: Transaction, organizationId: string, billKey: number): Promise<MergedCosts> {
  const costRows = await findCostChanges(tx, billKey);
  if (costRows.added + costRows.changed + costRows.removed > 0) await applyCostChanges(tx, organizationId, billKey);
  return { costRows, services: await serviceChanges(tx) };
}

async function headerOf(tx: Transaction, input: ReplacePeriodInput, totals: BillTotals[]): Promise<BillHeader> {
  const dates = await tx.raw<{ rows: { first: CalendarDate | null; last: CalendarDate | null }[] }>(
    `select min(first_charge_date) as first, max(last_charge_date) as last from staged_totals`,
  );
  return {
    ...input.source,
    organizationId: input.organizationId,
    dataSourceId: input.dataSourceId,
    billingPeriod: input.billingPeriod,
    importId: input.importId,
    generationId: input.generationId,
    totals,
    isFinal: input.reading.isFinal,
    warnings: input.reading.warnings,
    firstChargeDate: dates.rows[0]?.first ?? null,
    lastChargeDate: dates.rows[0]?.last ?? null,
    at: input.at,
  };
}

async function currentPeriod(
  tx: Transaction,
  input: ReplacePeriodInput,
): Promise<{ key: number; generationId: string } | null> {
  const row = await tx('billing_periods')
    .where({
      organization_id: input.organizationId,
      data_source_id: input.dataSourceId,
      billing_period: input.billingPeriod,
    })
    .first<{ key: number; generation_id: string }>('key', 'generation_id');
  return row === undefined ? null : { key: row.key, generationId: row.generation_id };
}

function billedChanges(before: BillTotals[], after: BillTotals[]): BilledChange[] {
  const billedIn = (totals: BillTotals[], currency: string): string =>
    totals.find((one) => one.currency === currency)?.billedCost ?? '0';
  const currencies = [...new Set([...before, ...after].map((totals) => totals.currency))].sort();
  return currencies.map((currency) => ({
    currency,
    before: billedIn(before, currency),
    after: billedIn(after, currency),
  }));
}
