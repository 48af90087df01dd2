import { Big } from 'big.js';
import { firstDayOf, plusDays, plusMonths, type CalendarDate, type Month } from '../shared/time.ts';

/** What one day costs in one currency, usage apart from everything else. Exact decimal text. */
export interface DayCost {
  date: CalendarDate;
  currency: string;
  /** Usage comes every day; taxes, fees, purchases, credits and adjustments do not. */
  isUsage: boolean;
  /** Counts for the month in question: by its bill or by its date, as the query's basis says. */
  inMonth: boolean;
  cost: string;
}

export interface CurrencyForecast {
  currency: string;
  /** Everything that counts for the month already. Exact. */
  costSoFar: string;
  /** The last day whose usage is taken as complete; null when there is none recent enough. */
  completeThrough: CalendarDate | null;
  /** Mean usage cost of the days up to `completeThrough`, at most seven. Rounded to 2 digits. */
  dailyMean: string | null;
  /** What the month will cost, rounded half up to 2 digits; null without recent usage. */
  forecast: string | null;
}

/** Days whose mean stands for the days to come: a whole week, so that weekends weigh as they do. */
export const MEAN_DAYS = 7;
/** Usage older than this says nothing of the days to come. */
const STALE_DAYS = 10;
/** From this many days before today a forecast needs costs, besides the month itself. */
export const FORECAST_LOOKBACK_DAYS = STALE_DAYS + MEAN_DAYS + 1;

export const FORECAST_METHOD =
  `Charges other than usage count as billed so far. Usage counts as billed up to the last complete day, the day before ` +
  `the newest one with usage; each later day of the month counts as the mean of the last ${MEAN_DAYS} complete days, or ` +
  `as what is billed for it already if that is more. Without usage in the last ${STALE_DAYS} days there is no forecast.`;

/** Forecasts a month's cost, each currency by itself. `today` is the current UTC day. See FORECAST_METHOD. */
export function forecastMonth(month: Month, today: CalendarDate, days: readonly DayCost[]): CurrencyForecast[] {
  const currencies = [...new Set(days.map((day) => day.currency))].sort();
  return currencies.map((currency) =>
    forecastCurrency(month, today, currency, days.filter((day) => day.currency === currency)),
  );
}

function forecastCurrency(month: Month, today: CalendarDate, currency: string, days: DayCost[]): CurrencyForecast {
  const costSoFar = sum(days.filter((day) => day.inMonth));
  const usage = days.filter((day) => day.isUsage);
  const usageDates = usage.map((day) => day.date).filter((date) => date <= today).sort();
  const [first, newest] = [usageDates[0], usageDates.at(-1)];
  const completeThrough = newest === undefined ? null : plusDays(newest, -1);
  if (first === undefined || completeThrough === null || completeThrough < first || completeThrough < plusDays(today, -STALE_DAYS)) {
    return { currency, costSoFar: costSoFar.toFixed(), completeThrough: null, dailyMean: null, forecast: null };
  }
  const mean = meanOf(usage, first, completeThrough);
  const toCome = daysOf(month).filter((date) => date > completeThrough);
  const settled = sum(days.filter((day) => day.inMonth && !(day.isUsage && toCome.includes(day.date))));
  const forecast = toCome
    .map((date) => max(mean, sum(usage.filter((day) => day.inMonth && day.date === date))))
    .reduce((total, cost) => total.plus(cost), settled);
  return {
    currency,
    costSoFar: costSoFar.toFixed(),
    completeThrough,
    dailyMean: mean.toFixed(2, Big.roundHalfUp),
    forecast: forecast.toFixed(2, Big.roundHalfUp),
  };
}

/** Days before the first known usage do not count as days without cost. */
function meanOf(usage: DayCost[], first: CalendarDate, through: CalendarDate): Big {
  const from = [first, plusDays(through, 1 - MEAN_DAYS)].sort().at(-1) as CalendarDate;
  const count = Math.round((Date.parse(through) - Date.parse(from)) / 86_400_000) + 1;
  return sum(usage.filter((day) => day.date >= from && day.date <= through)).div(count);
}

function daysOf(month: Month): CalendarDate[] {
  const end = firstDayOf(plusMonths(month, 1));
  const dates: CalendarDate[] = [];
  for (let date = firstDayOf(month); date < end; date = plusDays(date, 1)) dates.push(date);
  return dates;
}

function sum(days: DayCost[]): Big {
  return days.reduce((total, day) => total.plus(day.cost), Big(0));
}

function max(a: Big, b: Big): Big {
  return a.gt(b) ? a : b;
}
