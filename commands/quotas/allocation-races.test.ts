import test, { type ExecutionContext } from 'ava';
import { Big } from 'big.js';
import { connect, type Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { plainAmount } from '../../domain/quotas/amounts.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { soak } from '../../tests/helpers/environment.ts';
import { after, asActiveMember, by, gpus, quotaSite, QUOTA_START, type QuotaSite } from '../../tests/helpers/quotas.ts';
import { randomOf } from '../../tests/helpers/random.ts';
import { commitHold, holdQuota, releaseAllocation, renewHold } from './port.ts';
import { sweepAllocations } from './sweep-allocations.ts';

const RACERS = 100;
const ROUNDS = soak ? 60 : 1;
const CONNECTIONS = 20;
const QUOTA = '16';
const RACER = 'quota-racer';

/** Where a racer's allocation may be: more than one when nobody can know whether a request arrived. */
type Place = 'none' | 'held' | 'committed' | 'released';

interface Racer {
  jobId: string;
  amount: string;
  places: Set<Place>;
  id: string | null;
}

class ChangedMind extends Error {}

/** Takes a step; what became of it is only known when it was answered, or refused. */
async function step(racer: Racer, to: Place, act: () => Promise<unknown>): Promise<boolean> {
  const before = new Set(racer.places);
  racer.places.add(to);
  try {
    await act();
    racer.places = new Set([to]);
    return true;
  } catch (error) {
    // Refused or given up before the commit: certainly not done. A connection that broke may have broken after it.
    if (error instanceof ChangedMind || error instanceof DomainError) racer.places = before;
    else if (!isBroken(error)) throw error;
    return false;
  }
}

const BROKEN = /terminat|ECONNRESET|Connection ended|not queryable|socket|acquire|57P01/i;
const isBroken = (error: unknown): boolean => error instanceof Error && BROKEN.test(`${error.message} ${(error as { code?: string }).code ?? ''}`);

async function race(site: QuotaSite, db: Database, projectId: string, racer: Racer, random: () => number): Promise<string | null> {
  const { organizationId } = site;
  const decision = { at: QUOTA_START, by };
  const chance = (share: number): boolean => random() < share;
  let refusal: string | null = null;
  const attempt = async <T>(work: (tx: Parameters<typeof holdQuota>[0]) => Promise<T>) =>
    await inTransaction(db, async (tx) => {
      const result = await work(tx);
      if (chance(0.1)) throw new ChangedMind('changed its mind before the commit');
      return result;
    });
  for (let tries = 0; tries < 3 && racer.places.has('none'); tries += 1) {
    await step(racer, 'held', async () => {
      const held = await attempt((tx) => holdQuota(tx, site.wish(projectId, racer.jobId, gpus(racer.amount)), decision)).catch((error: unknown) => {
        if (error instanceof DomainError) refusal = `${error.code} ${JSON.stringify(error.details.free)}`;
        throw error;
      });
      racer.id = held.id;
    });
  }
  const { id } = racer;
  if (id === null || !racer.places.has('held')) return refusal;
  const ref = { organizationId, id };
  const use = { member: asActiveMember({ organizationId, projectId, userId: site.userId }), id };
  if (chance(0.3)) await step(racer, 'held', () => attempt((tx) => renewHold(tx, { ...use, expiresAt: after(1, 1) }, decision)));
  if (chance(0.6)) await step(racer, 'committed', () => attempt((tx) => commitHold(tx, use, decision)));
  if (chance(0.4)) await step(racer, 'released', () => attempt((tx) => releaseAllocation(tx, ref, decision)));
  return refusal;
}

/** Ends connections of racers at random points until it is told to stop. */
async function killUntil(db: Database, done: () => boolean): Promise<number> {
  let killed = 0;
  while (!done()) {
    const result = await db.raw<{ rows: unknown[] }>(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = ? and state <> 'idle' order by random() limit 1`,
      [RACER],
    );
    killed += result.rows.length;
    await db.raw(`select pg_sleep(0.02)`);
  }
  return killed;
}

/** Looks, in one snapshot each, whether the sums are those of the allocations and within the quota, until it is told to stop. */
async function watchUntil(site: QuotaSite, projectId: string, done: () => boolean): Promise<string[]> {
  const wrong: string[] = [];
  while (!done()) {
    const { row, allocations } = await site.sums(projectId);
    const total = new Big(row.held).plus(row.used);
    if (row.held !== allocations.held || row.used !== allocations.used || total.gt(QUOTA)) wrong.push(JSON.stringify({ row, allocations }));
  }
  return wrong;
}

for (let round = 0; round < ROUNDS; round += 1) {
  test.serial(`${RACERS} who want fractions at once, with connections killed, leave exact sums and nothing stuck (seed ${round})`, async (t) => {
    const site = await quotaSite(t);
    const random = randomOf(8_000 + round);
    const projectId = await site.granted(gpus(QUOTA));
    const racers: Racer[] = [];
    for (let index = 0; index < RACERS; index += 1) {
      racers.push({ jobId: await site.job(), amount: (Math.ceil(random() * 600_000) / 1_000_000).toFixed(6), places: new Set<Place>(['none']), id: null });
    }
    const pool = connect(site.url, { poolMax: CONNECTIONS, applicationName: RACER });
    // Its pool would tell of every connection that is killed here on purpose.
    pool.client.logger = { warn: () => undefined, error: () => undefined, debug: () => undefined, deprecate: () => undefined };
    const race1 = { done: false };
    const running = Promise.all(racers.map((racer) => race(site, pool, projectId, racer, random))).finally(() => {
      race1.done = true;
    });
    const [refusals, killed, wrong] = await Promise.all([running, killUntil(site.db, () => race1.done), watchUntil(site, projectId, () => race1.done)]);
    await pool.destroy();
    t.deepEqual(wrong, []);
    t.true(killed > 0, 'nobody was killed');
    t.true(refusals.some((refusal) => refusal?.startsWith('quotas.not-enough-free')), 'nobody was refused: the quota is too large for this test');
    await checkRows(t, site, projectId, racers);
    await sweepUp(t, site, projectId, racers);
  });
}

/** None lost, none twice, sums exact to the last digit. */
async function checkRows(t: ExecutionContext, site: QuotaSite, projectId: string, racers: readonly Racer[]): Promise<void> {
  const rows = await site.db('quota_allocations').where({ project_id: projectId }).select<{ owner_id: string; state: Place; gpu: string }[]>('owner_id', 'state', 'gpu');
  const sum = { held: new Big(0), committed: new Big(0), released: new Big(0), none: new Big(0) };
  for (const { jobId, places, amount } of racers) {
    const own = rows.filter((row) => row.owner_id === jobId);
    // One that broke off after its hold was written and tried again has that one, or none: never two.
    const open = own.filter((row) => row.state !== 'released');
    t.true(open.length <= 1 && own.length <= 1, `${jobId} has ${own.length} allocations`);
    const place = own[0]?.state ?? 'none';
    t.true(places.has(place), `${jobId} is ${place} and may be ${[...places].join(' or ')}`);
    if (own[0] !== undefined) t.is(plainAmount(own[0].gpu), plainAmount(amount));
    sum[place] = sum[place].plus(amount);
  }
  t.is(rows.length, racers.filter(({ jobId }) => rows.some((row) => row.owner_id === jobId)).length);
  const exact = { held: sum.held.toFixed(), used: sum.committed.toFixed() };
  t.deepEqual(await site.sums(projectId), { row: exact, allocations: exact });
}

/** Half of the owners end: what they have is freed, and every hold that nobody used. Then the others end. */
async function sweepUp(t: ExecutionContext, site: QuotaSite, projectId: string, racers: readonly Racer[]): Promise<void> {
  const half = racers.filter((_, index) => index % 2 === 0).map(({ jobId }) => jobId);
  await site.db('test_jobs').whereIn('id', half).update({ ended: true });
  await Promise.all([sweepAllocations(site.db, after(2)), sweepAllocations(site.db, after(2)), sweepAllocations(site.db, after(2))]);
  const left = await site.db('quota_allocations').whereNot('state', 'released').select<{ owner_id: string; state: string }[]>('owner_id', 'state');
  t.true(left.every((row) => row.state === 'committed' && !half.includes(row.owner_id)));
  const { row, allocations } = await site.sums(projectId);
  t.deepEqual(row, allocations);
  await site.db('test_jobs').update({ ended: true });
  await sweepAllocations(site.db, after(2));
  t.deepEqual((await site.sums(projectId)).row, { held: '0', used: '0' });
}
