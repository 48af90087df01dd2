import test from 'ava';
import { ratesOf, savedBy, sumRates, type InstanceRate } from './rates.ts';

const billed = (resourceId: string, currency: string, hoursRun: string, cost: string) => ({ resourceId, currency, hoursRun, cost });
const price = (amount: string, currency = 'USD') => ({ amount, currency, basis: 'list-price' as const });
const rate = (resourceId: string, amount: string, currency = 'USD'): InstanceRate => ({ resourceId, amount, currency, basis: 'bill' });

test('what a bill charged for an hour stands before the list price, which stands in where there is no bill', (t) => {
  const prices = new Map([['res_1', price('0.096')], ['res_2', price('0.096')]]);
  t.deepEqual(ratesOf(['res_1', 'res_2', 'res_3'], [billed('res_1', 'USD', '720', '43.2')], prices), [
    { resourceId: 'res_1', currency: 'USD', basis: 'bill', amount: '0.06' },
    { resourceId: 'res_2', currency: 'USD', basis: 'list-price', amount: '0.096' },
  ]);
});

test('an instance that is charged in two currencies has a rate in each, over the hours it ran', (t) => {
  const rows = [billed('res_1', 'EUR', '720', '36'), billed('res_1', 'USD', '720', '7.2')];
  t.deepEqual(ratesOf(['res_1'], rows, new Map([['res_1', price('9')]])).map(({ currency, amount }) => [currency, amount]), [['EUR', '0.05'], ['USD', '0.01']]);
});

test('a rate without an end is rounded at twelve places, half up', (t) => {
  t.is(ratesOf(['res_1'], [billed('res_1', 'USD', '3', '2')], new Map())[0]?.amount, '0.666666666667');
  t.is(ratesOf(['res_1'], [billed('res_1', 'USD', '8000000000000', '0.5')], new Map())[0]?.amount, '0');
});

test('free hours are a rate of nothing, while a refund above the charges is no price', (t) => {
  const prices = new Map([['res_1', price('0.096')]]);
  t.like(ratesOf(['res_1'], [billed('res_1', 'USD', '720', '0')], prices)[0], { amount: '0', basis: 'bill' });
  t.like(ratesOf(['res_1'], [billed('res_1', 'USD', '720', '-3')], prices)[0], { amount: '0.096', basis: 'list-price' });
});

test('rates add up exactly by currency, and currencies are never added', (t) => {
  const rates = [rate('res_1', '0.1'), rate('res_2', '0.2'), rate('res_2', '0.30', 'EUR')];
  t.deepEqual(sumRates(rates), [{ currency: 'EUR', amount: '0.3' }, { currency: 'USD', amount: '0.3' }]);
  t.deepEqual(sumRates([]), []);
});

test('hours off save what an hour costs, to ten places', (t) => {
  // 13 h at 0.096 are 1.248; 1 s at 1 is 1/3600; an instance without a rate saves nothing that is known.
  const off = [{ resourceId: 'res_1', seconds: 13 * 3600 }, { resourceId: 'res_2', seconds: 1 }, { resourceId: 'res_3', seconds: 3600 }];
  t.deepEqual(savedBy(off, [rate('res_1', '0.096'), rate('res_2', '1', 'EUR')]), [{ currency: 'EUR', amount: '0.0002777778' }, { currency: 'USD', amount: '1.248' }]);
  t.deepEqual(savedBy([{ resourceId: 'res_1', seconds: 0.25 }], [rate('res_1', '3600')]), [{ currency: 'USD', amount: '0.25' }]);
});
