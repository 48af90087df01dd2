import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { requestImport } from '../../commands/data-sources/request-import.ts';
import { getDataSource } from '../../db/data-sources/data-source-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { systemClock } from '../../workers/dependencies.ts';
import type { BillCase, Refusal } from '../helpers/bills/bill-case.ts';
import { CONTENT_CASES } from '../helpers/bills/content-cases.ts';
import { DELIVERY_CASES } from '../helpers/bills/delivery-cases.ts';
import { ExportDirectory } from '../helpers/bills/export-directory.ts';
import { PACKING_CASES } from '../helpers/bills/packing-cases.ts';
import { anOrganization, connectDirectory, importOutcome, tester } from '../helpers/connect.ts';
import { writeHandMadePeriod } from '../helpers/hand-made-bill.ts';
import { platform, type Platform } from '../helpers/platform.ts';

/** Of each kind of damage one: the corpus itself tells the rest apart, an import treats them alike. */
const CODES = [
  'billing.manifest-invalid',
  'billing.manifest-object-missing',
  'billing.gzip-damaged',
  'billing.zip-unsafe-name',
  'billing.header-unreadable',
  'billing.column-count',
  'billing.not-a-number',
];

let site: Platform;
let workers: { stop(): Promise<void> };
test.before(async () => {
  site = await platform();
  workers = await site.startWorkers();
});
test.after.always(async () => {
  await workers?.stop();
  await site?.end();
});

function refusalOf({ months }: BillCase): Refusal | null {
  const march = months?.['2026-03'];
  return march !== undefined && 'code' in march ? march : null;
}

function caseOf(code: string): { one: BillCase; refusal: Refusal } {
  for (const one of [...DELIVERY_CASES, ...PACKING_CASES, ...CONTENT_CASES]) {
    const refusal = refusalOf(one);
    if (refusal?.code === code && one.meanwhile === undefined && one.unpackLimits === undefined) return { one, refusal };
  }
  throw new Error(`The corpus has no case of ${code}.`);
}

/** What March cost, as the record has it. */
async function march(id: string): Promise<string> {
  const row = await site.db('daily_costs').where({ data_source_id: id, billing_period: '2026-03-01' }).sum<{ billed: string }[]>('billed_cost as billed');
  return String(Number(row[0]?.billed));
}

test('a month that is refused fails its import with the reason and leaves the numbers of before', async (t) => {
  const organizationId = await anOrganization(site);
  const path = join(site.directory, 'bill');
  mkdirSync(path);
  writeHandMadePeriod(path, 'cur', 'acme', { month: '2026-03', assembly: 'good', rows: [{ day: '2026-03-03', resource: 'i-1', unblended: '7.25' }] });
  const id = await connectDirectory(site, organizationId, path);
  t.is((await importOutcome(site, organizationId, id)).operation.state, 'completed');
  t.is(await march(id), '7.25');
  for (const code of CODES) {
    const { one, refusal } = caseOf(code);
    rmSync(path, { recursive: true });
    mkdirSync(path);
    await one.write(new ExportDirectory(path));
    await inTransaction(site.db, (tx) => requestImport(tx, { organizationId, id }, { cause: 'request', months: [], at: systemClock.now(), by: tester }));
    const { operation } = await importOutcome(site, organizationId, id);
    t.deepEqual([operation.state, operation.error?.code], ['failed', code], `${one.title}: ${operation.error?.message}`);
    t.regex(operation.error?.message ?? '', refusal.message);
    t.is((await getDataSource(site.db, organizationId, id))?.lastError?.code, code);
    t.is(await march(id), '7.25', one.title);
  }
});
