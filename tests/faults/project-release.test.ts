import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import test from 'ava';
import { createProjectActivities, type ReleaseOwners } from '../../activities/projects/index.ts';
import { projectEntity } from '../../commands/projects/project-entity.ts';
import { retryProjectRelease } from '../../commands/projects/record-release.ts';
import { requireActiveMember } from '../../commands/projects/port.ts';
import { commitHold, holdQuota } from '../../commands/quotas/port.ts';
import { advanceEntity } from '../../commands/shared/entity-commands.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { getProject } from '../../db/projects/project-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { Project } from '../../domain/projects/project.ts';
import { system } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { book, insertEnvironment, insertPerson } from '../helpers/bookings.ts';
import { anOrganization } from '../helpers/connect.ts';
import { dyingDatabase } from '../helpers/dying-database.ts';
import { soak } from '../helpers/environment.ts';
import { platform, type Platform } from '../helpers/platform.ts';
import { anApprovedProject, ledgerOf, projectSite } from '../helpers/projects.ts';
import { asActiveMember, createTestOwners } from '../helpers/quotas.ts';
import { untilQuiet } from '../helpers/travel.ts';

/** Each statement in a soak, a sample otherwise. */
const STEP = soak ? 1 : 4;

let site: Platform;
test.before(async () => {
  site = await platform();
  await createTestOwners(site.db);
});
test.after.always(() => site?.end());

const BUFFER_ENDS = '2035-04-15T00:00:00.000Z';

/** A project in its buffer, a moment before its release, with a booking that has to go with it. */
async function inBuffer(): Promise<Project> {
  const { db } = site;
  const organizationId = await anOrganization(site);
  const at = '2035-02-01T00:00:00.000Z';
  const { userId: lead } = await insertPerson(db, organizationId, 'engineer', at);
  const project = await anApprovedProject(db, { organizationId, managers: [lead], warnDays: [] }, at);
  const ref = { organizationId, id: project.id };
  await inTransaction(db, (tx) => advanceEntity(tx, projectEntity, ref, '2035-04-01T00:00:00.000Z'));
  // What slipped past the buffer's entry, as no command lets it: the release takes it.
  const environmentId = await insertEnvironment(db, organizationId, { name: 'Bench' }, at);
  const booking = await book(db, { organizationId, environmentId, booker: { userId: lead, role: 'engineer' }, at: '2035-04-02T00:00:00.000Z', since: '2035-05-01T00:00:00.000Z', until: null });
  await db('bookings').where('id', booking.id).update({ project_id: project.id });
  await inTransaction(db, (tx) => advanceEntity(tx, projectEntity, ref, '2035-04-14T12:00:00.000Z'));
  return await read(ref);
}

async function read({ organizationId, id }: { organizationId: string; id: string }): Promise<Project> {
  const project = await getProject(site.db, organizationId, id);
  if (project === null) throw new Error(`there is no project ${id}`);
  return project;
}

/** What the project's workflow does at an instant: advances the row and performs every act once. */
async function work(db: Database, ref: { organizationId: string; id: string }, at: Instant, owners?: ReleaseOwners): Promise<void> {
  const { acts } = await inTransaction(db, (tx) => advanceEntity(tx, projectEntity, ref, at));
  const { releasePart } = createProjectActivities({ db, clock: { now: () => at }, log: site.log, owners });
  for (const act of acts) {
    if (act.name !== 'release-part') throw new Error(`a release does not want ${act.name}`);
    await new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') }).run(releasePart, ref, act);
  }
}

/** A part of its quota that has to go with it, too: what slipped past every command. */
async function allocated({ organizationId, id: projectId, managers }: Project): Promise<void> {
  const { db } = site;
  const decision = { at: '2035-04-14T12:00:00.000Z', by: system('test') };
  const owner = { kind: 'test-job', id: newId('ledger-entry') };
  await db('test_jobs').insert({ organization_id: organizationId, id: owner.id });
  const member = asActiveMember({ organizationId, projectId, userId: managers[0] as string });
  const hold = { member, owner, amounts: { gpu: '0.5', cpu: '0', ram_gib: '0' }, expiresAt: '2035-04-16T00:00:00.000Z' };
  const { id } = await inTransaction(db, (tx) => holdQuota(tx, hold, decision));
  await inTransaction(db, (tx) => commitHold(tx, { member, id }, decision));
}

/** All that a release is to leave, without ids and instants. */
async function leftOf(project: Project): Promise<unknown> {
  const { db } = site;
  const { state, releaseSteps } = await read(project);
  return {
    state,
    parts: releaseSteps.map(({ owner, state: part, released }) => `${owner} ${part} ${released?.count} ${released?.ids.length}`),
    ledger: (await ledgerOf(db, project.id)).map(({ action }) => action).slice(-6),
    bookings: await db('bookings').where('project_id', project.id).pluck('end_reason'),
    mails: (await db('mails').where('organization_id', project.organizationId).orderBy('id').pluck<string[]>('subject')).map((subject) => subject.replace(/ \(P-.*\)/, '')),
    grants: (await db('project_quotas').where('project_id', project.id).whereNotNull('released_at')).length,
  };
}

test.serial('a worker killed before any statement of a release leaves what the next one goes on with: nothing happens twice', async (t) => {
  t.timeout(soak ? 3_600_000 : 240_000);
  const whole = await inBuffer();
  await allocated(whole);
  const counting = dyingDatabase(site.config.databaseUrl, Number.MAX_SAFE_INTEGER);
  await work(counting.db, whole, BUFFER_ENDS);
  const all = counting.statements();
  await counting.end();
  const expected = await leftOf(whole);
  t.like(expected, { state: 'released', parts: ['bookings released 1 1', 'quotas released 1 1'], bookings: ['project-ended'], grants: 1 } as never);
  t.true(all > 40, `${all} statements`);
  for (let statement = 1; statement <= all; statement += STEP) {
    const project = await inBuffer();
    await allocated(project);
    const dying = dyingDatabase(site.config.databaseUrl, statement);
    // What a killed process would have thrown nobody hears.
    await work(dying.db, project, BUFFER_ENDS).catch((error: unknown) => {
      if (dying.statements() < statement) throw error;
    });
    t.true(dying.statements() >= statement);
    await dying.end();
    await work(site.db, project, BUFFER_ENDS);
    if ((await read(project)).state === 'releasing') await work(site.db, project, '2035-04-15T00:02:00.000Z');
    const left = (await leftOf(project)) as { ledger: string[] };
    t.deepEqual({ ...left, ledger: left.ledger.toSorted() }, { ...(expected as typeof left), ledger: (expected as typeof left).ledger.toSorted() }, `killed before statement ${statement}`);
  }
});

test.serial('an owner that fails again and again blocks nothing else, is shown, and is tried with back-off until it answers', async (t) => {
  const project = await inBuffer();
  let asked = 0;
  const failing: ReleaseOwners = {
    bookings: {
      name: 'bookings',
      release() {
        asked += 1;
        if (asked > 6) return Promise.resolve({ done: true, released: { count: 1, ids: ['x'] } });
        throw new DomainError({ kind: 'unavailable', code: 'bookings.out-of-order', message: 'The calendar is away.' });
      },
    },
    quotas: { name: 'quotas', release: () => Promise.resolve({ done: true, released: { count: 0, ids: [] } }) },
  };
  let at = BUFFER_ENDS;
  const waits: number[] = [];
  while ((await read(project)).state !== 'released') {
    await work(site.db, project, at, failing);
    const { state, nextDueAt, releaseSteps } = await read(project);
    if (state === 'released') break;
    t.like(releaseSteps.find(({ owner }) => owner === 'quotas'), { state: 'released', attempts: 1 });
    t.like(releaseSteps.find(({ owner }) => owner === 'bookings'), { state: 'pending', attempts: asked, lastError: { code: 'bookings.out-of-order' } });
    t.is((await site.db('project_quotas').where('project_id', project.id).whereNotNull('released_at')).length, 0, 'its quota counts until all is gone');
    waits.push((Date.parse(nextDueAt as string) - Date.parse(at)) / 60_000);
    at = nextDueAt as string;
  }
  t.deepEqual(waits, [1, 5, 15, 60, 180, 360]);
  t.is(asked, 7);
  t.is((await site.db('ledger').where({ subject: project.id, action: 'projects.release-held-up' })).length, 6);
  t.like(await read(project), { state: 'released', releasedAt: at });
});

test.serial('an owner whose database refuses is tried again by the workers, and the release ends when it does not any more', async (t) => {
  t.timeout(240_000);
  const world = await projectSite(t, site, '2035-01-20T00:00:00.000Z');
  const { db } = world;
  const { id } = await world.project({ warnDays: [] });
  const job = 'job_1';
  await db('test_jobs').insert({ organization_id: world.organizationId, id: job });
  await world.travelTo('2035-03-20T00:00:00.000Z');
  await inTransaction(db, async (tx) => {
    const member = await requireActiveMember(tx, world.organizationId, id, world.lead, world.clock.now());
    const wish = { member, owner: { kind: 'test-job', id: job }, amounts: { gpu: '0.5', cpu: '0', ram_gib: '0' }, expiresAt: '2035-04-10T00:00:00.000Z' };
    const held = await holdQuota(tx, wish, world.decision());
    await commitHold(tx, { member, id: held.id }, world.decision());
  });
  await world.travelTo('2035-04-14T12:00:00.000Z');
  await db.raw(`create function out_of_order() returns trigger language plpgsql as $$ begin raise exception 'out of order'; end $$`);
  await db.raw(`create trigger out_of_order before update on quota_allocations for each row execute function out_of_order()`);
  await world.travelTo('2035-04-15T00:10:00.000Z');
  const stuck = await world.read(id);
  t.is(stuck.state, 'releasing');
  t.deepEqual(stuck.releaseSteps.map(({ owner, state, attempts }) => `${owner} ${state} ${attempts}`), ['bookings released 1', 'quotas pending 3']);
  t.regex((await site.client.workflow.getHandle(`project/${id}`).describe()).status.name, /RUNNING/);
  await db.raw(`drop trigger out_of_order on quota_allocations`);
  // Nobody waits for the next attempt who has put things in order.
  await inTransaction(db, (tx) => retryProjectRelease(tx, world.ref(id), world.decision()));
  await untilQuiet(site, world.clock.now());
  const done = await world.read(id);
  t.is(done.state, 'released');
  t.deepEqual(done.releaseSteps.map(({ owner, attempts, released }) => `${owner} ${attempts} ${released?.count}`), ['bookings 1 0', 'quotas 4 1']);
  t.is((await db('mails').where('organization_id', world.organizationId).whereLike('subject', 'Vision%has been released')).length, 1);
});
