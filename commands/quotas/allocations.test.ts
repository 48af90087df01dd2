import test from 'ava';
import { quotaOfProjects } from '../../db/quotas/quota-list.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { after, asActiveMember, by, gpus, inUse, quotaSite, QUOTA_START, type QuotaSite } from '../../tests/helpers/quotas.ts';
import { commitHold, holdQuota, releaseAllocation, releaseAllocations, renewHold } from './port.ts';
import { sweepAllocations } from './sweep-allocations.ts';

const free = async ({ db, organizationId }: QuotaSite, projectId: string) => (await quotaOfProjects(db, organizationId, [projectId])).get(projectId)?.free;
const refOf = ({ organizationId }: QuotaSite, id: string) => ({ organizationId, id });

test('a part is held, used and given back, and each is shown with who has it', async (t) => {
  const site = await quotaSite(t);
  const { db, organizationId, userId, granted, hold } = site;
  const projectId = await granted({ gpu: '3', cpu: '8', ram_gib: null });
  const held = await hold(projectId, { gpu: '0.625', cpu: '2.5', ram_gib: '16' });
  const view = (await quotaOfProjects(db, organizationId, [projectId])).get(projectId);
  t.like(view, { used: gpus('0'), held: { gpu: '0.625', cpu: '2.5', ram_gib: '16' }, free: { gpu: '2.375', cpu: '5.5', ram_gib: null } });
  t.like(view?.allocations, [{ id: held.id, owner: held.owner, user: { id: userId, displayName: 'A manager' }, state: 'held', expiresAt: after(1), amounts: held.amounts }]);
  for (const _ of ['once', 'again']) await inTransaction(db, (tx) => commitHold(tx, inUse(held), { at: after(0, 1), by }));
  t.like((await quotaOfProjects(db, organizationId, [projectId])).get(projectId), { used: { gpu: '0.625', cpu: '2.5', ram_gib: '16' }, held: gpus('0') });
  for (const _ of ['once', 'again']) await inTransaction(db, (tx) => releaseAllocation(tx, refOf(site, held.id), { at: after(2), by }));
  t.like((await quotaOfProjects(db, organizationId, [projectId])).get(projectId), { used: gpus('0'), held: gpus('0'), allocations: [] });
  t.deepEqual(await db('ledger').where({ subject: held.id }).orderBy('id').pluck('action'), ['quotas.hold', 'quotas.commit', 'quotas.release']);
});

test('the same request again has the same hold, and another one of the same owner is refused', async (t) => {
  const site = await quotaSite(t);
  const { db, granted, job, wish } = site;
  const projectId = await granted(gpus('3'));
  const jobId = await job();
  const hold = (amount: string) => inTransaction(db, (tx) => holdQuota(tx, wish(projectId, jobId, gpus(amount)), { at: QUOTA_START, by }));
  const first = await hold('1.5');
  t.is((await hold('1.500')).id, first.id);
  t.like(await t.throwsAsync(hold('1')), { code: 'quotas.already-held', details: { id: first.id } });
  t.is((await free(site, projectId))?.gpu, '1.5');
  t.is((await db('quota_allocations')).length, 1);
});

test('at the same time too an owner takes once', async (t) => {
  const site = await quotaSite(t);
  const { db, granted, job, wish } = site;
  const projectId = await granted(gpus('3'));
  const jobId = await job();
  const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => inTransaction(db, (tx) => holdQuota(tx, wish(projectId, jobId, gpus('0.1')), { at: QUOTA_START, by }))));
  for (const outcome of outcomes) if (outcome.status === 'rejected') t.like(outcome.reason, { code: 'quotas.already-held' });
  t.is((await db('quota_allocations')).length, 1);
  t.is((await free(site, projectId))?.gpu, '2.9');
});

test('what does not fit is told what is free, and what has expired is freed for whoever needs it', async (t) => {
  const site = await quotaSite(t);
  const { db, granted, hold, sums } = site;
  const projectId = await granted(gpus('1'));
  const [first] = [await hold(projectId, gpus('0.4')), await hold(projectId, gpus('0.5'), QUOTA_START, after(3))];
  t.like(await t.throwsAsync(hold(projectId, gpus('0.100001'))), { code: 'quotas.not-enough-free', kind: 'limit-exceeded', details: { free: gpus('0.1'), kinds: ['gpu'] } });
  t.is((await db('quota_allocations').where('state', 'held')).length, 2);
  const late = await hold(projectId, gpus('0.5'), after(1), after(2));
  t.like(await db('quota_allocations').where({ id: first.id }).first(), { state: 'released', release_reason: 'expired' });
  t.like(await db('ledger').where({ subject: first.id, action: 'quotas.release' }).first(), { due_at: after(1), at: after(1) });
  t.deepEqual((await sums(projectId)).row, { held: '1', used: '0' });
  t.is(late.createdAt, after(1));
});

test('a hold that has expired is neither used nor renewed, whether or not anybody swept it', async (t) => {
  const site = await quotaSite(t);
  const { db, granted, hold } = site;
  const held = await hold(await granted(gpus('1')), gpus('1'));
  const late = { at: after(1), by };
  const use = () => inTransaction(db, (tx) => commitHold(tx, inUse(held), late));
  const renew = () => inTransaction(db, (tx) => renewHold(tx, { ...inUse(held), expiresAt: after(5) }, late));
  for (const attempt of [use, renew]) t.like(await t.throwsAsync(attempt()), { code: 'quotas.hold-expired' });
  t.is(await sweepAllocations(db, after(1)), 1);
  for (const attempt of [use, renew]) t.like(await t.throwsAsync(attempt()), { code: 'quotas.hold-expired' });
});

test('who holds anew after a hold has expired has a new one, whether or not anybody swept it, and wherever the old one was', async (t) => {
  const site = await quotaSite(t);
  const { db, granted, job, wish, sums } = site;
  const [projectId, other, jobId] = [await granted(gpus('1')), await granted(gpus('1')), await job()];
  const hold = (project: string, at: string, until: string) => inTransaction(db, (tx) => holdQuota(tx, wish(project, jobId, gpus('0.5'), until), { at, by }));
  const first = await hold(projectId, QUOTA_START, after(1));
  const second = await hold(projectId, after(1), after(2));
  t.not(second.id, first.id);
  t.like(await inTransaction(db, (tx) => renewHold(tx, { ...inUse(second), expiresAt: after(3) }, { at: after(1), by })), { state: 'held' });
  const third = await hold(other, after(3), after(4));
  t.deepEqual([(await sums(projectId)).row, (await sums(other)).row], [{ held: '0', used: '0' }, { held: '0.5', used: '0' }]);
  t.deepEqual(await db('ledger').where('subject', second.id).orderBy('id').pluck('action'), ['quotas.hold', 'quotas.release']);
  t.is((await inTransaction(db, (tx) => commitHold(tx, inUse(third), { at: after(3), by }))).state, 'committed');
});

test('a hold is used and renewed by its project alone', async (t) => {
  const site = await quotaSite(t);
  const { db, granted, hold } = site;
  const held = await hold(await granted(gpus('1')), gpus('1'));
  const foreign = { ...inUse(held), member: asActiveMember({ ...held, projectId: await granted(gpus('1')) }) };
  t.like(await t.throwsAsync(inTransaction(db, (tx) => commitHold(tx, foreign, { at: QUOTA_START, by }))), { code: 'quota-allocation.not-found' });
  t.like(await t.throwsAsync(inTransaction(db, (tx) => renewHold(tx, { ...foreign, expiresAt: after(3) }, { at: QUOTA_START, by }))), { code: 'quota-allocation.not-found' });
  t.like(await db('quota_allocations').first(), { state: 'held', expires_at: after(1) });
});

test('a renewed hold lasts until the later end, and nothing is written of it', async (t) => {
  const site = await quotaSite(t);
  const { db, granted, hold } = site;
  const held = await hold(await granted(gpus('1')), gpus('1'));
  const renew = (expiresAt: string, at = QUOTA_START) => inTransaction(db, (tx) => renewHold(tx, { ...inUse(held), expiresAt }, { at, by }));
  await renew(after(3));
  await renew(after(2));
  t.is(await sweepAllocations(db, after(2, 23)), 0);
  t.like(await db('quota_allocations').first(), { expires_at: after(3), state: 'held', version: 1 });
  t.is((await db('ledger').where({ subject: held.id })).length, 1);
  t.like(await t.throwsAsync(renew(after(-1))), { code: 'quotas.expiry-in-past' });
  t.like(await t.throwsAsync(renew(after(400))), { code: 'quotas.expiry-too-far' });
  await inTransaction(db, (tx) => commitHold(tx, inUse(held), { at: after(2), by }));
  await renew(after(9), after(8));
  t.is(await sweepAllocations(db, after(30)), 0);
});

test('what cannot be held is refused by name, and nothing is written', async (t) => {
  const site = await quotaSite(t);
  const { db, granted, project, job, endJob, wish } = site;
  const [projectId, jobId] = [await granted(gpus('1')), await job()];
  const good = wish(projectId, jobId, gpus('0.5'));
  const refused = async (changes: Partial<typeof good>, code: string) =>
    t.like(await t.throwsAsync(inTransaction(db, (tx) => holdQuota(tx, { ...good, ...changes }, { at: QUOTA_START, by }))), { code });
  await refused({ amounts: gpus('-0.5') }, 'quotas.negative-amount');
  await refused({ amounts: gpus('0') }, 'quotas.zero');
  await refused({ amounts: gpus('0.0000001') }, 'quotas.too-many-decimals');
  await refused({ amounts: gpus('1e9') }, 'quotas.not-a-decimal');
  await refused({ amounts: gpus('9999999999') }, 'quotas.too-large');
  await refused({ expiresAt: QUOTA_START }, 'quotas.expiry-in-past');
  await refused({ expiresAt: after(32) }, 'quotas.expiry-too-far');
  await refused({ owner: { kind: '', id: jobId } }, 'quotas.unknown-owner-kind');
  await refused({ owner: { kind: 'pirate', id: jobId } }, 'quotas.unknown-owner-kind');
  await refused({ owner: { kind: 'test-job', id: 'nobody' } }, 'quotas.no-such-owner');
  await refused({ member: asActiveMember({ ...good.member, projectId: await project() }) }, 'quotas.no-quota');
  const other = await quotaSite(t);
  await refused({ member: asActiveMember({ ...good.member, organizationId: other.organizationId }) }, 'quotas.no-such-owner');
  await endJob(jobId);
  await refused({}, 'quotas.owner-ended');
  t.is((await db('quota_allocations')).length, 0);
  t.like(await t.throwsAsync(inTransaction(db, (tx) => commitHold(tx, { member: good.member, id: 'qal_none' }, { at: QUOTA_START, by }))), { code: 'quota-allocation.not-found' });
});

test('what belongs to an owner that has ended or is gone is freed, used or held, and what is alive stays', async (t) => {
  const site = await quotaSite(t);
  const { db, granted, hold, endJob, sums } = site;
  const projectId = await granted(gpus('4'));
  const parts = [];
  for (const amount of ['0.1', '0.2', '0.3', '0.4']) parts.push(await hold(projectId, gpus(amount)));
  const [ended, gone, alive, used] = parts;
  if (ended === undefined || gone === undefined || alive === undefined || used === undefined) return t.fail();
  await inTransaction(db, (tx) => commitHold(tx, inUse(used), { at: QUOTA_START, by }));
  await endJob(ended.owner.id);
  await endJob(used.owner.id);
  await db('test_jobs').where({ id: gone.owner.id }).delete();
  const swept = await Promise.all([sweepAllocations(db, after(0, 1)), sweepAllocations(db, after(0, 1))]);
  t.is((swept[0] ?? 0) + (swept[1] ?? 0), 3);
  t.deepEqual(await sums(projectId), { row: { held: '0.3', used: '0' }, allocations: { held: '0.3', used: '0' } });
  t.deepEqual(await db('quota_allocations').whereNot('id', alive.id).distinct().pluck('release_reason'), ['owner-ended']);
});

test('what ended ninety days ago is deleted, and the ledger keeps it', async (t) => {
  const site = await quotaSite(t);
  const { db, granted, hold } = site;
  const projectId = await granted(gpus('4'));
  const [old, alive] = [await hold(projectId, gpus('1')), await hold(projectId, gpus('2'))];
  await inTransaction(db, (tx) => commitHold(tx, inUse(alive), { at: QUOTA_START, by }));
  await inTransaction(db, (tx) => releaseAllocation(tx, refOf(site, old.id), { at: QUOTA_START, by }));
  t.is(await sweepAllocations(db, after(90)), 0);
  t.is((await db('quota_allocations')).length, 2);
  t.is(await sweepAllocations(db, after(90, 1)), 0);
  t.deepEqual(await db('quota_allocations').pluck('id'), [alive.id]);
  t.is((await db('ledger').where({ subject: old.id })).length, 2);
});

test('the end of a project gives all of its parts back and names their owners, once', async (t) => {
  const site = await quotaSite(t);
  const { db, organizationId, granted, hold, sums } = site;
  const [projectId, other] = [await granted(gpus('4')), await granted(gpus('4'))];
  const [held, used] = [await hold(projectId, gpus('1')), await hold(projectId, gpus('2'))];
  await hold(other, gpus('1'));
  await inTransaction(db, (tx) => commitHold(tx, inUse(used), { at: QUOTA_START, by }));
  const release = () => inTransaction(db, (tx) => releaseAllocations(tx, organizationId, projectId, { at: after(50), by }));
  t.deepEqual(await release(), [held, used].map(({ id, owner }) => ({ id, owner })));
  t.deepEqual(await release(), []);
  t.deepEqual([(await sums(projectId)).row, (await sums(other)).row], [{ held: '0', used: '0' }, { held: '1', used: '0' }]);
});

test('a person in several projects has in each what it was granted, whatever they use elsewhere', async (t) => {
  const site = await quotaSite(t);
  const [small, large] = [await site.granted(gpus('0.5')), await site.granted(gpus('2'))];
  await site.hold(small, gpus('0.5'));
  await t.throwsAsync(site.hold(small, gpus('0.000001')));
  await site.hold(large, gpus('2'));
  t.deepEqual([(await free(site, small))?.gpu, (await free(site, large))?.gpu], ['0', '0']);
});

test('the database itself refuses sums above the quota and below zero', async (t) => {
  const { db, granted } = await quotaSite(t);
  const projectId = await granted({ gpu: '1', cpu: '2', ram_gib: null });
  const set = (columns: Record<string, string>) => db('project_quotas').where({ project_id: projectId }).update(columns);
  t.like(await t.throwsAsync(set({ held_gpu: '0.5', used_gpu: '0.500001' })), { constraint: 'project_quotas_gpu' });
  t.like(await t.throwsAsync(set({ used_cpu: '2.1' })), { constraint: 'project_quotas_cpu' });
  t.like(await t.throwsAsync(set({ held_gpu: '-0.1' })), { constraint: 'project_quotas_not_negative' });
  await set({ held_ram_gib: '123456789' });
});
