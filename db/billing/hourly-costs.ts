import type { CostMetric } from '../../domain/billing/expense-query.ts';
import type { CalendarDate } from '../../domain/shared/time.ts';
import type { Database } from '../shared/connection.ts';

/** What bills say of a resource's charges by the hour: those that end when it is stopped, unlike its disks. */
export interface HourlyCost {
  resourceId: string;
  currency: string;
  /** Exact decimal text. */
  hours: string;
  cost: string;
}

const METRICS: Record<CostMetric, string> = { billed: 'billed_cost', effective: 'effective_cost', contracted: 'contracted_cost', list: 'list_cost' };

/**
 * Hours and cost of each resource's usage that is metered by the hour (units such as `Hrs`, `Hours`,
 * `hour`), over the days from `start` to before `end` and over all bills; one row a currency.
 */
export async function hourlyCosts(
  db: Database,
  organizationId: string,
  resourceIds: readonly string[],
  period: { start: CalendarDate; end: CalendarDate; metric: CostMetric },
): Promise<HourlyCost[]> {
  const result = await db.raw<{ rows: HourlyCost[] }>(
    `select r.id as "resourceId", k.billing_currency as currency, trim_scale(sum(f.consumed_quantity))::text as hours,
       trim_scale(sum(f.${METRICS[period.metric]}))::text as cost
     from resources r
     join resource_periods p on p.resource_key = r.key
     join billing_periods b on b.key = p.bill_key
     join data_sources d on d.id = b.data_source_id and d.state not in ('deleting', 'deleted')
     join daily_cost_facts f on f.bill_key = b.key and f.resource_key = r.key
     join charge_kinds k on k.key = f.kind_key
     where r.organization_id = :organizationId and r.id = any(:resourceIds)
       and f.charge_date >= cast(:start as date) and f.charge_date < cast(:end as date)
       and k.charge_category = 'Usage' and lower(k.consumed_unit) in ('hrs', 'hr', 'hours', 'hour', 'h')
     group by r.id, k.billing_currency having sum(f.consumed_quantity) > 0`,
    { organizationId, resourceIds: resourceIds as string[], start: period.start, end: period.end } as never,
  );
  return result.rows;
}
