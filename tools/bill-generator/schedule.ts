import type { CalendarDate } from '../../domain/shared/time.ts';
import { monthOf, plusDays, plusMonths } from '../../domain/shared/time.ts';
import type { BillMonth } from './line-item.ts';

const HOUR_MS = 3_600_000;

export interface ScheduleOptions {
  items: number;
  resources: number;
  firstDay: CalendarDate;
  days: number;
  granularity: 'hourly' | 'daily';
  /** The last month has no invoice yet. */
  lastMonthRuns: boolean;
}

/** One pass over all resources, at one interval of time. */
export interface Pass {
  month: BillMonth;
  /** Which of the month's passes this is, from 0, of `passesInMonth`. */
  passInMonth: number;
  passesInMonth: number;
  /** From 0 over the whole bill. */
  interval: number;
  /** Which pass of this interval, from 0, of `passesInInterval`. */
  passInInterval: number;
  passesInInterval: number;
  day: CalendarDate;
  hours: number;
  startText: string;
  endText: string;
}

/** `YYYY-MM-DDTHH:mm:ssZ`, the form of a legacy report. */
export function secondsText(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/** The billing periods that `days` days from `firstDay` touch, oldest first. */
export function billMonths(options: Pick<ScheduleOptions, 'firstDay' | 'days' | 'lastMonthRuns'>): BillMonth[] {
  const first = monthOf(options.firstDay);
  const last = monthOf(plusDays(options.firstDay, options.days - 1));
  const months: BillMonth[] = [];
  for (let month = first; month <= last; month = plusMonths(month, 1)) {
    const runs = month === last && options.lastMonthRuns;
    months.push({
      index: months.length, month, startText: `${month}-01T00:00:00Z`, endText: `${plusMonths(month, 1)}-01T00:00:00Z`,
      invoiceId: runs ? '' : `EUINV${month.slice(2, 4)}-${100_000 + months.length}`,
    });
  }
  return months;
}

/** Spreads ceil(items / resources) passes evenly over the bill's hours or days, in order of time. */
export function planPasses(options: ScheduleOptions): Pass[] {
  const hours = options.granularity === 'hourly' ? 1 : 24;
  const intervals = (options.days * 24) / hours;
  const count = Math.ceil(options.items / options.resources);
  const months = billMonths(options);
  const start = Date.parse(`${options.firstDay}T00:00:00Z`);
  const passes = Array.from({ length: count }, (_, index): Pass => {
    const interval = Math.floor((index * intervals) / count);
    const from = start + interval * hours * HOUR_MS;
    const startText = secondsText(from);
    const month = months.find((candidate) => candidate.month === monthOf(startText));
    if (month === undefined) throw new RangeError(`${startText} lies outside the bill`);
    return {
      month, passInMonth: 0, passesInMonth: 0, interval, passInInterval: 0, passesInInterval: 0,
      day: startText.slice(0, 10), hours, startText, endText: secondsText(from + hours * HOUR_MS),
    };
  });
  number(passes, (pass) => pass.month.index, (pass, position, size) => Object.assign(pass, { passInMonth: position, passesInMonth: size }));
  number(passes, (pass) => pass.interval, (pass, position, size) => Object.assign(pass, { passInInterval: position, passesInInterval: size }));
  return passes;
}

function number(passes: Pass[], key: (pass: Pass) => number, tell: (pass: Pass, position: number, size: number) => void): void {
  for (const group of Map.groupBy(passes, key).values()) group.forEach((pass, position) => tell(pass, position, group.length));
}
