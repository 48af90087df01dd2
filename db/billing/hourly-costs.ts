import type { CostMetric } from '../../domain/billing/expense-query.ts';
import type { CalendarDate } from '../../domain/shared/time.ts';
import type { Database } from '../shared/connection.ts';

/** What bills say of a resource's charges by the hour: those that end when it is stopped, unlike its disks. */
export interface HourlyCost {
  resourceId: string;
  currency: string;
  /** Exact decimal text: hours charged in this currency. */
  hours: string;
  /** Hours that the resource ran, in whichever currency they were charged. */
  hoursRun: string;
  cost: string;
}

const METRICS: Record<CostMetric, string> = { billed: 'billed_cost', effective: 'effective_cost', contracted: 'contracted_cost', list: 'list_cost' };

/**
 * Hours and cost of each resource's usage that is metered by the hour (units such as `Hrs`, `Hours`,
 * `hour`), over the days from `start` to before `end` and over all bills; one row a currency. A machine
 * and the software on it are charged for the same hours: the hours of a day are those of the service
 * that has most of them, 24 at most, while the costs of all are added.
 */
export async function hourlyCosts(
  db: Database,
  organizationId: string,
  resourceIds: readonly string[],
  period: { start: CalendarDate; end: CalendarDate; metric: CostMetric },
): Promise<HourlyCost[]> {
  const result = await db.raw<{ rows: HourlyCost[] }>(
    `with services as (
       select r.id, f.charge_date, k.billing_currency as currency, k.service_name, sum(f.consumed_quantity) as hours,
         sum(f.${METRICS[period.metric]}) as cost
       from resources r
       join resource_periods p on p.resource_key = r.key
       join billing_periods b on b.key = p.bill_key
       join data_sources d on d.id = b.data_source_id and d.state not in ('deleting', 'deleted')
       join daily_cost_facts f on f.bill_key = b.key and f.resource_key = r.key
       join charge_kinds k on k.key = f.kind_key
       where r.organization_id = :organizationId and r.id = any(:resourceIds)
         and f.charge_date >= cast(:start as date) and f.charge_date < cast(:end as date)
         and k.charge_category = 'Usage' and lower(k.consumed_unit) in ('hrs', 'hr', 'hours', 'hour', 'h')
       group by r.id, f.charge_date, k.billing_currency, k.service_name
     ), days as (
       select id, charge_date, currency, least(max(hours), 24) as hours, sum(cost) as cost,
         least(sum(max(hours)) over (partition by id, charge_date), 24) as in_all
       from services group by id, charge_date, currency
     ), run as (
       select id, sum(in_all) as hours from (select distinct id, charge_date, in_all from days) as d group by id
     )
     select id as "resourceId", d.currency, trim_scale(sum(d.hours))::text as hours, trim_scale(run.hours)::text as "hoursRun",
       trim_scale(sum(d.cost))::text as cost
     from days d join run using (id) group by id, d.currency, run.hours having sum(d.hours) > 0 and run.hours > 0 order by id, d.currency`,
    { organizationId, resourceIds: resourceIds as string[], start: period.start, end: period.end } as never,
  );
  return result.rows;
}
