import { DomainError, invalidField } from '../shared/errors.ts';
import { plusDays, type CalendarDate, type Instant } from '../shared/time.ts';
import { daysFrom, localDateOf, MOST_DAYS, refuseUnknownZone, startOfDay } from './local-days.ts';

/** The first local date whose day begins at an instant or after it: what a person plans with. */
export function firstWholeDate(at: Instant, timeZone: string): CalendarDate {
  const date = localDateOf(at, timeZone);
  return startOfDay(date, timeZone) >= at ? date : plusDays(date, 1);
}

/** How many days a period of inclusive dates has: one, when it ends on the date it begins. */
export function daysOf(startDate: CalendarDate, endDate: CalendarDate): number {
  return daysFrom(startDate, endDate) + 1;
}

/** Dates of a period that follows another one without a gap. */
export interface NextPeriod {
  nextStartDate: CalendarDate;
  nextEndDate: CalendarDate;
}

/** The period that N more days add to one that ends on `endDate`: N calendar days, counted from the old end whatever day it is now. */
export function nextPeriod(endDate: CalendarDate, days: number): NextPeriod {
  return { nextStartDate: plusDays(endDate, 1), nextEndDate: plusDays(endDate, days) };
}

/** The fewest days that bring the end of a project after `at`; at least one. */
export function minimumExtension(endDate: CalendarDate, timeZone: string, at: Instant): number {
  // A project lasts until the end of its last local date: it is enough that this date is today.
  return Math.max(1, daysFrom(endDate, localDateOf(at, timeZone)));
}

/** Refuses an extension that is none, is absurdly long, or leaves the end in the past; what would do is in `details`. */
export function requireUsableExtension(days: number, endDate: CalendarDate, timeZone: string, at: Instant): void {
  const minimum = minimumExtension(endDate, timeZone, at);
  if (Number.isInteger(days) && days >= minimum && days <= MOST_DAYS) return;
  const passed = days >= 1 && days < minimum ? `: the project ended on ${endDate}, and extensions count from there` : '';
  const problem = `is ${days}; give a whole number from ${minimum} to ${MOST_DAYS}${passed}`;
  throw new DomainError({
    kind: 'invalid-input',
    code: days < minimum ? 'projects.extension-too-short' : 'projects.bad-days',
    message: `days: ${problem}`,
    fields: [{ field: 'days', problem }],
    details: { minimum_days: minimum, maximum_days: MOST_DAYS },
  });
}

/** Refuses a period that cannot be planned: no such zone, an end before the start, a start that is over or more than ten years off, more than ten years. */
export function requireUsablePeriod(period: { startDate: CalendarDate; endDate: CalendarDate; timeZone: string }, at: Instant): void {
  const { startDate, endDate, timeZone } = period;
  refuseUnknownZone(timeZone);
  const today = localDateOf(at, timeZone);
  if (endDate < startDate) throw invalidField('projects.end-before-start', 'end_date', `${endDate} is before the start, ${startDate}; give that date or a later one`);
  if (startDate < today) throw invalidField('applications.start-in-past', 'start_date', `${startDate} is over: in ${timeZone} it is ${today}; begin then or later`);
  if (daysFrom(today, startDate) > MOST_DAYS) throw invalidField('applications.start-too-far', 'start_date', `${startDate} is more than ten years off; begin earlier`);
  if (daysOf(startDate, endDate) > MOST_DAYS) throw invalidField('projects.too-long', 'end_date', `${endDate} makes it longer than ${MOST_DAYS} days; plan less, and extend it later`);
}
