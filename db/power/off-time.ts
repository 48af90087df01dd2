import type { Instant } from '../../domain/shared/time.ts';
import type { Database } from '../shared/connection.ts';

/** How long an instance was off because of a schedule. */
export interface OffTime {
  resourceId: string;
  /** Exact, with milliseconds as fraction. */
  seconds: number;
}

/**
 * What happened to instances that the schedule stopped, one row an event: `stopped` where a stop of the
 * schedule was observed, else something that shows the instance on, or gone.
 */
const EVENTS = `
  with stops as (
    select resource_id, data_source_id, finished_at from power_run_items
    where organization_id = :organizationId and schedule_id = :scheduleId and action = 'off' and state = 'settled'
      and attempts > 0 and finished_at < :until
  ), members as (
    select resource_id, min(data_source_id) as data_source_id, min(finished_at) as first from stops group by resource_id
  ), events as (
    select resource_id, finished_at as at, true as stopped from stops
    union all
    -- Called to start, or found on when it was to be; a call to stop shows that it was on until then.
    select i.resource_id, coalesce(i.called_at, i.finished_at, i.observed_at), false
    from members m join power_run_items i using (resource_id)
    where i.organization_id = :organizationId
      and case i.action when 'on' then i.called_at is not null or i.state = 'settled' else i.attempts > 0 end
    union all
    select m.resource_id, l.at, false from members m join ledger l on l.subject = m.resource_id
    where l.action = 'power.hold' and l.after ->> 'wanted' = 'on' and l.after -> 'origin' ->> 'kind' = 'cloud-console'
    union all
    select m.resource_id, e.at, false
    from members m join instances n using (resource_id), lateral (values (n.launched_at), (n.gone_at)) as e (at)
    where e.at is not null
    union all
    -- Nobody looks at it any more.
    select m.resource_id, l.at, false from members m join ledger l on l.subject = m.data_source_id where l.action = 'data-sources.delete'
  )`;

/**
 * How long instances were off because a schedule had stopped them: from the moment each stop was
 * observed until the instance was called for again, was started by somebody else, was gone or left
 * with its data source, or until `until`. What was off already when the schedule spoke is not counted,
 * and no time is counted twice.
 */
export async function offTimeOf(db: Database, organizationId: string, scheduleId: string, period: { since: Instant; until: Instant }): Promise<OffTime[]> {
  const result = await db.raw<{ rows: OffTime[] }>(
    `${EVENTS}, bounds as (
       select resource_id, at as off_from, stopped,
         coalesce(min(at) filter (where not stopped)
           over (partition by resource_id order by at desc, stopped desc rows between unbounded preceding and 1 preceding), :until) as off_until
       from events
     )
     select resource_id as "resourceId",
       cast(sum(extract(epoch from greatest(least(off_until, :until) - greatest(off_from, :since), interval '0'))) as double precision) as seconds
     from bounds where stopped group by resource_id order by resource_id`,
    { organizationId, scheduleId, since: period.since, until: period.until },
  );
  return result.rows;
}
