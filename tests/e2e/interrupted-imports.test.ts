import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { deleteDataSource, editDataSource } from '../../commands/data-sources/edit-data-source.ts';
import { requestImport } from '../../commands/data-sources/request-import.ts';
import { getDataSource } from '../../db/data-sources/data-source-store.ts';
import { inTransaction, violatedConstraint } from '../../db/shared/transaction.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { anOrganization, billedTotals, connectDirectory, importOutcome, tester } from '../helpers/connect.ts';
import { writeHandMadePeriod } from '../helpers/hand-made-bill.ts';
import { hold, startHeldWorkers, type Hold } from '../helpers/held-workers.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';
import { siteApi } from '../helpers/site-api.ts';

const decision = () => ({ at: systemClock.now(), by: tester });

interface Held {
  site: Platform;
  held: Hold;
  workers: { stop(): Promise<void> };
  organizationId: string;
  id: string;
}

function writeMonth(site: Platform, month: string, cost: string): string {
  const path = join(site.directory, 'bill');
  mkdirSync(path, { recursive: true });
  writeHandMadePeriod(path, '', 'acme', { month, assembly: cost, rows: [{ day: `${month}-03`, resource: 'i-1', unblended: cost }] });
  return path;
}

/** A platform whose first import is being read, and stays so until released. */
async function whileReading(t: ExecutionContext, months = ['2026-10']): Promise<Held> {
  const site = await platform();
  t.teardown(() => site.end());
  const held = hold();
  const workers = await startHeldWorkers(site, held);
  t.teardown(() => workers.stop());
  const path = months.map((month) => writeMonth(site, month, '7.00')).at(-1) ?? '';
  const organizationId = await anOrganization(site);
  const id = await connectDirectory(site, organizationId, path);
  await held.reached;
  return { site, held, workers, organizationId, id };
}

async function runningImport({ site, organizationId, id }: Held): Promise<string> {
  const running = (await getDataSource(site.db, organizationId, id))?.running;
  return running?.id ?? '';
}

test('an import cancelled through the API while it is read ends as cancelled, writes nothing, and leaves the worker free', async (t) => {
  const one = await whileReading(t, ['2026-09', '2026-10']);
  const { site, held, organizationId, id } = one;
  const api = await siteApi(site, organizationId);
  t.teardown(() => api.stop());
  const importId = await runningImport(one);
  const cancelled = await api.call('POST', `/v1/billing-imports/${importId}:cancel`);
  t.deepEqual([cancelled.status, cancelled.body.state], [200, 'cancelled']);
  t.like(await held.aborted, { code: 'billing.fenced-out' });
  t.is((await importOutcome(site, organizationId, id)).operation.state, 'cancelled');
  held.release();
  await eventually(async () => (await site.client.workflow.getHandle(`data-source/${id}`).describe()).status.name === 'COMPLETED', 'the workflow to rest');
  t.deepEqual(await billedTotals(site, id), {});
  t.is((await site.db('billing_import_periods').where({ import_id: importId })).length, 0);
  t.is((await getDataSource(site.db, organizationId, id))?.lastError, null);
  const again = await api.call('POST', `/v1/data-sources/${id}:import`, { body: {} });
  t.is(again.status, 202);
  t.is((await importOutcome(site, organizationId, id)).operation.state, 'completed');
  t.deepEqual(await billedTotals(site, id), { USD: '14' });
});

test('a worker that stops hands its import over at once, and another one finishes it', async (t) => {
  const one = await whileReading(t);
  const { site, held, workers, organizationId, id } = one;
  await workers.stop();
  t.like(await held.aborted, { name: 'CancelledFailure', message: 'WORKER_SHUTDOWN' });
  t.is((await getDataSource(site.db, organizationId, id))?.running?.state, 'running');
  const others = await site.startWorkers();
  t.teardown(() => others.stop());
  const { operation, importId } = await importOutcome(site, organizationId, id);
  t.is(operation.state, 'completed', JSON.stringify(operation.error));
  t.deepEqual(await billedTotals(site, id), { USD: '7' });
  const ends = await site.db('ledger').where({ subject: id, action: 'billing.complete-import' });
  t.is(ends.length, 1);
  // Planned once, read by the worker that stopped, read by the other.
  t.is((await site.db('billing_imports').where({ id: importId }).first('attempts')).attempts, 3);
});

test('however many ask at once, one import runs and one waits, and the database holds that', async (t) => {
  const one = await whileReading(t);
  const { site, held, organizationId, id } = one;
  const ask = async () => await inTransaction(site.db, (tx) => requestImport(tx, { organizationId, id }, { cause: 'request', months: [], ...decision() }));
  const asked = await Promise.all(Array.from({ length: 12 }, ask));
  t.is(new Set(asked.map((each) => each.id)).size, 1);
  const states = (await site.db('billing_imports').where({ data_source_id: id }).orderBy('id')).map((row) => row.state);
  t.deepEqual(states, ['running', 'scheduled']);
  const second = await t.throwsAsync(site.db('billing_imports').where({ data_source_id: id, state: 'scheduled' }).update({ state: 'running' }));
  t.is(violatedConstraint(second), 'billing_imports_one_running');
  held.release();
  await importOutcome(site, organizationId, id);
  t.deepEqual((await site.db('billing_imports').where({ data_source_id: id })).map((row) => row.state), ['completed', 'completed']);
});

test('pausing a data source pauses its Schedule in Temporal, another interval changes it, and resuming resumes it', async (t) => {
  const one = await whileReading(t);
  const { site, held, organizationId, id } = one;
  held.release();
  await importOutcome(site, organizationId, id);
  const ref = { organizationId, id };
  const edit = async (changes: Parameters<typeof editDataSource>[2]) => await inTransaction(site.db, (tx) => editDataSource(tx, ref, changes, decision()));
  const schedule = site.client.schedule.getHandle(`import-data-source/${id}`);
  const becomes = async (minutes: number, paused: boolean) =>
    await eventually(async () => {
      const { spec, state } = await schedule.describe();
      return spec.intervals?.[0]?.every === minutes * 60_000 && state.paused === paused;
    }, `a Schedule of ${minutes} min${paused ? ', paused' : ''}`);
  t.true(await becomes(1440, false));
  await edit({ paused: true });
  t.true(await becomes(1440, true));
  await edit({ importIntervalMinutes: 15 });
  t.true(await becomes(15, true));
  await edit({ paused: false });
  t.true(await becomes(15, false));
});

/** What the raw store holds, relative to its directory. */
function rawFiles({ config }: Platform): string[] {
  const { rawStore } = config;
  if (rawStore.kind !== 'directory') throw new Error('the raw store of tests is a directory');
  const entries = readdirSync(rawStore.path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test('deleting a data source while its bill is read drops the import and leaves no byte of any attempt', async (t) => {
  const one = await whileReading(t, ['2026-09', '2026-10']);
  const { site, held, organizationId, id } = one;
  t.is(rawFiles(site).length, 1, 'the newest month is spooled');
  const api = await siteApi(site, organizationId);
  t.teardown(() => api.stop());
  const importId = await runningImport(one);
  const deleted = await api.call('DELETE', `/v1/data-sources/${id}`, { headers: { 'If-Match': '*' } });
  t.deepEqual([deleted.status, deleted.body.state], [202, 'deleting']);
  t.like(await held.aborted, { code: 'billing.fenced-out' });
  await eventually(async () => (await getDataSource(site.db, organizationId, id))?.state === 'deleted', 'the purge');
  t.is((await site.db('billing_imports').where({ id: importId }).first('state')).state, 'cancelled');
  t.deepEqual(rawFiles(site), []);
  t.deepEqual(await site.db('raw_objects'), []);
  t.deepEqual(await billedTotals(site, id), {});
});

test('deleting a data source removes the bytes of its earlier generations, except those that another one uses', async (t) => {
  const { site, held, organizationId, id } = await whileReading(t);
  held.release();
  await importOutcome(site, organizationId, id);
  const first = new Set(rawFiles(site));
  const other = await anotherSourceOf(site, organizationId);
  writeMonth(site, '2026-10', '8.00');
  await inTransaction(site.db, (tx) => requestImport(tx, { organizationId, id }, { cause: 'request', months: [], ...decision() }));
  await importOutcome(site, organizationId, id);
  t.is(rawFiles(site).length, first.size + 3, 'the new delivery, its document, and the document of the other data source');
  await inTransaction(site.db, (tx) => deleteDataSource(tx, { organizationId, id }, decision()));
  await eventually(async () => (await getDataSource(site.db, organizationId, id))?.state === 'deleted', 'the purge');
  const left = rawFiles(site);
  t.deepEqual(left.filter((file) => first.has(file)).length, 1, 'the bytes that both used');
  t.deepEqual(left.filter((file) => !first.has(file)).map((file) => file.includes(other)), [true]);
});

/** A data source whose only file is, byte for byte, the one that the first has now. */
async function anotherSourceOf(site: Platform, organizationId: string): Promise<string> {
  const path = join(site.directory, 'copy');
  cpSync(join(site.directory, 'bill'), path, { recursive: true });
  await site.db('data_sources').update({ account_id: '000000000001' });
  const id = await connectDirectory(site, organizationId, path, { name: 'Copy' });
  await importOutcome(site, organizationId, id);
  return id;
}
