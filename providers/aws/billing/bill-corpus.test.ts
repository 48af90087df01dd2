import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { DomainError } from '../../../domain/shared/errors.ts';
import type { DiscoveredPeriod } from '../../../domain/billing/ports.ts';
import { createDirectoryExportObjects } from '../../local/directory-export-objects.ts';
import type { BillCase, ImportedMonth, Refusal } from '../../../tests/helpers/bills/bill-case.ts';
import { CONTENT_CASES } from '../../../tests/helpers/bills/content-cases.ts';
import { COST_CASES } from '../../../tests/helpers/bills/cost-cases.ts';
import { DELIVERY_CASES } from '../../../tests/helpers/bills/delivery-cases.ts';
import { PACKING_CASES } from '../../../tests/helpers/bills/packing-cases.ts';
import { ExportDirectory } from '../../../tests/helpers/bills/export-directory.ts';
import { readDiscovered, sumsOf, takenOf } from '../../../tests/helpers/bills/read-case.ts';
import type { ReadRows } from '../../../tests/helpers/bills/read-case.ts';
import type { PeriodReading } from '../../../domain/billing/ports.ts';
import { discoverPeriods } from './discover-periods.ts';

const CORPUS = [...DELIVERY_CASES, ...PACKING_CASES, ...CONTENT_CASES, ...COST_CASES];

for (const billCase of CORPUS) {
  test.serial(billCase.title, async (t) => {
    const directory = await ExportDirectory.create();
    const spool = await mkdtemp(join(tmpdir(), 'orrery-spool-'));
    t.teardown(async () => {
      await directory.remove();
      await rm(spool, { recursive: true, force: true });
    });
    await billCase.write(directory);
    await checkCase(t, billCase, directory, spool);
  });
}

test('the corpus holds at least forty inputs, each under its own title', (t) => {
  t.true(CORPUS.length >= 40);
  t.is(new Set(CORPUS.map(({ title }) => title)).size, CORPUS.length);
});

async function checkCase(t: ExecutionContext, billCase: BillCase, directory: ExportDirectory, spool: string): Promise<void> {
  const objects = createDirectoryExportObjects({ path: directory.path, allowedRoots: [directory.path] });
  const location = billCase.location ?? { prefix: '', name: null };
  if (billCase.refusedAtOnce !== undefined) {
    return checkRefusal(t, await t.throwsAsync(discoverPeriods(objects, location), { any: true }), billCase.refusedAtOnce);
  }
  const periods = await discoverPeriods(objects, location);
  await billCase.meanwhile?.(directory, objects);
  const months = billCase.months ?? {};
  t.deepEqual(periods.map((period) => period.billingPeriod.slice(0, 7)).sort(), Object.keys(months).sort());
  for (const period of periods) {
    const expected = months[period.billingPeriod.slice(0, 7)];
    if (expected === undefined) continue;
    const options = billCase.unpackLimits === undefined ? {} : { unpackLimits: billCase.unpackLimits };
    const read = readDiscovered(objects, period, join(spool, period.billingPeriod), options);
    if ('code' in expected) checkRefusal(t, await t.throwsAsync(read, { any: true }), expected);
    else checkMonth(t, expected, period, await read);
  }
}

function checkRefusal(t: ExecutionContext, error: unknown, expected: Refusal): void {
  if (!(error instanceof DomainError)) return t.fail(`not a typed refusal: ${String(error)}`);
  t.is(error.code, expected.code, error.message);
  t.regex(error.message, expected.message);
}

function checkMonth(
  t: ExecutionContext,
  expected: ImportedMonth,
  period: DiscoveredPeriod,
  { reading, rows }: { reading: PeriodReading; rows: ReadRows },
): void {
  t.deepEqual(sumsOf(rows.costs, 'billed_cost'), expected.billed);
  t.deepEqual(takenOf(reading), expected.billed);
  t.is(reading.costRows, rows.costs.length);
  t.is(reading.resourceRows, rows.resources.length);
  const known = {
    ...(expected.effective !== undefined && { effective: sumsOf(rows.costs, 'effective_cost') }),
    ...(expected.rows !== undefined && { rows: sum(reading.files.map((file) => file.rows)) }),
    ...(expected.splitRows !== undefined && { splitRows: sum(reading.files.map((file) => file.splitRows)) }),
    ...(expected.resources !== undefined && { resources: rows.resources.length }),
    ...(expected.isFinal !== undefined && { isFinal: reading.isFinal }),
    ...(expected.completeness !== undefined && { completeness: period.completeness }),
    ...(expected.nativeIds !== undefined && { nativeIds: rows.resources.map((row) => row['native_id']) }),
    ...(expected.tags !== undefined && { tags: tagsOf(rows) }),
  };
  const { billed: _, warnings, check, ...rest } = expected;
  t.deepEqual(known, rest as typeof known);
  const given = [...period.warnings, ...reading.warnings];
  for (const warning of warnings ?? []) t.true(given.some((text) => warning.test(text)), `${String(warning)} in ${given.join(' | ')}`);
  t.is(check?.(reading, rows) ?? null, null);
}

function tagsOf(rows: ReadRows): unknown {
  const resource = rows.resources.find((row) => row['is_named_line'] === 'false');
  return JSON.parse(resource?.['tags'] ?? 'null') as unknown;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
