import { Big } from 'big.js';
import { plainDecimal } from '../billing/decimal-text.ts';
import { invalidField } from '../shared/errors.ts';
import { plusMilliseconds } from '../shared/time.ts';
import type { Instant } from '../shared/time.ts';
import { firesBetween, type Fire } from './recurrence.ts';
import type { ScheduleRule } from './schedule-rule.ts';

const HOUR_MS = 3_600_000;
const LONGEST_MS = 366 * 24 * HOUR_MS;
/** Decimal places of a cost. A third of an hour has no exact decimal, so costs are rounded here, half up, and nowhere else. */
const COST_SCALE = 10;

const Cost = Big();
Cost.DP = COST_SCALE;
Cost.RM = Big.roundHalfUp;

export type PowerState = 'on' | 'off';

/** What an hour in state `on` costs. */
export interface HourlyRate {
  /** Decimal text, not negative. */
  amount: string;
  currency: string;
}

export interface SimulationInput {
  proposed: ScheduleRule;
  /** What `proposed` is compared with: the schedule in force, or null for always on. */
  today: ScheduleRule | null;
  /** The period, half-open, at most 366 days; past or future. */
  from: Instant;
  until: Instant;
  /** The state as the period begins, under either schedule. */
  initialState: PowerState;
  rate: HourlyRate | null;
}

export interface StateInterval {
  state: PowerState;
  from: Instant;
  until: Instant;
}

/** How a resource fares that does what a schedule says, at once. */
export interface SimulatedCourse {
  /** Times at which the schedule acts. */
  fires: number;
  /** Those that change the state, in time order: what the cloud is asked for. */
  actions: Fire[];
  /** How many of them turn on, and how many off. */
  powerOns: number;
  powerOffs: number;
  /** Exact, with milliseconds as fraction; together the period's length. */
  secondsOn: number;
  secondsOff: number;
  /** Decimal text to ten places, in the rate's currency; null without a rate. */
  cost: string | null;
  /** The whole period without holes; neighbours differ in state. */
  intervals: StateInterval[];
}

export interface Simulation {
  from: Instant;
  until: Instant;
  today: SimulatedCourse;
  proposed: SimulatedCourse;
  /** Today's hours on less the proposed ones, in seconds; negative when the proposal runs longer. */
  secondsSaved: number;
  /** Today's cost less the proposed one, as both are shown; null without a rate. */
  saving: string | null;
  currency: string | null;
}

/**
 * What a schedule would come to over a period, beside the schedule in force or beside always on. A state holds until a fire
 * says otherwise, so also after a schedule's end. Refuses an empty period, one over 366 days, and a rate that is no decimal
 * or negative (`power-schedules.empty-period`, `.period-too-long`, `.invalid-rate`).
 */
export function simulate(input: SimulationInput): Simulation {
  const { from, until, proposed, today, initialState } = input;
  refusePeriod(from, until);
  const rate = input.rate === null ? null : rateOf(input.rate.amount);
  const courses = {
    today: today === null ? alwaysOn(from, until, rate) : courseOf(today, from, until, initialState, rate),
    proposed: courseOf(proposed, from, until, initialState, rate),
  };
  const millisecondsSaved = millisecondsIn(courses.today.intervals, 'on') - millisecondsIn(courses.proposed.intervals, 'on');
  return {
    from, until, ...courses,
    secondsSaved: millisecondsSaved / 1000,
    saving: courses.today.cost === null || courses.proposed.cost === null ? null : new Big(courses.today.cost).minus(courses.proposed.cost).toFixed(),
    currency: input.rate?.currency ?? null,
  };
}

/** An action of one of two courses that the other does not have. */
export interface ActionChange {
  fire: Fire;
  onlyIn: 'today' | 'proposed';
}

/** How the two courses differ in what the cloud is asked for and when, in time order; empty when they ask the same. */
export function actionChanges({ today, proposed }: Pick<Simulation, 'today' | 'proposed'>): ActionChange[] {
  const keyOf = ({ at, action }: Fire): string => `${at} ${action}`;
  const [inToday, inProposed] = [new Set(today.actions.map(keyOf)), new Set(proposed.actions.map(keyOf))];
  return [
    ...today.actions.filter((fire) => !inProposed.has(keyOf(fire))).map((fire) => ({ fire, onlyIn: 'today' as const })),
    ...proposed.actions.filter((fire) => !inToday.has(keyOf(fire))).map((fire) => ({ fire, onlyIn: 'proposed' as const })),
  ].toSorted((a, b) => Date.parse(a.fire.at) - Date.parse(b.fire.at));
}

function courseOf(rule: ScheduleRule, from: Instant, until: Instant, initialState: PowerState, rate: Big | null): SimulatedCourse {
  // (a, b] in whole milliseconds: from the period's first instant to its last.
  const fires = firesBetween(rule, plusMilliseconds(from, -1), plusMilliseconds(until, -1), { limit: Number.POSITIVE_INFINITY, withSuperseded: false });
  const intervals: StateInterval[] = [];
  const actions: Fire[] = [];
  let [state, since] = [initialState, from];
  for (const fire of fires) {
    const { at } = fire;
    const wanted = fire.action === 'power_on' ? 'on' : 'off';
    if (wanted === state) continue;
    if (at > since) intervals.push({ state, from: since, until: at });
    actions.push(fire);
    [state, since] = [wanted, at];
  }
  intervals.push({ state, from: since, until });
  const powerOns = actions.filter(({ action }) => action === 'power_on').length;
  return { fires: fires.length, actions, powerOns, powerOffs: actions.length - powerOns, ...measured(intervals, rate) };
}

function alwaysOn(from: Instant, until: Instant, rate: Big | null): SimulatedCourse {
  return { fires: 0, actions: [], powerOns: 0, powerOffs: 0, ...measured([{ state: 'on', from, until }], rate) };
}

function measured(intervals: StateInterval[], rate: Big | null): Pick<SimulatedCourse, 'secondsOn' | 'secondsOff' | 'cost' | 'intervals'> {
  const on = millisecondsIn(intervals, 'on');
  return {
    secondsOn: on / 1000, secondsOff: millisecondsIn(intervals, 'off') / 1000,
    cost: rate === null ? null : new Cost(rate.times(on)).div(HOUR_MS).toFixed(), intervals,
  };
}

function millisecondsIn(intervals: readonly StateInterval[], wanted: PowerState): number {
  return intervals.reduce((sum, { state, from, until }) => (state === wanted ? sum + Date.parse(until) - Date.parse(from) : sum), 0);
}

function rateOf(amount: string): Big {
  const read = plainDecimal(amount, 24);
  if ('problem' in read || read.value.startsWith('-')) {
    throw invalidField('power-schedules.invalid-rate', 'rate.amount', `${JSON.stringify(amount.slice(0, 100))} is no price of an hour; give a decimal number that is not negative, with at most 24 places`);
  }
  return new Big(read.value);
}

function refusePeriod(from: Instant, until: Instant): void {
  const length = Date.parse(until) - Date.parse(from);
  if (length <= 0) throw invalidField('power-schedules.empty-period', 'until', `${until} is not after from, ${from}; give a later end`);
  if (length > LONGEST_MS) throw invalidField('power-schedules.period-too-long', 'until', `${until} is more than 366 days after from, ${from}; simulate a part`);
}
