import test, { type ExecutionContext } from 'ava';
import { projectEntity } from '../../commands/projects/project-entity.ts';
import { advanceEntity } from '../../commands/shared/entity-commands.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { entities } from '../../workers/dependencies.ts';
import { sweepDue } from '../../workers/due-sweep.ts';
import { insertPerson } from '../helpers/bookings.ts';
import { anOrganization } from '../helpers/connect.ts';
import { freshDatabase } from '../helpers/database.ts';
import { dyingDatabase } from '../helpers/dying-database.ts';
import { soak } from '../helpers/environment.ts';
import { bookForProject } from '../helpers/project-bookings.ts';
import { anApprovedProject } from '../helpers/projects.ts';

const APPLIED = '2035-01-01T00:00:00.000Z';
const BEGINS = '2035-02-01T00:00:00.000Z';
const ENDS = '2035-04-01T00:00:00.000Z';
const LATER = '2035-04-01T00:00:07.000Z';
const clock = { now: () => LATER };

interface Fleet {
  db: Database;
  url: string;
  organizationId: string;
  lead: string;
  /** Active projects that end at ENDS, by their ids. */
  ending: string[];
}

async function fleet(t: ExecutionContext, count: number): Promise<Fleet> {
  const { db, url, drop } = await freshDatabase();
  t.teardown(drop);
  return { ...(await organizationWith(db, count)), db, url };
}

async function organizationWith(db: Database, count: number): Promise<Pick<Fleet, 'organizationId' | 'lead' | 'ending'>> {
  const organizationId = await anOrganization({ db });
  const leads = await Promise.all([1, 2, 3].map(async () => (await insertPerson(db, organizationId, 'member', APPLIED)).userId));
  const ending: string[] = [];
  for (let number = 0; number < count; number += 1) {
    const { id } = await anApprovedProject(db, { organizationId, name: `Project ${number}`, managers: leads.slice(number % 3, (number % 3) + 1), warnDays: [] }, APPLIED);
    await look({ db, organizationId }, id, BEGINS);
    ending.push(id);
  }
  return { organizationId, lead: leads[0] as string, ending };
}

async function look({ db, organizationId }: Pick<Fleet, 'db' | 'organizationId'>, id: string, at = LATER): Promise<void> {
  await inTransaction(db, (tx) => advanceEntity(tx, projectEntity, { organizationId, id }, at));
}

/** Everything that the end of an organization's projects wrote, without what tells two organizations apart. */
async function written({ db }: Pick<Fleet, 'db'>, organizationId: string): Promise<unknown[]> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `select p.name, to_jsonb(p) - array['id', 'organization_id', 'code', 'name', 'created_by'] as project,
       (select jsonb_agg(jsonb_build_object('action', l.action, 'at', l.at, 'due', l.due_at, 'by', l.actor_name,
          'before', l.before - array['id', 'organizationId', 'code', 'managers', 'createdBy'], 'after', l.after - array['id', 'organizationId', 'code', 'managers', 'createdBy']) order by l.id)
        from ledger l where l.subject = p.id) as ledger,
       (select jsonb_agg(jsonb_build_array(replace(m.subject, p.code, ''), replace(m.body, p.code, ''), m.state, (select count(*) from wake_ups w where w.entity_id = m.id)))
        from mails m where m.organization_id = p.organization_id and m.subject like '%(' || p.code || ')%') as mails
     from projects p where p.organization_id = ? order by p.name`,
    [organizationId],
  );
  return rows;
}

async function states({ db, organizationId }: Pick<Fleet, 'db' | 'organizationId'>): Promise<Record<string, number>> {
  const rows = await db('projects').where('organization_id', organizationId).groupBy('state').select('state').count<{ state: string; count: number }[]>('* as count');
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

/** Each of them expired once, and its manager has one mail of it. */
async function refuseDoubles(t: ExecutionContext, { db, organizationId, ending }: Fleet): Promise<void> {
  const expired = await db('ledger').where({ organization_id: organizationId, action: 'projects.expire' }).pluck<string[]>('subject');
  t.deepEqual(expired.toSorted(), ending.toSorted());
  const mails = await db('mails').where('organization_id', organizationId).pluck<string[]>('message_key');
  t.is(mails.length, ending.length);
}

test('projects that end together are moved as their own looks would move them, in few statements', async (t) => {
  const swept = await fleet(t, 60);
  const { db } = swept;
  const looked = await organizationWith(db, 60);
  for (const id of looked.ending) await look({ db, organizationId: looked.organizationId }, id);
  const wakeUps = await db('wake_ups').where('kind', 'project').delete();
  t.true(wakeUps > 0);
  const counting = dyingDatabase(swept.url, Number.MAX_SAFE_INTEGER);
  t.teardown(() => counting.end());
  t.is(await sweepDue({ db: counting.db, clock, entities }), 60);
  t.true(counting.statements() < 60, `${counting.statements()} statements for sixty projects`);
  t.deepEqual(await states(swept), { buffer: 60 });
  t.deepEqual(await written(swept, swept.organizationId), await written(swept, looked.organizationId));
  t.deepEqual(await db('wake_ups').where('kind', 'project'), [], 'their workflows look by themselves at this instant');
  await refuseDoubles(t, swept);
  t.is(await sweepDue({ db, clock, entities }), 0);
});

test('few are left to their workflows, and of many what takes locks of its own', async (t) => {
  const site = await fleet(t, 49);
  const { db, organizationId, lead } = site;
  t.is(await sweepDue({ db, clock, entities }), 0);
  t.deepEqual(await states(site), { active: 49 });
  const [booked, held] = await Promise.all(['Booked', 'Held'].map(async (name) => {
    const { id } = await anApprovedProject(db, { organizationId, name, managers: [lead], warnDays: [] }, APPLIED);
    await look(site, id, BEGINS);
    return id;
  }));
  if (booked === undefined || held === undefined) throw new Error('two projects were made');
  await bookForProject(db, { organizationId, id: booked }, lead, { count: 1, since: ENDS, at: BEGINS });
  const { id: starts } = await anApprovedProject(db, { organizationId, name: 'Starts', managers: [lead], startDate: '2035-04-01', endDate: '2035-05-01', warnDays: [] }, APPLIED);
  t.is(await sweepDue({ db, clock, entities }), 50, 'and does not stop before the last of them');
  t.deepEqual(await states(site), { buffer: 50, active: 1, scheduled: 1 });
  for (const id of [booked, starts]) await look(site, id);
  t.deepEqual(await states(site), { buffer: 51, active: 1 });
  t.deepEqual(await db('bookings').distinct().pluck('end_reason'), ['project-ended']);
});

test('who holds a project is not waited for', async (t) => {
  const site = await fleet(t, 60);
  const { db, ending } = site;
  await inTransaction(db, async (tx) => {
    await tx('projects').where('id', ending[30]).forUpdate().first('id');
    t.is(await sweepDue({ db, clock, entities }), 59);
  });
  t.deepEqual(await states(site), { buffer: 59, active: 1 });
  await look(site, ending[30] as string);
  await refuseDoubles(t, site);
});

test('rows that look due and do not move do not keep a sweep busy', async (t) => {
  const site = await fleet(t, 55);
  const { db } = site;
  await db('projects').update({ next_due_at: BEGINS });
  t.is(await sweepDue({ db, clock: { now: () => '2035-02-02T00:00:00.000Z' }, entities }), 0);
  t.deepEqual(await states(site), { active: 55 });
});

test('sweeps beside each other and beside the looks of all the workflows move each once', async (t) => {
  const site = await fleet(t, 60);
  const { db, ending } = site;
  const sweeps = [1, 2].map(() => sweepDue({ db, clock, entities }));
  await Promise.all([...sweeps, ...ending.map((id) => look(site, id))]);
  t.deepEqual(await states(site), { buffer: 60 });
  await refuseDoubles(t, site);
});

test('a sweep killed before any of its statements leaves whole portions, and the next one moves the rest', async (t) => {
  t.timeout(soak ? 3_600_000 : 120_000);
  const site = await fleet(t, 110);
  let killed = 0;
  for (let cut = 1; ; cut += soak ? 1 : 5) {
    const dying = dyingDatabase(site.url, cut);
    const moved = await sweepDue({ db: dying.db, clock, entities }).catch(() => null);
    await dying.end();
    const { active = 0, buffer = 0 } = await states(site);
    t.true([0, 50, 100, 110].includes(buffer), `${buffer} are in their buffers`);
    t.is(active + buffer, 110);
    if (moved === null) killed += 1;
    if (active === 0) break;
    // Less than a portion is their workflows' to move.
    if (active < 50 && moved !== null) break;
  }
  t.true(killed >= 2, `it was killed ${killed} times`);
  for (const id of site.ending) await look(site, id);
  t.deepEqual(await states(site), { buffer: 110 });
  await refuseDoubles(t, site);
});
