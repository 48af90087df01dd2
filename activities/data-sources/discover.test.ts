import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { tickDiscovery } from '../../commands/data-sources/request-discovery.ts';
import { holdInstance } from '../../commands/power/hold-instances.ts';
import { getDataSource } from '../../db/data-sources/data-source-store.ts';
import { listScopes } from '../../db/data-sources/discovery-store.ts';
import { getOperation } from '../../db/operations/operation-store.ts';
import { saveObserved } from '../../db/resources/instance-targets.ts';
import { getInstance, listInstances, type ListedInstance } from '../../db/resources/instance-list.ts';
import { getResource } from '../../db/resources/resource-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { cloudError } from '../../domain/data-sources/cloud-errors.ts';
import type { DiscoveryStep } from '../../domain/data-sources/cloud-ports.ts';
import type { InstanceQuery } from '../../domain/resources/instance-query.ts';
import type { DiscoveredInstance } from '../../domain/resources/instance.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { systemClock } from '../../workers/dependencies.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { anOrganization, tester } from '../../tests/helpers/connect.ts';
import { anAccount, askToDiscover, attempt, discovered, discoverOnce, discoveryDependencies, listing, type Listing } from '../../tests/helpers/discovering.ts';
import { costRow, importMonth, resourceRow, type Bill } from '../../tests/helpers/period-readings.ts';
import { platform, type Platform } from '../../tests/helpers/platform.ts';

let site: Platform;
test.before(async () => {
  site = await platform();
});
test.after.always(() => site?.end());

const EU = 'eu-west-1';
const US = 'us-east-1';
const page = (scope: string, ...instances: DiscoveredInstance[]): DiscoveryStep => ({ kind: 'instances', scope, instances });
const listed = (scope: string): DiscoveryStep => ({ kind: 'listed', scope });
const failed = (scope: string): DiscoveryStep => ({
  kind: 'failed',
  scope,
  error: cloudError('aws', 'missing-permission', { call: 'ec2:DescribeInstances', resource: scope, cloudCode: 'UnauthorizedOperation', permission: 'ec2:DescribeInstances' }),
});

const ALL: InstanceQuery = { search: null, dataSource: [], cloud: [], region: [], state: [], type: [], canStop: null, tags: [], gone: 'include', sort: 'name', descending: false };
const known = async ({ organizationId }: EntityRef): Promise<ListedInstance[]> => (await listInstances(site.db, organizationId, ALL, { limit: 2_000, after: null })).rows;

async function account(change: Parameters<typeof anAccount>[2] = {}): Promise<EntityRef> {
  return await anAccount(site, await anOrganization(site), change);
}

/** Which transaction wrote each row last. */
async function writers(table: string, { organizationId }: EntityRef): Promise<string[]> {
  const { rows } = await site.db.raw<{ rows: { xmin: string }[] }>(`select xmin::text from ${table} where organization_id = ? order by 1`, [organizationId]);
  return rows.map((row) => row.xmin);
}

test('a discovery that finds nothing new writes no resource and no ledger, and stamps the instances', async (t) => {
  const ref = await account();
  const list = listing(page(EU, discovered({ tags: { Team: 'blue' } })), listed(EU));
  t.is(await discoverOnce(site, ref, list), '1 scope listed: 1 instances, 1 new, 0 changed, 0 gone');
  const [resources, tags] = [await writers('resources', ref), await writers('tag_keys', ref)];
  const [before] = await known(ref);
  const ledger = await site.db('ledger').where({ organization_id: ref.organizationId });
  await inTransaction(site.db, (tx) => tickDiscovery(tx, ref, systemClock.now(), tester));
  const current = (await getDataSource(site.db, ref.organizationId, ref.id))?.discovery.current;
  const act = { name: 'discover' as const, key: `${current?.id}/discover`, summary: '', discoveryId: current?.id ?? '' };
  t.is(await attempt(discoveryDependencies(site, list), ref, act), '1 scope listed: 1 instances, 0 new, 0 changed, 0 gone');
  t.deepEqual(await site.db('ledger').where({ organization_id: ref.organizationId }), ledger);
  t.deepEqual([await writers('resources', ref), await writers('tag_keys', ref)], [resources, tags]);
  const [after] = await known(ref);
  t.true((after?.lastDiscoveredAt ?? '') > (before?.lastDiscoveredAt ?? ''));
  t.deepEqual({ ...after, lastDiscoveredAt: '', observedAt: '', position: [] }, { ...before, lastDiscoveredAt: '', observedAt: '', position: [] } as never);
});

test('many pages of many instances are each written in bounded steps, repeats within a page once', async (t) => {
  const ref = await account();
  const many = Array.from({ length: 1_201 }, (_, n) => discovered({ nativeId: `i-${String(n).padStart(16, '0')}`, name: `m-${n}` }));
  await discoverOnce(site, ref, listing(page(EU, ...many, many[7]!), listed(EU)));
  t.is((await known(ref)).length, 1_201);
  t.like((await listScopes(site.db, ref.organizationId, ref.id))[0], { scope: EU, status: 'listed', resources: 1_201, error: null });
  const events = async () => (await site.db('ledger').where({ organization_id: ref.organizationId }).whereLike('action', 'resources.%')).length;
  await discoverOnce(site, ref, listing(page(EU, ...many), listed(EU)));
  t.is(await events(), 0, 'nothing changed');
  t.is(await discoverOnce(site, ref, listing(page(EU, many[0]!), listed(EU))), '1 scope listed: 1 instances, 0 new, 0 changed, 1200 gone');
  t.is((await known(ref)).filter((one) => one.goneAt === null).length, 1);
  t.is(await events(), 1_200);
});

test('an instance that is gone keeps its history and comes back as itself', async (t) => {
  const ref = await account();
  await discoverOnce(site, ref, listing(page(EU, discovered()), listed(EU)));
  const [first] = await known(ref);
  await discoverOnce(site, ref, listing(listed(EU)));
  t.like((await known(ref))[0], { id: first?.id, state: 'terminated', stateReason: 'The cloud lists it no more.' });
  t.truthy((await known(ref))[0]?.goneAt);
  t.is(await discoverOnce(site, ref, listing(page(EU, discovered({ state: 'stopped' })), listed(EU))), '1 scope listed: 1 instances, 0 new, 1 changed, 0 gone');
  t.like((await known(ref))[0], { id: first?.id, state: 'stopped', goneAt: null, firstDiscoveredAt: first?.firstDiscoveredAt });
});

test('an instance that is gone, comes back, or is in another state without a run of ours is an event each', async (t) => {
  const ref = await account();
  const [gone, moved, ours, same] = [1, 2, 3, 4].map((n) => discovered({ nativeId: `i-000000000000001${n}`, name: `m-${n}` })) as [DiscoveredInstance, DiscoveredInstance, DiscoveredInstance, DiscoveredInstance];
  await discoverOnce(site, ref, listing(page(EU, gone, moved, ours, same), listed(EU)));
  const idOf = new Map((await known(ref)).map(({ name, id }) => [name, id]));
  const nameOf = new Map([...idOf].map(([name, id]) => [id, name]));
  const events = async () => {
    const rows = await site.db('ledger').where({ organization_id: ref.organizationId }).whereLike('action', 'resources.%').orderBy('id');
    return rows.map(({ subject, action, before, after }) => [nameOf.get(subject), action, before.state, after.state, after.reason]);
  };
  t.deepEqual(await events(), [], 'new ones are no change of state');
  await inTransaction(site.db, (tx) => holdInstance(tx, ref.organizationId, { resourceId: idOf.get('m-3') ?? '', wanted: 'off', until: null, reason: '' }, { at: systemClock.now(), by: tester, cause: 'stop' }));
  const stopped = (instance: DiscoveredInstance): DiscoveredInstance => ({ ...instance, state: 'stopped', stateReason: 'User initiated' });
  await discoverOnce(site, ref, listing(page(EU, stopped(moved), stopped(ours), same), listed(EU)));
  const first = [
    ['m-2', 'resources.observe-state', 'running', 'stopped', 'User initiated'],
    ['m-1', 'resources.lose-instance', 'running', 'terminated', 'The cloud lists it no more.'],
  ];
  t.deepEqual(await events(), first, 'what a run is at, its own end tells');
  await discoverOnce(site, ref, listing(page(EU, stopped(moved), stopped(ours), same), listed(EU)));
  t.deepEqual(await events(), first, 'nothing changed');
  await discoverOnce(site, ref, listing(page(EU, gone, stopped(moved), stopped(ours), { ...same, state: 'terminated' }), listed(EU)));
  t.deepEqual((await events()).slice(2).toSorted(([a], [b]) => String(a).localeCompare(String(b))), [
    ['m-1', 'resources.regain-instance', 'terminated', 'running', null],
    ['m-4', 'resources.lose-instance', 'running', 'terminated', null],
  ]);
});

test('one that is seen terminated is gone at once, and one that was never known is left out', async (t) => {
  const ref = await account();
  await discoverOnce(site, ref, listing(page(EU, discovered()), listed(EU)));
  const ending = [discovered({ state: 'terminated' }), discovered({ nativeId: 'i-0000000000000002', state: 'terminated' })];
  await discoverOnce(site, ref, listing(page(EU, ...ending, discovered({ nativeId: 'i-0000000000000003', name: 'young' })), listed(EU)));
  t.deepEqual((await known(ref)).map(({ name, goneAt }) => [name, goneAt !== null]), [['web', true], ['young', false]]);
  t.is((await writers('resources', ref)).length, 2);
  t.is((await listScopes(site.db, ref.organizationId, ref.id))[0]?.resources, 1);
});

test('a scope that failed is kept with its reason, its instances stay, and the other scopes count', async (t) => {
  const ref = await account();
  await discoverOnce(site, ref, listing(page(EU, discovered()), listed(EU), page(US, discovered({ nativeId: 'i-0000000000000002', regionId: US })), listed(US)));
  const words = await discoverOnce(site, ref, listing(failed(EU), listed(US)));
  t.is(words, `1 scope listed, 1 failed (${EU}: aws.missing-permission): 0 instances, 0 new, 0 changed, 1 gone`);
  t.deepEqual(Object.fromEntries((await known(ref)).map((one) => [one.regionId, one.goneAt === null])), { [EU]: true, [US]: false });
  const [eu, us] = await listScopes(site.db, ref.organizationId, ref.id);
  t.like(eu, { status: 'failed', resources: 1, error: { code: 'aws.missing-permission' } });
  t.truthy(eu?.lastSuccessAt);
  t.like(us, { status: 'listed', resources: 0, error: null });
  const source = await getDataSource(site.db, ref.organizationId, ref.id);
  t.regex(source?.discovery.lastError?.message ?? '', /^1 of 2 scopes could not be listed\. eu-west-1: .*ec2:DescribeInstances/);
});

test('a region that the cloud names no more is forgotten, or kept with a reason while instances are known of it', async (t) => {
  const ref = await account();
  await discoverOnce(site, ref, listing(page(EU, discovered()), listed(EU), listed(US)));
  await discoverOnce(site, ref, listing(listed('ap-south-1')));
  const scopes = await listScopes(site.db, ref.organizationId, ref.id);
  t.deepEqual(scopes.map(({ scope, status, error }) => [scope, status, error?.code]), [
    ['ap-south-1', 'listed', undefined],
    [EU, 'failed', 'data-sources.scope-unnamed'],
  ]);
  t.is((await known(ref))[0]?.goneAt, null);
});

test('what keeps any scope from being listed fails the discovery with its reason, and the operation with it', async (t) => {
  const ref = await account();
  await discoverOnce(site, ref, listing(page(EU, discovered()), listed(EU)));
  const refused: Listing = async function* refuse() {
    yield page(EU, discovered({ name: 'renamed' }));
    throw cloudError('aws', 'bad-credentials', { call: 'ec2:DescribeRegions', resource: '*', cloudCode: 'AuthFailure' });
  };
  const act = await askToDiscover(site, ref);
  t.regex(await attempt(discoveryDependencies(site, refused), ref, act), /^failed: .*\(aws\.bad-credentials\)$/);
  t.like((await known(ref))[0], { name: 'renamed', goneAt: null }, 'what was seen stays');
  t.like(await getOperation(site.db, ref.organizationId, act.operationId), { state: 'failed', error: { code: 'aws.bad-credentials' } });
  const source = await getDataSource(site.db, ref.organizationId, ref.id);
  t.deepEqual([source?.discovery.current, source?.discovery.lastError?.code], [null, 'aws.bad-credentials']);
});

test('a cloud that is away for a moment is worth another attempt, and only the newest attempt writes', async (t) => {
  const ref = await account();
  const act = await askToDiscover(site, ref);
  const away: Listing = async function* away() {
    yield page(EU, discovered());
    throw cloudError('aws', 'unavailable', { call: 'ec2:DescribeInstances', resource: EU, cloudCode: 'InternalError' });
  };
  await t.throwsAsync(attempt(discoveryDependencies(site, away), ref, act), { message: /did not answer/ });
  const resumed = Promise.withResolvers<void>();
  const overtaken: Listing = async function* overtaken() {
    yield page(EU, discovered());
    await resumed.promise;
    yield page(EU, discovered({ name: 'of the past' }));
    yield listed(EU);
  };
  const old = attempt(discoveryDependencies(site, overtaken), ref, act);
  for (let attempts = 0; attempts < 2; await delay(5)) attempts = (await getDataSource(site.db, ref.organizationId, ref.id))?.discovery.current?.attempts ?? 0;
  t.is(await attempt(discoveryDependencies(site, listing(page(EU, discovered()), listed(EU))), ref, act), '1 scope listed: 1 instances, 0 new, 0 changed, 0 gone');
  resumed.resolve();
  t.is(await old, 'another attempt has taken over');
  t.is((await known(ref))[0]?.name, 'web');
  t.is(await attempt(discoveryDependencies(site, listing()), ref, act), 'nothing to do any more', 'repeated after its end');
});

test('a look that a power run took later than the page stays, and what people chose stays with it', async (t) => {
  const ref = await account();
  const localSsd = discovered({ canStop: { allowed: false, reason: 'local-ssd', detail: 'Two local disks.' } });
  await discoverOnce(site, ref, listing(page(EU, localSsd), listed(EU)));
  const id = (await known(ref))[0]?.id ?? '';
  await site.db('instances').where({ resource_id: id }).update({ discard_local_ssd: true, can_stop: true });
  const later = plusMilliseconds(systemClock.now(), 60_000);
  await inTransaction(site.db, (tx) => saveObserved(tx, ref.organizationId, [{ resourceId: id, state: 'stopping', stateReason: 'asked' }], later));
  await discoverOnce(site, ref, listing(page(EU, { ...localSsd, name: 'renamed' }), listed(EU)));
  const stays = { name: 'renamed', state: 'stopping', stateReason: 'asked', observedAt: later, canStop: true, cannotStopReason: 'local-ssd', goneAt: null };
  t.like(await getInstance(site.db, ref.organizationId, id), stays);
  await discoverOnce(site, ref, listing(listed(EU)));
  t.like(await getInstance(site.db, ref.organizationId, id), { state: 'stopping', goneAt: null }, 'seen later than the listing that lacks it');
});

test('a machine known from bills and from discovery is one resource: bills say what it is, discovery that it runs', async (t) => {
  const ref = await account();
  const bill: Bill = { organizationId: ref.organizationId, dataSourceId: ref.id };
  const nativeId = 'i-0000000000000001';
  const month = async (costs: Parameters<typeof importMonth>[3]) => await importMonth(site.db, bill, '2026-10', costs);
  await month({ resources: [resourceRow({ nativeId, name: 'as billed', tags: { user_team: 'billed' } })], costs: [costRow({ nativeId, billed: '1' })] });
  await discoverOnce(site, ref, listing(page(EU, discovered({ tags: { Team: 'seen' } })), listed(EU)));
  const id = (await known(ref))[0]?.id ?? '';
  const resources = await site.db('resources').where({ organization_id: ref.organizationId });
  t.deepEqual(resources.map((row) => [row.id, row.resource_name, row.tags]), [[id, 'as billed', { user_team: 'billed' }]]);
  await month({ resources: [], costs: [] });
  t.like(await getResource(site.db, ref.organizationId, id), { name: 'web', type: 'ec2:instance', regionId: EU, bills: [], tags: [{ key: 'user_team', value: 'seen' }] });
  t.is((await getResource(site.db, ref.organizationId, id))?.lastSeen, (await known(ref))[0]?.lastDiscoveredAt);
});

test('a discovery waits for a billing merge without holding anything that others need', async (t) => {
  const ref = await account();
  const merge = await site.db.transaction();
  await merge.raw(`select pg_advisory_xact_lock(hashtextextended(?, 0))`, [`billing-merge/${ref.organizationId}`]);
  const tries: string[] = [];
  site.db.on('query', ({ sql, bindings }: { sql: string; bindings: unknown[] }) => {
    if (sql.includes('pg_try_advisory_xact_lock') && bindings.includes(ref.organizationId)) tries.push(sql);
  });
  const discovery = discoverOnce(site, ref, listing(page(EU, discovered()), listed(EU)));
  while (tries.length < 2) await delay(5);
  await inTransaction(site.db, async (tx) => {
    await tx.raw(`set local lock_timeout = '2s'`);
    await tx('data_sources').where({ id: ref.id }).forUpdate().first();
  });
  t.is((await known(ref)).length, 0);
  await merge.commit();
  t.is(await discovery, '1 scope listed: 1 instances, 1 new, 0 changed, 0 gone');
});
