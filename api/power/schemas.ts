import { RUN_CAUSES } from '../../domain/power/power-run.ts';
import { INSTANCE_STATES } from '../../domain/resources/instance.ts';
import { errorRecord, idOf, instant, instantInput, searchText } from '../shared/fields.ts';
import { pageFields, sortedBy } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

export const RUN_STATES = ['running', 'completed', 'failed'] as const;
export const ITEM_STATES = ['open', 'settled', 'superseded', 'overruled', 'failed'] as const;

export const runCounts = z.strictObject({ open: z.int(), settled: z.int(), superseded: z.int(), overruled: z.int(), failed: z.int() });

export const runBody = z
  .strictObject({
    id: z.string(),
    organization_id: z.string(),
    cause: z.enum(RUN_CAUSES),
    requested_by: z.string(),
    operation_id: z.string().nullable(),
    workflow_id: z.string(),
    state: z.enum(RUN_STATES),
    counts: runCounts,
    due_at: instant,
    created_at: instant,
    finished_at: instant.nullable(),
  })
  .openapi('PowerRun');

export const runItemBody = z
  .strictObject({
    power_run_id: z.string(),
    resource_id: z.string(),
    name: z.string().nullable(),
    data_source_id: z.string(),
    power_schedule_id: z.string().nullable(),
    due_at: instant,
    local_time: z.string().nullable(),
    moved: z.enum(['gap']).nullable().openapi({ description: 'The local time was left out by a clock change: it acted at the end of the gap.' }),
    superseded: z
      .array(z.strictObject({ local_time: z.string(), wanted: z.enum(['on', 'off']) }))
      .openapi({ description: 'Triggers of the schedule whose local times fell on the same instant, in whose place this one acted.' }),
    wanted: z.enum(['on', 'off']),
    state: z.enum(ITEM_STATES),
    observed: z.enum(INSTANCE_STATES).nullable(),
    observed_at: instant.nullable(),
    attempts: z.int(),
    called_at: instant.nullable(),
    last_error: errorRecord.nullable(),
    detail: z.string().nullable(),
    next_attempt_at: instant.nullable(),
    finished_at: instant.nullable(),
  })
  .openapi('PowerRunItem');

export const runsQuery = z.strictObject({
  ...pageFields,
  search: searchText.optional().openapi({ description: 'In the name of who asked for it.' }),
  state: z.enum(RUN_STATES).optional(),
  cause: z.enum(RUN_CAUSES).optional(),
  power_schedule_id: idOf('power-schedule').optional(),
  resource_id: idOf('resource').optional(),
  since: instantInput.optional(),
  until: instantInput.optional(),
  sort: sortedBy(['created_at']).default('-created_at'),
});

export const itemsQuery = z.strictObject({ ...pageFields, search: searchText.optional().openapi({ description: 'In the instance’s name and the cloud’s own id.' }), state: z.enum(ITEM_STATES).optional() });

export const claimBody = z
  .strictObject({
    id: z.string(),
    resource_id: z.string(),
    source: z.enum(['hold', 'booking', 'schedule']),
    source_id: z.string(),
    wanted: z.enum(['on', 'off']),
    from: instant,
    until: instant.nullable(),
    until_next_trigger: z.boolean(),
    reason: z.string(),
    origin: z.strictObject({ kind: z.string(), name: z.string() }),
  })
  .openapi('PowerClaim');

/** What is wanted of an instance, by whom, and whether it is there. */
export const powerBody = z
  .strictObject({
    resource_id: z.string(),
    wanted: z.enum(['on', 'off']).nullable(),
    decided_by: z.strictObject({ source: z.enum(['hold', 'booking', 'schedule']), id: z.string() }).nullable(),
    wanted_since: instant.nullable(),
    is_settled: z.boolean(),
    next_due_at: instant.nullable(),
    claims: z.array(claimBody),
    power_schedule_id: z.string().nullable(),
  })
  .openapi('InstancePower');

export const holdInput = z
  .strictObject({
    until: instantInput.nullable().default(null).openapi({ description: 'How long it counts; until the next trigger of its schedule when left out.' }),
    reason: z.string().trim().max(500).default(''),
  })
  .openapi('HoldInstance');

export const heldBody = z.strictObject({ power: powerBody, power_run: runBody.nullable() }).openapi('HeldInstance');
