import test from 'ava';
import { forecastMonth, type CurrencyForecast, type DayCost } from './forecast.ts';

const usage = (date: string, cost: string, inMonth = date.startsWith('2026-11')): DayCost => ({ date, currency: 'USD', isUsage: true, inMonth, cost });
const other = (date: string, cost: string): DayCost => ({ date, currency: 'USD', isUsage: false, inMonth: true, cost });
/** The same usage on each day of a range of November, both ends included. */
const days = (from: number, to: number, cost: string): DayCost[] =>
  Array.from({ length: to - from + 1 }, (_, n) => usage(`2026-11-${String(from + n).padStart(2, '0')}`, cost));

interface Case {
  title: string;
  today: string;
  days: DayCost[];
  expected: Omit<CurrencyForecast, 'currency'>;
}

const cases: Case[] = [
  {
    title: 'steady usage goes on: 30 days at 10',
    today: '2026-11-11',
    days: days(1, 10, '10'),
    expected: { costSoFar: '100', completeThrough: '2026-11-09', dailyMean: '10.00', forecast: '300.00' },
  },
  {
    title: 'the newest day is not yet complete, so it counts as the mean',
    today: '2026-11-11',
    days: [...days(1, 10, '10'), usage('2026-11-11', '0.5')],
    expected: { costSoFar: '100.5', completeThrough: '2026-11-10', dailyMean: '10.00', forecast: '300.00' },
  },
  {
    title: 'a newest day above the mean counts as billed',
    today: '2026-11-11',
    days: [...days(1, 10, '10'), usage('2026-11-11', '25')],
    expected: { costSoFar: '125', completeThrough: '2026-11-10', dailyMean: '10.00', forecast: '315.00' },
  },
  {
    title: 'only the last seven complete days make the mean',
    today: '2026-11-15',
    days: [...days(1, 6, '100'), ...days(7, 14, '1')],
    expected: { costSoFar: '608', completeThrough: '2026-11-13', dailyMean: '1.00', forecast: '624.00' },
  },
  {
    title: 'days without usage count as zero within the week',
    today: '2026-11-09',
    days: [usage('2026-11-01', '7'), usage('2026-11-08', '7')],
    expected: { costSoFar: '14', completeThrough: '2026-11-07', dailyMean: '1.00', forecast: '36.00' },
  },
  {
    title: 'days before the first usage do not count',
    today: '2026-11-09',
    days: days(6, 8, '10'),
    expected: { costSoFar: '30', completeThrough: '2026-11-07', dailyMean: '10.00', forecast: '250.00' },
  },
  {
    title: 'taxes, fees and credits count once, also those of days to come',
    today: '2026-11-11',
    days: [...days(1, 10, '10'), other('2026-11-01', '50'), other('2026-11-30', '5'), other('2026-11-02', '-20')],
    expected: { costSoFar: '135', completeThrough: '2026-11-09', dailyMean: '10.00', forecast: '335.00' },
  },
  {
    title: 'on the first days the mean comes from the month before',
    today: '2026-11-02',
    days: ['25', '26', '27', '28', '29', '30', '31'].map((day) => usage(`2026-10-${day}`, '4')).concat(usage('2026-11-01', '1')),
    expected: { costSoFar: '1', completeThrough: '2026-10-31', dailyMean: '4.00', forecast: '120.00' },
  },
  {
    title: 'usage billed in this month but dated outside it stays in',
    today: '2026-11-11',
    days: [...days(1, 10, '10'), usage('2026-12-03', '9', true), usage('2026-10-30', '9', true)],
    expected: { costSoFar: '118', completeThrough: '2026-11-09', dailyMean: '10.00', forecast: '318.00' },
  },
  {
    title: 'without recent usage there is no forecast, only what is billed',
    today: '2026-11-20',
    days: [...days(1, 9, '10'), other('2026-11-01', '3')],
    expected: { costSoFar: '93', completeThrough: null, dailyMean: null, forecast: null },
  },
  {
    title: 'one day of usage is not complete, so there is no forecast',
    today: '2026-11-02',
    days: [usage('2026-11-01', '10')],
    expected: { costSoFar: '10', completeThrough: null, dailyMean: null, forecast: null },
  },
  {
    title: 'thirds are rounded only in the end',
    today: '2026-11-05',
    days: [usage('2026-11-01', '0.1'), usage('2026-11-02', '0.1'), usage('2026-11-03', '0.12'), usage('2026-11-04', '0')],
    expected: { costSoFar: '0.32', completeThrough: '2026-11-03', dailyMean: '0.11', forecast: '3.20' },
  },
];

for (const { title, today, days, expected } of cases) {
  test(title, (t) => {
    t.deepEqual(forecastMonth('2026-11', today, days), [{ currency: 'USD', ...expected }]);
  });
}

test('currencies are forecast apart', (t) => {
  const cny = days(1, 10, '1').map((day) => ({ ...day, currency: 'CNY' }));
  const forecasts = forecastMonth('2026-11', '2026-11-11', [...days(1, 10, '10'), ...cny]);
  t.deepEqual(forecasts.map(({ currency, forecast }) => [currency, forecast]), [['CNY', '30.00'], ['USD', '300.00']]);
});
