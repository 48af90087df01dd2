import test from 'ava';
import type { Reviewer } from '../../domain/projects/application-rules.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database } from '../../db/shared/connection.ts';
import { applying } from '../helpers/applications.ts';
import { actionsOf } from '../helpers/histories.ts';
import { ownServers } from '../helpers/own-servers.ts';
import { platform } from '../helpers/platform.ts';
import { ledgerOf, projectSite } from '../helpers/projects.ts';

/** Subjects of what was sent to somebody about applications. */
async function sent(db: Database, userId: string): Promise<string[]> {
  return await db('mails').where({ user_id: userId, state: 'sent', kind: 'application' }).orderBy('id').pluck('subject');
}

const reviewer = (userId: string, role: Reviewer['role']): Reviewer => ({ userId, role, as: 'manager' });

test.serial('a review is escalated and ends at its instants, though workers are away over one of them', async (t) => {
  t.timeout(240_000);
  const site = await platform();
  t.teardown(() => site.end());
  const world = await projectSite(t, site, '2035-03-01T08:00:00.000Z');
  const { db, clock, organizationId, boss, lead } = world;
  const { project, read, readProject } = applying(db, organizationId);
  const { id, projectId } = await project(reviewer(lead, 'engineer'), clock.now());
  await world.travelTo('2035-03-04T07:59:59.000Z');
  t.like(await read(id), { state: 'reviewing', escalatedAt: null });
  await world.travelTo('2035-03-04T08:00:00.000Z');
  t.like(await read(id), { state: 'reviewing', escalatedAt: '2035-03-04T08:00:00.000Z' });
  t.deepEqual(await sent(db, boss), ['Please review: project Iris', 'Still waiting: project Iris']);
  await world.halt();
  clock.set('2035-04-02T08:00:00.000Z');
  t.is((await read(id)).state, 'reviewing', 'nobody was there');
  await world.begin();
  await world.travelTo('2035-04-02T09:00:00.000Z');
  t.like(await read(id), { state: 'expired', decidedAt: '2035-03-31T08:00:00.000Z' });
  t.like(await readProject(projectId), { state: 'declined', stateReason: 'expired' });
  t.deepEqual(await sent(db, lead), ['Expired: project Iris']);
  const ledger = await ledgerOf(db, id);
  t.deepEqual(ledger.map(({ action, due }): [string, Instant | null] => [action, due]), [
    ['applications.apply', null],
    ['applications.escalate', '2035-03-04T08:00:00.000Z'],
    ['applications.expire', '2035-03-31T08:00:00.000Z'],
  ]);
  const handle = site.client.workflow.getHandle(`application/${id}`);
  t.is((await handle.describe()).status.name, 'COMPLETED');
  t.regex(String(await handle.result()), /\*\*Application\*\* \(project\).*: expired/);
  const actions = actionsOf(await handle.fetchHistory());
  t.true(actions <= 11, `${actions} actions`);
});

test.serial('reviews go on after Temporal has lost its database: one is approved, one is escalated and ends, each is told of once', async (t) => {
  t.timeout(300_000);
  const servers = await ownServers({ virtualTime: true });
  t.teardown(() => servers.stop());
  const site = await platform((config) => config, servers);
  t.teardown(() => site.end());
  const world = await projectSite(t, site, '2035-03-01T08:00:00.000Z');
  const { db, clock, organizationId, boss, lead } = world;
  const { project, approve, read, readProject } = applying(db, organizationId);
  const ada = reviewer(lead, 'engineer');
  const [kept, left] = [await project(ada, clock.now(), { name: 'Kept', endDate: '2035-12-31' }), await project(ada, clock.now(), { name: 'Left' })];
  await world.travelTo('2035-03-02T08:00:00.000Z');
  await world.halt();
  await servers.crashTemporal({ forget: true });
  // People decide while there is no engine.
  await approve(reviewer(boss, 'manager'), clock.now(), kept.id);
  await world.begin();
  await world.travelTo('2035-04-01T00:00:00.000Z');
  t.deepEqual([(await read(kept.id)).state, (await readProject(kept.projectId)).state], ['approved', 'active']);
  t.like(await read(left.id), { state: 'expired', escalatedAt: '2035-03-04T08:00:00.000Z', decidedAt: '2035-03-31T08:00:00.000Z' });
  t.deepEqual((await sent(db, boss)).toSorted(), ['Please review: project Kept', 'Please review: project Left', 'Still waiting: project Left']);
  t.deepEqual((await sent(db, lead)).toSorted(), ['Approved: project Kept', 'Expired: project Left']);
  t.is((await ledgerOf(db, left.id)).length, 3);
});
