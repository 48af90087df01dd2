import test from 'ava';
import { Big } from 'big.js';
import fc from 'fast-check';
import { soak } from '../../tests/helpers/environment.ts';
import type { CapacityAmounts, QuotaAmounts } from './amounts.ts';
import { endOf, planGrant, stepsOf, type NextPeriod, type PlannedGrant } from './plan.ts';

const ORIGIN = Date.UTC(2026, 10, 1);
const hour = (value: number): string => new Date(ORIGIN + value * 3_600_000).toISOString();
/** The world is so short that every hour of it can be looked at. */
const HOURS = 24 * 6;
const NOW = 24;

const tenths = (value: number): string => new Big(value).div(10).toFixed();
const amounts = (gpu: number, cpu: number): QuotaAmounts => ({ gpu: tenths(gpu), cpu: tenths(cpu), ram_gib: '0' });
const grantOf = (projectId: string, gpu: number, since: number, until: number, releasedAt: number | null = null): PlannedGrant => ({
  projectId, amounts: amounts(gpu, gpu), since: hour(since), until: hour(until), releasedAt: releasedAt === null ? null : hour(releasedAt),
});

const period = fc.tuple(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 1, max: 40 }));
const anyGrant = fc.record({ gpu: fc.integer({ min: 0, max: 12 }), cpu: fc.integer({ min: 0, max: 12 }), period });
const anyCapacity = fc.record({ gpu: fc.option(fc.integer({ min: 8, max: 30 }), { nil: null }), cpu: fc.integer({ min: 8, max: 30 }) });
type AnyGrant = { gpu: number; cpu: number; period: [number, number] };

const made = (grants: readonly AnyGrant[]): PlannedGrant[] =>
  grants.map(({ gpu, cpu, period: [since, length] }, index) => ({ ...grantOf(`p${index}`, 0, since, since + length), amounts: amounts(gpu, cpu) }));
const capacityOf = ({ gpu, cpu }: { gpu: number | null; cpu: number }): CapacityAmounts => ({ gpu: gpu === null ? null : tenths(gpu), cpu: tenths(cpu), ram_gib: '1' });

/** What is granted of a kind in an hour, found by asking everybody. */
function sumIn(grants: readonly PlannedGrant[], kind: 'gpu' | 'cpu', at: number): Big {
  return grants
    .filter((grant) => grant.since <= hour(at) && endOf(grant, hour(NOW)) > hour(at))
    .reduce((sum, grant) => sum.plus(grant.amounts[kind] ?? 0), new Big(0));
}

function fitsIn(grants: readonly PlannedGrant[], capacity: CapacityAmounts, wish: QuotaAmounts, at: number): boolean {
  return (['gpu', 'cpu'] as const).every((kind) => capacity[kind] === null || sumIn(grants, kind, at).plus(wish[kind] ?? 0).lte(capacity[kind]));
}

const hoursFrom = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);

test('steps have no gaps, and each has the exact sum of those who are there', (t) => {
  fc.assert(
    fc.property(fc.array(anyGrant, { maxLength: 10 }), period, (wishes, [start, length]) => {
      const grants = made(wishes);
      const steps = stepsOf(grants, { from: hour(start), to: hour(start + length) }, hour(NOW));
      const touching = steps.every((step, index) => step.from < step.to && (index === 0 ? step.from === hour(start) : steps[index - 1]?.to === step.from));
      const exact = hoursFrom(start, start + length).every((at) => {
        const step = steps.find(({ from, to }) => from <= hour(at) && hour(at) < to);
        return step !== undefined && sumIn(grants, 'gpu', at).eq(step.granted.gpu) && sumIn(grants, 'cpu', at).eq(step.granted.cpu);
      });
      return touching && exact && steps.at(-1)?.to === hour(start + length);
    }),
    { seed: 20_261_121, numRuns: soak ? 20_000 : 400 },
  );
  t.pass();
});

test('a new grant fits exactly when it does in every hour, and else is told the first hour from which all of it does', (t) => {
  fc.assert(
    fc.property(fc.array(anyGrant, { maxLength: 10 }), anyCapacity, anyGrant, (wishes, most, { gpu, cpu, period: [offset, length] }) => {
      const [others, capacity, wish, from] = [made(wishes), capacityOf(most), amounts(gpu, cpu), NOW + (offset % 48)];
      const fitsFrom = (start: number): boolean => hoursFrom(start, start + length).every((at) => fitsIn(others, capacity, wish, at));
      const answer = planGrant(others, capacity, { amounts: wish, from: hour(from), to: hour(from + length), instead: null }, hour(NOW));
      if (fitsFrom(from) !== answer.fits) return false;
      if (answer.fits) return true;
      const first = hoursFrom(from, HOURS * 2).find(fitsFrom);
      const until = hoursFrom(from, from + length).find((at) => !fitsIn(others, capacity, wish, at));
      return answer.firstFit === (first === undefined ? null : hour(first)) && answer.fitsUntil === (until === from || until === undefined ? null : hour(until));
    }),
    { seed: 4_711, numRuns: soak ? 40_000 : 600 },
  );
  t.pass();
});

/** Projects that begin at midnight and end at midnight. */
const days = (count: number): NextPeriod => (earliest) => {
  const start = Math.ceil((Date.parse(earliest) - ORIGIN) / 86_400_000) * 24;
  return { from: hour(start), to: hour(start + count * 24) };
};

test('whoever begins at midnights is told the first midnight from which the days fit', (t) => {
  fc.assert(
    fc.property(fc.array(anyGrant, { maxLength: 10 }), anyCapacity, anyGrant, fc.integer({ min: 1, max: 3 }), (wishes, most, { gpu, cpu }, count) => {
      const [others, capacity, wish] = [made(wishes), capacityOf(most), amounts(gpu, cpu)];
      const fitsFrom = (start: number): boolean => hoursFrom(start, start + count * 24).every((at) => fitsIn(others, capacity, wish, at));
      const answer = planGrant(others, capacity, { amounts: wish, from: hour(NOW), to: hour(NOW + count * 24), instead: null }, hour(NOW), days(count));
      if (answer.fits) return fitsFrom(NOW);
      const first = [...Array(20).keys()].map((day) => NOW + day * 24).find(fitsFrom);
      return answer.firstFit === (first === undefined ? null : hour(first));
    }),
    { seed: 99, numRuns: soak ? 20_000 : 400 },
  );
  t.pass();
});

test('a change is judged only where it asks for more than the project has', (t) => {
  fc.assert(
    fc.property(fc.array(anyGrant, { maxLength: 10 }), anyCapacity, anyGrant, fc.integer({ min: 0, max: 12 }), fc.integer({ min: -10, max: 30 }), (wishes, most, had, gpu, longer) => {
      const [others, capacity] = [made(wishes), capacityOf(most)];
      const [own] = made([had]);
      if (own === undefined) return false;
      const [since, end] = [had.period[0], had.period[0] + had.period[1]];
      const until = Math.max(end + longer, since + 1, NOW + 1);
      const wish = amounts(gpu, had.cpu);
      const answer = planGrant(others, capacity, { amounts: wish, from: own.since, to: hour(until), instead: own }, hour(NOW));
      const mayStand = hoursFrom(Math.max(since, NOW), until).every((at) => {
        const hadThen = hour(at) < endOf(own, hour(NOW));
        return (['gpu', 'cpu'] as const).every((kind) => {
          const limit = capacity[kind];
          const more = new Big(wish[kind] ?? 0).gt(hadThen ? (own.amounts[kind] ?? 0) : 0);
          return !more || limit === null || sumIn(others, kind, at).plus(wish[kind] ?? 0).lte(limit);
        });
      });
      return answer.fits === mayStand;
    }),
    { seed: 31, numRuns: soak ? 40_000 : 600 },
  );
  t.pass();
});

test('what overran is in the way now and for a day, and what was released is not', (t) => {
  const capacity = { gpu: '1', cpu: null, ram_gib: null };
  const late = grantOf('late', 10, 0, 10);
  const wish = { amounts: amounts(10, 0), from: hour(NOW), to: hour(NOW + 5), instead: null };
  t.like(planGrant([late], capacity, wish, hour(NOW)), { fits: false, firstFit: hour(NOW + 24), fitsUntil: null });
  t.true(planGrant([grantOf('over', 10, 0, 100, 20)], capacity, wish, hour(NOW)).fits);
});

test('a raise of what has begun is told from when the rest of it fits, or never', (t) => {
  const capacity = { gpu: '3', cpu: null, ram_gib: null };
  const own = grantOf('own', 10, 0, 100);
  const raise = { amounts: amounts(20, 0), from: hour(0), to: hour(100), instead: own };
  t.like(planGrant([grantOf('other', 20, 0, 50)], capacity, raise, hour(NOW)), { fits: false, firstFit: hour(50) });
  t.like(planGrant([grantOf('other', 20, 0, 200)], capacity, raise, hour(NOW)), { fits: false, firstFit: null });
  const extension = { amounts: amounts(10, 0), from: hour(0), to: hour(130), instead: own };
  t.like(planGrant([grantOf('other', 30, 110, 120)], capacity, extension, hour(NOW)), {
    fits: false, fitsUntil: hour(110), firstFit: hour(120), conflicts: [{ from: hour(110), to: hour(120), kinds: ['gpu'] }],
  });
});

test('no limit fits only where there is none', (t) => {
  const wish = { amounts: { gpu: '1', cpu: null, ram_gib: null }, from: hour(NOW), to: hour(NOW + 1), instead: null };
  t.true(planGrant([], { gpu: '1', cpu: null, ram_gib: null }, wish, hour(NOW)).fits);
  t.like(planGrant([], { gpu: '1', cpu: '100', ram_gib: null }, wish, hour(NOW)), { fits: false, firstFit: null });
});
