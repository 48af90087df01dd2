import test from 'ava';
import { costOfKeeping, readPrices, type QuotaPrices } from './prices.ts';

const prices: QuotaPrices = { currency: 'EUR', gpu_hour: '2.95', cpu_hour: '0.04', ram_gib_hour: '0.0051' };
const HOUR = 3_600_000;

test('keeping a quota costs its amounts by hours and prices, to the last digit', (t) => {
  t.deepEqual(costOfKeeping({ gpu: '0.625', cpu: '4', ram_gib: '16' }, 14 * 24 * HOUR, prices), { amount: '700.6776', currency: 'EUR' });
  t.deepEqual(costOfKeeping({ gpu: '1', cpu: null, ram_gib: null }, HOUR / 2, prices), { amount: '1.475', currency: 'EUR' });
  t.is(costOfKeeping({ gpu: '1', cpu: '1', ram_gib: '1' }, HOUR, null), null);
});

test('prices and currencies that are none are refused by name', (t) => {
  t.like(t.throws(() => readPrices({ ...prices, gpu_hour: '-1', cpu_hour: '1e2' })), { code: 'quotas.invalid-price', fields: [{ field: 'prices.gpu_hour' }, { field: 'prices.cpu_hour' }] });
  t.like(t.throws(() => readPrices({ ...prices, currency: 'euro' })), { code: 'quotas.invalid-price', fields: [{ field: 'prices.currency' }] });
  t.is(readPrices({ ...prices, gpu_hour: '02.950' }).gpu_hour, '2.95');
});
