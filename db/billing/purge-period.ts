import type { Transaction } from '../shared/connection.ts';
import { refreshTouchedResources } from './merge-resources.ts';

/**
 * One step of deleting everything a data source's bills brought, at most `limit` rows of one table,
 * in the caller's transaction, which holds the data source's row lock. Answers true when nothing is
 * left. Steps may be repeated and stopped anywhere: each leaves resources in agreement with the
 * bills that remain, and a resource that another data source also reports stays.
 */
export async function purgeStep(
  tx: Transaction,
  organizationId: string,
  dataSourceId: string,
  limit: number,
): Promise<boolean> {
  const bill = await tx('billing_periods')
    .where({ organization_id: organizationId, data_source_id: dataSourceId })
    .orderBy('billing_period')
    .first<{ key: number }>('key');
  if (bill === undefined) return true;
  for (const table of ['daily_cost_facts', 'monthly_resource_costs', 'monthly_service_costs', 'daily_service_costs']) {
    if ((await deleteSome(tx, table, organizationId, bill.key, limit)) > 0) return false;
  }
  if ((await deleteResourcePeriods(tx, organizationId, bill.key, limit)) > 0) return false;
  await tx('billing_periods').where({ organization_id: organizationId, key: bill.key }).delete();
  return false;
}

async function deleteSome(
  tx: Transaction,
  table: string,
  organizationId: string,
  billKey: number,
  limit: number,
): Promise<number> {
  const result = await tx.raw<{ rowCount: number }>(
    `delete from ${table} where ctid = any (array(
       select ctid from ${table} where organization_id = ? and bill_key = ? limit ?))`,
    [organizationId, billKey, limit],
  );
  return result.rowCount;
}

async function deleteResourcePeriods(
  tx: Transaction,
  organizationId: string,
  billKey: number,
  limit: number,
): Promise<number> {
  // The same lock as a merge's: another data source may be about to report one of these resources.
  await tx.raw(`select pg_advisory_xact_lock(hashtextextended(?, 0))`, [`billing-merge/${organizationId}`]);
  await tx.raw(`create temp table if not exists touched_resources (resource_key bigint primary key) on commit drop`);
  await tx.raw(`truncate touched_resources`);
  const result = await tx.raw<{ rowCount: number }>(
    `with gone as (
       delete from resource_periods where ctid = any (array(
         select ctid from resource_periods where organization_id = ? and bill_key = ? limit ?)) returning resource_key
     ) insert into touched_resources select resource_key from gone`,
    [organizationId, billKey, limit],
  );
  if (result.rowCount > 0) await refreshTouchedResources(tx);
  return result.rowCount;
}
