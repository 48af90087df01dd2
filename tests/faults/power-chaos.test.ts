import test from 'ava';
import { editSandboxAccount } from '../../commands/sandbox/edit-account.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { soak } from '../helpers/environment.ts';
import { platform, type Platform } from '../helpers/platform.ts';
import { powerByHand } from '../helpers/power-by-hand.ts';
import { randomOf } from '../helpers/random.ts';

const SEEDS = soak ? 500 : 6;
const MACHINES = 6;
/** Statements of a longest attempt, more or less. */
const STATEMENTS = 40;

let site: Platform;
test.before(async () => {
  site = await platform();
});
test.after.always(() => site?.end());

for (let seed = 1; seed <= SEEDS; seed += 1) {
  test.serial(`whatever fails and dies by seed ${seed}, every machine gets there by one effective call a trigger`, async (t) => {
    t.timeout(180_000);
    const random = randomOf(seed);
    const death = (): number | null => (random() < 0.2 ? 1 + Math.floor(random() * STATEMENTS) : null);
    const power = await powerByHand(site, '2035-03-05T07:00:00.000Z', death);
    const ids: string[] = [];
    for (let count = 0; count < MACHINES; count += 1) {
      const [id = ''] = await power.sandbox.machines(1, { bootSeconds: Math.floor(random() * 120), stopSeconds: Math.floor(random() * 60) });
      ids.push(id);
    }
    const changes = { operations: random() < 0.5, refusesWholeBatches: random() < 0.5 };
    await inTransaction(site.db, (tx) => editSandboxAccount(tx, { key: power.sandbox.key, changes }, power.decision()));
    await power.schedule({ triggers: [{ time: '08:00', action: 'power_on' }, { time: '20:00', action: 'power_off' }] }, ids);
    // Of ten calls three fail, one is throttled, and of those that take effect a fifth is never answered.
    await power.fault('unavailable', { percent: 30, seed });
    await power.fault('throttled', { percent: 10, seed, retryAfterSeconds: 40 });
    await power.fault('answer-lost', { percent: 20, seed });

    await power.travelTo('2035-03-05T19:59:00.000Z');
    t.deepEqual(await power.states(ids), ids.map(() => 'running'));
    await power.travelTo('2035-03-06T07:00:00.000Z');
    t.deepEqual(await power.states(ids), ids.map(() => 'stopped'));
    for (const id of ids) {
      t.deepEqual((await power.changes([id])).map(({ action }) => action), ['start', 'stop']);
      t.deepEqual((await power.items(id)).map(({ state, localTime }) => [state, localTime]), [
        ['settled', '2035-03-05T08:00'],
        ['settled', '2035-03-05T20:00'],
      ]);
    }
    const refused = await site.db('sandbox_calls').where({ organization_id: power.sandbox.organizationId }).whereNot('outcome', 'accepted');
    t.true(refused.length > 0, 'something did fail');
    // Its schedule fires no more, so that the next seed is alone.
    await site.db('power_schedules').update({ next_due_at: null });
  });
}
