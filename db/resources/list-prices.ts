import type { ListPrice } from '../../domain/power-schedules/rates.ts';
import type { Database } from '../shared/connection.ts';

/**
 * What an hour of instances costs by list: as their cloud tells it, else as the organization's own list has it for their
 * cloud and type, where a line for their region stands before one for any.
 */
export async function listPrices(db: Database, organizationId: string, resourceIds: readonly string[]): Promise<Map<string, ListPrice>> {
  const result = await db.raw<{ rows: (ListPrice & { resourceId: string })[] }>(
    `select i.resource_id as "resourceId", case when i.price_hourly is null then 'organization-price' else 'list-price' end as basis,
       trim_scale(coalesce(i.price_hourly, p.hourly_price))::text as amount, coalesce(i.price_currency, p.currency) as currency
     from instances i
     left join lateral (
       select hourly_price, currency from instance_prices
       where organization_id = i.organization_id and cloud = i.cloud and lower(instance_type) = lower(i.instance_type) and region_id in (i.region_id, '')
       order by region_id = '' limit 1
     ) p on i.price_hourly is null
     where i.organization_id = :organizationId and i.resource_id = any(:resourceIds) and coalesce(i.price_hourly, p.hourly_price) is not null`,
    { organizationId, resourceIds },
  );
  return new Map(result.rows.map(({ resourceId, ...price }) => [resourceId, price]));
}
