import test from 'ava';
import { holdInstance, releaseInstance, type HoldWish } from '../../commands/power/hold-instances.ts';
import { actInConsole } from '../../commands/sandbox/instances.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { bookingClaim, putClaims, withdraw } from '../helpers/power-claims.ts';
import { powerSite, type PowerSite } from '../helpers/power-site.ts';

const OFFICE_HOURS = { triggers: [{ time: '08:00', action: 'power_on' }, { time: '20:00', action: 'power_off' }] };
const DAY = '2035-03-05';
const NEXT_DAY = '2035-03-06';

async function officeMachine(t: Parameters<typeof powerSite>[0], state: 'running' | 'stopped'): Promise<{ power: PowerSite; id: string }> {
  const power = await powerSite(t, `${DAY}T06:00:00.000Z`);
  const [id = ''] = await power.sandbox.machines(1, { bootSeconds: 60, stopSeconds: 20, state });
  await power.schedule(OFFICE_HOURS, [id], { name: 'Office hours' });
  return { power, id };
}

async function hold({ site, sandbox, decision }: PowerSite, resourceId: string, wanted: HoldWish['wanted'], until: string | null = null): Promise<void> {
  const cause = wanted === 'off' ? 'stop' : 'start';
  await inTransaction(site.db, (tx) => holdInstance(tx, sandbox.organizationId, { resourceId, wanted, until, reason: 'for Ada' }, { ...decision(), cause, withOperation: true }));
}

const changesOf = async (power: PowerSite): Promise<string[]> => (await power.changes()).map(({ at, action }) => `${at.slice(5, 16)} ${action}`);
const decidedBy = async ({ site }: PowerSite, resourceId: string): Promise<unknown> =>
  (await site.db('power_states').where({ resource_id: resourceId }).first<{ decided_by: unknown }>('decided_by')).decided_by;

test('a person’s start counts until the next trigger, whatever it says; their hold until an instant outlasts triggers', async (t) => {
  const { power, id } = await officeMachine(t, 'stopped');
  await power.travelTo(`${DAY}T06:10:00.000Z`);
  await hold(power, id, 'on');
  await power.travelTo(`${DAY}T07:59:00.000Z`);
  t.is(await decidedBy(power, id), 'hold');
  await power.travelTo(`${DAY}T08:05:00.000Z`);
  t.is(await decidedBy(power, id), 'schedule', 'the trigger ended it though it says the same');
  await power.travelTo(`${DAY}T20:05:00.000Z`);
  t.deepEqual(await changesOf(power), ['03-05T06:10 start', '03-05T20:00 stop']);

  await power.travelTo(`${DAY}T21:00:00.000Z`);
  await hold(power, id, 'on', `${NEXT_DAY}T20:30:00.000Z`);
  await power.travelTo(`${NEXT_DAY}T20:10:00.000Z`);
  t.deepEqual(await power.states([id]), ['running']);
  const overruled = (await power.items(id)).filter((item) => item.state === 'overruled');
  t.deepEqual(overruled.map(({ localTime }) => localTime), [`${NEXT_DAY}T08:00`, `${NEXT_DAY}T20:00`]);
  t.regex(overruled[1]?.detail ?? '', /^A hold keeps it on/);
  await power.travelTo(`${NEXT_DAY}T20:35:00.000Z`);
  t.deepEqual(await power.states([id]), ['stopped']);
  t.deepEqual((await changesOf(power)).slice(2), ['03-05T21:00 start', '03-06T20:30 stop'], 'at the hold’s end the schedule’s word applies');
});

test('a release gives the schedule back its word at once', async (t) => {
  const { power, id } = await officeMachine(t, 'stopped');
  await power.travelTo(`${DAY}T09:00:00.000Z`);
  await hold(power, id, 'off', `${NEXT_DAY}T20:30:00.000Z`);
  await power.travelTo(`${DAY}T09:30:00.000Z`);
  await inTransaction(power.site.db, (tx) => releaseInstance(tx, power.sandbox.organizationId, id, { ...power.decision(), withOperation: true }));
  await power.travelTo(`${DAY}T09:40:00.000Z`);
  t.deepEqual(await power.states([id]), ['running']);
  t.deepEqual(await changesOf(power), ['03-05T08:00 start', '03-05T09:00 stop', '03-05T09:30 start']);
});

test('a stop in the cloud’s console is noticed, held without a call until the next trigger, and shown as such', async (t) => {
  const { power, id } = await officeMachine(t, 'stopped');
  await power.travelTo(`${DAY}T10:00:00.000Z`);
  const ref = { organizationId: power.sandbox.organizationId, id: await power.nativeIdOf(id) };
  await inTransaction(power.site.db, (tx) => actInConsole(tx, ref, 'stop', power.decision()));
  await power.travelTo(`${DAY}T10:05:00.000Z`);
  await power.sandbox.discover();
  const [claim] = await power.site.db('power_claims').where({ resource_id: id, source: 'hold' });
  t.like(claim, { wanted: 'off', until_next_trigger: true, origin: { kind: 'cloud-console', name: 'cloud console' } } as never);
  await power.travelTo(`${DAY}T19:59:00.000Z`);
  t.deepEqual(await power.states([id]), ['stopped'], 'nobody started it again');
  await power.travelTo(`${NEXT_DAY}T08:05:00.000Z`);
  t.deepEqual(await power.states([id]), ['running']);
  t.deepEqual(await changesOf(power), ['03-05T08:00 start', '03-06T08:00 start']);
  t.is((await power.items(id)).find((item) => item.localTime === `${DAY}T20:00`)?.attempts, 0);
});

test('a start in the console at night is left alone until the morning, and the evening stops it as ever', async (t) => {
  const { power, id } = await officeMachine(t, 'running');
  await power.travelTo(`${DAY}T21:00:00.000Z`);
  const ref = { organizationId: power.sandbox.organizationId, id: await power.nativeIdOf(id) };
  await inTransaction(power.site.db, (tx) => actInConsole(tx, ref, 'start', power.decision()));
  await power.travelTo(`${DAY}T21:10:00.000Z`);
  await power.sandbox.discover();
  t.is(await decidedBy(power, id), 'hold');
  await power.travelTo(`${NEXT_DAY}T07:00:00.000Z`);
  t.deepEqual(await power.states([id]), ['running']);
  await power.travelTo(`${NEXT_DAY}T20:05:00.000Z`);
  t.deepEqual(await changesOf(power), ['03-05T20:00 stop', '03-06T20:00 stop']);
});

test('a booking has its machine on a lead before it begins, a person outranks it, and its end or withdrawal gives the schedule back its word', async (t) => {
  t.timeout(240_000);
  const { power, id } = await officeMachine(t, 'stopped');
  await power.travelTo(`${DAY}T20:30:00.000Z`);
  // Booked 22:00 to 23:00 with a lead of a quarter of an hour, and directly after it 23:00 to midnight.
  const first = bookingClaim(power, id, { from: `${DAY}T21:45:00.000Z`, until: `${DAY}T23:00:00.000Z` });
  const second = bookingClaim(power, id, { from: `${DAY}T22:45:00.000Z`, until: `${NEXT_DAY}T00:00:00.000Z` });
  await putClaims(power, [first]);
  await putClaims(power, [second]);
  await power.travelTo(`${DAY}T21:44:59.000Z`);
  t.deepEqual(await power.states([id]), ['stopped']);
  await power.travelTo(`${DAY}T22:00:00.000Z`);
  t.deepEqual(await power.states([id]), ['running'], 'ready when it begins');
  await power.travelTo(`${DAY}T23:30:00.000Z`);
  t.deepEqual(await power.states([id]), ['running'], 'the next booking takes over without a stop between them');
  await hold(power, id, 'off', `${DAY}T23:45:00.000Z`);
  await power.travelTo(`${DAY}T23:40:00.000Z`);
  t.deepEqual(await power.states([id]), ['stopped'], 'a person is stronger');
  await power.travelTo(`${NEXT_DAY}T00:05:00.000Z`);
  t.deepEqual((await changesOf(power)).slice(2), ['03-05T21:45 start', '03-05T23:30 stop', '03-05T23:45 start', '03-06T00:00 stop']);

  const third = bookingClaim(power, id, { from: `${NEXT_DAY}T02:00:00.000Z`, until: `${NEXT_DAY}T06:00:00.000Z` });
  await putClaims(power, [third]);
  await power.travelTo(`${NEXT_DAY}T03:00:00.000Z`);
  await withdraw(power, third.sourceId);
  await power.travelTo(`${NEXT_DAY}T03:10:00.000Z`);
  t.deepEqual((await changesOf(power)).slice(6), ['03-06T02:00 start', '03-06T03:00 stop']);
});
