import { DomainError, invalidField } from '../shared/errors.ts';
import { toInstant } from '../shared/time.ts';
import type { CalendarDate, Instant } from '../shared/time.ts';
import { startOfLocalDay, zoneName } from './zone-timeline.ts';

export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

export const POWER_ACTIONS = ['power_on', 'power_off'] as const;
export type PowerAction = (typeof POWER_ACTIONS)[number];

/** What becomes of a local time that a clock change leaves out: it acts at the gap's end, or not at all. */
export const GAP_POLICIES = ['gap_end', 'skip'] as const;
export type GapPolicy = (typeof GAP_POLICIES)[number];

/** At which pass a local time acts that a clock change repeats. */
export const OVERLAP_POLICIES = ['first', 'second'] as const;
export type OverlapPolicy = (typeof OVERLAP_POLICIES)[number];

/** An action at a local time on days of the week. */
export interface Trigger {
  /** `HH:MM`, 00:00 to 23:59. */
  time: string;
  /** At least one, in the week's order from Monday, none twice. */
  days: Weekday[];
  action: PowerAction;
}

/** When a schedule acts: the checked form that is stored and that the engine takes. Plain JSON; never changed in place. */
export interface ScheduleRule {
  /** IANA name as it is spelled in the database; an alias stays the alias. */
  timeZone: string;
  /** By time, at least one; no two contradict or repeat each other. */
  triggers: Trigger[];
  /** Local dates on which no trigger acts, ascending, none twice. */
  skipDates: CalendarDate[];
  /** The first instant at which it may act; null for no start. */
  validFrom: Instant | null;
  /** The first instant at which it may act no more (half-open); null for no end. */
  validUntil: Instant | null;
  gapPolicy: GapPolicy;
  overlapPolicy: OverlapPolicy;
}

/** The wire form of a rule, before it is checked. Absent and null mean the same. */
export interface RuleInput {
  time_zone: string;
  triggers: readonly TriggerInput[];
  /** Local dates `YYYY-MM-DD`; default none. */
  skip_dates?: readonly string[] | null;
  /** Instants, RFC 3339 with an offset. */
  valid_from?: string | null;
  /** Half-open: the schedule does not act at this instant. */
  valid_until?: string | null;
  /** Local date, inclusive. Not together with `valid_from`. */
  start_date?: string | null;
  /** Local date, inclusive. Not together with `valid_until`. */
  end_date?: string | null;
  /** Default `gap_end`. */
  gap_policy?: string | null;
  /** Default `first`. */
  overlap_policy?: string | null;
}

export interface TriggerInput {
  /** `8:00` or `08:00`. */
  time: string;
  /** Default all seven. */
  days?: readonly string[] | null;
  action: string;
}

export const MOST_TRIGGERS = 100;
export const MOST_SKIP_DATES = 1_000;

/** What a rule begins and ends with may lie in these years, so that instants compare as strings. */
const EARLIEST = Date.UTC(1970, 0, 1);
const LATEST = Date.UTC(9999, 11, 30);

/**
 * Checks a rule's wire form against itself and against `at`, the present. Times become `HH:MM`, days and dates ascend, local
 * dates become instants of the zone: a start its date's first instant, an end the first instant after its date. Refuses the
 * first thing that is wrong with `invalid-input` and a code `power-schedules.*`, naming field, value and remedy.
 */
export function parseRule(input: RuleInput, at: Instant): ScheduleRule {
  const timeZone = parseZone(input.time_zone);
  const validFrom = parseStart(input, timeZone);
  const validUntil = parseEnd(input, timeZone);
  refuseEmptyValidity(input, validFrom, validUntil, at);
  return {
    timeZone,
    triggers: parseTriggers(input.triggers),
    skipDates: parseSkipDates(input.skip_dates ?? []),
    validFrom,
    validUntil,
    gapPolicy: oneOf(GAP_POLICIES, input.gap_policy ?? 'gap_end', 'gap_policy', 'power-schedules.unknown-policy'),
    overlapPolicy: oneOf(OVERLAP_POLICIES, input.overlap_policy ?? 'first', 'overlap_policy', 'power-schedules.unknown-policy'),
  };
}

function parseZone(name: string): string {
  const zone = zoneName(name);
  if (zone !== null) return zone;
  if (/^([+-]|(UTC|GMT|Z)([+-]|$))/i.test(name)) {
    throw invalidField('power-schedules.fixed-offset', 'time_zone', `${quote(name)} is a fixed offset, which knows no clock changes; name a zone, such as Europe/Berlin, or UTC`);
  }
  throw invalidField('power-schedules.unknown-time-zone', 'time_zone', `${quote(name)} is no zone of the IANA database; give a name such as America/New_York, or UTC`);
}

function parseTriggers(inputs: readonly TriggerInput[]): Trigger[] {
  if (inputs.length === 0) throw invalidField('power-schedules.no-triggers', 'triggers', 'is empty; give at least one time with its action');
  if (inputs.length > MOST_TRIGGERS) {
    throw invalidField('power-schedules.too-many-triggers', 'triggers', `holds ${inputs.length}, and ${MOST_TRIGGERS} is the most; unite those of one time and action by their days, or use several schedules`);
  }
  const triggers = inputs.map((input, index) => ({
    time: parseTime(input.time, `triggers.${index}.time`),
    days: parseDays(input.days, `triggers.${index}.days`),
    action: oneOf(POWER_ACTIONS, input.action, `triggers.${index}.action`, 'power-schedules.unknown-action'),
  }));
  for (let later = 1; later < triggers.length; later += 1) {
    for (let earlier = 0; earlier < later; earlier += 1) refuseClash(inputs, triggers, earlier, later);
  }
  return triggers.sort((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time)));
}

function refuseClash(inputs: readonly TriggerInput[], triggers: readonly Trigger[], earlier: number, later: number): void {
  const [a, b] = [triggers[earlier] as Trigger, triggers[later] as Trigger];
  const shared = a.days.filter((day) => b.days.includes(day));
  if (a.time !== b.time || shared.length === 0) return;
  const written = (index: number): string => `triggers.${index} (${inputs[index]?.time} ${inputs[index]?.action})`;
  const [code, problem] = a.action === b.action
    ? ['power-schedules.duplicate-triggers', `do the same at ${a.time} on ${shared.join(', ')}; remove one, or give it other days`]
    : ['power-schedules.contradicting-triggers', `want on and off at ${a.time} on ${shared.join(', ')}; keep one, or change a time or the days`];
  throw new DomainError({
    kind: 'invalid-input', code, message: `${written(earlier)} and ${written(later)} ${problem}`,
    fields: [
      { field: `triggers.${earlier}`, problem: `and ${written(later)} ${problem}` },
      { field: `triggers.${later}`, problem: `and ${written(earlier)} ${problem}` },
    ],
    details: { triggers: [earlier, later], time: a.time, days: shared },
  });
}

function parseTime(text: string, field: string): string {
  const match = /^(\d{1,2}):(\d{2})$/.exec(text);
  const [hours, minutes] = [Number(match?.[1]), Number(match?.[2])];
  if (match !== null && hours <= 23 && minutes <= 59) return `${String(hours).padStart(2, '0')}:${match[2]}`;
  const remedy = hours === 24 && minutes === 0 ? 'write 00:00, and the following day in days' : 'write hours and minutes from 00:00 to 23:59';
  throw invalidField('power-schedules.invalid-time', field, `${quote(text)} is no time of day; ${remedy}`);
}

function parseDays(days: readonly string[] | null | undefined, field: string): Weekday[] {
  if (days === null || days === undefined) return [...WEEKDAYS];
  if (days.length === 0) throw invalidField('power-schedules.no-days', field, 'is empty, so the trigger would never act; name at least one day, or leave it out for every day');
  const known = days.map((day, index) => oneOf(WEEKDAYS, day, `${field}.${index}`, 'power-schedules.unknown-day'));
  const repeated = known.find((day, index) => known.indexOf(day) !== index);
  if (repeated !== undefined) throw invalidField('power-schedules.duplicate-day', field, `names ${repeated} twice; remove one`);
  return WEEKDAYS.filter((day) => known.includes(day));
}

function parseSkipDates(dates: readonly string[]): CalendarDate[] {
  if (dates.length > MOST_SKIP_DATES) {
    throw invalidField('power-schedules.too-many-skip-dates', 'skip_dates', `holds ${dates.length}, and ${MOST_SKIP_DATES} is the most; remove dates that are past`);
  }
  const seen = new Set<CalendarDate>();
  for (const [index, date] of dates.entries()) {
    const field = `skip_dates.${index}`;
    parseDate(date, field);
    if (seen.has(date)) throw invalidField('power-schedules.duplicate-skip-date', field, `${date} is there twice; remove one`);
    seen.add(date);
  }
  return [...seen].sort();
}

function parseStart(input: RuleInput, timeZone: string): Instant | null {
  const { valid_from: instant = null, start_date: date = null } = input;
  if (instant !== null && date !== null) throw givenTwice('valid_from', 'start_date');
  if (instant !== null) return parseInstant(instant, 'valid_from');
  return date === null ? null : toInstant(startOfLocalDay(timeZone, parseLocalDate(date, timeZone, 'start_date')));
}

function parseEnd(input: RuleInput, timeZone: string): Instant | null {
  const { valid_until: instant = null, end_date: date = null } = input;
  if (instant !== null && date !== null) throw givenTwice('valid_until', 'end_date');
  if (instant !== null) return parseInstant(instant, 'valid_until');
  return date === null ? null : toInstant(startOfLocalDay(timeZone, parseLocalDate(date, timeZone, 'end_date') + 1));
}

function givenTwice(instantField: string, dateField: string): DomainError {
  const problem = `${instantField} and ${dateField} both say it; give the instant or the local date, not both`;
  return new DomainError({
    kind: 'invalid-input', code: 'power-schedules.validity-given-twice', message: problem,
    fields: [{ field: instantField, problem }, { field: dateField, problem }],
  });
}

function refuseEmptyValidity(input: RuleInput, validFrom: Instant | null, validUntil: Instant | null, at: Instant): void {
  if (validUntil === null) return;
  const [field, end] = input.valid_until === undefined || input.valid_until === null ? ['end_date', input.end_date] : ['valid_until', input.valid_until];
  if (validFrom !== null && validUntil <= validFrom) {
    const [startField, start] = input.valid_from === undefined || input.valid_from === null ? ['start_date', input.start_date] : ['valid_from', input.valid_from];
    throw invalidField('power-schedules.end-before-start', field, `${end} leaves no time after ${startField}, ${start}; give a later end or an earlier start`);
  }
  if (validUntil <= at) {
    throw invalidField('power-schedules.end-in-the-past', field, `${end} is over, as it is ${at} now; give a later end, or none`);
  }
}

/** The local day, as days since 1970-01-01. */
function parseLocalDate(text: string, timeZone: string, field: string): number {
  const day = parseDate(text, field);
  if (startOfLocalDay(timeZone, day) === startOfLocalDay(timeZone, day + 1)) {
    throw invalidField('power-schedules.no-such-date', field, `${text} was left out in ${timeZone}, whose clocks went over it; give the day before or after`);
  }
  return day;
}

/** Days from 1970-01-01 to a date; refuses what is none with `power-schedules.no-such-date`, naming `field`. */
export function parseDate(text: string, field: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00.000Z`) : Number.NaN;
  // The runtime takes February 30 for March 2.
  if (Number.isNaN(at) || toInstant(at).slice(0, 10) !== text) {
    throw invalidField('power-schedules.no-such-date', field, `${quote(text)} is no date of the calendar; write one as 2026-02-28`);
  }
  if (at < EARLIEST || at > LATEST) throw invalidField('power-schedules.date-out-of-range', field, `${text} is out of range; give a date from 1970 to 9999-12-30`);
  return at / 86_400_000;
}

function parseInstant(text: string, field: string): Instant {
  const match = /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/.exec(text);
  if (match === null) throw invalidField('power-schedules.invalid-instant', field, `${quote(text)} is no instant; write one as 2026-11-21T07:00:00Z or with an offset, as 2026-11-21T08:00:00+01:00`);
  parseDate(match[1] as string, field);
  const at = Date.parse(text);
  if (at < EARLIEST || at > LATEST) throw invalidField('power-schedules.date-out-of-range', field, `${text} is out of range; give an instant from 1970 to 9999-12-30`);
  return toInstant(at);
}

function oneOf<T extends string>(known: readonly T[], value: string, field: string, code: string): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw invalidField(code, field, `${quote(value)} is not known; give one of ${known.join(', ')}`);
  return found;
}

/** As JSON, cut: the caller may have sent anything. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
