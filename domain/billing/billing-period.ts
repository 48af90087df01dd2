import { firstDayOf, isMonth, plusMonths } from '../shared/time.ts';
import type { CalendarDate } from '../shared/time.ts';

/**
 * The billing period that a path segment names, as the first day of its month, or null: `20260301-20260401`
 * (legacy CSV; an end on the last day of the month is accepted), `BILLING_PERIOD=2026-03` in any
 * case, and `year=2026/month=3` given as two segments joined by `/` (not padded).
 */
export function periodOfSegment(segment: string): CalendarDate | null {
  return rangePeriod(segment) ?? partitionPeriod(segment) ?? athenaPeriod(segment);
}

function rangePeriod(segment: string): CalendarDate | null {
  const match = /^(\d{4})(\d{2})(\d{2})-(\d{4})(\d{2})(\d{2})$/.exec(segment);
  if (match === null) return null;
  const [, fromYear, fromMonth, fromDay, toYear, toMonth, toDay] = match;
  const month = `${fromYear}-${fromMonth}`;
  if (!isMonth(month) || fromDay !== '01') return null;
  const isExclusive = `${toYear}-${toMonth}` === plusMonths(month, 1) && toDay === '01';
  const isInclusive = `${toYear}-${toMonth}` === month && Number(toDay) >= 28;
  return isExclusive || isInclusive ? firstDayOf(month) : null;
}

function partitionPeriod(segment: string): CalendarDate | null {
  const match = /^billing_period=(\d{4}-\d{2})$/i.exec(segment);
  return match?.[1] !== undefined && isMonth(match[1]) ? firstDayOf(match[1]) : null;
}

function athenaPeriod(segment: string): CalendarDate | null {
  const match = /^year=(\d{4})\/month=(\d{1,2})$/i.exec(segment);
  if (match?.[1] === undefined || match[2] === undefined) return null;
  const month = `${match[1]}-${match[2].padStart(2, '0')}`;
  return isMonth(month) ? firstDayOf(month) : null;
}

/** The period of a report's own time stamp: `20260301T000000.000Z` (manifests) or `2026-03-01T00:00:00Z` (rows). */
export function periodOfStamp(stamp: string): CalendarDate | null {
  const match = /^(\d{4})-?(\d{2})-?01(?:$|[T ])/.exec(stamp);
  const month = match === null ? '' : `${match[1]}-${match[2]}`;
  return isMonth(month) ? firstDayOf(month) : null;
}
