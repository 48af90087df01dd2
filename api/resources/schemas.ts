import { COST_METRICS, EXPENSE_BASES } from '../../domain/billing/expense-query.ts';
import { RESOURCE_SORTS } from '../../domain/resources/resource-query.ts';
import { calendarDate, currencyCode, decimalText, periodFields, tagFilterFields, valuesOf } from '../shared/cost-fields.ts';
import { idOf, instant, searchText } from '../shared/fields.ts';
import { pageFields } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { instanceBlock } from './instance-schemas.ts';

export const resourcesQuery = z.strictObject({
  ...periodFields,
  ...pageFields,
  search: searchText.optional().openapi({ description: 'Part of a name or native id, without case.' }),
  type: valuesOf('Only these resource types.'),
  region: valuesOf('Only these regions.'),
  service: valuesOf('Only these services.'),
  account: valuesOf('Only these cloud accounts.'),
  data_source: z.array(idOf('data-source')).max(200).optional().openapi({ description: 'Only costs from these data sources. Repeatable.' }),
  ...tagFilterFields,
  sort: z.enum(RESOURCE_SORTS).default('cost').openapi({ description: 'cost: by the largest cost in any one currency.' }),
  order: z.enum(['asc', 'desc']).optional().openapi({ description: 'Default: desc, but asc for names.' }),
});

const cost = z.strictObject({ currency: currencyCode, cost: decimalText });

const attributes = {
  id: z.string(),
  account_id: z.string(),
  native_id: z.string().openapi({ description: 'The cloud’s own id; line:… for lines that belong to no resource.' }),
  is_named_line: z.boolean().openapi({ description: 'Gathers charges that belong to no resource, so that nothing is left out.' }),
  name: z.string(),
  type: z.string(),
  service: z.string(),
  region: z.string(),
  first_seen: instant,
  last_seen: instant,
};

const period = {
  start: calendarDate,
  end: calendarDate,
  basis: z.enum(EXPENSE_BASES),
  metric: z.enum(COST_METRICS),
};

export const resourcesBody = z
  .strictObject({
    ...period,
    items: z.array(
      z.strictObject({
        ...attributes,
        tags: z.record(z.string(), z.string()).openapi({ description: 'By normalised key.' }),
        costs: z.array(cost),
      }),
    ),
    total_costs: z.array(cost).openapi({ description: 'Of all resources that match, on all pages.' }),
    total: z.number().int(),
    displayed: z.number().int(),
    next_page_token: z.string().nullable(),
  })
  .openapi('ResourceList');

export const resourceQuery = z.strictObject(periodFields);

export const resourceBody = z
  .strictObject({
    ...attributes,
    organization_id: z.string(),
    cloud: z.string(),
    tags: z.array(
      z.strictObject({
        key: z.string().openapi({ description: 'Normalised: the same from every kind of export.' }),
        source_keys: z.array(z.string()).openapi({ description: 'As bills write it, where a bill tells.' }),
        value: z.string(),
      }),
    ),
    bills: z.array(z.strictObject({ billing_period: z.string(), data_source_id: z.string() })),
    ...period,
    costs: z.array(cost),
    daily_costs: z.array(z.strictObject({ date: calendarDate, currency: currencyCode, cost: decimalText })),
    instance: instanceBlock.nullable().openapi({ description: 'When it is a machine that discovery knows.' }),
  })
  .openapi('Resource');

export const lineItemsQuery = z.strictObject({
  ...pageFields,
  billing_period: z
    .string()
    .regex(/^\d{4}-(0[1-9]|1[0-2])$/, { error: 'must be a month, like 2026-10' })
    .openapi({ description: 'The month whose bill is read.' }),
});

export const lineItemsBody = z
  .strictObject({
    billing_period: z.string(),
    items: z.array(
      z.strictObject({
        data_source_id: z.string(),
        charge_period_start: instant,
        charge_period_end: instant,
        line_item_type: z.string(),
        description: z.string(),
        usage_type: z.string(),
        operation: z.string(),
        consumed_quantity: decimalText.nullable(),
        consumed_unit: z.string(),
        currency: currencyCode,
        billed_cost: decimalText,
        effective_cost: decimalText,
        contracted_cost: decimalText,
        list_cost: decimalText,
        invoice_id: z.string(),
      }),
    ),
    displayed: z.number().int(),
    next_page_token: z.string().nullable(),
  })
  .openapi('LineItems');
