import type { Money } from '../../domain/shared/money.ts';
import type { Database } from '../shared/connection.ts';

/** List prices an hour of instances whose cloud tells one. */
export async function listPrices(db: Database, organizationId: string, resourceIds: readonly string[]): Promise<Map<string, Money>> {
  const rows = await db('instances')
    .where('organization_id', organizationId)
    .whereNotNull('price_hourly')
    .whereRaw('resource_id = any(?)', [resourceIds as string[]])
    .select<{ resource_id: string; price_hourly: string; price_currency: string }[]>('resource_id', db.raw('trim_scale(price_hourly)::text as price_hourly'), 'price_currency');
  return new Map(rows.map((row) => [row.resource_id, { amount: row.price_hourly, currency: row.price_currency }]));
}
