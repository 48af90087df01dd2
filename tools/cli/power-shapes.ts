import { z } from 'zod';

// The shapes are those of /openapi.json, as far as this client reads them; more fields may come.
const counts = z.object({ open: z.number(), settled: z.number(), superseded: z.number(), overruled: z.number(), failed: z.number() });
const fire = z.object({ at: z.string(), local_time: z.string(), action: z.enum(['power_on', 'power_off']), moved: z.string().nullable(), superseded_by: z.string().nullable() });

export const schedule = z.object({
  id: z.string(),
  name: z.string(),
  time_zone: z.string(),
  status: z.string(),
  instances: z.number(),
  next_fire: fire.nullable(),
  last_run: z.object({ id: z.string(), state: z.string(), counts }).nullable(),
});
export const changedSchedule = z.object({ power_schedule: schedule });
export const preview = z.object({ time_zone: z.string(), fires: z.array(fire) });
const money = z.object({ currency: z.string(), amount: z.string() });
const course = z.object({ power_ons: z.number(), power_offs: z.number(), hours_on: z.string(), hours_off: z.string(), costs: z.array(money) });
export const simulation = z.object({
  from: z.string(),
  until: z.string(),
  instances: z.number(),
  instances_with_rate: z.number(),
  today: course,
  proposed: course,
  savings: z.array(money),
  action_changes: z.array(z.object({ at: z.string(), local_time: z.string(), action: z.enum(['power_on', 'power_off']), only_in: z.enum(['today', 'proposed']) })),
  action_changes_total: z.number(),
});
export const run = z.object({
  id: z.string(),
  cause: z.string(),
  requested_by: z.string(),
  workflow_id: z.string(),
  state: z.string(),
  counts,
  due_at: z.string(),
});
export const runItem = z.object({
  resource_id: z.string(),
  name: z.string().nullable(),
  wanted: z.enum(['on', 'off']),
  state: z.string(),
  observed: z.string().nullable(),
  attempts: z.number(),
  detail: z.string().nullable(),
  last_error: z.object({ code: z.string(), message: z.string() }).nullable(),
});
export const instance = z.object({ id: z.string(), name: z.string(), native_id: z.string(), region: z.string(), state: z.string() });
export const held = z.object({ power: z.object({ wanted: z.enum(['on', 'off']).nullable() }), power_run: run.nullable() });

export type Schedule = z.infer<typeof schedule>;
export type Preview = z.infer<typeof preview>;
export type Simulation = z.infer<typeof simulation>;
export type Run = z.infer<typeof run>;
export type RunItem = z.infer<typeof runItem>;
export type Instance = z.infer<typeof instance>;
export type Held = z.infer<typeof held>;

/** A list's first page, and how many there are on all. */
export interface FirstPage<T> {
  items: T[];
  total: number;
}
