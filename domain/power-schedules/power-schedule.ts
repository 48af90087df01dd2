import { step, unchanged, type Actor, type Settled } from '../shared/entity.ts';
import type { Instant } from '../shared/time.ts';
import { lastFireAtOrBefore, newestFire, nextFire, type Fire } from './recurrence.ts';
import { parseRule, type RuleInput, type ScheduleRule } from './schedule-rule.ts';

/** Tags that an instance must all have, as its cloud writes them; the keys' and values' case counts. */
export type TagSelector = Record<string, string>;

/** When instances are to be on and off. Its instances are those attached to it and those its selector matches. */
export interface PowerSchedule {
  id: string;
  organizationId: string;
  name: string;
  description: string;
  rule: ScheduleRule;
  tagSelector: TagSelector | null;
  enabled: boolean;
  /** Fires up to here have been dealt with: never again, none left out. */
  processedUntil: Instant;
  /** Its next fire while it is enabled: what the sweep looks for. */
  nextDueAt: Instant | null;
  lastFire: Fire | null;
  lastRunId: string | null;
  createdBy: Actor;
  version: number;
  lastAt: Instant;
  createdAt: Instant;
}

export interface ScheduleEdit {
  name?: string | undefined;
  description?: string | undefined;
  rule?: ScheduleRule | undefined;
  tagSelector?: TagSelector | null | undefined;
}

export function newPowerSchedule(
  schedule: Pick<PowerSchedule, 'id' | 'organizationId' | 'name' | 'description' | 'rule' | 'tagSelector' | 'enabled' | 'createdBy'>,
  at: Instant,
): PowerSchedule {
  return {
    ...schedule,
    processedUntil: at,
    nextDueAt: schedule.enabled ? nextDue(schedule.rule, at) : null,
    lastFire: null,
    lastRunId: null,
    version: 1,
    lastAt: at,
    createdAt: at,
  };
}

/** Changes it; a new rule counts from now on, and what the old one said stays until it acts. */
export function editSchedule(schedule: PowerSchedule, changes: ScheduleEdit, at: Instant): Settled<PowerSchedule> {
  const after: PowerSchedule = {
    ...schedule,
    name: changes.name ?? schedule.name,
    description: changes.description ?? schedule.description,
    rule: changes.rule ?? schedule.rule,
    tagSelector: changes.tagSelector === undefined ? schedule.tagSelector : changes.tagSelector,
  };
  if (inOrder(after) === inOrder(schedule)) return unchanged(schedule);
  return step(schedule, fromNowOn(after, at), 'power-schedules.edit');
}

/** As JSON with the keys in order: a row that was read has them in the database's. */
function inOrder(schedule: PowerSchedule): string {
  return JSON.stringify(schedule, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
}

/** Lets it act from now on. What it would have done meanwhile is not made up. */
export function activate(schedule: PowerSchedule, at: Instant): Settled<PowerSchedule> {
  if (schedule.enabled) return unchanged(schedule);
  return step(schedule, fromNowOn({ ...schedule, enabled: true }, at), 'power-schedules.activate');
}

export function deactivate(schedule: PowerSchedule, at: Instant): Settled<PowerSchedule> {
  if (!schedule.enabled) return unchanged(schedule);
  return step(schedule, fromNowOn({ ...schedule, enabled: false }, at), 'power-schedules.deactivate');
}

function fromNowOn(schedule: PowerSchedule, at: Instant): PowerSchedule {
  return { ...schedule, processedUntil: at, nextDueAt: schedule.enabled ? nextDue(schedule.rule, at) : null };
}

function nextDue(rule: ScheduleRule, at: Instant): Instant | null {
  return nextFire(rule, at)?.at ?? null;
}

/**
 * Moves it past everything due by `at`. Of several fires that were missed only the newest counts: it
 * says what the instances are meant to be now. `fire` is null when nothing was due.
 */
export function fireDue(schedule: PowerSchedule, at: Instant): { schedule: PowerSchedule; fire: Fire | null } {
  if (!schedule.enabled || schedule.nextDueAt === null || schedule.nextDueAt > at) return { schedule, fire: null };
  const fire = newestFire(schedule.rule, schedule.processedUntil, at);
  return { schedule: { ...fromNowOn(schedule, at), lastFire: fire ?? schedule.lastFire }, fire };
}

/** What it says at this instant, for applying it without waiting: its newest fire within its validity, or null. */
export function wordNow(schedule: Pick<PowerSchedule, 'rule'>, at: Instant): Fire | null {
  const { validUntil } = schedule.rule;
  return validUntil !== null && validUntil <= at ? null : lastFireAtOrBefore(schedule.rule, at);
}

/** A rule in the form in which people write it, with its validity as instants. */
export function ruleInputOf(rule: ScheduleRule): RuleInput {
  return {
    time_zone: rule.timeZone,
    triggers: rule.triggers,
    skip_dates: rule.skipDates,
    valid_from: rule.validFrom,
    valid_until: rule.validUntil,
    gap_policy: rule.gapPolicy,
    overlap_policy: rule.overlapPolicy,
  };
}

/** The rule with some of its fields changed; undefined when none is. Refuses what `parseRule` refuses. */
export function changedRule(rule: ScheduleRule, changes: Partial<RuleInput>, at: Instant): ScheduleRule | undefined {
  if (Object.values(changes).every((value) => value === undefined)) return undefined;
  const { valid_from, valid_until, ...kept } = ruleInputOf(rule);
  // A new date takes the place of an instant, and the other way around.
  const start = changes.start_date === undefined ? { valid_from } : {};
  const end = changes.end_date === undefined ? { valid_until } : {};
  return parseRule({ ...kept, ...start, ...end, ...withoutUndefined(changes) }, at);
}

function withoutUndefined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
