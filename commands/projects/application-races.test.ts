import anyTest, { type TestFn } from 'ava';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import type { Application, ApplicationState } from '../../domain/projects/application.ts';
import type { ProjectState } from '../../domain/projects/project.ts';
import { actorOf, applySite, type ApplySite } from '../../tests/helpers/applications.ts';
import { freshDatabase, type FreshDatabase } from '../../tests/helpers/database.ts';
import type { ReviewDecision } from './application-approval.ts';
import { approveApplication, declineApplication, revokeApplication } from './application-decisions.ts';
import { advanceEntity } from '../shared/entity-commands.ts';
import { applicationEntity } from './application-entity.ts';

// Each test has an organization of its own in it.
const test = anyTest as TestFn<FreshDatabase>;

test.before(async (t) => {
  t.context = await freshDatabase();
});

test.after.always(async (t) => {
  await t.context.drop?.();
});

const at = '2026-12-01T08:00:00.000Z';
const later = '2026-12-02T08:00:00.000Z';
type Work = (tx: Transaction) => Promise<unknown>;

/** Runs `first` and holds its transaction open until `second` waits for a lock of it; then both end. */
async function overlapping(db: Database, first: Work, second: Work): Promise<PromiseSettledResult<unknown>> {
  const state = { done: false, outcome: Promise.resolve<PromiseSettledResult<unknown>[]>([]) };
  await inTransaction(db, async (tx) => {
    await first(tx);
    const [{ pid }] = (await tx.raw<{ rows: [{ pid: number }] }>('select pg_backend_pid() as pid')).rows;
    state.outcome = Promise.allSettled([inTransaction(db, second)]).finally(() => {
      state.done = true;
    });
    const waits = async (): Promise<boolean> => (await db.raw('select from pg_stat_activity where ? = any(pg_blocking_pids(pid))', [pid])).rows.length > 0;
    while (!state.done && !(await waits()));
  });
  const [outcome] = await state.outcome;
  if (outcome === undefined) throw new Error('the second did not run');
  return outcome;
}

const by = (reviewer: ApplySite['boss']): ReviewDecision => ({ at: later, by: actorOf(reviewer), reviewer });
const ref = ({ organizationId, id }: Application) => ({ organizationId, id });
const approve = (one: Application, who: ApplySite['boss']): Work => (tx) => approveApplication(tx, ref(one), '', by(who));
const decline = (one: Application, who: ApplySite['boss']): Work => (tx) => declineApplication(tx, ref(one), 'no', by(who));
const revoke = (one: Application, who: ApplySite['boss']): Work => (tx) => revokeApplication(tx, ref(one), by(who));
const expire = (one: Application): Work => (tx) => advanceEntity(tx, applicationEntity, ref(one), '2027-12-01T00:00:00.000Z');

const pairs: [string, ApplicationState, ProjectState, (one: Application, site: ApplySite) => [Work, Work]][] = [
  ['two managers approve', 'approved', 'active', (one, { boss, other }) => [approve(one, boss), approve(one, other)]],
  ['one manager approves while another declines', 'approved', 'active', (one, { boss, other }) => [approve(one, boss), decline(one, other)]],
  ['one manager declines while another approves', 'declined', 'declined', (one, { boss, other }) => [decline(one, boss), approve(one, other)]],
  ['a manager approves while the applicant revokes', 'approved', 'active', (one, { boss, ada }) => [approve(one, boss), revoke(one, ada)]],
  ['the applicant revokes while a manager approves', 'revoked', 'declined', (one, { boss, ada }) => [revoke(one, ada), approve(one, boss)]],
  ['a review expires while a manager approves', 'expired', 'declined', (one, { boss }) => [expire(one), approve(one, boss)]],
];

for (const [title, state, projectState, race] of pairs) {
  test(`${title}: the first wins, the other is told how it was decided`, async (t) => {
    const site = await applySite(t.context.db, at);
    const application = await site.project(site.ada, at);
    const outcome = await overlapping(site.db, ...race(application, site));
    t.like(outcome, { status: 'rejected', reason: { code: 'applications.decided', details: { state } } });
    t.is((await site.read(application.id)).state, state);
    t.is((await site.readProject(application.projectId)).state, projectState);
    const decided = (await site.mailsTo(site.ada)).filter((subject) => /^(Approved|Declined|Expired)/.test(subject));
    t.is(decided.length, state === 'revoked' ? 0 : 1);
    t.is((await site.db('project_quotas').where({ project_id: application.projectId })).length, projectState === 'active' ? 1 : 0);
  });
}

test('of two applications for the last GPU that are approved at once one has it, the other is told from when it fits', async (t) => {
  const site = await applySite(t.context.db, at);
  const { boss, other, ada } = site;
  await site.capacity('1', at);
  const [first, second] = [await site.project(ada, at), await site.project(ada, at)];
  const outcome = await overlapping(site.db, approve(first, boss), approve(second, other));
  // Thirty days from 1 December on, then fourteen days of buffer.
  t.like(outcome, { status: 'rejected', reason: { code: 'quotas.no-room', details: { first_fit: '2027-01-14T00:00:00.000Z', first_fit_date: '2027-01-14', time_zone: 'UTC' } } });
  t.is((await site.read(second.id)).state, 'reviewing');
  t.is((await site.readProject(second.projectId)).state, 'reviewing');
  t.is((await site.approve(other, '2027-01-14T00:00:00.000Z', second.id).catch((error: { code: string }) => error.code)), 'applications.decided', 'by then it has expired');
});

test('of two projects that ask for the last GPU besides one gets it', async (t) => {
  const site = await applySite(t.context.db, at);
  const { boss, other, ada } = site;
  await site.capacity('3', at);
  const projects = [await site.project(ada, at), await site.project(ada, at)];
  for (const { id } of projects) await site.approve(boss, at, id);
  const [one, two] = await Promise.all(projects.map(({ projectId }) => site.gpus(ada, at, projectId, '1')));
  if (one === undefined || two === undefined) throw new Error('both applied');
  const outcome = await overlapping(site.db, approve(one, boss), approve(two, other));
  t.like(outcome, { status: 'rejected', reason: { code: 'quotas.no-room' } });
  t.deepEqual([(await site.read(one.id)).state, (await site.read(two.id)).state], ['approved', 'reviewing']);
  t.is((await site.db('project_quotas').where({ organization_id: site.organizationId }).sum('gpu as gpu').first())?.gpu, '3.000000');
});

test('many who apply for one project’s extension at once leave one open application', async (t) => {
  const site = await applySite(t.context.db, at);
  const { id, projectId } = await site.project(site.ada, at);
  await site.approve(site.boss, at, id);
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => site.extension(site.ada, at, projectId, 7)));
  t.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const outcome of outcomes) if (outcome.status === 'rejected') t.is((outcome.reason as { code: string }).code, 'applications.already-open');
});

test('managers who decide on the same many at once, in any order, come to one decision each and to no deadlock', async (t) => {
  const site = await applySite(t.context.db, at);
  const { db, boss, other, ada, organizationId } = site;
  const applications = [];
  for (let count = 0; count < 6; count += 1) applications.push(await site.project(ada, at, { quota: { gpu: '0.125', cpu: '1', ram_gib: '1' } }));
  const before = await deadlocks(db);
  const single = applications.toReversed().flatMap((one) => [approve(one, boss), decline(one, other)]);
  const outcomes = await Promise.allSettled(single.map((work) => db.transaction(work)));
  t.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 6);
  t.is(await deadlocks(db), before);
  const states = await db('applications').where({ organization_id: organizationId }).orderBy('id').pluck<string[]>('state');
  t.true(states.every((state) => state === 'approved' || state === 'declined'));
  t.is((await db('ledger').where({ organization_id: organizationId }).whereIn('action', ['applications.approve', 'applications.decline'])).length, 6);
});

async function deadlocks(db: Database): Promise<number> {
  const { rows } = await db.raw<{ rows: [{ deadlocks: number }] }>('select deadlocks from pg_stat_database where datname = current_database()');
  return rows[0].deadlocks;
}
