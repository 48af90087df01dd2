import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { soak } from '../../tests/helpers/environment.ts';
import { plusMilliseconds, toInstant } from '../shared/time.ts';
import type { Instant } from '../shared/time.ts';
import { firesBetween, lastFireAtOrBefore, newestFire, nextFire, previewFires } from './recurrence.ts';
import type { Fire } from './recurrence.ts';
import { parseRule, POWER_ACTIONS, WEEKDAYS } from './schedule-rule.ts';
import type { RuleInput, ScheduleRule } from './schedule-rule.ts';
import { calendarFires } from './testing/calendar-fires.ts';
import { wallClockChanges, wallClockFires } from './testing/wall-clock.ts';
import { allZoneNames } from './testing/zone-names.ts';

const DAY_MS = 86_400_000;
const YEARS = 10;
/** Their clocks do what few others do. */
const ODD_ZONES = [
  'Pacific/Apia', 'Pacific/Kwajalein', 'Australia/Lord_Howe', 'Antarctica/Troll', 'Antarctica/Casey', 'America/St_Johns', 'America/Nuuk',
  'Africa/Casablanca', 'Africa/Cairo', 'Asia/Gaza', 'America/Santiago', 'Asia/Calcutta',
];
const everyZone = allZoneNames();

/** All in soak; else odd ones and every so-many-th of the others. */
function zonesToTry(odd: readonly string[], sample: number): string[] {
  if (soak) return everyZone;
  return [...odd, ...everyZone.filter((_, index) => index % Math.ceil(everyZone.length / sample) === 0)];
}

const minuteOfDay = fc.oneof(fc.integer({ min: 0, max: 240 }), fc.constantFrom(0, 1, 60, 120, 150, 180, 1380, 1410, 1439), fc.integer({ min: 0, max: 1439 }));

const triggers = fc.uniqueArray(
  fc.record({
    minute: minuteOfDay, action: fc.constantFrom(...POWER_ACTIONS),
    days: fc.oneof(fc.constant([...WEEKDAYS]), fc.subarray([...WEEKDAYS], { minLength: 1 })),
  }),
  { minLength: 1, maxLength: 6, selector: ({ minute }) => minute },
);

/** A decade from 1971 on, and a rule that may begin and end within it. */
const decades = fc.record({
  year: fc.oneof(fc.integer({ min: 1971, max: 2060 }), fc.integer({ min: 1985, max: 2026 })),
  triggers,
  skips: fc.array(fc.integer({ min: 0, max: 365 * YEARS }), { maxLength: 20 }),
  validity: fc.option(fc.tuple(fc.integer({ min: 0, max: 5_000_000 }), fc.integer({ min: 0, max: 5_000_000 })), { freq: 3 }),
  gap_policy: fc.constantFrom('gap_end', 'gap_end', 'skip'), overlap_policy: fc.constantFrom('first', 'second'),
  starts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 20, maxLength: 20 }),
});

type Decade = typeof decades extends fc.Arbitrary<infer T> ? T : never;

function ruleOf(timeZone: string, decade: Decade): ScheduleRule {
  const begin = Date.UTC(decade.year, 0, 1);
  const [from, length] = decade.validity ?? [];
  const input: RuleInput = {
    time_zone: timeZone,
    triggers: decade.triggers.map(({ minute, days, action }) => ({ time: `${Math.floor(minute / 60)}:${String(minute % 60).padStart(2, '0')}`, days, action })),
    skip_dates: [...new Set(decade.skips)].map((day) => toInstant(begin + day * DAY_MS).slice(0, 10)),
    valid_from: from === undefined ? null : toInstant(begin + from * 60_000),
    valid_until: from === undefined || length === undefined ? null : toInstant(begin + (from + length + 1) * 60_000),
    gap_policy: decade.gap_policy, overlap_policy: decade.overlap_policy,
  };
  return parseRule(input, '1970-01-01T00:00:00.000Z');
}

/** Throws at the first difference: a comparison of ten thousand fires by the test library would take its time. */
function expectSame(what: string, got: readonly Fire[] | Fire | null, expected: readonly Fire[] | Fire | null): void {
  if (isDeepStrictEqual(got, expected)) return;
  const [a, b] = [[got].flat(), [expected].flat()];
  const index = a.findIndex((fire, at) => !isDeepStrictEqual(fire, b[at]));
  const at = index === -1 ? a.length : index;
  throw new Error(`${what}: ${a.length} fires, ${b.length} expected; at ${at}: ${JSON.stringify(a[at])} instead of ${JSON.stringify(b[at])}`);
}

const all = { limit: Number.POSITIVE_INFINITY, withSuperseded: true };

function checkDecade(timeZone: string, decade: Decade): void {
  const rule = ruleOf(timeZone, decade);
  const [begin, end] = [Date.UTC(decade.year, 0, 1), Date.UTC(decade.year + YEARS, 0, 1)];
  const [after, upTo] = [toInstant(begin), toInstant(end)];
  const expected = calendarFires(rule, after, upTo);
  expectSame('fires of the decade', firesBetween(rule, after, upTo, all), expected);
  const acting = expected.filter(({ supersededBy }) => supersededBy === null);
  const instants = acting.map(({ at }) => at);
  if (new Set(instants).size !== instants.length) throw new Error('two fires act at one instant');
  expectSame('next after next', walk(rule, after, upTo), acting);
  expectSame('preview after preview', previewed(rule, after, upTo), expected);
  for (const [index, share] of decade.starts.entries()) {
    const at = toInstant(begin + Math.floor(share * (end - begin)));
    // Every other start is at a fire, or a millisecond beside one: where mistakes would be.
    const fire = instants[Math.floor(share * (instants.length - 1))];
    checkStart(rule, index % 2 === 0 || fire === undefined ? at : plusMilliseconds(fire, (index % 3) - 1), after, upTo, acting);
  }
}

function checkStart(rule: ScheduleRule, start: Instant, after: Instant, upTo: Instant, acting: readonly Fire[]): void {
  if (start <= after || start >= upTo) return;
  const next = acting.find(({ at }) => at > start) ?? null;
  const following = nextFire(rule, start);
  if (next !== null || (following !== null && following.at <= upTo)) expectSame(`next after ${start}`, following, next);
  const newest = acting.findLast(({ at }) => at <= start) ?? null;
  expectSame(`newest up to ${start}`, newestFire(rule, after, start), newest);
  expectSame(`none between two`, newest === null ? null : newestFire(rule, newest.at, start), null);
  const isValid = rule.validUntil === null || start < rule.validUntil;
  if (newest !== null) expectSame(`said at ${start}`, lastFireAtOrBefore(rule, start), isValid ? newest : null);
}

function walk(rule: ScheduleRule, after: Instant, upTo: Instant): Fire[] {
  const fires: Fire[] = [];
  for (let fire = nextFire(rule, after); fire !== null && fire.at <= upTo; fire = nextFire(rule, fire.at)) fires.push(fire);
  return fires;
}

function previewed(rule: ScheduleRule, after: Instant, upTo: Instant): Fire[] {
  const fires: Fire[] = [];
  for (let page = previewFires(rule, after, 997); page.length > 0 && (fires.at(-1)?.at ?? after) <= upTo;) {
    fires.push(...page);
    page = previewFires(rule, (page.at(-1) as Fire).at, 997);
  }
  return fires.filter(({ at }) => at <= upTo);
}

test('in ten years of a zone\'s clocks a preview shows what is fired from any instant, none twice and none missing', async (t) => {
  const zones = zonesToTry(ODD_ZONES.slice(0, 6), 4);
  for (const [index, zone] of zones.entries()) {
    await setImmediate(); // lets results through while this takes its minutes in soak
    fc.assert(fc.property(decades, (decade) => checkDecade(zone, decade)), { seed: 4_000 + index, numRuns: soak ? 4 : 1 });
  }
  t.log(`${zones.length} zones of ${everyZone.length}`);
  t.pass();
});

/** Days before and after a change that are watched; the whole day next to either end is calm. */
const WATCHED_DAYS = 2;
/** Minutes from a change. */
const STARTS = [-180, -60, -30, -1, -0.5, 0, 0.5, 1, 15, 29, 30, 31, 45, 59, 60, 61, 119, 120];

test('around clock changes the engine fires when a clock on the wall, read every minute, says so', async (t) => {
  let watched = 0;
  for (const [index, zone] of zonesToTry(ODD_ZONES, 8).entries()) {
    await setImmediate();
    // Before 1972 some clocks did not stand on whole minutes.
    const changes = wallClockChanges(zone, Date.UTC(soak ? 1973 : 2009, 0, 1), Date.UTC(soak ? 2037 : 2013, 0, 1));
    const watchedChanges = soak ? changes : changes.slice(-3);
    for (const [turn, { at }] of watchedChanges.entries()) {
      const from = toInstant(Math.floor(at / DAY_MS) * DAY_MS - WATCHED_DAYS * DAY_MS);
      const until = plusMilliseconds(from, (2 * WATCHED_DAYS + 1) * DAY_MS);
      fc.assert(fc.property(decades, (decade) => {
        const skipDates = decade.skips.slice(0, 1).map((day) => plusMilliseconds(from, (day % (2 * WATCHED_DAYS)) * DAY_MS).slice(0, 10));
        const rule = { ...ruleOf(zone, { ...decade, year: Number(from.slice(0, 4)), validity: null }), skipDates };
        const [before, upTo] = [plusMilliseconds(from, -1), plusMilliseconds(until, -1)];
        const expected = wallClockFires(rule, from, until);
        expectSame(`around ${toInstant(at)} in ${zone}`, firesBetween(rule, before, upTo, all), expected);
        const acting = expected.filter(({ supersededBy }) => supersededBy === null);
        for (const minutes of STARTS) checkStart(rule, toInstant(at + minutes * 60_000), before, upTo, acting);
      }), { seed: 5_000 + 100 * index + turn, numRuns: 1 });
      watched += 1;
    }
  }
  t.log(`${watched} clock changes`);
  t.true(watched > 10);
});
