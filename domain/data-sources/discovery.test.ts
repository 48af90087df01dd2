import test from 'ava';
import type { ErrorRecord } from '../shared/errors.ts';
import { beginDeletion, edit, reconnect, requestImport, settle, wantedScheduleOf, type DataSource } from './data-source.ts';
import {
  completeDiscovery,
  discovers,
  failDiscovery,
  incompleteDiscovery,
  noDiscoveryYet,
  recordDiscoverySchedule,
  requestDiscovery,
  settleDiscovery,
  wantedDiscoverySchedule,
  type Discovery,
  type DiscoveryCause,
} from './discovery.ts';

const T0 = '2026-11-01T00:00:00.000Z';
const T1 = '2026-11-01T00:10:00.000Z';
const T2 = '2026-11-01T00:20:00.000Z';

const source: DataSource = {
  id: 'ds_1',
  organizationId: 'org_1',
  version: 1,
  lastAt: T0,
  nextDueAt: null,
  cloud: 'azure',
  kind: 'account',
  name: 'Subscription',
  accountId: '00000000-0000-0000-0000-000000000001',
  connection: { account: '00000000-0000-0000-0000-000000000001' },
  credentialsKind: 'client-secret',
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

const wish = (id: string, cause: DiscoveryCause = 'request') => ({ id, cause, operationId: cause === 'request' ? `op_${id}` : null });
const counts = { scopesListed: 2, scopesFailed: 0, seen: 5, added: 1, changed: 0, gone: 0 };
const error: ErrorRecord = { code: 'azure.throttled', kind: 'unavailable', message: 'Fewer calls, please.' };

/** As the store leaves it when an attempt begins. */
function begun(one: DataSource, at = T0): DataSource {
  const current = { ...(one.discovery.current as Discovery), fence: 1, attempts: 1, startedAt: at };
  return { ...one, fence: 1, discovery: { ...one.discovery, current, lastAttemptAt: at } };
}
const asked = (id: string, cause?: DiscoveryCause): DataSource => requestDiscovery(source, wish(id, cause), T0).settled.entity;
const routines = ({ transitions }: { transitions: { routine?: true; action: string }[] }): [string, boolean][] =>
  transitions.map(({ action, routine }) => [action, routine === true]);

test('a wish joins a discovery that nobody has begun, and brings its operation where that had none', (t) => {
  const ticked = asked('a', 'schedule');
  const joined = requestDiscovery(ticked, wish('b'), T1);
  t.like(joined.discovery, { id: 'a', operationId: 'op_b', requestedAt: T0 });
  t.is(joined.settled.entity.discovery.next, null);
  t.deepEqual(requestDiscovery(joined.settled.entity, wish('c'), T1).settled.transitions, [], 'the operation is shared');
  t.is(requestDiscovery(joined.settled.entity, wish('c'), T1).discovery.operationId, 'op_b');
});

test('a wish made while a discovery runs comes after it, and a third joins the second', (t) => {
  const running = begun(asked('a'));
  const second = requestDiscovery(running, wish('b'), T1);
  t.is(second.discovery.id, 'b');
  const third = requestDiscovery(second.settled.entity, wish('c'), T1);
  t.is(third.discovery.id, 'b');
  const done = completeDiscovery(third.settled.entity, 'a', { counts, incomplete: null }, T2).entity;
  const next = settle(done, T2).entity;
  t.deepEqual([next.discovery.current?.id, next.discovery.next], ['b', null]);
  t.deepEqual(settleDiscovery(next, T2).transitions, [], 'settling again changes nothing');
});

test('what ticks do again and again is routine; what people ask and what is news is not', (t) => {
  t.deepEqual(routines(requestDiscovery(source, wish('a', 'schedule'), T0).settled), [['data-sources.request-discovery', true]]);
  t.deepEqual(routines(requestDiscovery(source, wish('a'), T0).settled), [['data-sources.request-discovery', false]]);
  const ticked = begun(asked('a', 'schedule'));
  const well = completeDiscovery(ticked, 'a', { counts, incomplete: null }, T1);
  t.deepEqual(routines(well), [['data-sources.complete-discovery', true]]);
  const failed = failDiscovery(ticked, 'a', error, T1);
  t.deepEqual(routines(failed), [['data-sources.fail-discovery', false]]);
  const again = begun(requestDiscovery(failed.entity, wish('b', 'schedule'), T1).settled.entity);
  t.deepEqual(routines(failDiscovery(again, 'b', error, T2)), [['data-sources.fail-discovery', true]], 'the same failure once more');
  t.deepEqual(routines(completeDiscovery(again, 'b', { counts, incomplete: null }, T2)), [['data-sources.complete-discovery', false]], 'it recovered');
});

const endings: [string, (one: DataSource) => DataSource, { state: string; lastError: string | null; lastSuccessAt: string | null }][] = [
  ['every scope was listed', (one) => completeDiscovery(one, 'a', { counts, incomplete: null }, T1).entity, { state: 'completed', lastError: null, lastSuccessAt: T1 }],
  [
    'a scope failed',
    (one) => completeDiscovery(one, 'a', { counts: { ...counts, scopesFailed: 1 }, incomplete: error }, T1).entity,
    { state: 'completed', lastError: error.code, lastSuccessAt: null },
  ],
  [
    'every scope failed',
    (one) => completeDiscovery(one, 'a', { counts: { ...counts, scopesListed: 0 }, incomplete: error }, T1).entity,
    { state: 'failed', lastError: error.code, lastSuccessAt: null },
  ],
  ['it could not go on', (one) => failDiscovery(one, 'a', error, T1).entity, { state: 'failed', lastError: error.code, lastSuccessAt: null }],
];
for (const [what, end, expected] of endings) {
  test(`a discovery ends: ${what}`, (t) => {
    const { discovery } = end(begun(asked('a')));
    t.is(discovery.current, null);
    t.deepEqual({ state: discovery.ended[0]?.state, lastError: discovery.lastError?.code ?? null, lastSuccessAt: discovery.lastSuccessAt }, expected as never);
    t.is(discovery.ended[0]?.operationId, 'op_a');
  });
}

test('an ending of a discovery that is not the current one changes nothing', (t) => {
  t.deepEqual(completeDiscovery(begun(asked('a')), 'other', { counts, incomplete: null }, T1).transitions, []);
  t.deepEqual(failDiscovery(source, 'a', error, T1).transitions, []);
});

test('deleting the data source cancels what runs and what comes after it', (t) => {
  const both = requestDiscovery(begun(asked('a')), wish('b'), T1).settled.entity;
  const { discovery } = settle(beginDeletion(both).entity, T2).entity;
  t.deepEqual([discovery.current, discovery.next], [null, null]);
  t.deepEqual(discovery.ended.map(({ id, state }) => [id, state]), [['a', 'cancelled'], ['b', 'cancelled']]);
});

test('a directory that loses its credentials is not discovered any more', (t) => {
  const directory: DataSource = { ...source, cloud: 'aws', kind: 'root', credentialsKind: 'key-pair' };
  const running = begun(requestDiscovery(directory, wish('a'), T0).settled.entity);
  const without = reconnect(running, { accountId: null, connection: {}, credentialsKind: 'none', export: null, warnings: [] }).entity;
  t.false(discovers(without));
  t.is(settle(without, T1).entity.discovery.ended[0]?.state, 'cancelled');
  t.is(wantedDiscoverySchedule(without), 'none');
});

test('the wanted Schedule follows state and interval, and imports have one of their own', (t) => {
  t.is(wantedDiscoverySchedule(source), 'every 10');
  const paused = edit(source, { paused: true, discoveryIntervalMinutes: 30 }).entity;
  t.deepEqual(wantedScheduleOf(wantedDiscoverySchedule(paused)), { everyMinutes: 30, paused: true });
  t.is(wantedDiscoverySchedule(beginDeletion(source).entity), 'none');
  const applied = recordDiscoverySchedule(source, 'every 10');
  t.is(applied.entity.discovery.scheduleApplied, 'every 10');
  t.is(applied.entity.scheduleApplied, 'none');
  t.deepEqual(recordDiscoverySchedule(applied.entity, 'every 10').transitions, []);
});

test('a discovery runs beside no import and hinders none: both are asked for on one row', (t) => {
  const aws: DataSource = { ...source, cloud: 'aws', kind: 'root', credentialsKind: 'key-pair' };
  const both = requestDiscovery(requestImport(aws, { id: 'i', operationId: 'op_i', cause: 'request', automatic: true, requestedMonths: [] }, T0).settled.entity, wish('a'), T0);
  const settled = settle(both.settled.entity, T0).entity;
  t.deepEqual([settled.running?.id, settled.discovery.current?.id], ['i', 'a']);
});

test('scopes that could not be listed are counted, and the first says why', (t) => {
  t.is(incompleteDiscovery([], 3), null);
  const failed = ['eu-west-1', 'us-east-1'].map((scope) => ({ scope, error }));
  const record = incompleteDiscovery(failed, 15);
  t.regex(record?.message ?? '', /^2 of 17 scopes could not be listed. eu-west-1: Fewer calls, please.*us-east-1/);
  t.like(record, { code: 'data-sources.discovery-incomplete', kind: 'unavailable', details: { scopes: [{ scope: 'eu-west-1', code: 'azure.throttled' }, { scope: 'us-east-1' }] } });
});
