import test from 'ava';
import { expectAbout, expectRows, expectSums } from './checks.ts';

const totals = (billed: string) => ({ rows: 1, billed, effective: '0', contracted: '0', list: '0' });

test('sums count only when every digit of every currency is right', (t) => {
  const truth = { USD: totals('12.0000000001') };
  t.notThrows(() => expectSums({ USD: totals('12.0000000001') }, truth));
  t.notThrows(() => expectSums({ USD: totals('48.0000000004') }, truth, 4));
  t.throws(() => expectSums({ USD: totals('12') }, truth), { message: 'billed cost is 12 USD instead of 12.0000000001' });
  t.throws(() => expectSums({ USD: totals('12.0000000001'), EUR: totals('0') }, truth), { message: /EUR,USD instead of USD/ });
  t.throws(() => expectSums({}, truth), { message: /instead of USD/ });
});

test('row counts must be equal, floating sums close', (t) => {
  t.throws(() => expectRows(9, 10), { message: '9 rows instead of 10' });
  t.notThrows(() => expectAbout(100.00001, '100'));
  t.throws(() => expectAbout(100.1, '100'), { message: /about 100/ });
  t.throws(() => expectAbout(undefined, '100'));
});
