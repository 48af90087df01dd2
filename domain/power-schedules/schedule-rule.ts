import type { CalendarDate, Instant } from '../shared/time.ts';

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
