import { recordImportPlan, requireImportFence } from '../../commands/data-sources/record-import.ts';
import { listPeriods } from '../../db/billing/billing-period-store.ts';
import { lockDataSource } from '../../db/data-sources/data-source-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { planPeriods, type BillingImport, type PeriodCandidate } from '../../domain/billing/billing-import.ts';
import { isChanged } from '../../domain/billing/generation.ts';
import type { DiscoveredPeriod } from '../../domain/billing/ports.ts';
import { monthsOf } from '../../domain/data-sources/data-source.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { monthOf } from '../../domain/shared/time.ts';
import type { PlanImportAct } from '../../workflows/data-sources/messages.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { actingActivity } from '../shared/attempt.ts';
import { NOTHING_TO_DO } from '../shared/fenced-attempt.ts';
import type { DataSourceActivityDependencies } from './dependencies.ts';
import { importAttempt } from './import-attempt.ts';
import { openExport, type OpenExport } from './open-export.ts';

/** Looks at the export and records which months the import reads, newest first. */
export async function planImport(deps: DataSourceActivityDependencies, ref: EntityRef, act: PlanImportAct): Promise<string> {
  return await importAttempt(deps, ref, act.importId, async ({ fence }) => {
    const opened = await openExport(deps, ref);
    const discovered = await deps.discoverPeriods(opened.objects, opened.location);
    const { running } = opened.source;
    if (running === null || running.id !== act.importId) return NOTHING_TO_DO;
    if (discovered.length === 0) throw noBill(opened);
    refuseMissingMonths(running, discovered);
    const candidates = await candidatesOf(deps, ref, opened, discovered);
    const periods = planPeriods(running, candidates, opened.source.initialMonths);
    const by = actingActivity('import');
    await inTransaction(deps.db, async (tx) => {
      await lockDataSource(tx, ref.organizationId, ref.id);
      await requireImportFence(tx, ref, act.importId, fence);
      await recordImportPlan(tx, ref, act.importId, periods, { at: deps.clock.now(), by, outcomeKey: act.key });
    });
    return periods.length === 0 ? 'no month to read' : `to read: ${monthsOf(periods).join(', ')}`;
  });
}

async function candidatesOf(
  deps: DataSourceActivityDependencies,
  ref: EntityRef,
  opened: OpenExport,
  discovered: DiscoveredPeriod[],
): Promise<PeriodCandidate[]> {
  const current = new Map((await listPeriods(deps.db, ref.organizationId, ref.id)).map((period) => [period.billingPeriod, period]));
  return discovered.map((period) => {
    const source = current.get(period.billingPeriod) ?? null;
    return {
      month: monthOf(period.billingPeriod),
      changed: isChanged(source, period, opened.takenAccounts),
      alreadyImported: source !== null,
      files: period.objects.length,
      bytes: period.objects.reduce((sum, object) => sum + object.sizeBytes, 0),
    };
  });
}

function refuseMissingMonths(running: BillingImport, discovered: DiscoveredPeriod[]): void {
  const held = discovered.map((period) => monthOf(period.billingPeriod));
  const missing = running.requestedMonths.filter((month) => !held.includes(month));
  if (missing.length === 0) return;
  throw new DomainError({
    kind: 'invalid-input',
    code: 'billing.month-not-in-export',
    message: `The export holds no bill for ${missing.join(', ')}; it holds ${held.toSorted().join(', ')}. Ask for one of these.`,
    details: { missing, held },
  });
}

function noBill({ source }: OpenExport): DomainError {
  const where = source.export?.path ?? `s3://${source.export?.bucket}/${source.export?.prefix}`;
  return new DomainError({
    kind: 'not-found',
    code: 'billing.no-bill',
    message:
      `There is no bill at ${where}. AWS delivers the first one within 24 hours of creating an export; ` +
      `after that, check bucket, prefix and name of the data source.`,
  });
}
