import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { deleteDataSource, reimportRootsTakingConnected } from '../../commands/data-sources/edit-data-source.ts';
import { createEntity } from '../../commands/shared/entity-commands.ts';
import { dataSourceEntity } from '../../commands/data-sources/data-source-entity.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { getDataSource } from '../../db/data-sources/data-source-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { anOrganization, billedTotals, connectDirectory, importOutcome, tester } from '../helpers/connect.ts';
import { writeHandMadePeriod } from '../helpers/hand-made-bill.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';

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

const decision = () => ({ at: systemClock.now(), by: tester });

function writeMonth(path: string, assembly: string, rows: { account?: string; unblended: string }[]): void {
  mkdirSync(path, { recursive: true });
  writeHandMadePeriod(path, '', 'acme', { month: '2026-10', assembly, rows: rows.map((row) => ({ day: '2026-10-03', resource: 'i-1', ...row })) });
}

test('the Schedule asks for an import that brings what changed, and asks for nothing while one is open', async (t) => {
  const organizationId = await anOrganization(site);
  const path = join(site.directory, 'ticked');
  writeMonth(path, 'a', [{ unblended: '1.00' }]);
  const id = await connectDirectory(site, organizationId, path);
  await importOutcome(site, organizationId, id);
  const schedule = site.client.schedule.getHandle(`import-data-source/${id}`);
  await eventually(() => schedule.describe(), 'the Schedule');
  writeMonth(path, 'b', [{ unblended: '2.50' }]);
  await schedule.trigger();
  await schedule.trigger();
  await eventually(async () => (await site.db('billing_imports').where({ data_source_id: id, cause: 'schedule' })).length > 0, 'the scheduled import');
  const { operation } = await importOutcome(site, organizationId, id);
  t.is(operation.state, 'completed');
  t.deepEqual(await billedTotals(site, id), { USD: '2.5' });
  await inTransaction(site.db, (tx) => deleteDataSource(tx, { organizationId, id }, decision()));
  await eventually(async () => (await getDataSource(site.db, organizationId, id))?.state === 'deleted', 'the purge');
});

test('a root that takes connected accounts imports anew when a linked account comes and when it goes', async (t) => {
  const organizationId = await anOrganization(site);
  const path = join(site.directory, 'organization');
  writeMonth(path, 'a', [{ unblended: '1.00' }, { account: '099999999999', unblended: '41.00' }]);
  const id = await connectDirectory(site, organizationId, path, { linkedAccounts: 'connected' });
  await importOutcome(site, organizationId, id);
  t.deepEqual(await billedTotals(site, id), { USD: '1' });
  const root = await getDataSource(site.db, organizationId, id);
  if (root === null) return t.fail('the root is gone');
  const linked = { ...root, id: newId('data-source'), kind: 'linked' as const, name: 'Linked', accountId: '099999999999', export: null, scheduleApplied: 'none' };
  await inTransaction(site.db, async (tx) => {
    await createEntity(tx, dataSourceEntity, linked, 'data-sources.connect', decision());
  });
  await inTransaction(site.db, (tx) => reimportRootsTakingConnected(tx, organizationId, decision()));
  await importOutcome(site, organizationId, id);
  t.deepEqual(await billedTotals(site, id), { USD: '42' });
  await inTransaction(site.db, (tx) => deleteDataSource(tx, { organizationId, id: linked.id }, decision()));
  await eventually(async () => (await billedTotals(site, id)).USD === '1', 'the skipped account to go');
  await importOutcome(site, organizationId, id);
});
