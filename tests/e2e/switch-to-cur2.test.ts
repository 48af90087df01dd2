import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Big } from 'big.js';
import type { AwsConnectionRequest } from '../../domain/data-sources/aws-connection.ts';
import { generateBill, BILL_DEFAULTS } from '../../tools/bill-generator/generate.ts';
import { BILL_NAME, PREFIXES } from '../../tools/bill-generator/layout.ts';
import { anOrganization, ask, billedTotals, importOutcome, outcomeOf } from '../helpers/connect.ts';
import { platform, type Platform } from '../helpers/platform.ts';

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

const DIALECTS = ['cur-csv', 'cur2-parquet', 'cur2-csv'] as const;

function exportAt(path: string, dialect: (typeof DIALECTS)[number]): AwsConnectionRequest {
  return {
    kind: 'root',
    export: {
      scheme: 'directory',
      dialect: dialect === 'cur-csv' ? 'cur' : 'cur2',
      name: BILL_NAME,
      path,
      prefix: PREFIXES[dialect],
    },
  };
}

test('switching a bill from legacy CUR to CUR 2.0 counts nothing twice and rewrites no cost row', async (t) => {
  const path = join(site.directory, 'bills');
  const { truth } = await generateBill({ ...BILL_DEFAULTS, directory: path, dialects: DIALECTS, items: 4_000, resources: 120, days: 40 });
  const organizationId = await anOrganization(site);
  const connected = await outcomeOf(site, await ask(site, organizationId, exportAt(path, 'cur-csv')));
  t.is(connected.error, null);
  const id = connected.dataSourceId;
  t.is((await importOutcome(site, organizationId, id)).operation.state, 'completed');
  const before = await billedTotals(site, id);
  const billed = Object.entries(truth.totals).map(([currency, sums]) => [currency, new Big(sums.billed).toFixed()]);
  t.deepEqual(before, Object.fromEntries(billed));

  for (const dialect of ['cur2-parquet', 'cur2-csv'] as const) {
    const switched = await outcomeOf(site, await ask(site, organizationId, exportAt(path, dialect), { dataSourceId: id }));
    t.is(switched.error, null, JSON.stringify(switched.error));
    const { importId, operation } = await importOutcome(site, organizationId, id);
    t.is(operation.state, 'completed', JSON.stringify(operation.error));
    t.deepEqual(await billedTotals(site, id), before);
    const periods = await site.db('billing_import_periods').where({ import_id: importId });
    t.is(periods.length, 2);
    for (const { differences } of periods) {
      t.deepEqual(differences.costRows, { added: 0, changed: 0, removed: 0 }, `${dialect}: ${JSON.stringify(differences.costRows)}`);
      t.deepEqual(differences.resources, { added: 0, changed: 0, removed: 0 }, `${dialect}: ${JSON.stringify(differences.resources)}`);
    }
    const dialects = await site.db('billing_periods').where({ data_source_id: id }).distinct('dialect');
    t.deepEqual(dialects.map((row) => row.dialect), ['cur2']);
  }
});

test('an export that moves to another directory is read there alone, and nothing is counted twice', async (t) => {
  const [before, after] = [join(site.directory, 'before'), join(site.directory, 'after')];
  const bill = { ...BILL_DEFAULTS, items: 600, resources: 30 };
  await generateBill({ ...bill, directory: before, dialects: ['cur-csv'], days: 31 });
  const organizationId = await anOrganization(site, 'Moving');
  const connected = await outcomeOf(site, await ask(site, organizationId, exportAt(before, 'cur-csv')));
  t.is(connected.error, null);
  const id = connected.dataSourceId;
  t.is((await importOutcome(site, organizationId, id)).operation.state, 'completed');

  // The same months, delivered anew, and what came since.
  const { truth } = await generateBill({ ...bill, directory: after, dialects: ['cur2-csv'], days: 40 });
  rmSync(before, { recursive: true });
  const moved = await outcomeOf(site, await ask(site, organizationId, exportAt(after, 'cur2-csv'), { dataSourceId: id }));
  t.is(moved.error, null, JSON.stringify(moved.error));
  const { operation } = await importOutcome(site, organizationId, id);
  t.is(operation.state, 'completed', JSON.stringify(operation.error));
  const billed = Object.entries(truth.totals).map(([currency, sums]) => [currency, new Big(sums.billed).toFixed()]);
  t.deepEqual(await billedTotals(site, id), Object.fromEntries(billed));
  t.is((await site.db('billing_periods').where({ data_source_id: id })).length, 2);
  t.like((await site.db('data_sources').where({ id }).first()).export, { path: after });
});
