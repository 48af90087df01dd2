import { newId } from '../../commands/shared/new-id.ts';
import { replacePeriod } from '../../db/billing/replace-period.ts';
import type { PeriodDifferences } from '../../db/billing/replace-period.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { PeriodReading } from '../../domain/billing/ports.ts';
import { TENANT } from './tenant.ts';

/** Puts a reading in place of its period's previous generation, as the import's last step does. */
export async function mergeReading(db: Database, billingPeriod: string, reading: PeriodReading): Promise<PeriodDifferences> {
  const importId = newId('billing-import');
  return await inTransaction(db, (tx) =>
    replacePeriod(tx, {
      ...TENANT, cloud: 'aws', importId, billingPeriod, generationId: importId, reading,
      source: { dialect: 'cur', completeness: 'manifest', manifest: null, objects: [], takenAccounts: 'all' },
      newResourceIds: (count) => Array.from({ length: count }, () => newId('resource')),
      at: '2026-06-01T00:00:00.000Z',
    }));
}

/** What PostgreSQL holds of the bills: exact sums by currency, from the daily rows and not from a roll-up. */
export async function storedSums(db: Database): Promise<Record<string, object>> {
  const { rows } = await db.raw<{ rows: { currency: string }[] }>(`
    select k.billing_currency as currency, trim_scale(sum(f.billed_cost))::text as billed, trim_scale(sum(f.effective_cost))::text as effective,
      trim_scale(sum(f.contracted_cost))::text as contracted, trim_scale(sum(f.list_cost))::text as list
    from daily_cost_facts f join charge_kinds k on k.key = f.kind_key group by 1`);
  return Object.fromEntries(rows.map(({ currency, ...sums }) => [currency, sums]));
}
