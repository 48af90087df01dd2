import test from 'ava';
import { inTransaction } from '../../db/shared/transaction.ts';
import { getCapacity } from '../../db/quotas/capacity-store.ts';
import { after, by, gpuCapacity, gpus, quotaSite, QUOTA_START } from '../../tests/helpers/quotas.ts';
import { anApprovedProject } from '../../tests/helpers/projects.ts';
import { projectEntity } from '../projects/project-entity.ts';
import { advanceEntity } from '../shared/entity-commands.ts';
import { releaseGrant, roomToStart } from './port.ts';

const unlimited = gpuCapacity(null);

test('a new organization’s capacity is unlimited until a manager states it', async (t) => {
  const { db, organizationId, granted, capacity } = await quotaSite(t);
  t.deepEqual((await getCapacity(db, organizationId))?.amounts, unlimited);
  await granted({ gpu: '1000', cpu: null, ram_gib: null });
  t.deepEqual(await db('quota_capacities').pluck('gpu'), [null]);
  await t.throwsAsync(capacity(gpuCapacity('999.999999')), { message: /less than what is granted/ });
  await capacity(gpuCapacity('1000'));
  t.like(await getCapacity(db, organizationId), { amounts: gpuCapacity('1000'), version: 2 });
});

test('of many who want the last GPU at once one has it, and the others are told the first start that fits', async (t) => {
  const { organizationId, db, project, grant, capacity, granted } = await quotaSite(t);
  await capacity(gpuCapacity('3'));
  await granted(gpus('2.375'));
  const racers = await Promise.all(Array.from({ length: 8 }, project));
  const outcomes = await Promise.allSettled(racers.map((id) => grant(id, gpus('0.625'))));
  t.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') t.like(outcome.reason, { code: 'quotas.no-room', kind: 'limit-exceeded', details: { first_fit: after(40), fits_until: null } });
  }
  t.is((await db('project_quotas').where({ organization_id: organizationId }).sum('gpu as sum'))[0]?.sum, '3.000000');
  // Who begins when it is free has it.
  await grant(await project(), gpus('3'), after(40), after(50));
});

test('a grant is refused where it is more than there is, unlimited, over, empty, or less than what is used', async (t) => {
  const { project, grant, granted, capacity, hold } = await quotaSite(t);
  await capacity({ gpu: '3', cpu: '8', ram_gib: null });
  const id = await project();
  const refused = async (amounts: Parameters<typeof grant>[1], code: string, details: Record<string, unknown> = {}) => t.like(await t.throwsAsync(grant(id, amounts)), { code, details });
  await refused(gpus('3.000001'), 'quotas.above-capacity', { kinds: ['gpu'] });
  await refused({ gpu: '1', cpu: null, ram_gib: null }, 'quotas.above-capacity', { kinds: ['cpu'] });
  await refused(gpus('-1'), 'quotas.negative-amount');
  await refused(gpus('0'), 'quotas.zero');
  await refused(gpus('0.0000001'), 'quotas.too-many-decimals');
  await refused(gpus('1000000000'), 'quotas.too-large');
  t.like(await t.throwsAsync(grant(id, gpus('1'), after(2), after(2))), { code: 'quotas.empty-period' });
  t.like(await t.throwsAsync(grant(id, gpus('1'), after(-9), after(-1))), { code: 'quotas.period-over' });
  const used = await granted(gpus('2'));
  await hold(used, gpus('1.5'));
  t.like(await t.throwsAsync(grant(used, gpus('1.499999'))), { code: 'quotas.below-use', details: { kinds: ['gpu'] } });
  await grant(used, gpus('1.5'));
});

test('the same terms again write nothing, and a grant that has begun keeps its beginning', async (t) => {
  const { db, project, grant } = await quotaSite(t);
  const id = await project();
  await grant(id, gpus('1'), after(-3), after(10));
  await grant(id, gpus('1'), after(-3), after(10));
  t.like(await db('project_quotas').first(), { since: QUOTA_START, until: after(10), version: 1 });
  await grant(id, gpus('1'), after(-3), after(20), after(5));
  t.like(await db('project_quotas').first(), { since: QUOTA_START, until: after(20), version: 2, last_at: after(5) });
  t.deepEqual(await db('ledger').where({ subject: id }).orderBy('id').pluck('action'), ['projects.apply', 'quotas.grant', 'quotas.change-grant']);
});

test('what ended by plan counts until it is released, so who is to begin after it waits', async (t) => {
  const { db, organizationId, granted, project, grant, capacity } = await quotaSite(t);
  await capacity(gpuCapacity('3'));
  const late = await granted(gpus('2'));
  const [next, small] = [await project(), await project()];
  await grant(next, gpus('2'), after(40), after(50));
  await grant(small, gpus('1'), after(40), after(50));
  const room = (id: string) => inTransaction(db, (tx) => roomToStart(tx, organizationId, id));
  // The smaller one would fit beside the one that overran; it waits its turn.
  t.deepEqual([await room(next), await room(small)], [{ fits: false, held_by: [late] }, { fits: false, held_by: [late] }]);
  // Nobody gets now what is still held, whatever was planned.
  t.like(await t.throwsAsync(grant(await project(), gpus('1'), after(41), after(45), after(41))), { code: 'quotas.no-room' });
  await inTransaction(db, (tx) => releaseGrant(tx, organizationId, late, { at: after(41), by }));
  await inTransaction(db, (tx) => releaseGrant(tx, organizationId, late, { at: after(42), by }));
  t.deepEqual([await room(next), await room(small)], [{ fits: true, held_by: [] }, { fits: true, held_by: [] }]);
  t.deepEqual(await db('ledger').where({ subject: late, action: 'quotas.release-grant' }).pluck('at'), [after(41)]);
});

test('who fits beside what overran starts, the one that was to begin first before the others', async (t) => {
  const { db, organizationId, granted, project, grant, capacity } = await quotaSite(t);
  await capacity(gpuCapacity('3'));
  const late = await granted(gpus('1'));
  const [first, second] = [await project(), await project()];
  await grant(first, gpus('2'), after(40), after(60));
  await grant(second, gpus('1'), after(41), after(60));
  const room = (id: string) => inTransaction(db, (tx) => roomToStart(tx, organizationId, id));
  t.deepEqual([await room(first), await room(second)], [{ fits: true, held_by: [] }, { fits: false, held_by: [late] }]);
});

test('a raised capacity wakes who waits for it, and nobody else', async (t) => {
  const { db, organizationId, userId, project, grant, capacity } = await quotaSite(t);
  await capacity(gpuCapacity('1'));
  const late = await project();
  await grant(late, gpus('1'), QUOTA_START, '2026-12-31T00:00:00.000Z');
  const wish = { organizationId, managers: [userId], quota: gpus('1'), startDate: '2026-12-31', endDate: '2027-01-31' };
  const { id } = await anApprovedProject(db, wish, QUOTA_START);
  const advance = (at: string) => inTransaction(db, (tx) => advanceEntity(tx, projectEntity, { organizationId, id }, at));
  await advance('2026-12-31T00:00:00.000Z');
  t.like(await db('projects').where({ id }).first(), { state: 'scheduled', waiting_for: [late] });
  await db('wake_ups').delete();
  await capacity(gpuCapacity('1'), after(41));
  t.deepEqual(await db('wake_ups').pluck('workflow_id'), []);
  await capacity(gpuCapacity('2'), after(41));
  t.deepEqual(await db('wake_ups').pluck('workflow_id'), [`project/${id}`]);
  await advance(after(41));
  t.is((await db('projects').where({ id }).first()).state, 'active');
});

test('an extension is refused for its new days alone, though somebody overran beside it', async (t) => {
  const { project, grant, capacity } = await quotaSite(t);
  await capacity(gpuCapacity('3'));
  const [late, mine, waits] = [await project(), await project(), await project()];
  await grant(late, gpus('2'), QUOTA_START, after(10));
  await grant(mine, gpus('1'), QUOTA_START, after(30));
  await grant(waits, gpus('2'), after(10), after(20));
  await grant(mine, gpus('1'), QUOTA_START, after(40), after(10, 1));
  t.like(await t.throwsAsync(grant(mine, gpus('1.1'), QUOTA_START, after(40), after(10, 1))), { code: 'quotas.no-room', details: { first_fit: after(20) } });
});

test('a quota is not given back while something has a part of it, and a released one is not granted again', async (t) => {
  const { db, organizationId, granted, hold, grant } = await quotaSite(t);
  const id = await granted(gpus('1'));
  const held = await hold(id, gpus('0.5'));
  const give = () => inTransaction(db, (tx) => releaseGrant(tx, organizationId, id, { at: after(1), by }));
  t.like(await t.throwsAsync(give()), { code: 'quotas.allocations-open', details: { allocations: [held.id] } });
  await db('quota_allocations').update({ state: 'released', expires_at: null, released_at: after(1), release_reason: 'requested' });
  // The database itself keeps a quota that something still has from being given back.
  t.like(await t.throwsAsync(db('project_quotas').where({ project_id: id }).update({ released_at: after(1) })), { constraint: 'project_quotas_released_empty' });
  await db('project_quotas').update({ held_gpu: 0 });
  await give();
  t.like(await t.throwsAsync(grant(id, gpus('1'))), { code: 'quotas.released' });
});

test('capacity is not lowered below what is granted at any instant, and the error names who and when', async (t) => {
  const { project, grant, capacity, db } = await quotaSite(t);
  const [now, later] = [await project(), await project()];
  await grant(now, { gpu: '1', cpu: null, ram_gib: '4' });
  await grant(later, gpus('2'), after(30), after(60));
  t.like(await t.throwsAsync(capacity(gpuCapacity('2.5'))), {
    code: 'quotas.capacity-below-granted', kind: 'conflict', details: { overcommitted: [{ from: after(30), to: after(40), kinds: ['gpu'], granted: { gpu: '3' }, project_ids: [now, later] }] },
  });
  t.like(await t.throwsAsync(capacity({ gpu: '3', cpu: '100', ram_gib: null })), { details: { overcommitted: [{ kinds: ['cpu'], granted: { cpu: 'unlimited' }, project_ids: [now] }] } });
  await capacity({ gpu: '3', cpu: null, ram_gib: '4' });
  // From the fortieth day on only two are granted.
  await capacity(gpuCapacity('2'), after(40)).then(() => t.fail('the first project still has its GPU'), (error) => t.like(error, { details: { overcommitted: [{ from: after(40), to: after(41) }] } }));
  await capacity(gpuCapacity('3'));
  t.is((await db('ledger').where({ action: 'quotas.edit-capacity' })).length, 2);
});
