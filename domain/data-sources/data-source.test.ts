import test from 'ava';
import type { ImportPeriod } from '../billing/billing-import.ts';
import { DomainError } from '../shared/errors.ts';
import {
  beginDeletion,
  cancelImport,
  edit,
  failImport,
  reconnect,
  recordPeriod,
  recordPlan,
  recordPurged,
  requestImport,
  settle,
  wantedSchedule,
  wantedScheduleOf,
  type DataSource,
} from './data-source.ts';
import { noDiscoveryYet } from './discovery.ts';

const T0 = '2026-11-01T00:00:00.000Z';
const T1 = '2026-11-01T00:10:00.000Z';
const T2 = '2026-11-01T00:20:00.000Z';

const source: DataSource = {
  id: 'ds_1',
  organizationId: 'org_1',
  version: 1,
  lastAt: T0,
  nextDueAt: null,
  cloud: 'aws',
  kind: 'root',
  name: 'Main bill',
  accountId: '012345678901',
  connection: {},
  credentialsKind: 'default-chain',
  export: null,
  linkedAccounts: 'all',
  importIntervalMinutes: 60,
  initialMonths: 4,
  state: 'active',
  scheduleApplied: 'none',
  fence: 0,
  lastAttemptAt: null,
  lastSuccessAt: null,
  lastError: null,
  warnings: [],
  createdAt: T0,
  running: null,
  waiting: null,
  ended: [],
  discovery: noDiscoveryYet(10),
};

const wish = (id: string, months: string[] = []) => ({
  id,
  operationId: `op_${id}`,
  cause: 'request' as const,
  automatic: months.length === 0,
  requestedMonths: months,
});

const period = (month: string, state: ImportPeriod['state'] = 'pending'): ImportPeriod => ({
  billingPeriod: `${month}-01`,
  state,
  files: 1,
  bytes: 10,
  rows: 0,
  read: state === 'replaced',
});

/** A source whose import `a` runs and has planned these months. */
function importing(...months: ImportPeriod[]): DataSource {
  const asked = requestImport(source, wish('a'), T0).settled.entity;
  const started = settle(asked, T0).entity;
  return recordPlan({ ...started, running: { ...started.running!, fence: 1, attempts: 1 } }, 'a', months).entity;
}

const actionsOf = (settled: { transitions: { action: string }[] }): string[] => settled.transitions.map((step) => step.action);

test('a requested import starts at the next settling, and settling again changes nothing', (t) => {
  const asked = requestImport(source, wish('a'), T0);
  t.is(asked.settled.entity.waiting?.state, 'scheduled');
  const started = settle(asked.settled.entity, T1);
  t.deepEqual(actionsOf(started), ['billing.start-import']);
  t.is(started.entity.running?.startedAt, T1);
  t.is(started.entity.lastAttemptAt, T1);
  t.deepEqual(settle(started.entity, T2).transitions, []);
});

test('a second request waits behind the running import, and a third joins the waiting one', (t) => {
  const running = importing(period('2026-10'));
  const second = requestImport(running, wish('b', ['2026-10']), T1);
  t.is(second.import.id, 'b');
  const third = requestImport(second.settled.entity, wish('c', ['2026-09']), T1);
  t.is(third.import.id, 'b');
  t.deepEqual(third.import.requestedMonths, ['2026-10', '2026-09']);
  t.false(third.import.automatic);
  t.is(settle(third.settled.entity, T1).entity.running?.id, 'a');
});

test('a request without months joins a running import only until an attempt of it begins to look at the export', (t) => {
  const started = settle(requestImport(source, wish('a'), T0).settled.entity, T0).entity;
  t.is(requestImport(started, wish('b'), T1).import.id, 'a');
  t.is(requestImport(started, wish('b', ['2026-10']), T1).import.id, 'b');
  const looking = { ...started, running: { ...started.running!, fence: 1, attempts: 1 } };
  t.is(requestImport(looking, wish('b'), T1).import.id, 'b', 'it may have seen the export, or the settings, of before');
  t.is(requestImport(recordPlan(looking, 'a', [period('2026-10')]).entity, wish('b'), T1).import.id, 'b');
});

test('an import is complete when its last month is done, and the next one starts in the same settling', (t) => {
  const both = requestImport(importing(period('2026-10'), period('2026-09', 'unchanged')), wish('b'), T1).settled.entity;
  t.deepEqual(settle(both, T1).transitions, []);
  const done = settle(recordPeriod(both, 'a', period('2026-10', 'replaced')).entity, T2);
  t.deepEqual(actionsOf(done), ['billing.complete-import', 'billing.start-import']);
  t.is(done.entity.ended[0]?.state, 'completed');
  t.is(done.entity.lastSuccessAt, T2);
  t.is(done.entity.running?.id, 'b');
});

test('an import that finds nothing to read is complete at once', (t) => {
  t.is(settle(importing(period('2026-10', 'unchanged')), T1).entity.ended[0]?.state, 'completed');
  t.is(settle(importing(), T1).entity.ended[0]?.state, 'completed');
});

test('a failed import keeps its reason on the data source until one succeeds', (t) => {
  const error = { code: 'billing.no-bill', kind: 'not-found' as const, message: 'There is no bill.' };
  const failed = failImport(importing(period('2026-10')), 'a', error, T1).entity;
  t.deepEqual([failed.ended[0]?.state, failed.lastError?.code, failed.lastSuccessAt], ['failed', 'billing.no-bill', null]);
  const again = settle(requestImport({ ...failed, ended: [] }, wish('b'), T1).settled.entity, T1).entity;
  const done = settle(recordPlan(again, 'b', []).entity, T2).entity;
  t.deepEqual([done.lastError, done.lastSuccessAt], [null, T2]);
});

test('a cancelled import ends as cancelled, running or waiting, and another id is left alone', (t) => {
  const running = importing(period('2026-10'));
  t.deepEqual(cancelImport(running, 'other', T1).transitions, []);
  const cancelled = settle(cancelImport(running, 'a', T1).entity, T1).entity;
  t.deepEqual([cancelled.running, cancelled.ended[0]?.state], [null, 'cancelled']);
  const waiting = requestImport(source, wish('w'), T0).settled.entity;
  const ended = settle(cancelImport(waiting, 'w', T1).entity, T1).entity;
  t.deepEqual([ended.waiting, ended.ended[0]?.state, ended.ended[0]?.startedAt], [null, 'cancelled', null]);
});

test('an outcome of an import that no longer runs changes nothing', (t) => {
  t.deepEqual(recordPlan(source, 'gone', []).transitions, []);
  t.deepEqual(recordPeriod(importing(period('2026-10')), 'gone', period('2026-10', 'replaced')).transitions, []);
  t.deepEqual(failImport(source, 'gone', { code: 'x', kind: 'unavailable', message: '' }, T1).transitions, []);
});

test('deleting cancels whatever imports there are, refuses new ones, and ends when purged', (t) => {
  const both = requestImport(importing(period('2026-10')), wish('b'), T1).settled.entity;
  const deleting = settle(beginDeletion(both).entity, T1).entity;
  t.deepEqual(deleting.ended.map((one) => one.state), ['cancelled', 'cancelled']);
  t.is(wantedSchedule(deleting), 'none');
  t.throws(() => requestImport(deleting, wish('c'), T2), { instanceOf: DomainError, message: /being deleted/ });
  t.is(recordPurged(deleting).entity.state, 'deleted');
  t.deepEqual(beginDeletion(deleting).transitions, []);
});

test('the wanted schedule follows state and interval and reads back', (t) => {
  t.is(wantedSchedule(source), 'every 60');
  t.is(wantedSchedule(edit(source, { paused: true, importIntervalMinutes: 15 }).entity), 'every 15, paused');
  t.deepEqual(wantedScheduleOf('every 15, paused'), { everyMinutes: 15, paused: true });
  t.is(wantedScheduleOf(wantedSchedule({ ...source, kind: 'linked' })), null);
});

test('an edit that changes nothing takes no step', (t) => {
  t.deepEqual(edit(source, { name: source.name, paused: false }).transitions, []);
  t.deepEqual(actionsOf(edit(source, { name: 'Other' })), ['data-sources.edit']);
});

test('credentials of another account are refused with both accounts named', (t) => {
  const checked = { accountId: '999999999999', connection: {}, credentialsKind: 'key-pair' as const, export: null, warnings: [] };
  t.throws(() => reconnect(source, checked), { message: /999999999999.*012345678901/ });
});

test('a linked account has no bill to import', (t) => {
  const error = t.throws(() => requestImport({ ...source, kind: 'linked' }, wish('a'), T0), { instanceOf: DomainError });
  t.is(error?.code, 'data-sources.linked-has-no-bill');
});
