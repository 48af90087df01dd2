import { deleteDataSource } from '../../commands/data-sources/edit-data-source.ts';
import { holdInstance } from '../../commands/power/hold-instances.ts';
import { noticeObserved } from '../../commands/power/port.ts';
import { recordLooks } from '../../commands/power/record-looks.ts';
import { sweepClaims } from '../../commands/power/change-claims.ts';
import { createSchedule } from '../../commands/power-schedules/edit-schedule.ts';
import { sweepSchedules } from '../../commands/power-schedules/sweep-schedules.ts';
import { openItems } from '../../db/power/run-item-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { afterCall, beforeCall, lookAt } from '../../domain/power/run-item.ts';
import type { InstanceState } from '../../domain/resources/instance.ts';
import { system } from '../../domain/shared/entity.ts';
import type { TestApi } from '../../tests/helpers/api.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import { insertInstances, insertSandbox, ruleOf } from '../../tests/helpers/power.ts';

// One after the other: a sweep takes what is due of every organization.
const test = apiTest().serial;
const by = system('test');
const NOW = '2035-06-15T12:00:00.000Z';
/** An instant of June 2035, a month whose first day is a Friday. */
const june = (day: number, time: string) => `2035-06-${String(day).padStart(2, '0')}T${time}:00.000Z`;
const CREATED = june(1, '00:00');

/** Instances at 0.5 USD an hour in a schedule of 08:00 to 19:00 UTC; what happens to them is told instant by instant. */
async function open({ context: { api } }: { context: { api: TestApi } }, count = 1) {
  api.clock.forward(Math.max(0, Date.parse(NOW) - Date.parse(api.clock.now())));
  const organizationId = await api.organization();
  const { token } = await api.member(organizationId, 'member');
  const dataSourceId = await insertSandbox(api.db, organizationId);
  const ids = await insertInstances(api.db, { organizationId, dataSourceId }, Array.from({ length: count }, () => ({})), CREATED);
  await api.db('instances').whereIn('resource_id', ids).update({ price_hourly: '0.5', price_currency: 'USD' });
  const rule = ruleOf({ triggers: [{ time: '08:00', action: 'power_on' }, { time: '19:00', action: 'power_off' }] }, CREATED);
  const wish = { organizationId, name: 'Office hours', description: '', rule, tagSelector: null, enabled: true, resourceIds: ids, applyNow: false };
  const { schedule } = await inTransaction(api.db, (tx) => createSchedule(tx, wish, { at: CREATED, by }));

  const trigger = async (at: string): Promise<void> => {
    while ((await inTransaction(api.db, (tx) => sweepSchedules(tx, at, by))) > 0);
  };
  /** Carries out what runs want: each is called for at `calledAt` unless it is there, and observed as `seen` at `seenAt`. */
  const carryOut = async (calledAt: string, seenAt: string, seen: InstanceState, { there = false } = {}) => {
    for (const { id } of await api.db('power_runs').where({ organization_id: organizationId, state: 'running' }).select<{ id: string }[]>('id')) {
      const ref = { organizationId, id };
      const keep = (at: string, items: Parameters<typeof recordLooks>[2]['items']) =>
        inTransaction(api.db, (tx) => recordLooks(tx, ref, { items, observed: new Map() }, { at, by }));
      let items = await openItems(api.db, organizationId, id, 0, seenAt);
      if (!there) items = items.map((item) => afterCall(beforeCall(item, calledAt), { accepted: true, state: null, operation: null }, calledAt));
      await keep(calledAt, items);
      await keep(seenAt, items.map((item) => lookAt(item, { state: seen, stateReason: null }, null, seenAt).item));
    }
  };
  return {
    api,
    organizationId,
    dataSourceId,
    ids,
    carryOut,
    trigger,
    /** The schedule's stop of that day: due at 19:00, called then, observed ten minutes later. */
    async stops(day: number) {
      await trigger(june(day, '19:00'));
      await carryOut(june(day, '19:00'), june(day, '19:10'), 'stopped');
    },
    hold: (resourceId: string, wanted: 'on' | 'off', at: string, until: string | null = null) =>
      inTransaction(api.db, (tx) => holdInstance(tx, organizationId, { resourceId, wanted, until, reason: '' }, { at, by, cause: 'start' })),
    async savings(query: Record<string, string> = {}) {
      const { status, body } = await api.call(`/v1/power-schedules/${schedule.id}/savings?${new URLSearchParams(query).toString()}`, { token });
      if (status !== 200) throw new Error(JSON.stringify(body));
      return [body.hours_off, body.savings[0]?.amount ?? null, body.instances] as [string, string | null, number];
    },
  };
}

test('a night counts from the stop that was observed to the next call', async (t) => {
  const { stops, trigger, carryOut, savings } = await open(t, 2);
  await stops(1);
  await trigger(june(2, '08:00'));
  await carryOut(june(2, '08:02'), june(2, '08:05'), 'running');
  // 19:10 to 08:02 are 12 h 52 min; two instances at 0.5.
  t.deepEqual(await savings(), ['25.733333', '12.8666666667', 2]);
  t.deepEqual(await savings({ since: june(1, '20:10'), until: june(1, '23:10') }), ['6', '3', 2], 'three hours of it');
  t.deepEqual(await savings({ since: june(2, '09:00') }), ['0', '0', 2]);
  t.deepEqual(await savings({ until: june(1, '19:05') }), ['0', null, 0], 'before the stop was observed');
});

test('a night that has not ended counts up to now, and up to the end that is asked for', async (t) => {
  const { stops, savings } = await open(t);
  await stops(14);
  t.deepEqual(await savings({ until: june(14, '21:10') }), ['2', '1', 1]);
  const [hours] = await savings({ until: '2035-06-30T00:00:00.000Z' });
  // Now is 12:00 of the 15th and goes on while the test runs.
  t.true(Number(hours) >= 16.833333 && Number(hours) < 16.9, hours);
});

test('what was off before the schedule spoke is not its saving', async (t) => {
  const { trigger, carryOut, savings } = await open(t);
  await trigger(june(1, '19:00'));
  await carryOut(june(1, '19:00'), june(1, '19:01'), 'stopped', { there: true });
  t.deepEqual(await savings(), ['0', null, 0]);
});

test('a start in the cloud’s console ends it: when it was launched, else when that was noticed', async (t) => {
  const { api, stops, organizationId, ids, savings } = await open(t, 2);
  await stops(1);
  const at = june(1, '21:20');
  const seen = ids.map((resourceId) => ({ resourceId, state: 'running' as const, observedAt: at }));
  t.is((await inTransaction(api.db, (tx) => noticeObserved(tx, organizationId, seen, at))).length, 2);
  await api.db('instances').where('resource_id', ids[0]).update({ launched_at: june(1, '21:10') });
  // 2 h and 2 h 10 min.
  t.deepEqual(await savings(), ['4.166667', '2.0833333333', 2]);
});

test('a start that nobody noticed ends it when the instance is found on, and no hour counts twice', async (t) => {
  const { stops, trigger, carryOut, savings } = await open(t);
  await stops(1);
  await trigger(june(2, '08:00'));
  await carryOut(june(2, '08:00'), june(2, '08:10'), 'running', { there: true });
  t.deepEqual(await savings({ until: june(2, '18:00') }), ['13', '6.5', 1]);
  await stops(2);
  // Whoever started it on the 3rd, the next stop shows that it was on: 13 h, 23 h 50 min, 1 h.
  await stops(3);
  t.deepEqual(await savings({ until: june(3, '20:10') }), ['37.833333', '18.9166666667', 1]);
});

test('an instance that is gone, or leaves with its data source, is off no more', async (t) => {
  const gone = await open(t);
  await gone.stops(1);
  await gone.api.db('instances').where('resource_id', gone.ids[0]).update({ gone_at: june(1, '22:10') });
  t.deepEqual(await gone.savings(), ['3', '1.5', 1]);
  const left = await open(t);
  await left.stops(1);
  await inTransaction(left.api.db, (tx) => deleteDataSource(tx, { organizationId: left.organizationId, id: left.dataSourceId }, { at: NOW, by }));
  await left.api.db('ledger').where({ subject: left.dataSourceId }).update({ at: june(1, '23:10') });
  for (const table of ['power_claims', 'power_states', 'power_schedule_members', 'instances']) await left.api.db(table).where('organization_id', left.organizationId).delete();
  // Its price went with it.
  t.deepEqual(await left.savings(), ['4', null, 1]);
});

test('a stop that had to wait for a hold to end is the schedule’s all the same', async (t) => {
  const { api, hold, trigger, carryOut, ids, savings } = await open(t);
  await hold(ids[0] ?? '', 'on', june(1, '18:00'), june(1, '21:00'));
  await carryOut(june(1, '18:00'), june(1, '18:01'), 'running', { there: true });
  await trigger(june(1, '19:00'));
  t.is(await inTransaction(api.db, (tx) => sweepClaims(tx, june(1, '21:00'), by)), 1);
  await carryOut(june(1, '21:00'), june(1, '21:10'), 'stopped');
  t.deepEqual(await savings({ until: june(1, '23:10') }), ['2', '1', 1]);
});

test('a person’s stop is not the schedule’s, and a person’s start ends what was', async (t) => {
  const { hold, carryOut, stops, ids, savings } = await open(t);
  await hold(ids[0] ?? '', 'off', june(1, '12:00'));
  await carryOut(june(1, '12:00'), june(1, '12:10'), 'stopped');
  t.deepEqual(await savings({ until: june(1, '18:00') }), ['0', null, 0]);
  await hold(ids[0] ?? '', 'on', june(1, '18:00'));
  await carryOut(june(1, '18:00'), june(1, '18:10'), 'running');
  await stops(1);
  await hold(ids[0] ?? '', 'on', june(1, '20:10'));
  await carryOut(june(1, '20:10'), june(1, '20:20'), 'running');
  t.deepEqual(await savings(), ['1', '0.5', 1]);
});
