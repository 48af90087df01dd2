import anyTest, { type TestFn } from 'ava';
import { approveApplication } from '../../commands/projects/application-decisions.ts';
import { approveProject, extendProject } from '../../commands/projects/decide-on-project.ts';
import { editCapacity } from '../../commands/quotas/edit-capacity.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { REHEARSED, rehearse } from '../../domain/projects/rehearsal.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { applying } from '../helpers/applications.ts';
import { book, insertEnvironment } from '../helpers/bookings.ts';
import { mailServer } from '../helpers/peers/mail-server.ts';
import { platform, type Platform } from '../helpers/platform.ts';
import { aProject, ledgerOf, lettersOf, projectSite, throughSmtp } from '../helpers/projects.ts';

// Each on a platform of its own, one after the other: each moves a clock of its own.
const test = anyTest as TestFn<{ site: Platform }>;
test.beforeEach(async (t) => {
  t.timeout(240_000);
  t.context.site = await platform();
});
test.afterEach.always((t) => t.context.site?.end());

const actionsOf = async (db: Platform['db'], id: string): Promise<string[]> =>
  (await ledgerOf(db, id)).map(({ action }) => action.replace('projects.', '')).filter((action) => !action.startsWith('quotas.'));

test.serial('nobody is there when a project ends: its buffer is a full one from when somebody is, and missed warnings are not sent', async (t) => {
  const world = await projectSite(t, t.context.site, '2035-01-20T00:00:00.000Z');
  const { db, organizationId, boss, lead } = world;
  const { extension, approve } = applying(db, organizationId);
  const reviewer = { userId: boss, role: 'manager', as: 'manager' } as const;
  const environmentId = await insertEnvironment(db, organizationId, {}, world.clock.now());
  const [{ id }, { id: approvedLate }] = [await world.project({ name: 'Seen' }), await world.project({ name: 'Late' })];
  await world.travelTo('2035-03-15T00:00:00.000Z');
  const booking = await book(db, { organizationId, environmentId, booker: { userId: boss, role: 'manager' }, at: world.clock.now(), since: '2035-04-20T00:00:00.000Z', until: '2035-04-21T00:00:00.000Z' });
  await db('bookings').where('id', booking.id).update({ project_id: id });
  const { id: applied } = await extension({ userId: lead, role: 'engineer', as: 'manager' }, world.clock.now(), approvedLate, 30);
  await world.halt();
  world.clock.set('2035-04-10T09:00:00.000Z');
  // An approval of an extension finds a project whose end nobody has seen: first it expires, in a command of its own, then it goes on.
  const alone = inTransaction(db, (tx) => approveApplication(tx, world.ref(applied), '', { ...world.decision(), reviewer }));
  t.like(await t.throwsAsync(alone), { code: 'projects.just-expired' });
  t.like(await world.read(approvedLate), { state: 'active', bufferNumber: 0 });
  await approve(reviewer, world.clock.now(), applied);
  t.like(await world.read(approvedLate), { state: 'active', endDate: '2035-04-30', bufferNumber: 1 });
  await world.begin();
  t.like(await world.read(id), { state: 'buffer', bufferEnteredAt: (await world.read(id)).lastAt, bufferEndsAt: '2035-04-24T00:00:00.000Z' });
  t.like((await db('bookings').where('id', booking.id).first()) as object, { state: 'cancelled', end_reason: 'project-ended' });
  t.deepEqual(await actionsOf(db, id), ['apply', 'approve', 'start', 'warn-superseded', 'warn-superseded', 'warn-superseded', 'expire']);
  t.deepEqual((await actionsOf(db, approvedLate)).slice(-3), ['warn-superseded', 'expire', 'extend']);
  const told = async (name: string): Promise<string[]> => await db('mails').whereLike('subject', `${name}%`).orderBy('id').pluck<string[]>('subject');
  t.deepEqual((await told('Seen')).map((subject) => subject.replace(/ \(.*\)/, '')), ['Seen has expired']);
  t.deepEqual((await told('Late')).map((subject) => subject.replace(/ \(.*\)/, '')), ['Late has expired']);
  // The last second of a buffer still belongs to it. Nobody works in it: the server's clock goes on while the test does.
  await world.travelTo('2035-04-23T12:00:00.000Z');
  await world.halt();
  world.clock.set('2035-04-23T23:59:59.000Z');
  await inTransaction(db, (tx) => extendProject(tx, world.ref(id), { days: 60, applicationId: null }, world.decision()));
  await world.begin();
  await world.travelTo('2035-04-25T00:00:00.000Z');
  t.like(await world.read(id), { state: 'active', endDate: '2035-05-30' });
  t.is((await db('wake_ups')).length, 0);
});

test.serial('the mail server is down when a project expires: everything else happens, and each mail arrives once when it is back', async (t) => {
  const { site } = t.context;
  const away = await mailServer();
  await away.stop();
  site.config.mail = throughSmtp(away);
  const world = await projectSite(t, site, '2035-01-20T00:00:00.000Z');
  const { id } = await world.project({ warnDays: [] });
  await world.travelTo('2035-04-01T00:10:00.000Z');
  t.is((await world.read(id)).state, 'buffer');
  t.like(await world.db('mails').orderBy('id').select('state', 'attempts'), [{ state: 'pending' }]);
  await world.halt();
  const back = await mailServer({}, away.port);
  t.teardown(() => back.stop());
  site.config.mail = throughSmtp(back);
  await world.begin();
  await world.travelTo('2035-04-16T00:00:00.000Z');
  t.is((await world.read(id)).state, 'released');
  const letters = lettersOf(back);
  t.deepEqual(letters.map(({ subject }) => subject.replace(/ \(.*\)/, '')), ['Vision has expired', 'The resources of Vision are released in 7 days', 'The resources of Vision are released in 3 days', 'The resources of Vision are released in 1 day', 'Vision has been released']);
  t.is(new Set(letters.map((letter) => letter.id)).size, 5);
});

test.serial('a project whose capacity another overran with waits, is told of once, and starts the moment that is free', async (t) => {
  const world = await projectSite(t, t.context.site, '2035-01-20T00:00:00.000Z');
  const { db, organizationId } = world;
  await inTransaction(db, (tx) => editCapacity(tx, { organizationId, amounts: { gpu: '1', cpu: null, ram_gib: null }, prices: null }, world.decision()));
  const first = await world.project({ name: 'First', startDate: '2035-02-01', endDate: '2035-02-10' });
  // Planned for after the first one's buffer, and with midnights of its own: it is woken, not lucky.
  const second = await world.project({ name: 'Second', timeZone: 'Asia/Taipei', startDate: '2035-02-26', endDate: '2035-03-31' });
  const refused = await aProject(db, { organizationId, managers: [world.lead], startDate: '2035-02-24', endDate: '2035-03-01' }, world.clock.now());
  const error = await t.throwsAsync(inTransaction(db, (tx) => approveProject(tx, world.ref(refused.id), world.decision())));
  t.like(error, { code: 'quotas.no-room' });
  await world.travelTo('2035-02-05T00:00:00.000Z');
  await world.halt();
  world.clock.set('2035-02-20T00:00:00.000Z');
  await world.begin();
  t.is((await world.read(first.id)).bufferEndsAt, '2035-03-06T00:00:00.000Z');
  await world.travelTo('2035-03-01T00:00:00.000Z');
  t.like(await world.read(second.id), { state: 'scheduled', waitingFor: [first.id] });
  t.like((await t.context.site.client.workflow.getHandle(`project/${second.id}`).describe()).searchAttributes, { OrreryStatus: ['waiting-for-capacity'] });
  await world.travelTo('2035-03-06T00:01:00.000Z');
  t.is((await world.read(first.id)).state, 'released');
  t.like(await world.read(second.id), { state: 'active', waitingSince: null });
  t.true(String((await world.read(second.id)).startedAt) < '2035-03-06T00:01:00.000Z');
  t.deepEqual(await actionsOf(db, second.id), ['apply', 'approve', 'wait-for-capacity', 'start']);
  t.is((await db('mails').whereLike('subject', 'Second%cannot start yet').andWhere('user_id', world.lead)).length, 1);
});

test.serial('what a rehearsal of thirty days names is what the ledger says later', async (t) => {
  const world = await projectSite(t, t.context.site, '2035-02-26T09:30:00.000Z');
  const { db, organizationId, lead } = world;
  const projects = [
    await world.project({ timeZone: 'Europe/Berlin', startDate: '2035-03-01', endDate: '2035-03-25', warnDays: [10, 5, 2] }),
    await world.project({ timeZone: 'America/New_York', startDate: '2035-03-01', endDate: '2035-03-11' }),
    await world.project({ timeZone: 'Africa/Cairo', startDate: '2035-03-20', endDate: '2035-04-20' }),
    await world.project({ timeZone: 'UTC', startDate: '2035-03-01', endDate: '2035-03-12' }),
    await world.project({ startDate: '2035-06-01', endDate: '2035-06-30' }),
  ];
  // Two weeks before the end: its review ends undecided two days after the buffer, and before the seven for which it may hold the release.
  const { id: reviewed } = await applying(db, organizationId).extension({ userId: lead, role: 'engineer', as: 'manager' }, world.clock.now(), projects[3]?.id ?? '', 30);
  await world.travelTo('2035-03-11T00:00:00.000Z');
  const from = world.clock.now();
  const to = plusMilliseconds(from, 30 * 86_400_000);
  const rehearsed: string[] = [];
  for (const { id } of projects) rehearsed.push(...rehearse(await world.read(id), from, to).map(({ action, at }) => `${id} ${action} ${at}`));
  t.true(rehearsed.length > 15, rehearsed.join('\n'));
  for (const action of REHEARSED) t.true(rehearsed.some((one) => one.includes(`${action} `)), action);
  await world.travelTo(to);
  const happened: string[] = [];
  for (const { id } of projects) {
    const entries = (await ledgerOf(db, id)).filter(({ action, at }) => at > from && (REHEARSED as readonly string[]).includes(action));
    happened.push(...entries.map(({ action, due }) => `${id} ${action} ${due}`));
  }
  t.deepEqual(rehearsed.toSorted(), happened.toSorted());
  t.like(await applying(db, organizationId).read(reviewed), { state: 'expired', decidedAt: '2035-03-28T09:30:00.000Z' });
  t.true(happened.includes(`${projects[3]?.id} projects.release 2035-03-28T09:30:00.000Z`));
});
