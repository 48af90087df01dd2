import { COST_METRICS, EXPENSE_BASES } from '../../domain/billing/expense-query.ts';
import { calendarDate, currencyCode, decimalText, periodFields, tagFilterFields, valuesOf } from '../shared/cost-fields.ts';
import { idOf } from '../shared/fields.ts';
import { pageFields } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

export const expensesQuery = z.strictObject({
  ...periodFields,
  ...pageFields,
  group_by: z.array(z.string().min(1).max(300)).max(10).optional().openapi({
    description:
      'At most two of day, week, month, service, account, region, resource, resource_type, charge_category, data_source, tag:KEY. ' +
      'Groupings by resource come in pages, all others whole.',
    example: ['service', 'tag:team'],
  }),
  service: valuesOf('Only these services.'),
  account: valuesOf('Only these cloud accounts.'),
  region: valuesOf('Only these regions.'),
  resource: z.array(idOf('resource')).max(200).optional().openapi({ description: 'Only these resources. Repeatable.' }),
  resource_type: valuesOf('Only these resource types.'),
  charge_category: valuesOf('Only these FOCUS charge categories: Usage, Purchase, Tax, Credit, Adjustment.'),
  data_source: z.array(idOf('data-source')).max(200).optional().openapi({ description: 'Only these data sources. Repeatable.' }),
  ...tagFilterFields,
});

const beside = {
  currency: currencyCode,
  cost: decimalText,
  previous_cost: decimalText.openapi({ description: 'In the period of the same length just before.' }),
};

const forecast = z.strictObject({
  month: z.string().openapi({ example: '2026-11' }),
  method: z.string().openapi({ description: 'How the forecast is made, in words.' }),
  currencies: z.array(
    z.strictObject({
      currency: currencyCode,
      cost_so_far: decimalText,
      complete_through: calendarDate.nullable(),
      daily_mean: decimalText.nullable(),
      forecast: decimalText.nullable(),
    }),
  ),
});

export const expensesBody = z
  .strictObject({
    start: calendarDate,
    end: calendarDate,
    previous_start: calendarDate,
    previous_end: calendarDate,
    basis: z.enum(EXPENSE_BASES),
    metric: z.enum(COST_METRICS),
    group_by: z.array(z.string()),
    totals: z.array(z.strictObject(beside)).openapi({ description: 'One a currency: currencies are never added. The groups of a currency add up to its total exactly.' }),
    groups: z.array(
      z.strictObject({
        keys: z.array(
          z.strictObject({
            dimension: z.string(),
            value: z.string().nullable().openapi({ description: 'null: resources without the tag.' }),
            name: z.string().nullable().openapi({ description: 'What people call it, where the value is an id.' }),
          }),
        ),
        ...beside,
      }),
    ),
    total: z.number().int().openapi({ description: 'Groups on all pages.' }),
    displayed: z.number().int().openapi({ description: 'Groups of this answer.' }),
    next_page_token: z.string().nullable(),
    forecast,
  })
  .openapi('Expenses');
