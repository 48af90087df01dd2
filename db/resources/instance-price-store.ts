import type { InstancePrice } from '../../domain/resources/instance-price.ts';
import type { Database, Transaction } from '../shared/connection.ts';

/** Makes changes of one organization's list wait for each other until the transaction ends. */
export async function lockInstancePrices(tx: Transaction, organizationId: string): Promise<void> {
  await tx.raw(`select pg_advisory_xact_lock(hashtextextended('instance-prices/' || ?, 0))`, [organizationId]);
}

/** The organization's list, by cloud, type and region; the line for any region comes first. */
export async function readPriceList(db: Database | Transaction, organizationId: string): Promise<InstancePrice[]> {
  const rows = await db('instance_prices')
    .where('organization_id', organizationId)
    .orderByRaw('cloud, lower(instance_type), region_id')
    .select<{ cloud: InstancePrice['cloud']; region_id: string; instance_type: string; currency: string; hourly_price: string }[]>(
      'cloud', 'region_id', 'instance_type', 'currency', db.raw('trim_scale(hourly_price)::text as hourly_price'),
    );
  return rows.map((row) => ({
    cloud: row.cloud,
    region: row.region_id === '' ? null : row.region_id,
    instanceType: row.instance_type,
    currency: row.currency,
    hourlyPrice: row.hourly_price,
  }));
}

/** Puts a list in the place of the organization's. */
export async function replacePriceList(tx: Transaction, organizationId: string, prices: readonly InstancePrice[]): Promise<void> {
  await tx('instance_prices').where('organization_id', organizationId).delete();
  await tx.raw(
    `insert into instance_prices (organization_id, cloud, region_id, instance_type, currency, hourly_price)
     select :organizationId, cloud, coalesce(region, ''), "instanceType", currency, "hourlyPrice"
     from jsonb_to_recordset(cast(:prices as jsonb)) as p (cloud text, region text, "instanceType" text, currency text, "hourlyPrice" numeric)`,
    { organizationId, prices: JSON.stringify(prices) },
  );
}
