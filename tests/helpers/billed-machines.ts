import type { Database } from '../../db/shared/connection.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { billOwner, costRow, importMonth, type CostRow } from './period-readings.ts';

/** Instances that bills name and discovery has seen: what a bill says of them, and their list price where they have one. */
export interface BilledMachine {
  nativeId: string;
  costs: (Partial<CostRow> & { billed: string })[];
  price?: { amount: string; currency: string };
}

/** Imports one bill for the machines and lets discovery have seen them; answers with resource ids in their order. */
export async function billedMachines(db: Database, organizationId: string, month: string, machines: BilledMachine[], at: Instant): Promise<string[]> {
  const owner = await billOwner(db, organizationId);
  const costs = machines.flatMap(({ nativeId, costs: rows }) => rows.map((row) => costRow({ ...row, nativeId })));
  // A machine that no bill has priced still has a line on it.
  const named = machines.filter((one) => one.costs.length === 0).map(({ nativeId }) => costRow({ nativeId, unit: 'Requests', billed: '1', date: `${month}-01` }));
  await importMonth(db, owner, month, { costs: [...costs, ...named] });
  const ids: string[] = [];
  for (const { nativeId, price } of machines) {
    const found = await db('resources').where({ organization_id: organizationId, native_id: nativeId }).first<{ id: string }>('id');
    await db('instances').insert({
      resource_id: found.id,
      organization_id: organizationId,
      data_source_id: owner.dataSourceId,
      cloud: 'aws',
      account_id: '012345678901',
      native_id: nativeId,
      instance_name: nativeId,
      instance_type: 'm7i.large',
      region_id: 'us-east-1',
      scope: 'us-east-1',
      seen_fence: 0,
      handle: '{}',
      resource_tags: '{}',
      tags: '{}',
      state: 'running',
      observed_at: at,
      can_stop: true,
      price_hourly: price?.amount ?? null,
      price_currency: price?.currency ?? null,
      first_discovered_at: at,
      last_discovered_at: at,
    });
    ids.push(found.id);
  }
  return ids;
}
