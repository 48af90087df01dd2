import { randomBytes } from 'node:crypto';
import anyTest, { type TestFn } from 'ava';
import { createUser } from '../identity/create-user.ts';
import { createSecretVault } from '../../providers/local/secret-vault.ts';
import { createWebhook } from '../webhooks/edit-webhook.ts';
import { newId } from '../shared/new-id.ts';
import { advanceEntity } from '../shared/entity-commands.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { actorOf, applySite } from '../../tests/helpers/applications.ts';
import { freshDatabase, type FreshDatabase } from '../../tests/helpers/database.ts';
import { projectEntity } from './project-entity.ts';
import { applicationEntity } from './application-entity.ts';
import { decideInBulk } from './application-decisions.ts';
import { editPurpose } from './purposes.ts';
import { changeReviewSettings } from './review-settings.ts';

// Each test has an organization of its own in it.
const test = anyTest as TestFn<FreshDatabase>;

test.before(async (t) => {
  t.context = await freshDatabase();
});

test.after.always(async (t) => {
  await t.context.drop?.();
});

const on = (day: number, hour = 8): string => `2026-12-${String(day).padStart(2, '0')}T${String(hour).padStart(2, '0')}:00:00.000Z`;

test('a project that is applied for is in review, and with its approval begins, once, and people are told', async (t) => {
  const { db, boss, other, ada, project, approve, readProject, mailsTo } = await applySite(t.context.db, on(1));
  const application = await project(ada, on(1));
  t.like(await readProject(application.projectId), { state: 'reviewing', name: 'Iris', managers: [ada.userId], periods: [{ applicationId: application.id }] });
  t.deepEqual(await mailsTo(boss), ['Please review: project Iris']);
  const approved = await approve(boss, on(2), application.id, 'have fun');
  t.like(approved, { state: 'approved', remark: 'have fun', decidedAt: on(2), decidedBy: { id: boss.userId }, decidedAs: 'manager', nextDueAt: null });
  t.like(await readProject(application.projectId), { state: 'active', quota: { gpu: '1' } });
  t.true((await mailsTo(ada)).includes('Approved: project Iris'));
  t.like(await t.throwsAsync(approve(other, on(3), application.id)), { code: 'applications.decided', details: { state: 'approved', decided_by: boss.userId } });
  t.deepEqual(await db('ledger').where('subject', application.id).orderBy('id').pluck('action'), ['applications.apply', 'applications.approve']);
  t.deepEqual(await db('wake_ups').where({ kind: 'application', organization_id: application.organizationId }).pluck('entity_id'), [application.id]);
});

for (const [state, title] of [['declined', 'declined'], ['revoked', 'revoked'], ['expired', 'left undecided']] as const) {
  test(`a project whose application is ${title} is declined, and says why`, async (t) => {
    const { db, boss, ada, organizationId, project, decline, revoke, read, readProject, mailsTo } = await applySite(t.context.db, on(1));
    const { id, projectId } = await project(ada, on(1));
    if (state === 'declined') await decline(boss, on(2), id);
    if (state === 'revoked') await revoke(ada, on(2), id);
    if (state === 'expired') await inTransaction(db, (tx) => advanceEntity(tx, applicationEntity, { organizationId, id }, on(31)));
    t.like(await read(id), { state });
    t.like(await readProject(projectId), { state: 'declined', stateReason: state });
    t.deepEqual(await mailsTo(ada), { declined: ['Declined: project Iris'], revoked: [], expired: ['Expired: project Iris'] }[state]);
  });
}

test('one that expired meanwhile cannot be approved though no worker has seen it, and its applicant may apply anew', async (t) => {
  const { boss, ada, project, approve, extension, read } = await applySite(t.context.db, on(1));
  const { id, projectId } = await project(ada, on(1));
  await approve(boss, on(1), id);
  const late = await extension(ada, on(2), projectId, 90);
  t.like(await t.throwsAsync(approve(boss, '2027-01-05T08:00:00.000Z', late.id)), { code: 'applications.decided', details: { state: 'expired' } });
  const anew = await extension(ada, '2027-01-05T08:00:00.000Z', projectId, 90);
  t.like(await read(late.id), { state: 'expired', decidedAt: '2027-01-01T08:00:00.000Z' });
  t.is((await read(anew.id)).state, 'reviewing');
});

test('an extension counts from the old end, shows the next dates, and is approved once', async (t) => {
  const { boss, ada, project, approve, extension, readProject } = await applySite(t.context.db, on(1));
  const { id, projectId } = await project(ada, on(1), { endDate: '2026-12-23', startDate: '2026-12-01' });
  await approve(boss, on(1), id);
  const wanted = await extension(ada, on(2), projectId, 7);
  t.like(wanted, { startDate: '2026-12-01', endDate: '2026-12-23', extensionDays: 7, nextStartDate: '2026-12-24', nextEndDate: '2026-12-30' });
  t.is((await readProject(projectId)).pendingExtensionId, wanted.id);
  t.like(await t.throwsAsync(extension(ada, on(2), projectId, 3)), { code: 'applications.already-open', details: { application_id: wanted.id } });
  await approve(boss, on(3), wanted.id);
  t.like(await readProject(projectId), { endDate: '2026-12-30', pendingExtensionId: null, state: 'active' });
  t.like(await extension(ada, on(4), projectId, 1), { endDate: '2026-12-30', nextEndDate: '2026-12-31' });
});

test('an approval whose new end would not be after now is refused with the fewest days, and stays under review', async (t) => {
  const { boss, ada, project, approve, revoke, extension, read, readProject } = await applySite(t.context.db, on(1));
  const { id, projectId } = await project(ada, on(1), { endDate: '2026-12-10' });
  await approve(boss, on(1), id);
  const wanted = await extension(ada, on(9), projectId, 2);
  t.like(await t.throwsAsync(approve(boss, on(15), wanted.id)), { code: 'projects.extension-too-short', details: { minimum_days: 5 } });
  t.is((await read(wanted.id)).state, 'reviewing');
  t.like(await t.throwsAsync(extension(ada, on(15), projectId, 4)), { code: 'applications.already-open' });
  await revoke(ada, on(15), wanted.id);
  const enough = await extension(ada, on(15), projectId, 5);
  await approve(boss, on(15), enough.id);
  t.like(await readProject(projectId), { endDate: '2026-12-15', state: 'active' });
});

test('what is asked for a project that goes meanwhile ends with its release, and the applicant is told why', async (t) => {
  const { db, organizationId, boss, ada, project, approve, gpus, read, mailsTo } = await applySite(t.context.db, on(1));
  const { id, projectId } = await project(ada, on(1), { endDate: '2026-12-10' });
  await approve(boss, on(1), id);
  const wanted = await gpus(ada, on(9), projectId, '1');
  const wakeUps = () => db('wake_ups').where({ workflow_id: `application/${wanted.id}` }).first('generation');
  const projectAt = (when: string) => inTransaction(db, (tx) => advanceEntity(tx, projectEntity, { organizationId, id: projectId }, when));
  await projectAt(on(12));
  t.like(await t.throwsAsync(approve(boss, on(13), wanted.id)), { code: 'projects.no-more-quota' }, 'in its buffer');
  const before = await wakeUps();
  await projectAt(on(30));
  t.is((await wakeUps())?.generation, (before?.generation ?? 0) + 1);
  t.like(await t.throwsAsync(approve(boss, on(30), wanted.id)), { code: 'applications.decided' });
  await inTransaction(db, (tx) => advanceEntity(tx, applicationEntity, { organizationId, id: wanted.id }, on(30, 9)));
  t.like(await read(wanted.id), { state: 'expired', decidedAt: on(30, 9), remark: 'The project was released before anybody decided.', decidedAs: null });
  t.true((await mailsTo(ada)).includes('Expired: more GPUs for Iris'));
});

test('more GPUs keep the totals before and after, as they are at the approval', async (t) => {
  const { boss, ada, project, approve, gpus, read, readProject } = await applySite(t.context.db, on(1));
  const { id, projectId } = await project(ada, on(1), { quota: { gpu: '0.125', cpu: '1', ram_gib: '1' } });
  await approve(boss, on(1), id);
  const wanted = await gpus(ada, on(2), projectId, '0.5');
  t.like(await read(wanted.id), { additionalGpus: '0.5', oldGpus: '0.125', newGpus: '0.625' });
  await approve(boss, on(3), wanted.id);
  t.like(await readProject(projectId), { quota: { gpu: '0.625', cpu: '1' } });
  t.like(await t.throwsAsync(gpus(ada, on(4), projectId, '0')), { code: 'quotas.zero' });
});

test('only managers of a project apply for more, also where they manage the organization', async (t) => {
  const { boss, ada, project, approve, extension, gpus } = await applySite(t.context.db, on(1));
  const { id, projectId } = await project(ada, on(1));
  await approve(boss, on(1), id);
  t.like(await t.throwsAsync(extension(boss, on(2), projectId, 7)), { code: 'applications.project-managers-apply' });
  t.like(await t.throwsAsync(gpus({ ...ada, userId: newId('user') }, on(2), projectId, '1')), { code: 'project.not-found' });
  t.like(await t.throwsAsync(extension(ada, on(2), newId('project'), 7)), { code: 'project.not-found' });
});

test('the database itself refuses a second open application that the code would let through', async (t) => {
  const { db, boss, ada, project, approve, extension } = await applySite(t.context.db, on(1));
  const { id, projectId } = await project(ada, on(1));
  await approve(boss, on(1), id);
  const open = await extension(ada, on(2), projectId, 7);
  const row = await db('applications').where({ id: open.id }).first();
  t.like(await t.throwsAsync(db('applications').insert({ ...row, id: newId('application') })), { constraint: 'applications_one_open' });
});

test('a purpose limits what may be requested, and again, as it is then, what may be approved', async (t) => {
  const { db, organizationId, boss, ada, project, approve, extension, gpus, purpose, read } = await applySite(t.context.db, on(1));
  const { id: purposeId } = await purpose(on(1), { maxGpu: '2', maxDays: 40 });
  const change = (edit: Parameters<typeof editPurpose>[2]) => inTransaction(db, (tx) => editPurpose(tx, { organizationId, id: purposeId }, edit, { at: on(2), by: actorOf(boss) }));
  t.like(await t.throwsAsync(project(ada, on(1))), { code: 'purposes.missing' });
  t.like(await t.throwsAsync(project(ada, on(1), { purposeId: newId('project-purpose') })), { code: 'purposes.no-such-purpose' });
  t.like(await t.throwsAsync(project(ada, on(1), { purposeId, quota: { gpu: '2.5', cpu: '1', ram_gib: '1' } })), { code: 'purposes.above-limits', fields: [{ field: 'quota.gpu' }] });
  const { id, projectId } = await project(ada, on(1), { purposeId });
  await change({ maxDays: 29 });
  t.like(await t.throwsAsync(approve(boss, on(2), id)), { code: 'purposes.above-limits', fields: [{ field: 'end_date' }] });
  await change({ maxDays: 40, active: false });
  t.like(await t.throwsAsync(approve(boss, on(2), id)), { code: 'purposes.inactive' });
  t.is((await read(id)).state, 'reviewing');
  await change({ active: true });
  await approve(boss, on(2), id);
  t.like(await t.throwsAsync(extension(ada, on(3), projectId, 11)), { code: 'purposes.above-limits', fields: [{ field: 'days' }] });
  t.like(await t.throwsAsync(gpus(ada, on(3), projectId, '1.000001')), { code: 'purposes.above-limits', fields: [{ field: 'additional_gpus' }] });
  await change({ active: false });
  t.is((await extension(ada, on(3), projectId, 10)).state, 'reviewing', 'projects that have it go on');
});

test('what could never be is refused at the application', async (t) => {
  const { ada, project, capacity } = await applySite(t.context.db, on(1));
  await capacity('2', on(1));
  const refused: [object, string][] = [
    [{ quota: { gpu: '2.000001', cpu: '1', ram_gib: '1' } }, 'quotas.above-capacity'],
    [{ quota: { gpu: '0', cpu: '0', ram_gib: '0' } }, 'quotas.zero'],
    [{ quota: { gpu: '-1', cpu: '0', ram_gib: '0' } }, 'quotas.negative-amount'],
    [{ startDate: '2026-11-30' }, 'applications.start-in-past'],
    [{ endDate: '2026-11-30' }, 'projects.end-before-start'],
    [{ endDate: '2046-11-30' }, 'projects.too-long'],
    [{ timeZone: 'Mars/Olympus' }, 'projects.unknown-time-zone'],
    [{ managers: [] }, 'projects.no-manager'],
    [{ members: [newId('user')] }, 'projects.unknown-people'],
  ];
  for (const [wish, code] of refused) t.like(await t.throwsAsync(project(ada, on(1), wish)), { code }, code);
});

test('of many decided at once each is decided for itself, in the order given', async (t) => {
  const { db, organizationId, boss, ada, project, approve, capacity, read, mailsTo } = await applySite(t.context.db, on(1));
  await capacity('2', on(1));
  const ids: string[] = [];
  for (const gpu of ['1', '2', '1']) ids.push((await project(ada, on(1), { quota: { gpu, cpu: '1', ram_gib: '1' } })).id);
  const done = (await project(ada, on(1))).id;
  await db('applications').where({ id: done }).update({ state: 'declined', decided_at: on(1), decided_by: JSON.stringify(actorOf(boss)), decided_as: 'manager', remark: 'no', next_due_at: null });
  const unknown = newId('application');
  const decision = { at: on(2), by: actorOf(boss), reviewer: boss };
  const bulk = (verdict: 'approve' | 'decline', of: string[], remark: string) => inTransaction(db, (tx) => decideInBulk(tx, organizationId, { ids: of, verdict, remark }, decision));
  const [first, tooMuch, last, decided, missing] = await bulk('approve', [...ids, done, unknown], '');
  t.like(first, { id: ids[0], application: { state: 'approved' } });
  t.like(tooMuch, { id: ids[1], error: { code: 'quotas.no-room' } });
  t.like(last, { id: ids[2], application: { state: 'approved' } });
  t.like(decided, { error: { code: 'applications.decided' } });
  t.like(missing, { id: unknown, error: { code: 'application.not-found' } });
  t.like(await read(ids[1] ?? ''), { state: 'reviewing', noRoom: { at: on(2), firstFitDate: '2027-01-14' } });
  t.is((await mailsTo(ada)).filter((subject) => subject.startsWith('No room yet')).length, 1);
  t.like((await bulk('decline', [ids[1] ?? ''], ''))[0], { error: { code: 'applications.remark-missing' } });
  t.like((await bulk('decline', [ids[1] ?? ''], 'too much'))[0], { application: { state: 'declined', remark: 'too much' } });
  t.like(await t.throwsAsync(approve(boss, on(3), ids[1] ?? '')), { code: 'applications.decided' });
});

test('a review is handed to a manager of the organization, who is told; others may still decide', async (t) => {
  const { boss, other, ada, project, delegate, approve, mailsTo } = await applySite(t.context.db, on(1));
  const { id } = await project(ada, on(1));
  t.like(await t.throwsAsync(delegate(boss, on(2), id, ada.userId)), { code: 'applications.delegate-is-no-manager' });
  t.like(await delegate(boss, on(2), id, other.userId), { delegateUserId: other.userId });
  t.deepEqual(await mailsTo(other), ['Please review: project Iris', 'For you to review: project Iris']);
  t.is((await approve(boss, on(3), id)).state, 'approved');
});

test('webhooks are told of an application and of its end, by ids and amounts alone', async (t) => {
  const { db, organizationId, boss, ada, project, decline } = await applySite(t.context.db, on(1));
  const vault = createSecretVault({ current: randomBytes(32), previous: [] });
  const wish = { organizationId, environmentId: null, name: 'CI', url: 'https://hooks.example.org', events: ['application.created' as const, 'application.decided' as const], headers: {}, enabled: true };
  await inTransaction(db, (tx) => createWebhook(tx, vault, wish, { at: on(1), by: actorOf(boss) }));
  const { id, projectId } = await project(ada, on(1));
  await decline(boss, on(2), id, 'Ada has enough.');
  const payloads = (await db('webhook_deliveries').where({ organization_id: organizationId }).orderBy('id').pluck<string[]>('payload')).map((text) => JSON.parse(text));
  t.like(payloads, [
    { type: 'application.created', data: { application: { id, status: 'reviewing', project_id: projectId, applicant_user_id: ada.userId, quota: { gpu: '1' } } } },
    { type: 'application.decided', data: { application: { id, status: 'declined', decided_at: on(2) } } },
  ]);
  t.notRegex(JSON.stringify(payloads), /enough|to learn/);
});

test('who is no manager of the organization decides on nothing, and nobody else revokes', async (t) => {
  const { boss, ada, project, delegate, approve, decline, revoke } = await applySite(t.context.db, on(1));
  const { id } = await project(ada, on(1));
  for (const refused of [approve(ada, on(2), id), decline(ada, on(2), id), delegate(ada, on(2), id, boss.userId)]) {
    t.like(await t.throwsAsync(refused), { code: 'applications.managers-decide' });
  }
  t.like(await t.throwsAsync(revoke(boss, on(2), id)), { code: 'applications.not-yours' });
});

test('an escalation tells every manager, and platform administrators where nobody else could decide', async (t) => {
  const { db, organizationId, boss, other, ada, project, mailsTo } = await applySite(t.context.db, on(1));
  const root = { email: 'root@example.org', displayName: 'Root', passwordHash: null, platformAdministrator: true, emailVerified: true };
  const { id: userId } = await inTransaction(db, (tx) => createUser(tx, root, { at: on(1), by: actorOf(boss) }));
  await inTransaction(db, (tx) => changeReviewSettings(tx, organizationId, { escalateAfterDays: 2 }, { at: on(1), by: actorOf(boss) }));
  const advance = (id: string, at: string) => inTransaction(db, (tx) => advanceEntity(tx, applicationEntity, { organizationId, id }, at));
  const first = await project(ada, on(1));
  await advance(first.id, on(3, 7));
  t.deepEqual(await mailsTo(boss), ['Please review: project Iris']);
  await advance(first.id, on(3));
  for (const manager of [boss, other]) t.deepEqual(await mailsTo(manager), ['Please review: project Iris', 'Still waiting: project Iris']);
  t.deepEqual(await mailsTo({ userId }), []);
  await db('memberships').where({ organization_id: organizationId, role: 'manager' }).update({ role: 'engineer' });
  const second = await project(ada, on(4));
  await advance(second.id, on(6));
  t.deepEqual(await mailsTo({ userId }), ['Still waiting: project Iris']);
});
