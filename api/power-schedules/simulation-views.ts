import { Big } from 'big.js';
import type { HourlyCost } from '../../db/billing/hourly-costs.ts';
import type { CostMetric } from '../../domain/billing/expense-query.ts';
import { sumRates, type InstanceRate } from '../../domain/power-schedules/rates.ts';
import { MOST_PREVIEWED } from '../../domain/power-schedules/recurrence.ts';
import type { ScheduleRule } from '../../domain/power-schedules/schedule-rule.ts';
import { actionChanges, simulate, type PowerState, type SimulatedCourse } from '../../domain/power-schedules/simulate.ts';
import type { Money } from '../../domain/shared/money.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { z } from '../shared/zod.ts';
import type { savingsBody, simulationBody } from './simulation-schemas.ts';
import { fireView } from './views.ts';

export interface SimulationWish {
  proposed: ScheduleRule;
  today: ScheduleRule | null;
  from: Instant;
  until: Instant;
  initial_state: PowerState;
  metric: CostMetric;
  resourceIds: readonly string[];
  rates: readonly InstanceRate[];
  /** What bills charged by the hour in the past part of the period. */
  actual: readonly HourlyCost[];
}

/** The course of machines that do what the rules say, at the sum of their rates, one currency at a time. */
export function simulationView(wish: SimulationWish): z.input<typeof simulationBody> {
  const { from, until, proposed, today, initial_state: initialState } = wish;
  const rates = sumRates(wish.rates);
  const count = wish.resourceIds.length;
  const bare = simulate({ proposed, today, from, until, initialState, rate: null });
  const changes = actionChanges(bare);
  const priced = rates.map((rate) => ({ rate, simulation: simulate({ proposed, today, from, until, initialState, rate }) }));
  const costsOf = (which: 'today' | 'proposed'): Money[] => priced.map(({ rate, simulation }) => ({ currency: rate.currency, amount: simulation[which].cost ?? '0' }));
  const bases: Record<string, number> = {};
  for (const { basis } of uniqueByResource(wish.rates)) bases[basis] = (bases[basis] ?? 0) + 1;
  return {
    from,
    until,
    instances: count,
    instances_with_rate: uniqueByResource(wish.rates).length,
    rates,
    rate_bases: bases,
    today: courseView(bare.today, costsOf('today'), count),
    proposed: courseView(bare.proposed, costsOf('proposed'), count),
    savings: priced.map(({ rate, simulation }) => ({ currency: rate.currency, amount: simulation.saving ?? '0' })),
    actual: actualView(wish.actual),
    actions: bare.proposed.actions.slice(0, MOST_PREVIEWED).map(fireView),
    actions_total: bare.proposed.actions.length,
    action_changes: changes.slice(0, MOST_PREVIEWED).map(({ fire, onlyIn }) => ({ at: fire.at, local_time: fire.localTime, action: fire.action, only_in: onlyIn })),
    action_changes_total: changes.length,
  };
}

/** Hours of all machines together. */
function courseView(course: SimulatedCourse, costs: Money[], count: number) {
  return {
    fires: course.fires,
    power_ons: course.powerOns,
    power_offs: course.powerOffs,
    hours_on: hours(course.secondsOn, count),
    hours_off: hours(course.secondsOff, count),
    costs,
  };
}

function hours(seconds: number, count: number): string {
  return new Big(seconds).times(count).div(3600).round(6, Big.roundHalfUp).toFixed();
}

function uniqueByResource(rates: readonly InstanceRate[]): InstanceRate[] {
  return [...new Map(rates.map((rate) => [rate.resourceId, rate])).values()];
}

function actualView(rows: readonly HourlyCost[]) {
  const sums = new Map<string, { hours: Big; cost: Big }>();
  for (const { currency, hours, cost } of rows) {
    const sum = sums.get(currency) ?? { hours: new Big(0), cost: new Big(0) };
    sums.set(currency, { hours: sum.hours.plus(hours), cost: sum.cost.plus(cost) });
  }
  return [...sums].map(([currency, sum]) => ({ currency, hours: sum.hours.toFixed(), amount: sum.cost.toFixed() }));
}

export function savingsView(
  { since, until }: { since: Instant; until: Instant },
  offTimes: readonly { resourceId: string; seconds: number }[],
  rates: readonly InstanceRate[],
  savings: Money[],
): z.input<typeof savingsBody> {
  const seconds = offTimes.reduce((sum, one) => sum.plus(one.seconds), new Big(0));
  return {
    since,
    until,
    instances: offTimes.length,
    instances_with_rate: uniqueByResource(rates).length,
    hours_off: seconds.div(3600).round(6, Big.roundHalfUp).toFixed(),
    savings,
  };
}
