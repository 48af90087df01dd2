import test from 'ava';
import type { BillingImport, ImportPeriod } from './billing-import.ts';
import { NOTHING_PRESENT, progressOf } from './import-progress.ts';

const period = (month: string, change: Partial<ImportPeriod> = {}): ImportPeriod => ({
  billingPeriod: `${month}-01`,
  state: 'pending',
  files: 2,
  bytes: 100,
  rows: 0,
  read: false,
  ...change,
});

function importOf(periods: ImportPeriod[] | null): BillingImport {
  return {
    id: 'imp_1',
    organizationId: 'org_1',
    dataSourceId: 'ds_1',
    operationId: 'op_1',
    cause: 'first',
    automatic: true,
    requestedMonths: [],
    state: 'running',
    cancelRequestedAt: null,
    fence: 1,
    attempts: 1,
    periods,
    error: null,
    createdAt: '2026-11-01T00:00:00.000Z',
    startedAt: null,
    finishedAt: null,
  };
}

test('progress adds the month being read to those that are done, and leaves out what need not be read', (t) => {
  const periods = [period('2026-10', { state: 'replaced', rows: 50, read: true }), period('2026-09'), period('2026-08', { state: 'unchanged' })];
  const progress = progressOf(importOf(periods), { filesDone: 1, rows: 7, bytes: 60 });
  t.deepEqual([progress.files_done, progress.files_total, progress.rows, progress.bytes, progress.bytes_total], [3, 4, 57, 160, 200]);
  t.deepEqual([progress.months_done, progress.months_total], [2, 3]);
});

test('a finished import shows all of what it read, an unread month included only if it was asked for', (t) => {
  const periods = [period('2026-10', { state: 'replaced', rows: 50, read: true }), period('2026-09', { state: 'unchanged', rows: 9, read: true })];
  const progress = progressOf(importOf(periods), NOTHING_PRESENT);
  t.deepEqual([progress.files_done, progress.files_total, progress.rows], [4, 4, 59]);
});

test('an import that has not looked yet has nothing to show', (t) => {
  t.is(progressOf(importOf(null), NOTHING_PRESENT).files_total, 0);
});
