import { Big } from 'big.js';
import { plusMonths, type Month } from '../../domain/shared/time.ts';
import type { ApiClient, Expenses } from './api-client.ts';
import { formatTable, type Column } from './table.ts';

export interface CostFlags {
  by: string[];
  month: Month;
  metric: string;
  basis: string;
}

/** What a month cost, grouped, as a table with its totals; costs of different currencies are never added. */
export async function describeCosts(client: ApiClient, organizationId: string, flags: CostFlags): Promise<string> {
  const query: [string, string][] = [
    ['start', `${flags.month}-01`],
    ['end', `${plusMonths(flags.month, 1)}-01`],
    ['metric', flags.metric],
    ['basis', flags.basis],
    ...flags.by.map((dimension): [string, string] => ['group_by', dimension]),
  ];
  return expensesTable(await client.getExpenses(organizationId, query));
}

/** The table of an answer of /expenses: cents for reading; the exact digits are in the API's answer. */
export function expensesTable(expenses: Expenses): string {
  const { group_by: dimensions, groups, totals } = expenses;
  const columns: Column[] = [
    ...dimensions.map((title): Column => ({ title, align: 'left' })),
    { title: `${expenses.metric} cost`, align: 'right' },
    { title: 'month before', align: 'right' },
    { title: '', align: 'left' },
  ];
  const costs = (row: Expenses['totals'][number]) => [cents(row.cost), cents(row.previous_cost), row.currency];
  const rows = groups.map((group) => [...group.keys.map(({ name, value }) => name ?? value ?? '(none)'), ...costs(group)]);
  const sums = totals.map((total) => [...dimensions.map((_, index) => (index === 0 ? 'Total' : '')), ...costs(total)]);
  const more = expenses.total > expenses.displayed ? `\n${expenses.displayed} of ${expenses.total} groups shown.` : '';
  const heading = `${expenses.start} to ${expenses.end} (exclusive)`;
  if (groups.length === 0 && totals.length === 0) return `${heading}: no costs are recorded.`;
  return `${heading}\n\n${formatTable(columns, [...rows, ...sums])}${more}`;
}

function cents(text: string): string {
  return new Big(text).toFixed(2);
}
