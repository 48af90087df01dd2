import { invalidField } from '../shared/errors.ts';
import { toInstant } from '../shared/time.ts';
import type { CalendarDate, Instant } from '../shared/time.ts';
import { localTimeOf, occurrencesAfter, occurrencesBefore, read } from './occurrences.ts';
import type { Occurrence, ReadRule } from './occurrences.ts';
import { parseDate } from './schedule-rule.ts';
import type { PowerAction, ScheduleRule } from './schedule-rule.ts';
import { clockChangesBetween, offsetAt, startOfLocalDay } from './zone-timeline.ts';

export const MOST_PREVIEWED = 1_000;

/** One time at which a schedule acts, or would have acted. */
export interface Fire {
  at: Instant;
  /** `YYYY-MM-DDTHH:MM`, as the trigger's date and time say it; not what clocks read when it was moved. */
  localTime: string;
  action: PowerAction;
  /** The local time lay in a gap, and `at` is the gap's end. */
  moved: 'gap' | null;
  /** `localTime` of the fire that acts at this instant in its place; null when this one acts. */
  supersededBy: string | null;
}

/** What a schedule makes of a local day. */
export interface DayTimeline {
  date: CalendarDate;
  /** The day's first instant. */
  from: Instant;
  /** The next day's first instant. */
  until: Instant;
  /** 86,400; an hour less or more when clocks change, 0 for a date that the zone left out. */
  seconds: number;
  /** Without holes from `from` to `until`; neighbours differ in state. */
  intervals: DayInterval[];
  /** Of this day, the superseded ones too. */
  fires: Fire[];
  clockChanges: ClockChange[];
}

export interface DayInterval {
  /** `unknown` where no fire has said anything yet, and outside validity. */
  state: 'on' | 'off' | 'unknown';
  from: Instant;
  until: Instant;
  /** What clocks read at `from` and `until`, `YYYY-MM-DDTHH:MM`; after the change, when they change just then. */
  localFrom: string;
  localUntil: string;
}

export interface ClockChange {
  at: Instant;
  /** What clocks would have read, and what they read. */
  localBefore: string;
  localAfter: string;
}

/** The first fire that acts strictly after `after`; null when the schedule acts no more. */
export function nextFire(rule: ScheduleRule, after: Instant): Fire | null {
  const [group] = groupsAfter(read(rule), Date.parse(after));
  return group === undefined ? null : actingOf(group);
}

/** The newest fire that acts in (`after`, `upTo`]; null when none does. After an outage this one is to be applied. */
export function newestFire(rule: ScheduleRule, after: Instant, upTo: Instant): Fire | null {
  // Backwards, the first one met is the latest of those that share its instant: the one that acts.
  const [newest] = occurrencesBefore(read(rule), Date.parse(upTo), Date.parse(after));
  return newest === undefined ? null : fireOf(newest, null);
}

/** What the schedule says at an instant: its newest fire at or before it. Null before the first one, and outside the rule's validity. */
export function lastFireAtOrBefore(rule: ScheduleRule, at: Instant): Fire | null {
  if (rule.validUntil !== null && Date.parse(at) >= Date.parse(rule.validUntil)) return null;
  const [newest] = occurrencesBefore(read(rule), Date.parse(at), Number.NEGATIVE_INFINITY);
  return newest === undefined ? null : fireOf(newest, null);
}

/** The fires in whose place `fire` acts: those whose local times a clock change moved to its instant too, in local order. */
export function supersededBy(rule: ScheduleRule, fire: Fire): Fire[] {
  const at = Date.parse(fire.at);
  // Only the end of a gap is shared, and nearly no instant is one.
  if (offsetAt(rule.timeZone, at - 1) === offsetAt(rule.timeZone, at)) return [];
  return firesBetween(rule, toInstant(at - 1), fire.at, { limit: 1, withSuperseded: true }).filter((one) => one.supersededBy !== null);
}

/**
 * The fires in (`after`, `upTo`], in time order: at most `limit` that act; go on from the last one's `at` for more. With
 * `withSuperseded` each is preceded by those it supersedes, which do not count.
 */
export function firesBetween(rule: ScheduleRule, after: Instant, upTo: Instant, options: { limit: number; withSuperseded: boolean }): Fire[] {
  return collect(rule, after, Date.parse(upTo), options);
}

/**
 * The next `count` (1 to 1,000) fires that act after `after`, each preceded by those it supersedes. Fewer when the schedule
 * ends before. Refuses other counts with `power-schedules.preview-count`.
 */
export function previewFires(rule: ScheduleRule, after: Instant, count: number): Fire[] {
  if (!Number.isInteger(count) || count < 1 || count > MOST_PREVIEWED) {
    throw invalidField('power-schedules.preview-count', 'count', `must be a whole number from 1 to ${MOST_PREVIEWED}, and is ${count}; ask again from the last one's instant for more`);
  }
  return collect(rule, after, Number.POSITIVE_INFINITY, { limit: count, withSuperseded: true });
}

/**
 * The local day as intervals of on, off and unknown, with the state that it begins with carried in from the days before.
 * Refuses what is no date with `power-schedules.no-such-date`.
 */
export function dayTimeline(rule: ScheduleRule, date: CalendarDate): DayTimeline {
  const day = parseDate(date, 'date');
  const { timeZone } = rule;
  const [from, until] = [startOfLocalDay(timeZone, day), startOfLocalDay(timeZone, day + 1)];
  // In (a, b] and whole milliseconds, this is the day from its first instant on.
  const fires = collect(rule, toInstant(from - 1), until - 1, { limit: Number.POSITIVE_INFINITY, withSuperseded: true });
  const edges = [from, ...fires.map(({ at }) => Date.parse(at)), ...validityEdges(rule).filter((edge) => edge > from && edge < until)];
  const intervals: DayInterval[] = [];
  for (const edge of new Set(edges.sort((a, b) => a - b))) {
    if (from === until) break;
    const state = stateAt(rule, edge);
    if (intervals.at(-1)?.state === state) continue;
    const [at, local] = [toInstant(edge), clockAt(timeZone, edge)];
    const before = intervals.at(-1);
    if (before !== undefined) Object.assign(before, { until: at, localUntil: local });
    intervals.push({ state, from: at, until: toInstant(until), localFrom: local, localUntil: clockAt(timeZone, until) });
  }
  return { date, from: toInstant(from), until: toInstant(until), seconds: (until - from) / 1000, intervals, fires, clockChanges: changesIn(timeZone, from, until) };
}

function validityEdges({ validFrom, validUntil }: ScheduleRule): number[] {
  return [validFrom, validUntil].filter((edge) => edge !== null).map((edge) => Date.parse(edge));
}

function stateAt(rule: ScheduleRule, at: number): DayInterval['state'] {
  const fire = lastFireAtOrBefore(rule, toInstant(at));
  if (fire === null) return 'unknown';
  return fire.action === 'power_on' ? 'on' : 'off';
}

function changesIn(timeZone: string, from: number, until: number): ClockChange[] {
  return clockChangesBetween(timeZone, from, until).map(({ at, before, after }) => ({
    at: toInstant(at), localBefore: localTimeOf(at + before), localAfter: localTimeOf(at + after),
  }));
}

function clockAt(timeZone: string, at: number): string {
  return localTimeOf(at + offsetAt(timeZone, at));
}

function collect(rule: ScheduleRule, after: Instant, upTo: number, { limit, withSuperseded }: { limit: number; withSuperseded: boolean }): Fire[] {
  const fires: Fire[] = [];
  let acting = 0;
  if (limit < 1) return fires;
  for (const group of groupsAfter(read(rule), Date.parse(after))) {
    if ((group.at(-1) as Occurrence).at > upTo) break;
    const fire = actingOf(group);
    if (withSuperseded) for (const superseded of group.slice(0, -1)) fires.push(fireOf(superseded, fire.localTime));
    fires.push(fire);
    acting += 1;
    if (acting === limit) break;
  }
  return fires;
}

/** The occurrences after an instant, those of one instant together, in local order: the last one acts. Never empty. */
function* groupsAfter(rule: ReadRule, after: number): Generator<Occurrence[]> {
  let group: Occurrence[] = [];
  for (const occurrence of occurrencesAfter(rule, after)) {
    if (group.length > 0 && group[0]?.at !== occurrence.at) {
      yield group;
      group = [];
    }
    group.push(occurrence);
    // At the instant of one that was not moved, clocks read its own time: no later local time can share the instant.
    if (!occurrence.moved) {
      yield group;
      group = [];
    }
  }
  if (group.length > 0) yield group;
}

function actingOf(group: readonly Occurrence[]): Fire {
  return fireOf(group.at(-1) as Occurrence, null);
}

function fireOf(occurrence: Occurrence, supersededBy: string | null): Fire {
  return {
    at: toInstant(occurrence.at), localTime: localTimeOf(occurrence.local), action: occurrence.action,
    moved: occurrence.moved ? 'gap' : null, supersededBy,
  };
}
