import { WEEKDAYS } from './schedule-rule.ts';
import type { PowerAction, ScheduleRule } from './schedule-rule.ts';
import { DAY_MS, calmDaysAround, instantOf, localDayAt, offsetAt } from './zone-timeline.ts';
import type { CalmDays } from './zone-timeline.ts';

const MINUTE_MS = 60_000;
/** Without dates to skip, every trigger has an occurrence within a week, or a few when gaps leave it out. */
const SEARCH_DAYS = 400;
/** Instants of later years no longer compare as strings. */
const END_OF_TIME = Date.UTC(9999, 11, 31);
const START_OF_TIME = Date.UTC(1900, 0, 1);

/** A trigger on one of its dates. Milliseconds; local times as if they were UTC. */
export interface Occurrence {
  at: number;
  local: number;
  action: PowerAction;
  /** The local time lies in a gap; `at` is the gap's end. */
  moved: boolean;
}

/** A rule with its texts read: what one question to the engine works with. */
export interface ReadRule {
  rule: ScheduleRule;
  slots: Slot[];
  /** The days of any slot. */
  days: number;
  from: number;
  until: number;
  /** Where the walk through the days is, for plain arithmetic. */
  calm: CalmDays | null;
}

interface Slot {
  /** Since midnight, in milliseconds. */
  time: number;
  /** One bit a day, Monday the lowest. */
  days: number;
  action: PowerAction;
}

export function read(rule: ScheduleRule): ReadRule {
  let days = 0;
  const slots = rule.triggers.map((trigger) => {
    const slot = { time: millisecondsOf(trigger.time), days: 0, action: trigger.action };
    for (const day of trigger.days) slot.days |= 1 << WEEKDAYS.indexOf(day);
    days |= slot.days;
    return slot;
  });
  slots.sort((a, b) => a.time - b.time);
  return {
    rule, slots, days, calm: null,
    from: rule.validFrom === null ? START_OF_TIME : Date.parse(rule.validFrom),
    until: rule.validUntil === null ? END_OF_TIME : Date.parse(rule.validUntil),
  };
}

/** The occurrences strictly after an instant and within validity, ascending by local time and so by instant. */
export function* occurrencesAfter(rule: ReadRule, after: number): Generator<Occurrence> {
  const start = Math.max(after, rule.from - 1);
  if (start >= rule.until) return;
  const { timeZone, overlapPolicy, skipDates } = rule.rule;
  // Before an overlap ends, second passes of times behind the clock are still to come.
  const firstDay = localDayAt(timeZone, start) - (overlapPolicy === 'second' ? 1 : 0);
  const lastDay = Math.max(firstDay, dayOf(skipDates.at(-1)) ?? firstDay) + SEARCH_DAYS;
  let found = firstDay;
  for (let day = firstDay; day <= Math.max(lastDay, found + SEARCH_DAYS); day += 1) {
    if (!actsOn(rule, day)) continue;
    for (const occurrence of occurrencesOf(rule, day)) {
      if (occurrence.at <= start) continue;
      if (occurrence.at >= rule.until) return;
      found = day;
      yield occurrence;
    }
  }
}

/** The occurrences in (`after`, `upTo`] and within validity, descending. */
export function* occurrencesBefore(rule: ReadRule, upTo: number, after: number): Generator<Occurrence> {
  const start = Math.min(upTo, rule.until - 1);
  const end = Math.max(after, rule.from - 1);
  if (start <= end) return;
  const { timeZone, overlapPolicy, skipDates } = rule.rule;
  // Once an overlap has begun to repeat, first passes of times ahead of the clock are already over.
  const firstDay = localDayAt(timeZone, start) + (overlapPolicy === 'first' ? 1 : 0);
  const lastDay = Math.min(firstDay, dayOf(skipDates[0]) ?? firstDay) - SEARCH_DAYS;
  let found = firstDay;
  for (let day = firstDay; day >= Math.min(lastDay, found - SEARCH_DAYS); day -= 1) {
    if (!actsOn(rule, day)) continue;
    for (const occurrence of occurrencesOf(rule, day).reverse()) {
      if (occurrence.at > start) continue;
      if (occurrence.at <= end) return;
      found = day;
      yield occurrence;
    }
  }
}

/** `YYYY-MM-DDTHH:MM` of a local time in milliseconds. */
export function localTimeOf(local: number): string {
  return new Date(local).toISOString().slice(0, 16);
}

/** A local day of 1970-01-01 plus `day` days, as a date. */
export function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** Days from 1970-01-01 to a date. */
export function dayOf(date: string): number;
export function dayOf(date: string | undefined): number | undefined;
export function dayOf(date: string | undefined): number | undefined {
  return date === undefined ? undefined : Date.parse(`${date}T00:00:00Z`) / DAY_MS;
}

function occurrencesOf(rule: ReadRule, day: number): Occurrence[] {
  const { timeZone, gapPolicy, overlapPolicy } = rule.rule;
  const bit = weekdayBit(day);
  if (rule.calm === null || day < rule.calm.firstDay || day > rule.calm.lastDay) rule.calm = calmDaysAround(timeZone, day);
  const { calm } = rule;
  const occurrences: Occurrence[] = [];
  for (const { time, days, action } of rule.slots) {
    if ((days & bit) === 0) continue;
    const local = day * DAY_MS + time;
    if (calm !== null) {
      occurrences.push({ at: local - calm.offset, local, action, moved: false });
      continue;
    }
    const at = instantOf(timeZone, local, overlapPolicy);
    const moved = at + offsetAt(timeZone, at) !== local;
    if (!moved || gapPolicy === 'gap_end') occurrences.push({ at, local, action, moved });
  }
  return occurrences;
}

function actsOn(rule: ReadRule, day: number): boolean {
  return (rule.days & weekdayBit(day)) !== 0 && !isSkipped(rule.rule.skipDates, day);
}

/** Dates are ascending. */
function isSkipped(dates: readonly string[], day: number): boolean {
  if (dates.length === 0) return false;
  const date = dateOf(day);
  let [low, high] = [0, dates.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((dates[middle] as string) < date) low = middle + 1;
    else high = middle;
  }
  return dates[low] === date;
}

// 1970-01-01 was a Thursday.
function weekdayBit(day: number): number {
  return 1 << ((((day + 3) % 7) + 7) % 7);
}

function millisecondsOf(time: string): number {
  return (Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))) * MINUTE_MS;
}
