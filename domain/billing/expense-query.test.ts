import test from 'ava';
import { DomainError } from '../shared/errors.ts';
import { labelOf, parseGroupBy, parseTagFilters } from './expense-dimension.ts';
import { checkPeriod, NO_FILTERS, previousPeriod, sourceOf, type ExpenseBasis, type ExpenseSource } from './expense-query.ts';

const period = (basis: ExpenseBasis, start: string, end: string) => ({ basis, start, end });

const previous: [ReturnType<typeof period>, string, string][] = [
  [period('billing_period', '2026-10-01', '2026-11-01'), '2026-09-01', '2026-10-01'],
  [period('billing_period', '2026-01-01', '2026-04-01'), '2025-10-01', '2026-01-01'],
  [period('usage_date', '2026-10-01', '2026-11-01'), '2026-08-31', '2026-10-01'],
  [period('usage_date', '2024-03-01', '2024-03-02'), '2024-02-29', '2024-03-01'],
];
for (const [given, start, end] of previous) {
  test(`before ${given.start} to ${given.end} by ${given.basis} comes ${start} to ${end}`, (t) => {
    t.deepEqual(previousPeriod(given), { ...given, start, end });
  });
}

const refused: [ReturnType<typeof period>, string][] = [
  [period('usage_date', '2026-10-01', '2026-10-01'), 'billing.empty-period'],
  [period('usage_date', '2026-10-02', '2026-10-01'), 'billing.empty-period'],
  [period('billing_period', '2026-10-02', '2026-11-01'), 'billing.period-within-month'],
  [period('billing_period', '2026-10-01', '2026-10-31'), 'billing.period-within-month'],
  [period('usage_date', '2023-10-01', '2026-10-02'), 'billing.period-too-long'],
];
for (const [given, code] of refused) {
  test(`refuses ${given.start} to ${given.end} by ${given.basis} as ${code}`, (t) => {
    t.is(t.throws(() => checkPeriod(given), { instanceOf: DomainError })?.code, code);
  });
}

test('takes three years, and any days by usage date', (t) => {
  t.notThrows(() => checkPeriod(period('billing_period', '2023-11-01', '2026-11-01')));
  t.notThrows(() => checkPeriod(period('usage_date', '2026-10-30', '2026-11-02')));
});

const sources: [ExpenseBasis, string[], Partial<typeof NO_FILTERS>, ExpenseSource][] = [
  ['billing_period', ['service', 'day'], {}, 'services'],
  ['billing_period', ['service', 'month'], { region: ['us-east-1'] }, 'bills'],
  ['usage_date', ['month'], {}, 'services'],
  ['usage_date', ['account', 'week'], { region: ['us-east-1'] }, 'services'],
  ['billing_period', ['resource'], {}, 'resources'],
  ['billing_period', ['tag:team', 'month'], { account: ['1'] }, 'resources'],
  ['billing_period', ['resource', 'day'], {}, 'days'],
  ['billing_period', ['resource'], { service: ['AmazonS3'] }, 'days'],
  ['billing_period', ['service'], { tags: [{ key: 'team', values: [null] }] }, 'days'],
  ['usage_date', ['resource_type'], {}, 'days'],
];
for (const [basis, groupBy, filters, source] of sources) {
  test(`${groupBy.join(' and ')} by ${basis}, filtered by ${Object.keys(filters).join() || 'nothing'}, is read from ${source}`, (t) => {
    t.is(sourceOf({ basis, groupBy: parseGroupBy(groupBy), filters: { ...NO_FILTERS, ...filters } }), source);
  });
}

test('a tag key means the same as the bill writes it and normalised', (t) => {
  t.deepEqual(parseGroupBy(['tag:user:Team', 'day']).map(labelOf), ['tag:user_team', 'day']);
  t.deepEqual(parseTagFilters(['user:Team=a=b', 'user_team=c'], ['user:Team', 'owner']), [
    { key: 'user_team', values: ['a=b', 'c', null] },
    { key: 'owner', values: [null] },
  ]);
});

for (const groupBy of [['colour'], ['tag:'], ['service', 'day', 'region'], ['day', 'day'], ['tag:user:Team', 'tag:user_team']]) {
  test(`refuses to group by ${groupBy.join(' and ')}`, (t) => {
    t.is(t.throws(() => parseGroupBy(groupBy), { instanceOf: DomainError })?.code, 'billing.unknown-grouping');
  });
}

test('refuses a tag filter without a value', (t) => {
  t.is(t.throws(() => parseTagFilters(['team'], []), { instanceOf: DomainError })?.code, 'billing.invalid-tag-filter');
  t.is(t.throws(() => parseTagFilters(['=x'], []), { instanceOf: DomainError })?.code, 'billing.invalid-tag-filter');
});
