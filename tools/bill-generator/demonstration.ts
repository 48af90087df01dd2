import type { CalendarDate } from '../../domain/shared/time.ts';
import { firstDayOf, monthOf, plusMonths } from '../../domain/shared/time.ts';
import { BILL_DEFAULTS, generateBill } from './generate.ts';
import type { WrittenBill } from './generate.ts';

const FULL_MONTHS = 3;
const RESOURCES = 140;
const LINES_A_DAY = 2;

/**
 * Writes the demonstration organization's bill into `directory` as a legacy report: the three full
 * months before `lastDay`'s and that month up to `lastDay`, over 20,000 items, growing 6 % a month,
 * with teams and environments in the tags. The running month has no invoice yet.
 */
export async function demonstrationBill(directory: string, lastDay: CalendarDate): Promise<WrittenBill> {
  const firstDay = firstDayOf(plusMonths(monthOf(lastDay), -FULL_MONTHS));
  const days = (Date.parse(lastDay) - Date.parse(firstDay)) / 86_400_000 + 1;
  return await generateBill({
    ...BILL_DEFAULTS, directory, firstDay, days, granularity: 'daily', resources: RESOURCES,
    items: RESOURCES * LINES_A_DAY * days, monthlyGrowth: 0.06, lastMonthRuns: true,
  });
}
