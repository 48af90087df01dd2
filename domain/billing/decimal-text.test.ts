import { Big } from 'big.js';
import test from 'ava';
import fc from 'fast-check';
import { doubleDecimal, plainDecimal } from './decimal-text.ts';

test('decimal text keeps its value and loses its exponent', (t) => {
  const parts = fc.tuple(fc.boolean(), fc.bigInt(0n, 10n ** 14n - 1n), fc.stringMatching(/^[0-9]{0,14}$/), fc.integer({ min: -10, max: 0 }));
  fc.assert(
    fc.property(parts, ([isNegative, whole, fraction, exponent]) => {
      const text = `${isNegative ? '-' : ''}${whole}.${fraction}e${exponent}`;
      const read = plainDecimal(text, 24);
      t.true('value' in read);
      if ('value' in read) {
        t.true(new Big(read.value).eq(new Big(`${isNegative ? '-' : ''}${whole}.${fraction === '' ? '0' : fraction}e${exponent}`)));
        t.regex(read.value, /^(-?[1-9]\d*|-?0)(\.\d*[1-9])?$/);
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});

test('a double becomes its shortest decimal text', (t) => {
  t.deepEqual(doubleDecimal(0.1, 24), { value: '0.1' });
  t.deepEqual(doubleDecimal(1e-7, 24), { value: '0.0000001' });
  t.deepEqual(doubleDecimal(-0, 24), { value: '0' });
  t.deepEqual(doubleDecimal(Number.NaN, 24), { problem: 'not-a-number' });
});

test('what would need rounding or is no number is told apart', (t) => {
  t.deepEqual(plainDecimal('0.1234567890123456789012345', 24), { problem: 'too-many-digits' });
  t.deepEqual(plainDecimal('0.1234567890123456789012340', 24), { value: '0.123456789012345678901234' });
  t.deepEqual(plainDecimal('123456789012345', 24), { problem: 'too-many-digits' });
  t.deepEqual(plainDecimal('1e-25', 24), { problem: 'too-many-digits' });
  for (const text of ['', '.', 'e5', '1_000', '1,000', ' 1', '0x10', 'Infinity', '1e99999']) {
    t.deepEqual(plainDecimal(text, 24), { problem: 'not-a-number' }, text);
  }
});
