/**
 * An instant as RFC 3339 in UTC with milliseconds, `2026-11-21T07:00:00.000Z`: the form of
 * `Date.prototype.toISOString`, so that instants compare as strings.
 */
export type Instant = string;

/** A calendar date `YYYY-MM-DD`. */
export type CalendarDate = string;

/** A month `YYYY-MM`. */
export type Month = string;

/** Where "now" comes from. Rules never ask it: they are given `at`. */
export interface Clock {
  now(): Instant;
}

export function toInstant(value: Date | number | string): Instant {
  return new Date(value).toISOString();
}

export function laterOf(a: Instant, b: Instant | null | undefined): Instant {
  return b !== null && b !== undefined && b > a ? b : a;
}

export function plusMilliseconds(at: Instant, milliseconds: number): Instant {
  return toInstant(Date.parse(at) + milliseconds);
}

const MONTH = /^(\d{4})-(0[1-9]|1[0-2])$/;

export function isMonth(value: string): value is Month {
  return MONTH.test(value);
}

/** The UTC month of an instant or a calendar date. */
export function monthOf(at: Instant): Month {
  return at.slice(0, 7);
}

export function firstDayOf(month: Month): CalendarDate {
  return `${month}-01`;
}

/** The month `count` months after `month`; negative counts go back. */
export function plusMonths(month: Month, count: number): Month {
  const index = Number(month.slice(0, 4)) * 12 + Number(month.slice(5, 7)) - 1 + count;
  return `${String(Math.floor(index / 12)).padStart(4, '0')}-${String((index % 12) + 1).padStart(2, '0')}`;
}

/** The day `count` days after `date`. Dates here are UTC days: no zone is involved. */
export function plusDays(date: CalendarDate, count: number): CalendarDate {
  return new Date(Date.parse(`${date}T00:00:00.000Z`) + count * 86_400_000).toISOString().slice(0, 10);
}
