import test from 'ava';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { system } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { freshDatabase } from '../../tests/helpers/database.ts';
import { insertInstances, insertSandbox, ruleOf, type InstanceWish } from '../../tests/helpers/power.ts';
import { holdInstance, releaseInstance } from '../power/hold-instances.ts';
import { sweepClaims } from '../power/change-claims.ts';
import { noticeObserved } from '../power/port.ts';
import { newId } from '../shared/new-id.ts';
import { attachInstances, detachInstances } from './attach-instances.ts';
import { activateSchedule, createSchedule, deactivateSchedule, deleteSchedule, editSchedule, runSchedule, type NewSchedule } from './edit-schedule.ts';
import { reselect } from './reselect.ts';
import { sweepSchedules } from './sweep-schedules.ts';

const by = system('test');
const NIGHT = '2026-11-20T22:00:00.000Z';
const MORNING = '2026-11-21T08:00:00.000Z';

interface Site {
  db: Database;
  organizationId: string;
  dataSourceId: string;
  instances(wishes: readonly InstanceWish[]): Promise<string[]>;
  schedule(wish?: Partial<NewSchedule>, at?: Instant): Promise<Awaited<ReturnType<typeof createSchedule>>>;
  sweep(at: Instant): Promise<number>;
  items(): Promise<Record<string, unknown>[]>;
  wanted(resourceId: string): Promise<unknown>;
}

async function site(t: { teardown(end: () => Promise<void>): void }): Promise<Site> {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  const organizationId = newId('organization');
  await db('organizations').insert({ id: organizationId, name: 'Acme', created_at: NIGHT, last_at: NIGHT });
  const dataSourceId = await insertSandbox(db, organizationId);
  return {
    db,
    organizationId,
    dataSourceId,
    instances: (wishes) => insertInstances(db, { organizationId, dataSourceId }, wishes, NIGHT),
    schedule: (wish = {}, at = NIGHT) => {
      const rule = wish.rule ?? ruleOf({}, NIGHT);
      const all = { organizationId, name: newId('power-schedule'), description: '', rule, tagSelector: null, enabled: true, resourceIds: [], applyNow: false };
      return inTransaction(db, (tx) => createSchedule(tx, { ...all, ...wish }, { at, by }));
    },
    sweep: (at) => inTransaction(db, (tx) => sweepSchedules(tx, at, by)),
    items: async () =>
      await db('power_run_items as i')
        .join('power_runs as r', 'r.id', 'i.run_id')
        .orderBy(['i.run_id', 'i.position'])
        .select('r.cause', 'i.resource_id', 'i.action', 'i.state', 'i.local_time', 'i.generation', 'i.detail'),
    wanted: async (resourceId) => (await db('power_states').where({ resource_id: resourceId }).first('wanted', 'decided_by', 'wanted_generation')) as unknown,
  };
}

test('a trigger that is due writes one run for its instances and moves the schedule on', async (t) => {
  const { db, instances, schedule, sweep, items } = await site(t);
  const ids = await instances([{ state: 'stopped' }, { state: 'running' }]);
  const { schedule: made } = await schedule({ resourceIds: ids });
  t.is(await sweep('2026-11-21T07:59:59.999Z'), 0);
  t.is(await sweep(MORNING), 1);
  t.is(await sweep(MORNING), 0);
  t.deepEqual(
    (await items()).map(({ cause, resource_id, action, state, local_time }) => ({ cause, resource_id, action, state, local_time })),
    ids.map((resource_id) => ({ cause: 'trigger', resource_id, action: 'on', state: 'open', local_time: '2026-11-21T08:00' })),
  );
  const row = await db('power_schedules').where({ id: made.id }).first();
  t.like(row, { next_due_at: '2026-11-21T20:00:00.000Z', processed_until: MORNING });
  const [run] = await db('power_runs').select('id');
  t.is(row.last_run_id, run.id);
  t.deepEqual(await db('wake_ups').where('kind', 'power-run').pluck('entity_id'), [run.id]);
});

test('after an outage of days the newest missed trigger counts, and no older one', async (t) => {
  const { instances, schedule, sweep, items } = await site(t);
  const [id = ''] = await instances([{ state: 'running' }]);
  await schedule({ resourceIds: [id] });
  t.is(await sweep('2026-11-24T23:10:00.000Z'), 1);
  t.like(await items(), [{ resource_id: id, action: 'off', local_time: '2026-11-24T20:00' }] as never);
  t.is((await items()).length, 1);
  t.is(await sweep('2026-11-24T23:11:00.000Z'), 0);
});

test('an edit after an outage lets what was missed speak first', async (t) => {
  const { db, organizationId, instances, schedule, items } = await site(t);
  const [id = ''] = await instances([{ state: 'stopped' }]);
  const { schedule: made } = await schedule({ resourceIds: [id] });
  const at = '2026-11-21T08:05:00.000Z';
  const rule = ruleOf({ triggers: [{ time: '09:00', action: 'power_off' }] }, at);
  await inTransaction(db, (tx) => editSchedule(tx, { organizationId, id: made.id }, { rule }, { at, by }));
  t.like(await items(), [{ action: 'on', local_time: '2026-11-21T08:00' }] as never);
  t.like(await db('power_schedules').where({ id: made.id }).first(), { next_due_at: '2026-11-21T09:00:00.000Z', version: 2 });
});

test('a hold until the next trigger ends with it, one until an instant does not', async (t) => {
  const { db, organizationId, instances, schedule, sweep, items, wanted } = await site(t);
  const [brief = '', long = ''] = await instances([{ state: 'running' }, { state: 'running' }]);
  await schedule({ resourceIds: [brief, long] });
  const hold = (resourceId: string, until: Instant | null) =>
    inTransaction(db, (tx) => holdInstance(tx, organizationId, { resourceId, wanted: 'off', until, reason: 'repair' }, { at: '2026-11-21T07:00:00.000Z', by, cause: 'stop' }));
  await hold(brief, null);
  await hold(long, '2026-11-21T08:30:00.000Z');
  await sweep(MORNING);
  t.like(await wanted(brief), { wanted: 'on', decided_by: 'schedule' });
  t.like(await wanted(long), { wanted: 'off', decided_by: 'hold' });
  const byTrigger = (await items()).filter((item) => item.cause === 'trigger');
  t.like(byTrigger.find((item) => item.resource_id === brief), { state: 'open', action: 'on' });
  t.like(byTrigger.find((item) => item.resource_id === long), { state: 'overruled' });
  t.is(await inTransaction(db, (tx) => sweepClaims(tx, '2026-11-21T08:30:00.000Z', by)), 1);
  t.like(await wanted(long), { wanted: 'on', decided_by: 'schedule' });
  t.is(await inTransaction(db, (tx) => sweepClaims(tx, '2026-11-21T08:30:00.000Z', by)), 0);
});

test('a released hold lets the next claim apply, and releasing twice changes nothing', async (t) => {
  const { db, organizationId, instances, schedule, sweep, wanted } = await site(t);
  const [id = ''] = await instances([{ state: 'running' }]);
  await schedule({ resourceIds: [id] });
  await sweep(MORNING);
  const at = '2026-11-21T09:00:00.000Z';
  await inTransaction(db, (tx) => holdInstance(tx, organizationId, { resourceId: id, wanted: 'off', until: null, reason: '' }, { at, by, cause: 'stop' }));
  t.like(await wanted(id), { wanted: 'off', decided_by: 'hold' });
  t.truthy(await inTransaction(db, (tx) => releaseInstance(tx, organizationId, id, { at, by })));
  t.like(await wanted(id), { wanted: 'on', decided_by: 'schedule' });
  t.is(await inTransaction(db, (tx) => releaseInstance(tx, organizationId, id, { at, by })), null);
});

test('an instance has one schedule: the second is told the first, also when both come at once', async (t) => {
  const { db, organizationId, instances, schedule } = await site(t);
  const [id = ''] = await instances([{}]);
  const [{ schedule: one }, { schedule: two }] = [await schedule({ name: 'Office hours' }), await schedule({ name: 'Nights' })];
  const attach = (scheduleId: string) =>
    inTransaction(db, (tx) => attachInstances(tx, { organizationId, id: scheduleId }, [id], { at: NIGHT, by, applyNow: false }));
  const outcomes = (await Promise.all([attach(one.id), attach(two.id)])).map(({ items: [item] }) => item);
  t.is(outcomes.filter((item) => item?.outcome === 'attached').length, 1);
  t.is(outcomes.filter((item) => item?.outcome === 'refused').length, 1);
  const refused = outcomes.find((item) => item?.outcome === 'refused');
  t.regex(refused?.outcome === 'refused' ? refused.error.message : '', /Office hours|Nights/);
  t.is(refused?.outcome === 'refused' ? refused.error.code : '', 'power-schedules.other-schedule');
  t.is((await db('power_schedule_members')).length, 1);
});

test('each instance of a bulk is attached for itself, and refused for its own reason', async (t) => {
  const { instances, schedule } = await site(t);
  const [fit = '', grouped = ''] = await instances([{}, { cannotStop: 'scaling-group' }]);
  const unknown = newId('resource');
  const { items } = await schedule({ resourceIds: [fit, grouped, unknown, fit] });
  t.deepEqual(
    items.map((item) => [item.resourceId, item.outcome === 'refused' ? item.error.code : item.outcome]),
    [
      [fit, 'attached'],
      [grouped, 'power.cannot-stop'],
      [unknown, 'instance.not-found'],
    ],
  );
});

test('apply_now acts on what the schedule says at this moment, and is off by default', async (t) => {
  const { instances, schedule, items } = await site(t);
  const [now = '', later = ''] = await instances([{}, {}]);
  await schedule({ resourceIds: [later] });
  t.deepEqual(await items(), []);
  await schedule({ resourceIds: [now], applyNow: true });
  t.like(await items(), [{ cause: 'apply-now', resource_id: now, action: 'off', local_time: '2026-11-20T20:00' }] as never);
});

test('deactivating, detaching and deleting end at once what the schedule wanted', async (t) => {
  const { db, organizationId, instances, schedule, sweep, wanted } = await site(t);
  const ids = await instances([{}, {}, {}]);
  const schedules = [];
  for (const id of ids) schedules.push((await schedule({ resourceIds: [id] })).schedule);
  while ((await sweep(MORNING)) > 0);
  const at = '2026-11-21T08:01:00.000Z';
  const refs = schedules.map(({ id }) => ({ organizationId, id }));
  await inTransaction(db, (tx) => deactivateSchedule(tx, refs[0] as never, { at, by }));
  await inTransaction(db, (tx) => detachInstances(tx, refs[1] as never, [ids[1] as string], { at, by }));
  await inTransaction(db, (tx) => deleteSchedule(tx, refs[2] as never, { at, by }));
  for (const id of ids) t.like(await wanted(id), { wanted: null, decided_by: null, wanted_generation: 2 });
  t.deepEqual(await db('power_claims'), []);
  t.is(await sweep('2026-11-22T08:00:00.000Z'), 1, 'the one whose instance was detached still fires, for nobody');
});

test('activated again it acts from its next trigger on, not for what it missed', async (t) => {
  const { db, organizationId, instances, schedule, sweep, items } = await site(t);
  const [id = ''] = await instances([{}]);
  const { schedule: made } = await schedule({ resourceIds: [id], enabled: false });
  t.is(await sweep('2026-11-22T12:00:00.000Z'), 0);
  await inTransaction(db, (tx) => activateSchedule(tx, { organizationId, id: made.id }, { at: '2026-11-22T12:00:00.000Z', by, applyNow: false }));
  t.deepEqual(await items(), []);
  t.is(await sweep('2026-11-22T20:00:00.000Z'), 1);
  t.like(await items(), [{ action: 'off', local_time: '2026-11-22T20:00' }] as never);
});

test('a schedule whose validity is over says nothing, also not to what comes after', async (t) => {
  const { db, organizationId, instances, schedule, sweep, wanted } = await site(t);
  const [id = ''] = await instances([{}]);
  const { schedule: made } = await schedule({ resourceIds: [id], rule: ruleOf({ valid_until: '2026-11-21T12:00:00.000Z' }, NIGHT) });
  await sweep(MORNING);
  t.like(await wanted(id), { wanted: 'on' });
  await inTransaction(db, (tx) => sweepClaims(tx, '2026-11-21T12:00:00.000Z', by));
  t.like(await wanted(id), { wanted: null });
  const at = '2026-11-21T13:00:00.000Z';
  const error = await t.throwsAsync(inTransaction(db, (tx) => runSchedule(tx, { organizationId, id: made.id }, { at, by })));
  t.like(error, { code: 'power-schedules.says-nothing' });
});

test('a selector brings what has its tags and takes what has lost them, and leaves people’s choices alone', async (t) => {
  const { db, organizationId, instances, schedule } = await site(t);
  const [web = '', other = '', grouped = ''] = await instances([{ tags: { Team: 'web' } }, { tags: { Team: 'db' } }, { tags: { Team: 'web' }, cannotStop: 'scaling-group' }]);
  const { schedule: made } = await schedule({ tagSelector: { Team: 'web' }, resourceIds: [other] });
  const members = () => db('power_schedule_members').where({ schedule_id: made.id }).orderBy('resource_id').select('resource_id', 'attached_by');
  t.deepEqual(await members(), [
    { resource_id: web, attached_by: 'selector' },
    { resource_id: other, attached_by: 'person' },
  ]);
  await db('instances').where({ resource_id: web }).update({ tags: '{"Team":"ops"}' });
  await inTransaction(db, (tx) => reselect(tx, organizationId, [web, other, grouped], { at: MORNING, by }));
  t.deepEqual(await members(), [{ resource_id: other, attached_by: 'person' }]);
});

test('what somebody did in the cloud’s console is held until the next trigger, without a call', async (t) => {
  const { db, organizationId, instances, schedule, sweep, items, wanted } = await site(t);
  const [id = ''] = await instances([{ state: 'running' }]);
  await schedule({ resourceIds: [id] });
  await sweep(MORNING);
  const seen = (observedAt: Instant) =>
    inTransaction(db, (tx) => noticeObserved(tx, organizationId, [{ resourceId: id, state: 'stopped', observedAt }], observedAt));
  t.deepEqual(await seen('2026-11-21T08:00:30.000Z'), [], 'the run is still at work on it');
  await db('power_states').where({ resource_id: id }).update({ settled_generation: 1, settled_at: '2026-11-21T08:01:00.000Z' });
  t.deepEqual(await seen('2026-11-21T08:00:30.000Z'), [], 'seen before it was settled');
  t.is((await seen('2026-11-21T08:10:00.000Z')).length, 1);
  t.like(await wanted(id), { wanted: 'off', decided_by: 'hold', wanted_generation: 2 });
  t.deepEqual(await seen('2026-11-21T08:20:00.000Z'), [], 'noticed once');
  t.is((await items()).length, 1);
  await sweep('2026-11-21T20:00:00.000Z');
  t.like(await wanted(id), { wanted: 'off', decided_by: 'schedule' });
});

test('two sweeps at once take each schedule once', async (t) => {
  const { db, instances, schedule, sweep, items } = await site(t);
  const ids = await instances(Array.from({ length: 40 }, () => ({})));
  for (const id of ids) await schedule({ resourceIds: [id] });
  const taken = await Promise.all(Array.from({ length: 4 }, () => sweep(MORNING)));
  while ((await sweep(MORNING)) > 0);
  t.true(taken.reduce((sum, one) => sum + one, 0) <= 40);
  const served = (await items()).map((item) => item.resource_id);
  t.is(served.length, ids.length);
  t.true(ids.every((id) => served.includes(id)));
  t.deepEqual(await db('power_schedules').where('next_due_at', '<=', MORNING), []);
});

test('ten thousand instances in one schedule become ten runs of four portions', async (t) => {
  const { db, instances, schedule, sweep } = await site(t);
  await schedule({ resourceIds: await instances(Array.from({ length: 10_000 }, () => ({}))) });
  t.is(await sweep(MORNING), 1);
  const runs = await db('power_runs').select('slots', 'counts');
  t.is(runs.length, 10);
  for (const { slots, counts } of runs) t.deepEqual([slots.length, counts.open], [4, 1000]);
});
