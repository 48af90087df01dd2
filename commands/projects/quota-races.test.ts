import test from 'ava';
import { Big } from 'big.js';
import { getCapacity } from '../../db/quotas/capacity-store.ts';
import { unreleasedGrants } from '../../db/quotas/quota-store.ts';
import { connect, type Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Application } from '../../domain/projects/application.ts';
import { endOf, stepsOf } from '../../domain/quotas/plan.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { plusDays, type Instant } from '../../domain/shared/time.ts';
import { actorOf, applying, applySite, projectWish, type ApplySite } from '../../tests/helpers/applications.ts';
import { freshDatabase } from '../../tests/helpers/database.ts';
import { soak } from '../../tests/helpers/environment.ts';
import { randomOf } from '../../tests/helpers/random.ts';
import { approveApplication } from './application-decisions.ts';
import { applyForProject } from './application-requests.ts';

const AT: Instant = '2026-12-01T08:00:00.000Z';
const TODAY = '2026-12-01';
const APPLICATIONS = soak ? 100 : 20;
const SEEDS = soak ? 20 : 1;
const RACER = 'approval-racer';

/** Ends the connections of racers at random points until it is told to stop. */
async function killUntil(db: Database, done: () => boolean): Promise<void> {
  while (!done()) {
    await db.raw(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = ? and state <> 'idle' order by random() limit 1`,
      [RACER],
    );
    await db.raw('select pg_sleep(0.1)');
  }
}

/** Does it again until somebody answers: what a person at a broken connection does. */
async function untilAnswered(work: () => Promise<unknown>): Promise<DomainError | null> {
  for (;;) {
    try {
      await work();
      return null;
    } catch (error) {
      if (error instanceof DomainError) return error;
      if (!(error instanceof Error) || !/terminat|ECONNRESET|ended|queryable|socket/i.test(error.message)) throw error;
    }
  }
}

interface Wish {
  application: Application;
  gpu: string;
  startDate: string;
  days: number;
}

async function applications(site: ApplySite, random: () => number): Promise<Wish[]> {
  const wishes: Wish[] = [];
  for (let count = 0; count < APPLICATIONS; count += 1) {
    const gpu = (Math.ceil(random() * 8) / 8).toFixed(3);
    const [startDate, days] = [plusDays(TODAY, Math.floor(random() * 40)), 1 + Math.floor(random() * 30)];
    const quota = { gpu, cpu: '1', ram_gib: '1' };
    wishes.push({ application: await site.project(site.ada, AT, { quota, startDate, endDate: plusDays(startDate, days - 1) }), gpu, startDate, days });
  }
  return wishes;
}

for (let seed = 0; seed < SEEDS; seed += 1) {
  test.serial(`${APPLICATIONS} approvals for the last GPUs at once, with connections killed, never grant more than there is (seed ${seed})`, async (t) => {
    t.timeout(soak ? 3_600_000 : 180_000);
    const { db, url, drop } = await freshDatabase();
    t.teardown(drop);
    const site = await applySite(db, AT);
    await site.capacity('3', AT);
    const wishes = await applications(site, randomOf(600 + seed));
    const pool = connect(url, { poolMax: 10, applicationName: RACER });
    // It would tell of every connection that is killed here on purpose.
    pool.client.logger = { warn: () => undefined, error: () => undefined, debug: () => undefined, deprecate: () => undefined };
    const racing = applying(pool, site.organizationId);
    const state = { done: false };
    const reviewed = wishes.map(({ application }, index) => untilAnswered(() => racing.approve(index % 2 === 0 ? site.boss : site.other, AT, application.id)));
    // Meanwhile somebody tries to take back what is being given away.
    const lowered = ['2.5', '3.125', '2'].map((gpu) => untilAnswered(() => racing.capacity(gpu, AT)));
    const [refusals, capacities] = await Promise.all([
      Promise.all(reviewed), Promise.all(lowered), killUntil(db, () => state.done), Promise.allSettled([...reviewed, ...lowered]).then(() => { state.done = true; }),
    ]);
    await pool.destroy();
    // Whoever was asked twice because the first answer was lost is told that it is decided.
    t.deepEqual([...new Set(refusals.flatMap((error) => (error === null ? [] : [error.code])))].filter((code) => !['quotas.no-room', 'applications.decided'].includes(code)), []);
    t.deepEqual(capacities.filter((error) => error !== null && error.code !== 'quotas.capacity-below-granted'), []);
    t.true(refusals.some((error) => error?.code === 'quotas.no-room'), 'all of them fitted');
    await checkPlan(t, site);
    const waiting = await checkRows(t, site, wishes);
    let told = 0;
    for (const wish of waiting) if (told < 5 && (await checkFirstFit(t, site, wish))) told += 1;
    t.true(told > 0, 'nobody was told a date');
    await checkPlan(t, site);
  });
}

/** At every instant what is granted is at most what there is. */
async function checkPlan(t: { true(value: boolean, message: string): void }, { db, organizationId }: ApplySite): Promise<void> {
  const capacity = (await getCapacity(db, organizationId))?.amounts.gpu ?? '0';
  const grants = await unreleasedGrants(db, organizationId);
  const end = grants.map((grant) => endOf(grant, AT)).toSorted().at(-1) ?? AT;
  const steps = stepsOf(grants, { from: AT, to: end }, AT);
  t.true(steps.length > 0, 'nobody has anything');
  for (const { from, granted } of steps) t.true(new Big(granted.gpu).lte(capacity), `${granted.gpu} of ${capacity} GPUs from ${from} on`);
}

/** Approved, and has its quota; or under review, and has none. Answers with the latter. */
async function checkRows(t: { deepEqual(actual: unknown, expected: unknown): unknown }, site: ApplySite, wishes: readonly Wish[]): Promise<Wish[]> {
  const grants = new Map((await unreleasedGrants(site.db, site.organizationId)).map((grant) => [grant.projectId, grant.amounts.gpu]));
  const waiting: Wish[] = [];
  for (const wish of wishes) {
    const { state, projectId } = await site.read(wish.application.id);
    const project = await site.readProject(projectId);
    const approved = state === 'approved';
    t.deepEqual([state, project.state, grants.get(projectId)], approved ? ['approved', wish.startDate > TODAY ? 'scheduled' : 'active', new Big(wish.gpu).toFixed()] : ['reviewing', 'reviewing', undefined]);
    if (!approved) waiting.push(wish);
  }
  return waiting;
}

/**
 * Who is refused is told a date: applied for then it is approved, and a day before it is not. Who was refused before the
 * capacity moved up again may fit now, and is told none.
 */
async function checkFirstFit(t: { is(actual: unknown, expected: unknown, message?: string): unknown }, site: ApplySite, wish: Wish): Promise<boolean> {
  const refusal = await untilAnswered(() => site.approve(site.boss, AT, wish.application.id));
  if (refusal === null) return false;
  const date = refusal.details.first_fit_date;
  t.is(refusal.code, 'quotas.no-room');
  if (typeof date !== 'string') throw new Error('it is told no date');
  t.is(await outcomeOf(site, wish, date), 'approved', `from ${date} on`);
  if (date > plusDays(wish.startDate, 1)) t.is(await outcomeOf(site, wish, plusDays(date, -1)), 'quotas.no-room', `the day before ${date}`);
  return true;
}

class Undo extends Error {}

/** What would become of the same wish from another day on; nothing stays of it. */
async function outcomeOf({ db, organizationId, ada, boss }: ApplySite, { gpu, days }: Wish, startDate: string): Promise<string> {
  let outcome = '';
  await inTransaction(db, async (tx) => {
    const quota = { gpu, cpu: '1', ram_gib: '1' };
    const request = { ...projectWish(organizationId, ada, AT), quota, startDate, endDate: plusDays(startDate, days - 1) };
    const { id } = await applyForProject(tx, request, { at: AT, by: actorOf(ada), applicant: ada });
    outcome = await approveApplication(tx, { organizationId, id }, '', { at: AT, by: actorOf(boss), reviewer: boss }).then(
      ({ state }) => state,
      (error: unknown) => (error instanceof DomainError ? error.code : Promise.reject(error)),
    );
    throw new Undo();
  }).catch((error: unknown) => {
    if (!(error instanceof Undo)) throw error;
  });
  return outcome;
}
