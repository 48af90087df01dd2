import type { Instant } from '../../domain/shared/time.ts';
import type { Database } from '../shared/connection.ts';

/** How long an instance was off because of a schedule. */
export interface OffTime {
  resourceId: string;
  /** Exact, with milliseconds as fraction. */
  seconds: number;
}

/**
 * How long instances were off because a schedule had stopped them: from the moment each stop was
 * observed until the instance was called for again, was started in its cloud's console, was gone, or
 * until `until`. What was off already when the schedule spoke is not counted.
 */
export async function offTimeOf(db: Database, organizationId: string, scheduleId: string, period: { since: Instant; until: Instant }): Promise<OffTime[]> {
  const result = await db.raw<{ rows: OffTime[] }>(
    `with stops as (
       select i.resource_id, i.finished_at as off_from
       from power_run_items i
       where i.organization_id = :organizationId and i.schedule_id = :scheduleId and i.action = 'off' and i.state = 'settled'
         and i.attempts > 0 and i.finished_at < :until
     ), bounds as (
       select s.resource_id, s.off_from, least(
         (select min(coalesce(o.called_at, o.finished_at)) from power_run_items o
          where o.resource_id = s.resource_id and o.action = 'on' and o.state in ('open', 'settled') and o.attempts > 0
            and coalesce(o.called_at, o.finished_at) > s.off_from),
         (select min(l.at) from ledger l
          where l.subject = s.resource_id and l.action = 'power.hold' and l.at > s.off_from
            and l.after ->> 'wanted' = 'on' and l.after -> 'origin' ->> 'kind' = 'cloud-console'),
         (select n.gone_at from instances n where n.resource_id = s.resource_id),
         cast(:until as timestamptz)) as off_until
       from stops s
     )
     select resource_id as "resourceId",
       cast(sum(extract(epoch from greatest(off_until - greatest(off_from, :since), interval '0'))) as double precision) as seconds
     from bounds group by resource_id`,
    { organizationId, scheduleId, since: period.since, until: period.until },
  );
  return result.rows;
}
