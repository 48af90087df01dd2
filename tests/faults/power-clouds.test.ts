import test from 'ava';
import { holdInstance } from '../../commands/power/hold-instances.ts';
import { clearSandboxFaults } from '../../commands/sandbox/faults.ts';
import { deleteSandboxInstance } from '../../commands/sandbox/instances.ts';
import { deleteDataSource } from '../../commands/data-sources/edit-data-source.ts';
import { editSandboxAccount } from '../../commands/sandbox/edit-account.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { soak } from '../helpers/environment.ts';
import { platform } from '../helpers/platform.ts';
import { powerByHand, type PowerByHand } from '../helpers/power-by-hand.ts';
import { powerSite, type PowerSite } from '../helpers/power-site.ts';

const OFFICE_HOURS = { triggers: [{ time: '08:00', action: 'power_on' }, { time: '20:00', action: 'power_off' }] };
const DAY = '2035-03-05';
const NEXT_DAY = '2035-03-06';
const SEEDS = soak ? 50 : 1;

/** Without Temporal, where it has no part in what is shown and looks are many. */
async function byHand(t: { teardown(end: () => Promise<void>): void }, start: string): Promise<PowerByHand & Pick<PowerSite, 'site'>> {
  const site = await platform();
  t.teardown(() => site.end());
  return { ...(await powerByHand(site, start)), site };
}

const callsOf = async ({ site, sandbox }: Pick<PowerSite, 'site' | 'sandbox'>, action: string): Promise<{ at: string; batch: number; changed: boolean }[]> =>
  await site.db('sandbox_calls').where({ organization_id: sandbox.organizationId, action }).orderBy('number').select('at', 'batch', 'changed');

const clearFaults = async (power: Pick<PowerSite, 'site' | 'sandbox' | 'decision'>): Promise<void> => {
  await inTransaction(power.site.db, (tx) => clearSandboxFaults(tx, power.sandbox.key, power.decision()));
};

// One seed may run beside the other tests; fifty worlds at once would only wait for each other.
const ofSeed = soak ? test.serial : test;
for (let seed = 1; seed <= SEEDS; seed += 1) {
  ofSeed(`with seed ${seed}, 30 of 100 calls fail and every machine is on by day and off by night, called for once each time`, async (t) => {
    t.timeout(300_000);
    const power = await powerSite(t, `${DAY}T07:00:00.000Z`);
    const ids = await power.sandbox.machines(4, { bootSeconds: 40, stopSeconds: 20 });
    await power.schedule(OFFICE_HOURS, ids);
    await power.fault('unavailable', { percent: 30, seed });
    await power.travelTo(`${DAY}T19:59:59.000Z`);
    t.deepEqual(await power.states(ids), ids.map(() => 'running'));
    await power.travelTo(`${NEXT_DAY}T07:00:00.000Z`);
    t.deepEqual(await power.states(ids), ids.map(() => 'stopped'));
    for (const id of ids) t.deepEqual((await power.changes([id])).map(({ action }) => action), ['start', 'stop']);
    const [fault] = await power.site.db('sandbox_faults').where({ organization_id: power.sandbox.organizationId });
    t.true(fault.struck > 0, `${fault.struck} of ${fault.met} calls failed`);
  });
}

for (const [operations, arrange] of [[false, powerSite], [true, byHand]] as const) {
  test(`a start that falls back to stopped for lack of capacity is tried again and succeeds, ${operations ? 'told by its operation' : 'seen by its state'}`, async (t) => {
    const power = await arrange(t, `${DAY}T07:50:00.000Z`);
    await inTransaction(power.site.db, (tx) => editSandboxAccount(tx, { key: power.sandbox.key, changes: { operations } }, power.decision()));
    const [id = '', other = ''] = await power.sandbox.machines(2, { bootSeconds: 60 });
    await power.schedule(OFFICE_HOURS, [id, other]);
    await power.fault('operation-fails', { action: 'start', instanceId: await power.nativeIdOf(id), remaining: 2 });
    await power.travelTo(`${DAY}T08:01:30.000Z`);
    const [waiting] = await power.items(id);
    t.like(waiting, { state: 'open', observed: 'stopped', attempts: 1 });
    t.regex(waiting?.lastError?.code ?? '', /no-capacity$/);
    t.regex(waiting?.lastError?.message ?? '', /no capacity for general\.small in sandbox-eu-1/, 'the cloud’s own reason');
    t.like((await power.items(other))[0], { state: 'settled' }, 'the other one did not wait for it');
    await power.travelTo(`${DAY}T09:00:00.000Z`);
    t.like((await power.items(id))[0], { state: 'settled', observed: 'running', attempts: 3 });
    t.deepEqual(await power.states([id, other]), ['running', 'running']);
    t.is((await power.changes([id])).length, 3, 'two that fell back, one that stayed');
    t.is((await power.changes([other])).length, 1);
  });
}

test('a machine stuck in stopping ends as a named failure, holds up nobody, and the next trigger is followed as ever', async (t) => {
  const power = await byHand(t, `${DAY}T19:50:00.000Z`);
  const [stuck = '', other = ''] = await power.sandbox.machines(2, { state: 'running', bootSeconds: 30, stopSeconds: 10 });
  await power.schedule(OFFICE_HOURS, [stuck, other]);
  await power.fault('stuck-stopping', { instanceId: await power.nativeIdOf(stuck), remaining: 1 });
  await power.travelTo(`${DAY}T20:40:00.000Z`);
  t.like((await power.items(stuck))[0], { state: 'open', observed: 'stopping' });
  await power.travelTo(`${DAY}T21:00:00.000Z`);
  const [failed] = await power.items(stuck);
  t.like(failed, { state: 'failed', attempts: 1 });
  t.is(failed?.lastError?.code, 'power.stuck');
  t.regex(failed?.lastError?.message ?? '', /It is stopping\./);
  t.like((await power.items(other))[0], { state: 'settled' });
  t.like(await power.site.db('ledger').where({ subject: stuck, action: 'power.fail-stop' }).first(), { actor_name: 'power run' });
  await power.travelTo(`${NEXT_DAY}T08:05:00.000Z`);
  t.deepEqual((await power.changes([other])).map(({ action }) => action), ['stop', 'start']);
});

test('a throttled batch is repeated whole when the cloud says, not before, and takes effect once', async (t) => {
  const power = await powerSite(t, `${DAY}T07:50:00.000Z`);
  const ids = await power.sandbox.machines(2, { bootSeconds: 5 });
  await power.schedule(OFFICE_HOURS, ids);
  await power.fault('throttled', { action: 'start', remaining: 2, retryAfterSeconds: 600 });
  await power.travelTo(`${DAY}T08:05:00.000Z`);
  t.like((await power.items(ids[0] ?? ''))[0], { state: 'open', attempts: 1 });
  await power.travelTo(`${DAY}T09:00:00.000Z`);
  t.deepEqual(await power.states(ids), ['running', 'running']);
  const calls = await callsOf(power, 'start');
  const [first, second] = [...new Set(calls.map(({ at }) => Date.parse(at)))];
  t.true((second ?? 0) - (first ?? 0) >= 600_000, 'ten minutes');
  t.is(calls.filter(({ changed }) => changed).length, 2);
  t.true(calls.every(({ batch }) => batch === 2), 'they came back together, as one batch');
});

test('a start that waits for its cloud is dropped when somebody wants the machine off meanwhile', async (t) => {
  const power = await byHand(t, `${DAY}T07:50:00.000Z`);
  const [id = ''] = await power.sandbox.machines(1, { bootSeconds: 5 });
  await power.schedule(OFFICE_HOURS, [id]);
  await power.fault('throttled', { action: 'start', remaining: 1, retryAfterSeconds: 600 });
  await power.travelTo(`${DAY}T08:01:00.000Z`);
  const hold = { resourceId: id, wanted: 'off' as const, until: null, reason: '' };
  await inTransaction(power.site.db, (tx) => holdInstance(tx, power.sandbox.organizationId, hold, { ...power.decision(), cause: 'stop' }));
  await power.travelTo(`${DAY}T09:00:00.000Z`);
  t.deepEqual((await power.items(id)).map(({ action, state }) => [action, state]), [['on', 'superseded'], ['off', 'settled']]);
  t.is((await power.site.db('ledger').where({ subject: id, action: 'power.supersede-start' })).length, 1);
  t.deepEqual(await power.changes(), [], 'the older wish is not called for any more');
});

test('credentials revoked halfway are a named outcome at once, and with new ones the next trigger is followed', async (t) => {
  const power = await byHand(t, `${DAY}T07:50:00.000Z`);
  const ids = await power.sandbox.machines(2, { bootSeconds: 120, stopSeconds: 10 });
  await power.schedule(OFFICE_HOURS, ids);
  await power.travelTo(`${DAY}T08:01:00.000Z`);
  await power.fault('bad-credentials');
  await power.travelTo(`${DAY}T08:10:00.000Z`);
  for (const id of ids) {
    const [item] = await power.items(id);
    t.is(item?.state, 'failed');
    t.is(item?.lastError?.code, 'sandbox.bad-credentials');
  }
  t.like(await power.site.db('power_runs').first(), { state: 'failed', next_due_at: null });
  await clearFaults(power);
  await power.travelTo(`${DAY}T20:10:00.000Z`);
  t.deepEqual(await power.states(ids), ['stopped', 'stopped']);
  t.is((await power.changes()).length, 4);
});

test('a machine deleted with its cloud ends as a named failure and leaves its schedule with the next discovery', async (t) => {
  const power = await byHand(t, `${DAY}T07:50:00.000Z`);
  const [deleted = '', other = ''] = await power.sandbox.machines(2, { bootSeconds: 5, stopSeconds: 5 });
  await power.schedule(OFFICE_HOURS, [deleted, other]);
  const id = await power.nativeIdOf(deleted);
  await inTransaction(power.site.db, (tx) => deleteSandboxInstance(tx, { organizationId: power.sandbox.organizationId, id }, power.decision()));
  await power.travelTo(`${DAY}T08:05:00.000Z`);
  t.is((await power.items(deleted))[0]?.lastError?.code, 'power.instance-gone');
  t.is((await power.items(other))[0]?.state, 'settled');
  await power.sandbox.discover();
  await power.travelTo(`${DAY}T20:05:00.000Z`);
  t.is((await power.items(deleted)).length, 1, 'the evening does not ask for it any more');
  t.is((await power.items(other)).length, 2);
});

test('a data source deleted while its machines boot ends their run with a named failure', async (t) => {
  const power = await powerSite(t, `${DAY}T07:50:00.000Z`);
  const ids = await power.sandbox.machines(2, { bootSeconds: 120 });
  await power.schedule(OFFICE_HOURS, ids);
  await power.travelTo(`${DAY}T08:01:00.000Z`);
  const { organizationId, dataSourceId } = power.sandbox;
  await inTransaction(power.site.db, (tx) => deleteDataSource(tx, { organizationId, id: dataSourceId }, power.decision()));
  await power.travelTo(`${DAY}T08:30:00.000Z`);
  const items = await power.site.db('power_run_items').where({ organization_id: organizationId });
  t.deepEqual(items.map((item) => item.state), ['failed', 'failed']);
  // Which of the two depends on how far the deletion has got at the next look.
  for (const item of items) t.true(['data-source.not-found', 'power.instance-gone'].includes(item.last_error.code), item.last_error.message);
  t.deepEqual(await power.site.db('power_runs').where({ state: 'running' }), []);
  await power.travelTo(`${NEXT_DAY}T08:30:00.000Z`);
  t.is((await power.site.db('power_run_items').where({ organization_id: organizationId })).length, 2, 'nothing is wanted of them any more');
});
