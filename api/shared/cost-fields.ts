import { COST_METRICS, EXPENSE_BASES, checkPeriod, type ExpensePeriod } from '../../domain/billing/expense-query.ts';
import { firstDayOf, monthOf, plusMonths, type Instant } from '../../domain/shared/time.ts';
import { z } from './zod.ts';

/** A calendar date that exists. */
export const calendarDate = z.iso.date({ error: 'must be a calendar date, like 2026-10-01' });

/** Exact decimal text, never a float. */
export const decimalText = z.string().regex(/^-?\d+(\.\d+)?$/).openapi({ example: '1234.5678', description: 'Exact decimal text.' });

/** ISO 4217. */
export const currencyCode = z.string().openapi({ example: 'USD' });

/** Fields of a query about the costs of a period; spread them into its schema. */
export const periodFields = {
  start: calendarDate.optional().openapi({ description: 'First day that counts. Default: the first of the current month.' }),
  end: calendarDate.optional().openapi({ description: 'First day that does not count any more. Default: the first of the next month.' }),
  basis: z.enum(EXPENSE_BASES).default('billing_period').openapi({
    description:
      'billing_period: a charge counts for the month of its bill, so totals are those of the bills; start and end are firsts of months. ' +
      'usage_date: it counts for the UTC day on which its usage began.',
  }),
  metric: z.enum(COST_METRICS).default('billed').openapi({ description: 'Billed, effective (amortised), contracted or list cost, as FOCUS names them.' }),
};

interface PeriodQuery {
  start?: string | undefined;
  end?: string | undefined;
  basis: ExpensePeriod['basis'];
}

/** The period asked for; by default the current month. Refuses one that is empty, too long or does not fit its basis. */
export function periodOf(query: PeriodQuery, at: Instant): ExpensePeriod {
  const month = monthOf(query.start ?? at);
  const start = query.start ?? firstDayOf(month);
  const period = { start, end: query.end ?? firstDayOf(plusMonths(month, 1)), basis: query.basis };
  checkPeriod(period);
  return period;
}

/** Filters on tags; spread them into a query's schema. */
export const tagFilterFields = {
  tag: z.array(z.string().min(1).max(600)).max(50).optional().openapi({ description: 'KEY=VALUE. The key as the bill writes it or normalised. Repeatable: values of one key are alternatives.' }),
  untagged: z.array(z.string().min(1).max(300)).max(20).optional().openapi({ description: 'KEY: resources without this tag. Repeatable.' }),
};

/** A filter that may be repeated; its values are alternatives. */
export function valuesOf(description: string) {
  return z.array(z.string().min(1).max(1000)).max(200).optional().openapi({ description: `${description} Repeatable: values are alternatives.` });
}
