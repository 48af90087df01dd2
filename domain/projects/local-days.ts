import { Temporal } from 'temporal-polyfill';
import { invalidField } from '../shared/errors.ts';
import { plusDays, plusMilliseconds, toInstant, type CalendarDate, type Instant } from '../shared/time.ts';

/** The longest a project may be planned for at once, ten years: what is longer was mistyped. */
export const MOST_DAYS = 3_653;

/** The instant at which a local day begins in a zone: midnight, or the first moment after it where clocks skip midnight. */
export function startOfDay(date: CalendarDate, timeZone: string): Instant {
  return remembered(STARTS, date, timeZone, () => toInstant(Temporal.PlainDate.from(date).toZonedDateTime(timeZone).epochMilliseconds));
}

/** The local date of an instant. */
export function localDateOf(at: Instant, timeZone: string): CalendarDate {
  return remembered(DATES, at, timeZone, () => Temporal.Instant.from(at).toZonedDateTimeISO(timeZone).toPlainDate().toString());
}

/** The local date of an instant, with its time where no day begins with it: `2026-11-21`, `2026-11-21 09:30`. */
export function localMomentOf(at: Instant, timeZone: string): string {
  const date = localDateOf(at, timeZone);
  if (startOfDay(date, timeZone) === at) return date;
  return `${date} ${Temporal.Instant.from(at).toZonedDateTimeISO(timeZone).toPlainTime().toString({ smallestUnit: 'minute' })}`;
}

/** The date `days` calendar days after `date`; negative counts go back. */
export function addDays(date: CalendarDate, days: number): CalendarDate {
  return plusDays(date, days);
}

/** How many calendar days `to` is after `from`; negative when it is before. */
export function daysFrom(from: CalendarDate, to: CalendarDate): number {
  // Dates without a zone: each of their days has 24 hours.
  return (Date.parse(to) - Date.parse(from)) / 86_400_000;
}

/** The start of the local day `days` days after the one of `at`; 0 for the day of `at` itself. */
export function startOfDayAfter(at: Instant, days: number, timeZone: string): Instant {
  return startOfDay(addDays(localDateOf(at, timeZone), days), timeZone);
}

/** How many local days are left until an instant: 1 on the last of them, 0 when it has come. One that has only begun by then counts. */
export function daysLeft(until: Instant, at: Instant, timeZone: string): number {
  return until <= at ? 0 : daysFrom(localDateOf(at, timeZone), localDateOf(plusMilliseconds(until, -1), timeZone)) + 1;
}

/** An inclusive period of local dates. */
export interface LocalDates {
  startDate: CalendarDate;
  endDate: CalendarDate;
}

/** Inclusive local dates as [start 00:00, day after end 00:00). */
export function spanOf({ startDate, endDate }: LocalDates, timeZone: string): { startsAt: Instant; endsAt: Instant } {
  return { startsAt: startOfDay(startDate, timeZone), endsAt: startOfDay(addDays(endDate, 1), timeZone) };
}

/** Refuses what is no zone of the IANA database, fixed offsets too: `projects.unknown-time-zone`. */
export function refuseUnknownZone(timeZone: string, field = 'time_zone'): void {
  if (!/^[+-]/.test(timeZone) && isZone(timeZone)) return;
  throw invalidField('projects.unknown-time-zone', field, `${JSON.stringify(timeZone)} is no zone of the IANA database; give a name such as Europe/Berlin`);
}

/**
 * Refuses dates that are no period: `projects.no-such-date`, `projects.end-before-start`, and
 * `projects.too-long` for more than ten years. One day is a period: both dates are included.
 */
export function refuseBadDates({ startDate, endDate }: LocalDates): void {
  for (const [field, date] of [['start_date', startDate], ['end_date', endDate]] as const) {
    if (!isDate(date)) throw invalidField('projects.no-such-date', field, `${JSON.stringify(date)} is no calendar date; write it like 2026-11-21`);
  }
  if (endDate < startDate) throw invalidField('projects.end-before-start', 'end_date', `${endDate} is before the start, ${startDate}; give that date or a later one`);
  if (daysFrom(startDate, endDate) >= MOST_DAYS) throw invalidField('projects.too-long', 'end_date', `${endDate} makes it longer than ${MOST_DAYS} days; plan less, and extend it later`);
}

function isZone(name: string): boolean {
  return parses(() => Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name));
}

function isDate(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && parses(() => Temporal.PlainDate.from(text, { overflow: 'reject' }));
}

function parses(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Projects share zones and midnights: asking the zone's rules anew for each costs a hundred times as much as remembering. */
const MOST_REMEMBERED = 10_000;
const STARTS = new Map<string, string>();
const DATES = new Map<string, string>();

function remembered(known: Map<string, string>, of: string, timeZone: string, ask: () => string): string {
  const key = `${of} ${timeZone}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  if (known.size >= MOST_REMEMBERED) known.clear();
  const answer = ask();
  known.set(key, answer);
  return answer;
}
