import { SCHEDULE_SORTS } from '../../db/power-schedules/schedule-list.ts';
import { MOST_PREVIEWED } from '../../domain/power-schedules/recurrence.ts';
import { GAP_POLICIES, MOST_SKIP_DATES, MOST_TRIGGERS, OVERLAP_POLICIES, POWER_ACTIONS, WEEKDAYS } from '../../domain/power-schedules/schedule-rule.ts';
import { RUN_STATES, runCounts } from '../power/schemas.ts';
import { errorRecord, idOf, instant, instantInput } from '../shared/fields.ts';
import { pageFields, sortedBy } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

const MOST_INSTANCES = 10_000;

const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, { error: 'must be a date like 2026-11-21' });
const text = (most: number) => z.string().trim().max(most);
const name = text(255).min(1);

const trigger = z.strictObject({
  time: z.string().openapi({ description: 'Local time, 00:00 to 23:59.', example: '08:00' }),
  days: z.array(z.enum(WEEKDAYS)).optional().openapi({ description: 'Every day when left out.' }),
  action: z.enum(POWER_ACTIONS),
});

/** The fields of a rule, as `parseRule` takes them. */
export const ruleFields = {
  time_zone: z.string().max(64).openapi({ description: 'IANA name.', example: 'Europe/Berlin' }),
  triggers: z.array(trigger).max(MOST_TRIGGERS + 1),
  skip_dates: z.array(date).max(MOST_SKIP_DATES + 1).optional().openapi({ description: 'Local dates on which no trigger acts.' }),
  valid_from: instantInput.nullable().optional(),
  valid_until: instantInput.nullable().optional().openapi({ description: 'Not included.' }),
  start_date: date.nullable().optional().openapi({ description: 'Local date, instead of valid_from.' }),
  end_date: date.nullable().optional().openapi({ description: 'Local date, included; instead of valid_until.' }),
  gap_policy: z.enum(GAP_POLICIES).optional().openapi({
    description: 'A local time that a clock change leaves out acts at the end of the gap (the latest of several), or not at all.',
  }),
  overlap_policy: z.enum(OVERLAP_POLICIES).optional().openapi({ description: 'At which pass a repeated local time acts.' }),
};

const tagSelector = z
  .record(z.string().min(1).max(256), z.string().max(256))
  .refine((tags) => Object.keys(tags).length > 0, { error: 'must name a tag; use null for no selector' })
  .nullable()
  .openapi({ description: 'Instances with all these tags belong to it; looked at again at each discovery.', example: { Team: 'web' } });

const resourceIds = z.array(idOf('resource')).max(MOST_INSTANCES);
const applyNow = z.boolean().default(false).openapi({ description: 'Apply what the schedule says at this moment; else wait for its next trigger.' });

export const scheduleInput = z
  .strictObject({
    name,
    description: text(2000).default(''),
    ...ruleFields,
    tag_selector: tagSelector.default(null),
    enabled: z.boolean().default(true),
    resource_ids: resourceIds.default([]),
    apply_now: applyNow,
  })
  .openapi('CreatePowerSchedule');

export const scheduleEdit = z
  .strictObject({
    name: name.optional(),
    description: text(2000).optional(),
    ...ruleFields,
    time_zone: ruleFields.time_zone.optional(),
    triggers: ruleFields.triggers.optional(),
    tag_selector: tagSelector.optional(),
  })
  .openapi('EditPowerSchedule');

export const applyInput = z.strictObject({ apply_now: applyNow }).openapi('ApplyPowerSchedule');
export const attachInput = z.strictObject({ resource_ids: resourceIds.min(1), apply_now: applyNow }).openapi('AttachInstances');
export const detachInput = z.strictObject({ resource_ids: resourceIds.min(1) }).openapi('DetachInstances');

export const fireBody = z.strictObject({
  at: instant,
  local_time: z.string(),
  action: z.enum(POWER_ACTIONS),
  moved: z.enum(['gap']).nullable(),
  superseded_by: z.string().nullable(),
});

export const scheduleBody = z
  .strictObject({
    id: z.string(),
    organization_id: z.string(),
    name: z.string(),
    description: z.string(),
    time_zone: z.string(),
    triggers: z.array(z.strictObject({ time: z.string(), days: z.array(z.enum(WEEKDAYS)), action: z.enum(POWER_ACTIONS) })),
    skip_dates: z.array(z.string()),
    valid_from: instant.nullable(),
    valid_until: instant.nullable(),
    gap_policy: z.enum(GAP_POLICIES),
    overlap_policy: z.enum(OVERLAP_POLICIES),
    tag_selector: z.record(z.string(), z.string()).nullable(),
    enabled: z.boolean(),
    status: z.enum(['active', 'inactive', 'not-yet-valid', 'expired']),
    next_fire: fireBody.nullable(),
    last_fire: fireBody.nullable(),
    last_run: z
      .strictObject({ id: z.string(), state: z.enum(RUN_STATES), counts: runCounts, created_at: instant, finished_at: instant.nullable() })
      .nullable(),
    instances: z.int(),
    version: z.int(),
    created_at: instant,
  })
  .openapi('PowerSchedule');

const outcomes = ['attached', 'already-attached', 'detached', 'not-attached', 'refused'] as const;
const memberOutcome = z.strictObject({
  resource_id: z.string(),
  outcome: z.enum(outcomes),
  status: z.int().openapi({ description: 'What this one alone would have been answered with.' }),
  error: errorRecord.nullable(),
});

/** A schedule with what became of each instance that was named, and the runs that apply it. */
export const changedScheduleBody = z
  .strictObject({ power_schedule: scheduleBody, items: z.array(memberOutcome), power_run_ids: z.array(z.string()) })
  .openapi('ChangedPowerSchedule');

export const membersBody = z
  .strictObject({ items: z.array(memberOutcome), counts: z.record(z.string(), z.int()), power_run_ids: z.array(z.string()) })
  .openapi('MembershipChanges');

export const memberBody = z
  .strictObject({
    resource_id: z.string(),
    name: z.string(),
    state: z.string(),
    observed_at: instant,
    attached_by: z.enum(['person', 'selector']),
    attached_at: instant,
  })
  .openapi('PowerScheduleInstance');

export const listQuery = z.strictObject({
  ...pageFields,
  search: text(200).min(1).optional(),
  enabled: z.enum(['true', 'false']).transform((value) => value === 'true').optional(),
  time_zone: z.string().max(64).optional(),
  resource_id: idOf('resource').optional(),
  sort: sortedBy(SCHEDULE_SORTS).default('name'),
});

const previewFields = {
  after: instantInput.optional().openapi({ description: 'Fires after this instant; now when left out.' }),
  count: z.int().min(1).max(MOST_PREVIEWED).default(20),
  date: date.optional().openapi({ description: 'Local date of the 24-hour timeline; today when left out.' }),
};
export const previewInput = z.strictObject(previewFields).openapi('PreviewPowerSchedule');
export const rulePreviewInput = z.strictObject({ ...ruleFields, ...previewFields }).openapi('PreviewRule');

export const previewBody = z
  .strictObject({
    time_zone: z.string(),
    fires: z.array(fireBody),
    timeline: z.strictObject({
      date: z.string(),
      from: instant,
      until: instant,
      seconds: z.number(),
      intervals: z.array(
        z.strictObject({ state: z.enum(['on', 'off', 'unknown']), from: instant, until: instant, local_from: z.string(), local_until: z.string() }),
      ),
      fires: z.array(fireBody),
      clock_changes: z.array(z.strictObject({ at: instant, local_before: z.string(), local_after: z.string() })),
    }),
  })
  .openapi('PowerSchedulePreview');
