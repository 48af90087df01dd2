import { groupLabels, isPaged, readExpenses, readForecastDays, type ExpenseGroup, type Expenses } from '../../db/billing/expenses.ts';
import { parseGroupBy, parseTagFilters } from '../../domain/billing/expense-dimension.ts';
import { previousPeriod, type ExpenseQuery } from '../../domain/billing/expense-query.ts';
import { FORECAST_METHOD, forecastMonth } from '../../domain/billing/forecast.ts';
import { monthOf, type Instant } from '../../domain/shared/time.ts';
import { periodOf } from '../shared/cost-fields.ts';
import type { ApiDependencies } from '../shared/dependencies.ts';
import { inOrganization } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { readCursor, toPage } from '../shared/page.ts';
import type { z } from '../shared/zod.ts';
import { expensesBody, expensesQuery } from './schemas.ts';

const ID = 'getExpenses';

const get = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/expenses',
  id: ID,
  summary: 'What a period cost, grouped and filtered, beside the period before, with this month’s forecast',
  tags: ['expenses'],
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: expensesQuery,
  responses: { 200: expensesBody },
  async handle(context, { query }) {
    const asked = expenseQueryOf(query, context.at);
    const cursor = readCursor(ID, query, 3);
    const page = isPaged(asked)
      ? { limit: query.page_size + 1, after: cursor === null ? null : ([String(cursor[0]), String(cursor[1]), String(cursor[2])] as const) }
      : null;
    const [expenses, forecast] = await Promise.all([
      readExpenses(context.deps.db, context.organizationId, asked, page),
      forecastOf(context.deps, context.organizationId, asked, context.at),
    ]);
    return { status: 200, body: bodyOf(query, asked, expenses, forecast) };
  },
});

function expenseQueryOf(query: z.output<typeof expensesQuery>, at: Instant): ExpenseQuery {
  return {
    ...periodOf(query, at),
    metric: query.metric,
    groupBy: parseGroupBy(query.group_by ?? []),
    filters: {
      service: query.service ?? [],
      account: query.account ?? [],
      region: query.region ?? [],
      resource: query.resource ?? [],
      resource_type: query.resource_type ?? [],
      charge_category: query.charge_category ?? [],
      data_source: query.data_source ?? [],
      tags: parseTagFilters(query.tag ?? [], query.untagged ?? []),
    },
  };
}

type Body = z.input<typeof expensesBody>;

async function forecastOf({ db }: ApiDependencies, organizationId: string, query: ExpenseQuery, at: Instant): Promise<Body['forecast']> {
  const month = monthOf(at);
  const today = at.slice(0, 10);
  const days = await readForecastDays(db, organizationId, query, month, today);
  const currencies = forecastMonth(month, today, days).map((one) => ({
    currency: one.currency,
    cost_so_far: one.costSoFar,
    complete_through: one.completeThrough,
    daily_mean: one.dailyMean,
    forecast: one.forecast,
  }));
  return { month, method: FORECAST_METHOD, currencies };
}

function bodyOf(
  query: z.output<typeof expensesQuery>,
  asked: ExpenseQuery,
  { totals, groups, groupCount }: Expenses,
  forecast: Body['forecast'],
): Body {
  const labels = groupLabels(asked);
  const previous = previousPeriod(asked);
  const item = (group: ExpenseGroup): Body['groups'][number] => ({
    keys: labels.map((dimension, index) => ({ dimension, value: group.values[index] ?? null, name: group.names[index] ?? null })),
    currency: group.currency,
    cost: group.cost,
    previous_cost: group.previousCost,
  });
  const whole = { items: groups.map(item), total: groups.length, displayed: groups.length, next_page_token: null };
  const { items, ...paging } = isPaged(asked)
    ? toPage(ID, query, { rows: groups, total: groupCount }, { item, positionOf: (group) => group.position })
    : whole;
  return {
    start: asked.start,
    end: asked.end,
    previous_start: previous.start,
    previous_end: previous.end,
    basis: asked.basis,
    metric: asked.metric,
    group_by: labels,
    totals: totals.map((one) => ({ currency: one.currency, cost: one.cost, previous_cost: one.previousCost })),
    groups: items,
    ...paging,
    forecast,
  };
}

export const expenseRoutes = [get];
