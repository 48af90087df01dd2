import test from 'ava';
import { extendProject } from '../../commands/projects/decide-on-project.ts';
import { editProject } from '../../commands/projects/edit-project.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { actionsOf, activityTypes, historiesOf, recordHistory, replay } from '../helpers/histories.ts';
import { platform } from '../helpers/platform.ts';
import { bookForProject } from '../helpers/project-bookings.ts';
import { projectSite } from '../helpers/projects.ts';

/** Events that a run of a project's history may have. */
const BUDGET = 1_000;
const FIVE_YEARS = 5 * 365;

test('a project of five years with two hundred edits keeps its history short, edits cost it nothing, and it replays', async (t) => {
  t.timeout(300_000);
  const site = await platform();
  t.teardown(() => site.end());
  const world = await projectSite(t, site, '2035-01-20T00:00:00.000Z');
  const { db } = world;
  const { id } = await world.project({ startDate: '2035-02-01', endDate: '2036-01-31' });
  const short = await world.project({ startDate: '2035-02-01', endDate: '2035-02-28' });
  const begin = world.clock.now();
  for (let edit = 0; edit < 200; edit += 1) {
    // Every fortieth edit moves the end by a year; the others move no deadline.
    if (edit % 40 === 39) await inTransaction(db, (tx) => extendProject(tx, world.ref(id), { days: 365, applicationId: null }, world.decision()));
    else await inTransaction(db, (tx) => editProject(tx, world.ref(id), { name: `Edit ${edit}` }, world.decision()));
    if (edit % 10 === 9) await world.travelTo(plusMilliseconds(begin, Math.floor((FIVE_YEARS * (edit + 1)) / 200) * 86_400_000 - 86_400_000 * 5));
  }
  t.is((await world.read(id)).name, 'Edit 198');
  t.like(await world.read(short.id), { state: 'released' });
  await world.travelTo('2041-03-01T00:00:00.000Z');
  t.is((await world.read(id)).state, 'released');
  const histories = await historiesOf(site, `project/${id}`);
  for (const history of histories) {
    const events = history.events?.length ?? 0;
    t.true(events < BUDGET, `${events} events`);
    await replay(history, `project/${id}`);
  }
  const looks = (await activityTypes(site.client.workflow.getHandle(`project/${id}`))).filter((type) => type === 'advance').length;
  t.true(looks <= 40, `${looks} looks: those of its dates and notices, and of five decisions that moved them`);
  const [life] = await historiesOf(site, `project/${short.id}`);
  if (life === undefined) throw new Error('it has no history');
  t.true(actionsOf(life) <= 30, `${actionsOf(life)} actions: each of ten deadlines takes a timer and a look`);
  await replay(life, `project/${short.id}`);
  recordHistory('project', life);
});

test('a project with many bookings ends them within its budget: the first with its end, the others by one act, and it replays', async (t) => {
  t.timeout(300_000);
  const site = await platform();
  t.teardown(() => site.end());
  const world = await projectSite(t, site, '2035-01-20T00:00:00.000Z');
  const { db, organizationId, lead } = world;
  const { id } = await world.project({ startDate: '2035-02-01', endDate: '2035-02-28', warnDays: [] });
  await world.travelTo('2035-02-27T00:00:00.000Z');
  // A mail a booking is another workflow's work, and told of elsewhere.
  await db('mailboxes').update({ notices: false });
  await bookForProject(db, { organizationId, id }, lead, { count: 60, since: '2035-03-01T00:00:00.000Z', at: world.clock.now() });
  await world.travelTo('2035-03-01T00:00:00.000Z');
  t.is((await world.read(id)).state, 'buffer');
  t.deepEqual(await db('bookings').where('project_id', id).distinct().pluck('end_reason'), ['project-ended']);
  const [history] = await historiesOf(site, `project/${id}`);
  if (history === undefined) throw new Error('it has no history');
  t.deepEqual((await activityTypes(site.client.workflow.getHandle(`project/${id}`))).filter((type) => type !== 'advance'), ['endBookings']);
  t.true(actionsOf(history) <= 16, `${actionsOf(history)} actions: to those of any project a signal, its look and the act`);
  await replay(history, `project/${id}`);
});
