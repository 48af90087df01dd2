import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import proto from '@temporalio/proto';
import { tickDiscovery } from '../../commands/data-sources/request-discovery.ts';
import { requestImport } from '../../commands/data-sources/request-import.ts';
import { createSandboxInstances } from '../../commands/sandbox/instances.ts';
import { deleteDataSource } from '../../commands/data-sources/edit-data-source.ts';
import { getDataSource } from '../../db/data-sources/data-source-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { lookAgain } from '../../workflows/messages.ts';
import { anOrganization, askFor, connectDirectory, importOutcome, outcomeOf, tester } from '../helpers/connect.ts';
import { writeHandMadePeriod } from '../helpers/hand-made-bill.ts';
import { actionsOf, HISTORIES, historiesOf, recordHistory, replay } from '../helpers/histories.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';
import { sandboxWish } from '../helpers/sandbox.ts';

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

test('an import keeps its history within ten actions and one a file, and its history replays', async (t) => {
  const organizationId = await anOrganization(site);
  const directory = join(site.directory, 'three-months');
  const months = ['2026-08', '2026-09', '2026-10'];
  for (const month of months) {
    writeHandMadePeriod(directory, '', 'acme', { month, assembly: 'a', rows: [{ day: `${month}-03`, resource: 'i-1', unblended: '1' }] });
  }
  const id = await connectDirectory(site, organizationId, directory);
  await importOutcome(site, organizationId, id);
  const workflowId = `data-source/${id}`;
  // Signals that repeat are harmless; a closed workflow is started anew by the relay alone.
  const handle = site.client.workflow.getHandle(workflowId);
  await eventually(async () => (await handle.describe()).status.name === 'COMPLETED', 'the data source to rest');
  const [first, ...others] = await historiesOf(site, workflowId);
  t.truthy(first);
  t.deepEqual(others, []);
  const actions = actionsOf(first ?? {});
  t.true(actions <= 10 + months.length, `${actions} actions`);
  await replay(first, workflowId);
  recordHistory('data-source.import', first ?? {});

  for (let count = 0; count < 12; count += 1) {
    await site.client.workflow.signalWithStart('dataSource', { workflowId, taskQueue: 'entities', args: [{ organizationId, id }], signal: lookAgain });
  }
  await eventually(async () => (await handle.describe()).status.name === 'COMPLETED', 'the woken data source to rest');
  t.is((await site.db('billing_imports').where({ data_source_id: id })).length, 1);
  t.is((await site.db('ledger').where({ subject: id, action: 'billing.complete-import' })).length, 1);

  const ref = { organizationId, id };
  await inTransaction(site.db, (tx) => requestImport(tx, ref, { cause: 'request', months: [], at: systemClock.now(), by: tester }));
  await inTransaction(site.db, (tx) => deleteDataSource(tx, ref, { at: systemClock.now(), by: tester }));
  await eventually(async () => (await getDataSource(site.db, organizationId, id))?.state === 'deleted', 'the purge');
  await eventually(async () => (await handle.describe()).status.name === 'COMPLETED', 'the deleted data source to rest');
  for (const history of await historiesOf(site, workflowId)) await replay(history, workflowId);
  recordHistory('data-source.delete', await handle.fetchHistory());
  const check = await site.db('credential_checks').where({ data_source_id: id }).first<{ id: string }>('id');
  const [checked] = await historiesOf(site, `credential-check/${check?.id}`);
  recordHistory('credential-check', checked ?? {});
  const attempts = (checked?.events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes ?? []).filter(({ activityType }) => activityType?.name === 'checkConnection');
  t.deepEqual(attempts.map(({ heartbeatTimeout }) => Number(heartbeatTimeout?.seconds)), [20], 'a cloud may take its time: a worker that dies meanwhile is noticed');
  t.true(actionsOf(checked ?? {}) <= 6);
});

test('a discovery takes five actions, the same however much it finds, and its history replays', async (t) => {
  const organizationId = await anOrganization(site);
  const key = { organizationId, accountId: 'replayed' };
  const make = async (name: string, count: number) =>
    await inTransaction(site.db, (tx) => createSandboxInstances(tx, { key, wish: sandboxWish({ name }), count }, { at: systemClock.now(), by: tester }));
  await make('first', 3);
  const check = await outcomeOf(site, await askFor(site, organizationId, { cloud: 'sandbox', connection: { account: 'replayed' } }));
  const ref = { organizationId, id: check.dataSourceId };
  const handle = site.client.workflow.getHandle(`data-source/${ref.id}`);
  const atRest = async () => await eventually(async () => (await handle.describe()).status.name === 'COMPLETED', 'the data source to rest');
  await eventually(async () => (await getDataSource(site.db, organizationId, ref.id))?.discovery.lastSuccessAt, 'the first discovery');
  await atRest();
  await make('second', 600);
  await inTransaction(site.db, (tx) => tickDiscovery(tx, ref, systemClock.now(), tester));
  await eventually(async () => (await site.db('instances').where({ organization_id: organizationId })).length === 603, 'the discovery');
  await atRest();
  const history = await handle.fetchHistory();
  t.deepEqual(await answersOf(handle, 'discover'), ['3 scopes listed: 603 instances, 600 new, 0 changed, 0 gone']);
  const actions = actionsOf(history);
  t.is(actions, 5, 'start, signal, look, discover, status');
  for (const one of await historiesOf(site, handle.workflowId)) await replay(one, handle.workflowId);
  recordHistory('data-source.discover', history);
});

test('a workflow at rest says what came of it, without our code and without a worker', async (t) => {
  const organizationId = await anOrganization(site);
  const directory = join(site.directory, 'legible');
  const row = { day: '2026-10-03', resource: 'i-1', unblended: '1' };
  writeHandMadePeriod(directory, '', 'acme', { month: '2026-10', assembly: 'a', rows: [row, row] });
  const id = await connectDirectory(site, organizationId, directory);
  await importOutcome(site, organizationId, id);
  const handle = site.client.workflow.getHandle(`data-source/${id}`);
  await eventually(async () => (await handle.describe()).status.name === 'COMPLETED', 'the data source to rest');
  t.is(await statusOf(handle), 'active');
  t.regex(String(await handle.result()), /: active, imports every 1440 minutes\n\nLast successful import: 20/);
  t.deepEqual(await answersOf(handle, 'planImport'), ['to read: 2026-10']);
  t.deepEqual(await answersOf(handle, 'importPeriod'), ['replaced: 2 rows of 1 file']);

  writeHandMadePeriod(directory, '', 'acme', { month: '2026-10', assembly: 'b', rows: [{ ...row, unblended: 'abc' }] });
  await inTransaction(site.db, (tx) => requestImport(tx, { organizationId, id }, { cause: 'request', months: [], at: systemClock.now(), by: tester }));
  await eventually(async () => (await getDataSource(site.db, organizationId, id))?.lastError !== null, 'the import to fail');
  await eventually(async () => (await handle.describe()).status.name === 'COMPLETED', 'the data source to rest');
  t.is(await statusOf(handle), 'failing');
  t.regex(String(await handle.result()), /Last error: billing\.not-a-number: .*line 2, column lineItem\/UnblendedCost/);
  t.regex((await answersOf(handle, 'importPeriod')).join(), /^failed: .*"abc" is not a number.* \(billing\.not-a-number\)$/);
});

async function statusOf(handle: WorkflowHandle): Promise<string | undefined> {
  return (await handle.describe()).typedSearchAttributes.get(defineSearchAttributeKey('OrreryStatus', SearchAttributeType.KEYWORD));
}

/** What came of the activities of one type, in the order of the history, as the Temporal UI shows it. */
async function answersOf(handle: WorkflowHandle, type: string): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  const scheduled = (events ?? []).filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === type).map(({ eventId }) => String(eventId));
  return (events ?? []).flatMap(({ activityTaskCompletedEventAttributes: done }) =>
    scheduled.includes(String(done?.scheduledEventId)) ? [(JSON.parse(String(done?.result?.payloads?.[0]?.data)) as { outcome: string }).outcome] : [],
  );
}

test('the histories of earlier releases replay', async (t) => {
  const files = readdirSync(HISTORIES).filter((file) => file.endsWith('.bin'));
  t.true(files.length >= 3);
  for (const file of files) {
    const history = proto.temporal.api.history.v1.History.decode(readFileSync(join(HISTORIES, file)));
    await t.notThrowsAsync(replay(history, file), file);
  }
});
