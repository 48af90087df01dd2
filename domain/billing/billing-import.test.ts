import test from 'ava';
import { planPeriods, type PeriodCandidate } from './billing-import.ts';
import { isChanged } from './generation.ts';

const candidate = (month: string, changed = true, alreadyImported = false): PeriodCandidate => ({
  month,
  changed,
  alreadyImported,
  files: 1,
  bytes: 1,
});
const automatic = { automatic: true, requestedMonths: [] };
const summary = (periods: ReturnType<typeof planPeriods>): string[] => periods.map((period) => `${period.billingPeriod.slice(0, 7)} ${period.state}`);

test('the first import reads the newest months, newest first', (t) => {
  const months = ['2026-06', '2026-07', '2026-08', '2026-09', '2026-10', '2026-11'].map((month) => candidate(month));
  t.deepEqual(summary(planPeriods(automatic, months, 4)), ['2026-11 pending', '2026-10 pending', '2026-09 pending', '2026-08 pending']);
});

test('a later import reads what changed, a long closed month included, and skips the rest', (t) => {
  const months = [candidate('2025-01', true, true), candidate('2026-10', false, true), candidate('2026-11', true, true), candidate('2024-12')];
  t.deepEqual(summary(planPeriods(automatic, months, 2)), ['2026-11 pending', '2026-10 unchanged', '2025-01 pending']);
});

test('requested months are read even if unchanged, and nothing else is', (t) => {
  const months = [candidate('2026-10', false, true), candidate('2026-11', true, true)];
  t.deepEqual(summary(planPeriods({ automatic: false, requestedMonths: ['2026-10'] }, months, 4)), ['2026-10 pending']);
});

test('a period is changed by another object, etag, order, dialect or set of accounts, and by nothing else', (t) => {
  const objects = [{ key: 'a', etag: '1', sizeBytes: 1 }, { key: 'b', etag: '2', sizeBytes: 1 }];
  const current = { dialect: 'cur' as const, objects, takenAccounts: 'all' as const };
  const same = { dialect: 'cur' as const, objects };
  t.false(isChanged(current, same, 'all'));
  t.true(isChanged(null, same, 'all'));
  t.true(isChanged(current, { ...same, dialect: 'cur2' }, 'all'));
  t.true(isChanged(current, same, ['1']));
  t.true(isChanged(current, { ...same, objects: objects.toReversed() }, 'all'));
  t.true(isChanged(current, { ...same, objects: [{ key: 'a', etag: '9', sizeBytes: 1 }, objects[1]!] }, 'all'));
});
