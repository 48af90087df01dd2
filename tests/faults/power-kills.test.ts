import test from 'ava';
import { holdInstance } from '../../commands/power/hold-instances.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { soak } from '../helpers/environment.ts';
import { platform, type Platform } from '../helpers/platform.ts';
import { powerByHand, type PowerByHand } from '../helpers/power-by-hand.ts';
import { bookingClaim, putClaims } from '../helpers/power-claims.ts';

/** Each statement in a soak, a sample otherwise. */
const STEP = soak ? 1 : 6;

let site: Platform;
test.before(async () => {
  site = await platform();
});
test.after.always(() => site?.end());

interface World {
  power: PowerByHand;
  ids: string[];
}

/** At 08:00 a schedule fires for three machines, one of which a person holds until then, another fires for one, and a booking begins. */
async function beforeEight(): Promise<World> {
  const power = await powerByHand(site, '2035-03-05T07:00:00.000Z');
  const ids = [...(await power.sandbox.machines(4, { bootSeconds: 60, stopSeconds: 10 })), ...(await power.sandbox.machines(1, { name: 'other', state: 'running', stopSeconds: 10 }))];
  const [first = '', second = '', held = '', booked = '', stopping = ''] = ids;
  await power.schedule({ triggers: [{ time: '08:00', action: 'power_on' }] }, [first, second, held]);
  await power.schedule({ triggers: [{ time: '08:00', action: 'power_off' }] }, [stopping]);
  const hold = { resourceId: held, wanted: 'off' as const, until: null, reason: '' };
  await inTransaction(site.db, (tx) => holdInstance(tx, power.sandbox.organizationId, hold, { ...power.decision(), cause: 'stop' }));
  await putClaims({ ...power, site }, [bookingClaim(power, booked, { from: '2035-03-05T08:00:00.000Z', until: null })]);
  await power.travelTo('2035-03-05T07:30:00.000Z');
  power.clock.set('2035-03-05T08:00:00.000Z');
  return { power, ids };
}

/** What a morning is to leave, without ids and instants. `attempts` only where no call can have been counted and not made. */
async function morningOf({ power, ids }: World): Promise<unknown> {
  const own = { organization_id: power.sandbox.organizationId };
  const numberOf = (id: string): number => ids.indexOf(id);
  const items = await site.db('power_run_items').where(own).orderBy('resource_id');
  const claims = await site.db('power_claims').where(own);
  const states = await site.db('power_states').where(own);
  const schedules = await site.db('power_schedules').where(own).orderBy('id');
  const ledger = await site.db('ledger').where(own).whereLike('action', 'power.%').whereIn('subject', ids);
  return {
    items: items.map((row) => `${numberOf(row.resource_id)} ${row.action} ${row.state} ${row.local_time} ${row.generation}`).toSorted(),
    // How many there are is chance: transactions of one sweep beside each other share out what is due.
    runs: (await site.db('power_runs').where(own).distinct('state').orderBy('state').pluck('state')) as string[],
    claims: claims.map((row) => `${numberOf(row.resource_id)} ${row.source} ${row.wanted}`).toSorted(),
    states: states.map((row) => `${numberOf(row.resource_id)} ${row.wanted} ${row.wanted_generation} ${row.settled_generation} ${row.decided_by}`).toSorted(),
    schedules: schedules.map((row) => [row.processed_until, row.next_due_at]),
    ledger: ledger.map((row) => `${numberOf(row.subject)} ${row.action}`).toSorted(),
    changes: (await power.changes()).map(({ action, resourceId }) => `${numberOf(resourceId)} ${action}`).toSorted(),
    cloud: await power.states(ids),
  };
}

async function restOfMorning(world: World): Promise<unknown> {
  await world.power.travelTo('2035-03-05T08:30:00.000Z');
  const left = await morningOf(world);
  // The next world is to be alone.
  await site.db('power_schedules').update({ next_due_at: null });
  return left;
}

test.serial('a sweep killed before any of its statements is made up by the next, and nothing fires twice', async (t) => {
  t.timeout(soak ? 3_600_000 : 120_000);
  const whole = await beforeEight();
  const all = await whole.power.sweep(Number.MAX_SAFE_INTEGER);
  const expected = await restOfMorning(whole);
  t.like(expected, {
    changes: ['0 start', '1 start', '2 start', '3 start', '4 stop'],
    cloud: ['running', 'running', 'running', 'running', 'stopped'],
    runs: ['completed'],
  });
  t.true(all > 20, `${all} statements`);
  for (let statement = 1; statement <= all; statement += STEP) {
    const world = await beforeEight();
    t.true((await world.power.sweep(statement)) >= statement, `it reached statement ${statement}`);
    t.deepEqual(await restOfMorning(world), expected, `killed before statement ${statement}`);
  }
});

test.serial('a run killed before any of its statements goes on with the next attempt, and nothing is called twice', async (t) => {
  t.timeout(soak ? 3_600_000 : 120_000);
  const swept = async (): Promise<World> => {
    const world = await beforeEight();
    await world.power.sweep(null);
    return world;
  };
  const whole = await swept();
  const all = await whole.power.actuate(Number.MAX_SAFE_INTEGER);
  const expected = await restOfMorning(whole);
  t.true(all > 20, `${all} statements`);
  for (let statement = 1; statement <= all; statement += STEP) {
    const world = await swept();
    t.true((await world.power.actuate(statement)) >= statement, `it reached statement ${statement}`);
    t.deepEqual(await restOfMorning(world), expected, `killed before statement ${statement}`);
  }
});
