import test from 'ava';
import type { QuotaAmounts } from '../quotas/amounts.ts';
import { editPurpose, requireActivePurpose, requireWithinPurpose, type ProjectPurpose } from './purpose.ts';
import { defaultReviewSettings, editReviewSettings, reviewDeadlines } from './review-settings.ts';

const training: ProjectPurpose = {
  id: 'ppu_1', organizationId: 'org_1', name: 'Training', description: '', maxGpu: '3', maxCpu: '16', maxRamGib: null, maxDays: 90, active: true,
  version: 1, createdAt: '2026-12-01T00:00:00.000Z', lastAt: '2026-12-01T00:00:00.000Z',
};
const asked: QuotaAmounts = { gpu: '3', cpu: '16', ram_gib: '4096' };
const fields = { gpu: 'quota.gpu', cpu: 'quota.cpu', ram_gib: 'quota.ram_gib', days: 'end_date' };

const requests: [string, QuotaAmounts, number, string[]][] = [
  ['exactly what it allows', asked, 90, []],
  ['a sliver of a GPU too much', { ...asked, gpu: '3.000001' }, 90, ['quota.gpu']],
  ['no limit where it has one', { ...asked, cpu: null }, 90, ['quota.cpu']],
  ['no limit where it has none', { ...asked, ram_gib: null }, 90, []],
  ['a day too many', asked, 91, ['end_date']],
  ['too much of everything', { gpu: '4', cpu: '17', ram_gib: '1' }, 91, ['quota.gpu', 'quota.cpu', 'end_date']],
];

for (const [title, quota, days, wrong] of requests) {
  test(`a purpose and ${title}`, (t) => {
    const check = () => requireWithinPurpose(training, { quota, days }, fields);
    if (wrong.length === 0) t.notThrows(check);
    else t.like(t.throws(check), { code: 'purposes.above-limits', fields: wrong.map((field) => ({ field })) });
  });
}

test('a purpose without limits allows anything', (t) => {
  const anything = { ...training, maxGpu: null, maxCpu: null, maxDays: null };
  t.notThrows(() => requireWithinPurpose(anything, { quota: { gpu: '999999999', cpu: null, ram_gib: null }, days: 3660 }, fields));
});

test('a purpose out of use begins no project', (t) => {
  t.like(t.throws(() => requireActivePurpose({ ...training, active: false })), { code: 'purposes.inactive', fields: [{ field: 'purpose_id' }] });
});

test('an edit that says what is so already changes nothing', (t) => {
  t.is(editPurpose(training, { maxGpu: '3.000', name: undefined }), training);
  t.like(editPurpose(training, { maxGpu: null, active: false }), { maxGpu: null, active: false, name: 'Training' });
});

test('reviews are escalated after three days and end after thirty, unless an organization says otherwise', (t) => {
  const settings = defaultReviewSettings('org_1');
  t.deepEqual(reviewDeadlines(settings, '2026-12-01T08:00:00.000Z'), { escalatesAt: '2026-12-04T08:00:00.000Z', expiresAt: '2026-12-31T08:00:00.000Z' });
  t.deepEqual(reviewDeadlines(editReviewSettings(settings, { expireAfterDays: 4 }), '2026-12-01T08:00:00.000Z').expiresAt, '2026-12-05T08:00:00.000Z');
  t.like(t.throws(() => editReviewSettings(settings, { escalateAfterDays: 30 })), { code: 'review-settings.escalates-too-late' });
});
