import { COST_METRICS } from '../../domain/billing/expense-query.ts';
import { currencyCode, decimalText } from '../shared/cost-fields.ts';
import { POWER_ACTIONS } from '../../domain/power-schedules/schedule-rule.ts';
import { idOf, instant, instantInput } from '../shared/fields.ts';
import { z } from '../shared/zod.ts';
import { fireBody, ruleFields } from './schemas.ts';

const wishFields = {
  from: instantInput,
  until: instantInput.openapi({ description: 'Not included; at most 366 days after `from`.' }),
  initial_state: z.enum(['on', 'off']).default('on').openapi({ description: 'How the instances are as the period begins.' }),
  metric: z.enum(COST_METRICS).default('effective'),
  resource_ids: z.array(idOf('resource')).max(10_000).optional().openapi({ description: 'Which instances; those of the schedule when left out.' }),
};

export const simulationInput = z.strictObject(wishFields);
export const ruleSimulationInput = z.strictObject({ ...ruleFields, ...wishFields }).openapi('SimulateRule');
export const changesInput = z.strictObject({ ...ruleFields, time_zone: ruleFields.time_zone.optional(), triggers: ruleFields.triggers.optional() });

const money = z.strictObject({ currency: currencyCode, amount: decimalText });

const course = z.strictObject({
  fires: z.int(),
  power_ons: z.int(),
  power_offs: z.int(),
  hours_on: decimalText,
  hours_off: decimalText,
  costs: z.array(money),
});

export const simulationBody = z
  .strictObject({
    from: instant,
    until: instant,
    instances: z.int(),
    instances_with_rate: z.int(),
    rates: z.array(money).openapi({ description: 'What an hour of all of them costs.' }),
    rate_bases: z.record(z.string(), z.int()).openapi({ description: 'How many instances have their rate from bills (`bill`), from their cloud (`list-price`), and from the organization’s own list (`organization-price`).' }),
    today: course,
    proposed: course,
    savings: z.array(money),
    actual: z.array(z.strictObject({ currency: currencyCode, hours: decimalText, amount: decimalText })).openapi({
      description: 'What bills charged for their hours in the past part of the period, on the UTC days that are nearest to it.',
    }),
    actions: z.array(fireBody).openapi({ description: 'The first 1,000 fires of the proposal that change the state.' }),
    actions_total: z.int(),
    action_changes: z
      .array(z.strictObject({ at: instant, local_time: z.string(), action: z.enum(POWER_ACTIONS), only_in: z.enum(['today', 'proposed']) }))
      .openapi({ description: 'The first 1,000 actions that only one of the two has, in time order: what would be different.' }),
    action_changes_total: z.int(),
  })
  .openapi('PowerScheduleSimulation');

export const savingsBody = z
  .strictObject({
    since: instant,
    until: instant,
    instances: z.int(),
    instances_with_rate: z.int(),
    hours_off: decimalText,
    savings: z.array(money),
  })
  .openapi('PowerScheduleSavings');
