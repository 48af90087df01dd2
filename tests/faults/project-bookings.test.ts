import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import test from 'ava';
import { createProjectActivities } from '../../activities/projects/index.ts';
import { bookingEntity } from '../../commands/bookings/booking-entity.ts';
import { editBooking } from '../../commands/bookings/change-booking.ts';
import { extendProject } from '../../commands/projects/decide-on-project.ts';
import { projectEntity } from '../../commands/projects/project-entity.ts';
import { advanceEntity } from '../../commands/shared/entity-commands.ts';
import { getProject } from '../../db/projects/project-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Project } from '../../domain/projects/project.ts';
import { system } from '../../domain/shared/entity.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import type { Plan } from '../../workflows/messages.ts';
import type { ProjectAct } from '../../workflows/projects/messages.ts';
import { insertPerson } from '../helpers/bookings.ts';
import { anOrganization } from '../helpers/connect.ts';
import { dyingDatabase } from '../helpers/dying-database.ts';
import { soak } from '../helpers/environment.ts';
import { platform, type Platform } from '../helpers/platform.ts';
import { bookForProject } from '../helpers/project-bookings.ts';
import { anApprovedProject } from '../helpers/projects.ts';

let site: Platform;
test.before(async () => {
  site = await platform();
});
test.after.always(() => site?.end());

const BEGINS = '2035-02-01T00:00:00.000Z';
const ENDS = '2035-04-01T00:00:00.000Z';
const HOUR = 3_600_000;
const by = system('test');

/** A project whose end has come, unseen, with bookings from half an hour before it. Who holds them may do anything. */
async function atItsEnd(count: number): Promise<{ project: Project; holder: { userId: string; role: 'manager' }; bookings: string[] }> {
  const { db } = site;
  const organizationId = await anOrganization(site);
  const { userId } = await insertPerson(db, organizationId, 'manager', BEGINS);
  const { id } = await anApprovedProject(db, { organizationId, managers: [userId], warnDays: [] }, '2035-01-01T00:00:00.000Z');
  const at = plusMilliseconds(ENDS, -HOUR / 2);
  await advance({ organizationId, id }, at);
  const bookings = await bookForProject(db, { organizationId, id }, userId, { count, since: at, at });
  return { project: await read({ organizationId, id }), holder: { userId, role: 'manager' }, bookings: bookings.map((one) => one.id) };
}

async function read({ organizationId, id }: { organizationId: string; id: string }): Promise<Project> {
  const project = await getProject(site.db, organizationId, id);
  if (project === null) throw new Error(`there is no project ${id}`);
  return project;
}

async function advance({ organizationId, id }: { organizationId: string; id: string }, at: Instant, db: Database = site.db): Promise<Plan<ProjectAct>> {
  return await inTransaction(db, (tx) => advanceEntity(tx, projectEntity, { organizationId, id }, at));
}

/** Performs what the row wants as its workflow does. Answers with the names of the acts. */
async function work(project: Project, at: Instant, db: Database = site.db): Promise<string[]> {
  const { organizationId, id } = project;
  const { acts } = await advance(project, at, db);
  const { endBookings, releasePart } = createProjectActivities({ db, clock: { now: () => at }, log: site.log });
  const perform = (act: ProjectAct) => (act.name === 'end-bookings' ? endBookings({ organizationId, id }, act) : releasePart({ organizationId, id }, act));
  for (const act of acts) await new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') }).run(perform, act);
  return acts.map(({ name }) => name);
}

async function states(project: Project): Promise<Record<string, number>> {
  const rows = await site.db('bookings').where('project_id', project.id).groupBy('state', 'end_reason').select('state', 'end_reason').count<{ state: string; end_reason: string | null; count: number }[]>('* as count');
  return Object.fromEntries(rows.map(({ state, end_reason: reason, count }) => [`${state} ${reason ?? 'open'}`, count]));
}

test.serial('a project with hundreds of bookings enters its buffer with a few of them, and an act of its own ends the others', async (t) => {
  t.timeout(240_000);
  const { project, bookings } = await atItsEnd(320);
  const [underWay] = bookings;
  const counting = dyingDatabase(site.config.databaseUrl, Number.MAX_SAFE_INTEGER);
  const plan = await advance(project, ENDS, counting.db);
  const entering = counting.statements();
  await counting.end();
  t.is((await read(project)).state, 'buffer');
  t.like(await states(project), { 'reserved open': 270, 'released project-ended': 1, 'cancelled project-ended': 49 });
  t.like(await site.db('bookings').where('id', underWay).first(), { state: 'released', end_reason: 'project-ended', until: ENDS });
  t.true(entering < 50, `${entering} statements for fifty bookings`);
  t.deepEqual(plan.acts, [], 'what entered the buffer saw none left: the wake-up has it look again');
  t.is((await site.db('wake_ups').where('workflow_id', `project/${project.id}`)).length, 1);

  t.deepEqual(await work(project, ENDS), ['end-bookings']);
  t.deepEqual(await states(project), { 'released project-ended': 1, 'cancelled project-ended': 319 });
  t.deepEqual(await work(project, ENDS), [], 'and wants nothing more');
  const ledger = await site.db('ledger').whereIn('subject', bookings).whereIn('action', ['bookings.release', 'bookings.cancel']).pluck<string[]>('subject');
  t.deepEqual(ledger.toSorted(), bookings.toSorted(), 'each once');
  t.is((await site.db('mails').where('organization_id', project.organizationId).where('kind', 'booking')).length, 320, 'and each told once');
  const portions = await site.db('ledger').whereIn('subject', bookings).whereIn('action', ['bookings.release', 'bookings.cancel']).groupByRaw('xmin::text').count<{ count: number }[]>('* as count');
  const sizes = portions.map(({ count }) => count);
  t.true(sizes.length === 7 && sizes.every((one) => one <= 50), `portions of ${sizes.join()}`);

  // What has nothing left is found so by the release, too.
  t.deepEqual((await work(project, '2035-04-15T00:00:00.000Z')).toSorted(), ['release-part', 'release-part']);
  t.deepEqual((await read(project)).releaseSteps.map(({ owner, released }) => `${owner} ${released?.count}`), ['bookings 0', 'quotas 0']);
});

test.serial('a worker killed between portions, or within one, leaves what the next one goes on with', async (t) => {
  t.timeout(soak ? 3_600_000 : 240_000);
  const { project, bookings } = await atItsEnd(300);
  await advance(project, ENDS);
  let [left, cut] = [250, 0];
  for (let kills = 0; left > 0; kills += 1) {
    // Each attempt dies a little later, the first ones before they end anything.
    const dying = dyingDatabase(site.config.databaseUrl, 8 + kills * 17);
    await work(project, ENDS, dying.db).catch(() => undefined);
    await dying.end();
    const { 'cancelled project-ended': ended = 0, 'reserved open': open = 0 } = await states(project);
    t.is(ended + open, 299);
    t.is(open % 50, 0, `${open} are left: a portion is ended whole or not at all`);
    left = open;
    if (left > 0) cut += 1;
    t.true(kills < 12);
  }
  t.true(cut >= 3, `${cut} of them died before all were ended`);
  t.deepEqual(await work(project, ENDS), []);
  const ledger = await site.db('ledger').whereIn('subject', bookings).whereIn('action', ['bookings.release', 'bookings.cancel']).pluck<string[]>('subject');
  t.deepEqual(ledger.toSorted(), bookings.toSorted());
});

test.serial('a booking that waits for its end neither begins nor is changed: whoever looks at it ends it as of the buffer', async (t) => {
  const { project, holder, bookings } = await atItsEnd(60);
  await advance(project, ENDS);
  const [looked, edited] = [bookings[55] as string, bookings[56] as string];
  const { organizationId } = project;
  const since = (await site.db('bookings').where('id', looked).first<{ since: string }>('since')).since;
  await inTransaction(site.db, (tx) => advanceEntity(tx, bookingEntity, { organizationId, id: looked }, since));
  t.like(await site.db('bookings').where('id', looked).first(), { state: 'cancelled', end_reason: 'project-ended', ended_at: ENDS, since });
  t.is((await site.db('ledger').where({ subject: looked, action: 'bookings.start' })).length, 0);
  const change = (changes: { note?: string; until?: string }) => inTransaction(site.db, (tx) => editBooking(tx, { organizationId, id: edited }, changes, { at: ENDS, by, booker: holder }));
  await t.throwsAsync(change({ until: '2035-05-01T00:00:00.000Z' }), { code: 'projects.in-buffer' } as never);
  await t.throwsAsync(change({ note: 'mine' }), { code: 'bookings.ended' } as never);
  await t.throwsAsync(bookForProject(site.db, project, holder.userId, { count: 1, since: ENDS, at: ENDS }), { code: 'projects.in-buffer' } as never);
});

test.serial('an extension that brings the project back leaves it the bookings that have not ended', async (t) => {
  const { project, bookings } = await atItsEnd(120);
  await advance(project, ENDS);
  const { acts } = await advance(project, ENDS);
  t.deepEqual(acts.map(({ name }) => name), ['end-bookings']);
  await inTransaction(site.db, (tx) => extendProject(tx, { organizationId: project.organizationId, id: project.id }, { days: 30, applicationId: null }, { at: ENDS, by }));
  const ref = { organizationId: project.organizationId, id: project.id };
  const { endBookings } = createProjectActivities({ db: site.db, clock: { now: () => ENDS }, log: site.log });
  // The act was on its way.
  for (const act of acts) if (act.name === 'end-bookings') t.like(await new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') }).run(endBookings, ref, act), { outcome: '0 ended', plan: { acts: [] } });
  t.like(await states(project), { 'reserved open': 70 });
  const last = bookings.at(-1) as string;
  const { since } = await site.db('bookings').where('id', last).first<{ since: string }>('since');
  await inTransaction(site.db, (tx) => advanceEntity(tx, bookingEntity, { organizationId: project.organizationId, id: last }, since));
  t.like(await site.db('bookings').where('id', last).first(), { state: 'active' });
  t.is((await read(project)).state, 'active');
});
