import test from 'ava';
import fc from 'fast-check';
import { areWithin, describeAmounts, kindsAbove, leftOf, minus, plus, readAmounts, readSomething } from './amounts.ts';

const gpu = (text: string) => ({ gpu: text, cpu: '0', ram_gib: '0' });

const refused: [string, string][] = [
  ['-1', 'quotas.negative-amount'],
  ['-0.000001', 'quotas.negative-amount'],
  ['', 'quotas.not-a-decimal'],
  ['1e3', 'quotas.not-a-decimal'],
  ['+1', 'quotas.not-a-decimal'],
  ['.5', 'quotas.not-a-decimal'],
  ['1.', 'quotas.not-a-decimal'],
  ['1,5', 'quotas.not-a-decimal'],
  [' 1', 'quotas.not-a-decimal'],
  ['NaN', 'quotas.not-a-decimal'],
  ['Infinity', 'quotas.not-a-decimal'],
  ['١', 'quotas.not-a-decimal'],
  ['9'.repeat(5_000), 'quotas.not-a-decimal'],
  ['0.1234567', 'quotas.too-many-decimals'],
  ['1000000000', 'quotas.too-large'],
];

for (const [text, code] of refused) {
  test(`${JSON.stringify(text.slice(0, 20))} is refused as ${code}, by the field's name`, (t) => {
    const error = t.throws(() => readAmounts(gpu(text), 'quota'));
    t.like(error, { code, kind: 'invalid-input', fields: [{ field: 'quota.gpu' }] });
    t.true((error?.message.length ?? 0) < 400);
  });
}

test('every field that is wrong is named', (t) => {
  const error = t.throws(() => readAmounts({ gpu: '-1', cpu: '1', ram_gib: 'much' }));
  t.like(error, { code: 'quotas.negative-amount', fields: [{ field: 'gpu' }, { field: 'ram_gib' }] });
});

test('amounts have one way of being written', (t) => {
  t.deepEqual(readAmounts({ gpu: '0.6250000', cpu: '007', ram_gib: null }), { gpu: '0.625', cpu: '7', ram_gib: null });
  t.is(describeAmounts({ gpu: '0.625', cpu: '7', ram_gib: null }), '0.625 GPU, 7 CPU, unlimited GiB RAM');
});

test('nothing at all is refused where something must be asked for', (t) => {
  t.like(t.throws(() => readSomething(gpu('0.000'), 'amounts')), { code: 'quotas.zero', fields: [{ field: 'amounts' }] });
  t.is(readSomething({ gpu: '0', cpu: null, ram_gib: '0' }).cpu, null);
  t.is(readSomething(gpu('0.000001')).gpu, '0.000001');
});

test('any number of fractions taken and given back leave exactly what was there', (t) => {
  const fraction = fc.integer({ min: 0, max: 999_999_999 }).map((millionths) => gpu((BigInt(millionths) / 1_000_000n).toString() + '.' + String(millionths % 1_000_000).padStart(6, '0')));
  fc.assert(
    fc.property(fc.array(fraction, { maxLength: 50 }), (parts) => {
      const all = parts.reduce((sum, part) => plus(sum, readAmounts(part)), gpu('3'));
      return parts.reduce((rest, part) => minus(rest, readAmounts(part)), all).gpu === '3';
    }),
    { seed: 5 },
  );
  t.pass();
});

test('unlimited is more than any limit, and leaves no end', (t) => {
  const limit = { gpu: '1', cpu: '2', ram_gib: null };
  t.deepEqual(kindsAbove({ gpu: '1.000001', cpu: null, ram_gib: null }, limit), ['gpu', 'cpu']);
  t.true(areWithin({ gpu: '1', cpu: '2', ram_gib: null }, limit));
  t.deepEqual(leftOf(limit, { gpu: '0.4', cpu: '2', ram_gib: '9' }), { gpu: '0.6', cpu: '0', ram_gib: null });
});
