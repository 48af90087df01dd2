import type { ListedMember, ListedSchedule } from '../../db/power-schedules/schedule-list.ts';
import type { MemberOutcome } from '../../commands/power-schedules/attach-instances.ts';
import type { CreatedRun } from '../../commands/power/port.ts';
import type { PowerSchedule } from '../../domain/power-schedules/power-schedule.ts';
import { dayTimeline, nextFire, previewFires, type Fire } from '../../domain/power-schedules/recurrence.ts';
import type { ScheduleRule } from '../../domain/power-schedules/schedule-rule.ts';
import { httpStatusOf } from '../../domain/shared/error-kinds.ts';
import { toErrorRecord } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { z } from '../shared/zod.ts';
import type { changedScheduleBody, fireBody, memberBody, membersBody, previewBody, scheduleBody } from './schemas.ts';

type View<T extends z.ZodType> = z.input<T>;

/** A schedule as it is at an instant. */
export function scheduleView({ schedule, instances, lastRun }: ListedSchedule, at: Instant): View<typeof scheduleBody> {
  const { rule } = schedule;
  return {
    id: schedule.id,
    organization_id: schedule.organizationId,
    name: schedule.name,
    description: schedule.description,
    time_zone: rule.timeZone,
    triggers: rule.triggers,
    skip_dates: rule.skipDates,
    valid_from: rule.validFrom,
    valid_until: rule.validUntil,
    gap_policy: rule.gapPolicy,
    overlap_policy: rule.overlapPolicy,
    tag_selector: schedule.tagSelector,
    enabled: schedule.enabled,
    status: statusOf(schedule, at),
    next_fire: schedule.enabled ? fireOrNull(nextFire(rule, at)) : null,
    last_fire: fireOrNull(schedule.lastFire),
    last_run:
      lastRun === null
        ? null
        : { id: lastRun.id, state: lastRun.state, counts: lastRun.counts, created_at: lastRun.createdAt, finished_at: lastRun.finishedAt },
    instances,
    version: schedule.version,
    created_at: schedule.createdAt,
  };
}

function statusOf({ enabled, rule }: PowerSchedule, at: Instant): View<typeof scheduleBody>['status'] {
  if (rule.validUntil !== null && rule.validUntil <= at) return 'expired';
  if (!enabled) return 'inactive';
  return rule.validFrom !== null && rule.validFrom > at ? 'not-yet-valid' : 'active';
}

function fireOrNull(fire: Fire | null): View<typeof fireBody> | null {
  return fire === null ? null : fireView(fire);
}

export function fireView({ at, localTime, action, moved, supersededBy }: Fire): View<typeof fireBody> {
  return { at, local_time: localTime, action, moved, superseded_by: supersededBy };
}

export function membersView(items: readonly MemberOutcome[], runs: readonly CreatedRun[]): View<typeof membersBody> {
  const counts: Record<string, number> = {};
  for (const { outcome } of items) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return { items: items.map(outcomeView), counts, power_run_ids: runs.map(({ run }) => run.id) };
}

function outcomeView(item: MemberOutcome): View<typeof membersBody>['items'][number] {
  const { resourceId: resource_id, outcome } = item;
  if (item.outcome === 'refused') return { resource_id, outcome, status: httpStatusOf(item.error), error: toErrorRecord(item.error) };
  return { resource_id, outcome, status: 200, error: null };
}

export function changedView(listed: ListedSchedule, items: readonly MemberOutcome[], runs: readonly CreatedRun[], at: Instant): View<typeof changedScheduleBody> {
  return { power_schedule: scheduleView(listed, at), items: items.map(outcomeView), power_run_ids: runs.map(({ run }) => run.id) };
}

export function memberView(member: ListedMember): View<typeof memberBody> {
  return {
    resource_id: member.resourceId,
    name: member.name,
    state: member.state,
    observed_at: member.observedAt,
    attached_by: member.attachedBy,
    attached_at: member.attachedAt,
  };
}

/** What a rule will do: its next fires, and one local day as a timeline. */
export function previewView(rule: ScheduleRule, wish: { after: Instant; count: number; date: string }): View<typeof previewBody> {
  const timeline = dayTimeline(rule, wish.date);
  return {
    time_zone: rule.timeZone,
    fires: previewFires(rule, wish.after, wish.count).map(fireView),
    timeline: {
      date: timeline.date,
      from: timeline.from,
      until: timeline.until,
      seconds: timeline.seconds,
      intervals: timeline.intervals.map(({ state, from, until, localFrom, localUntil }) => ({ state, from, until, local_from: localFrom, local_until: localUntil })),
      fires: timeline.fires.map(fireView),
      clock_changes: timeline.clockChanges.map(({ at, localBefore, localAfter }) => ({ at, local_before: localBefore, local_after: localAfter })),
    },
  };
}
