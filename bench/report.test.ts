import test from 'ava';
import type { Measurement, Results } from './harness.ts';
import { goalTable, isMet, median, ratio, wall } from './report.ts';
import type { Goal } from './report.ts';

const took = (wallMs: number): Measurement => ({ wallMs, cpuMs: 0, idleMb: 0, peakMb: 0, output: {} });

const goal = (is: Goal['is'], measured: number): Goal => ({ text: 'a goal', measured, is, limit: 2, unit: '×' });

test('a ratio is the median of the ratios of each round, not the ratio of medians', (t) => {
  const results: Results = new Map([
    ['ours', [took(30), took(20), took(100)]],
    ['theirs', [took(10), took(20), took(200)]],
  ]);
  t.is(ratio(results, 'ours', 'theirs', wall), 1);
  t.throws(() => ratio(results, 'ours', 'nobody', wall), { message: /no case is called nobody/ });
});

test('the median of an even number of values lies between the middle two', (t) => {
  t.is(median([4, 1, 3, 2]), 2.5);
  t.is(median([3, 1, 2]), 2);
  t.throws(() => median([]), { instanceOf: RangeError });
});

test('a goal is met on its limit and on the right side of it', (t) => {
  t.deepEqual([1.9, 2, 2.1].map((measured) => isMet(goal('at most', measured))), [true, true, false]);
  t.deepEqual([1.9, 2, 2.1].map((measured) => isMet(goal('at least', measured))), [false, true, true]);
  t.false(isMet(goal('at most', Number.NaN)));
});

test('the table says what was missed, unless nothing is judged', (t) => {
  t.regex(goalTable([goal('at most', 3)], true), /3\.00 × {2}at most 2\.00 × {2}NOT MET$/);
  t.notRegex(goalTable([goal('at most', 3)], false), /MET/);
});
