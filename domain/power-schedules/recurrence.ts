import { invalidField } from '../shared/errors.ts';
import type { Instant } from '../shared/time.ts';
import { localTimeOf, occurrencesAfter, occurrencesBefore, read } from './occurrences.ts';
import type { Occurrence, ReadRule } from './occurrences.ts';
import type { PowerAction, ScheduleRule } from './schedule-rule.ts';

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
    at: new Date(occurrence.at).toISOString(), localTime: localTimeOf(occurrence.local), action: occurrence.action,
    moved: occurrence.moved ? 'gap' : null, supersededBy,
  };
}
