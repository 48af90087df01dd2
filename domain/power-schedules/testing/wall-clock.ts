import { toInstant } from '../../shared/time.ts';
import type { Instant } from '../../shared/time.ts';
import type { Fire } from '../recurrence.ts';
import { WEEKDAYS } from '../schedule-rule.ts';
import type { ScheduleRule } from '../schedule-rule.ts';
import { isWithin, markSuperseded } from './calendar-fires.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;

const clocks = new Map<string, (at: number) => number>();

/** What a clock on the wall of a zone reads at an instant, in milliseconds as if it were UTC; by the runtime, without a library. */
export function wallClock(timeZone: string): (at: number) => number {
  const clock = clocks.get(timeZone) ?? newClock(timeZone);
  clocks.set(timeZone, clock);
  return clock;
}

function newClock(timeZone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone, calendar: 'iso8601', numberingSystem: 'latn', hourCycle: 'h23',
    year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  });
  return (at) => {
    const read = (format.format(at).match(/\d+/g) ?? []).map(Number);
    const [first = 0, second = 0, third = 0, hour = 0, minute = 0, secondOfMinute = 0] = read;
    const [year, month, day] = first > 31 ? [first, second, third] : [third, first, second];
    return Date.UTC(year, month - 1, day, hour, minute, secondOfMinute);
  };
}

/** Where a wall clock changes in (`from`, `until`], to the second, and by how much; found by reading it once a day. */
export function wallClockChanges(timeZone: string, from: number, until: number): { at: number; by: number }[] {
  const clock = wallClock(timeZone);
  const offset = (at: number): number => clock(at) - at;
  const changes: { at: number; by: number }[] = [];
  const step = DAY_MINUTES * MINUTE_MS;
  for (let at = from; at < until; at += step) {
    let [low, high] = [at, Math.min(at + step, until)];
    const by = offset(high) - offset(low);
    if (by === 0) continue;
    while (high - low > 1000) {
      const middle = low + Math.floor((high - low) / 2000) * 1000;
      if (offset(middle) === offset(at)) low = middle;
      else high = middle;
    }
    changes.push({ at: high, by });
  }
  return changes;
}

/**
 * What the engine must say, found by watching a clock on the wall minute by minute: the fires in [`from`, `until`), the
 * superseded ones too. For zones whose clocks stand on whole minutes. No clock may change within a day of either end.
 */
export function wallClockFires(rule: ScheduleRule, from: Instant, until: Instant): Fire[] {
  const clock = wallClock(rule.timeZone);
  const [start, end] = [Date.parse(from) / MINUTE_MS, Date.parse(until) / MINUTE_MS];
  const readings: number[] = [];
  for (let minute = start - 1; minute < end; minute += 1) readings.push(clock(minute * MINUTE_MS) / MINUTE_MS);
  const when = rule.overlapPolicy === 'first' ? firstReadings(readings) : lastReadings(readings);
  const fires: Fire[] = [];
  for (const [local, index] of when) {
    const moved = readings[index] !== local;
    const at = toInstant((start - 1 + index) * MINUTE_MS);
    if (index === 0 || !isWithin(rule, at) || (moved && rule.gapPolicy === 'skip')) continue;
    const localTime = toInstant(local * MINUTE_MS).slice(0, 16);
    for (const { action } of triggersAt(rule, local, localTime)) {
      fires.push({ at, localTime, action, moved: moved ? 'gap' : null, supersededBy: null });
    }
  }
  return markSuperseded(fires);
}

function triggersAt(rule: ScheduleRule, local: number, localTime: string): ScheduleRule['triggers'] {
  if (rule.skipDates.includes(localTime.slice(0, 10))) return [];
  // 1970-01-01 was a Thursday.
  const weekday = WEEKDAYS[(Math.floor(local / DAY_MINUTES) + 3) % 7];
  return rule.triggers.filter(({ time, days }) => time === localTime.slice(11) && days.some((day) => day === weekday));
}

/** For each local minute the index at which the clock first reads it, or has gone past it. */
function firstReadings(readings: readonly number[]): Map<number, number> {
  const when = new Map<number, number>();
  let highest = (readings[0] ?? 0) - 1;
  for (const [index, reading] of readings.entries()) {
    for (let local = highest + 1; local <= reading; local += 1) when.set(local, index);
    highest = Math.max(highest, reading);
  }
  return when;
}

/** For each local minute the index at which the clock last reads it, or has gone past it for good. */
function lastReadings(readings: readonly number[]): Map<number, number> {
  const when = new Map<number, number>();
  let lowest = (readings.at(-1) ?? 0) + 1;
  for (let index = readings.length - 1; index >= 0; index -= 1) {
    const reading = readings[index] as number;
    for (let local = reading; local < lowest; local += 1) when.set(local, local === reading ? index : index + 1);
    lowest = Math.min(lowest, reading);
  }
  return when;
}
