import test from 'ava';
import { actInConsole, createSandboxInstances, deleteSandboxInstance, editSandboxInstance } from '../../commands/sandbox/instances.ts';
import { getDataSource } from '../../db/data-sources/data-source-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { systemClock } from '../../workers/dependencies.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { anOrganization, tester } from '../helpers/connect.ts';
import { anAccount, askToDiscover, attempt, discoverOnce, discoveryDependencies } from '../helpers/discovering.ts';
import { dyingDatabase } from '../helpers/dying-database.ts';
import { soak } from '../helpers/environment.ts';
import { platform, type Platform } from '../helpers/platform.ts';
import { sandboxWish } from '../helpers/sandbox.ts';

let site: Platform;
test.before(async () => {
  site = await platform();
});
test.after.always(() => site?.end());

const decision = () => ({ at: systemClock.now(), by: tester });

/**
 * A sandbox that was discovered and has changed since: one is new, one renamed, one stopped by somebody
 * in the console though it is wanted on, one deleted.
 */
async function changedWorld(): Promise<EntityRef> {
  const organizationId = await anOrganization(site);
  const ref = await anAccount(site, organizationId, { cloud: 'sandbox', kind: 'account', credentialsKind: 'none', accountId: 'sandbox' });
  const key = { organizationId, accountId: 'sandbox' };
  const make = async (name: string) =>
    (await inTransaction(site.db, (tx) => createSandboxInstances(tx, { key, wish: sandboxWish({ name, state: 'running', bootSeconds: 0, stopSeconds: 0 }), count: 1 }, decision())))[0]?.id ?? '';
  const [renamed, stopped, deleted] = [await make('before'), await make('wanted'), await make('deleted')];
  await discoverOnce(site, ref);
  const { resource_id: resourceId } = await site.db('instances').where({ organization_id: organizationId, native_id: stopped }).first();
  await want(organizationId, resourceId);
  await make('new');
  await inTransaction(site.db, (tx) => editSandboxInstance(tx, { organizationId, id: renamed }, { name: 'after', tags: { Team: 'blue' } }, decision()));
  await inTransaction(site.db, (tx) => actInConsole(tx, { organizationId, id: stopped }, 'stop', decision()));
  await inTransaction(site.db, (tx) => deleteSandboxInstance(tx, { organizationId, id: deleted }, decision()));
  return ref;
}

/** As a schedule and the run it caused would have left it: wanted on, and seen so. */
async function want(organizationId: string, resourceId: string): Promise<void> {
  const at = systemClock.now();
  await site.db('power_states').insert({
    resource_id: resourceId,
    organization_id: organizationId,
    wanted: 'on',
    wanted_generation: 1,
    wanted_since: at,
    decided_by: 'schedule',
    decided_by_id: 'psc_0',
    settled_generation: 1,
    settled_at: at,
  });
  await site.db('power_claims').insert({
    id: `pcl_${resourceId.slice(4)}`,
    organization_id: organizationId,
    resource_id: resourceId,
    source: 'schedule',
    source_id: 'psc_0',
    wanted: 'on',
    from_at: at,
    origin: '{}',
    created_at: at,
  });
}

/** Everything the discovery is to have brought about, without ids and instants. */
async function outcomeOf({ organizationId, id }: EntityRef): Promise<unknown> {
  const own = { organization_id: organizationId };
  const instances = await site.db('instances').where(own).orderBy('instance_name').select('instance_name', 'state', 'tags', 'gone_at');
  const source = await getDataSource(site.db, organizationId, id);
  return {
    instances: instances.map((row) => [row.instance_name, row.state, row.tags, row.gone_at !== null]),
    resources: (await site.db('resources').where(own).orderBy('resource_name').select('resource_name', 'tags')).map((row) => [row.resource_name, row.tags]),
    scopes: (await site.db('discovery_scopes').where(own).orderBy('scope').select('scope', 'status', 'resources')).map((row) => [row.scope, row.status, row.resources]),
    holds: (await site.db('power_claims').where({ ...own, source: 'hold' }).select('wanted')).map((row) => row.wanted),
    holdsNoticed: (await site.db('ledger').where(own).whereLike('action', 'power.%')).length,
    statesNoticed: (await site.db('ledger').where(own).whereLike('action', 'resources.%').orderBy('action').pluck('action')) as string[],
    discoveries: (await site.db('ledger').where({ ...own, action: 'data-sources.complete-discovery' })).length,
    rest: [source?.discovery.current, source?.discovery.lastError],
  };
}

/** A discovery whose first attempt dies before that statement, and whose second one goes through; answers how many statements the first made. */
async function killedAt(ref: EntityRef, statement: number): Promise<number> {
  const act = await askToDiscover(site, ref);
  const dying = dyingDatabase(site.config.databaseUrl, statement);
  const deps = discoveryDependencies({ ...site, db: dying.db });
  // What it says of its own death is of no interest: a killed process says nothing.
  await attempt(deps, ref, act).catch(() => undefined);
  const made = dying.statements();
  await dying.end();
  await attempt(discoveryDependencies(site), ref, act);
  return made;
}

test('a discovery killed before any of its statements comes to the same end, and notices once what people did', async (t) => {
  const whole = await changedWorld();
  const all = await killedAt(whole, Number.MAX_SAFE_INTEGER);
  const expected = await outcomeOf(whole);
  t.like(expected, { holds: ['off'], rest: [null, null] });
  t.true(all > 40, `${all} statements`);
  const step = soak ? 1 : 7;
  for (let statement = 1; statement <= all; statement += step) {
    const ref = await changedWorld();
    const made = await killedAt(ref, statement);
    t.true(made >= statement, `it reached statement ${statement}`);
    t.deepEqual(await outcomeOf(ref), expected, `killed before statement ${statement}`);
  }
});

