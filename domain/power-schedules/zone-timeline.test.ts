import test from 'ava';
import { soak } from '../../tests/helpers/environment.ts';
import { wallClock, wallClockChanges } from './testing/wall-clock.ts';
import { allZoneNames } from './testing/zone-names.ts';
import { calmDaysAround, clockChangesBetween, DAY_MS, instantOf, offsetAt, spansOf, startOfLocalDay, zoneName } from './zone-timeline.ts';

const zones = allZoneNames();

test('a zone keeps the spelling of the database, an alias stays what it is', (t) => {
  const names: [string, string | null][] = [
    ['Europe/Berlin', 'Europe/Berlin'], ['europe/berlin', 'Europe/Berlin'], ['ASIA/KOLKATA', 'Asia/Kolkata'], ['Asia/Calcutta', 'Asia/Calcutta'],
    ['us/eastern', 'US/Eastern'], ['Europe/Kyiv', 'Europe/Kyiv'], ['utc', 'UTC'], ['etc/gmt-2', 'Etc/GMT-2'], ['gb-eire', 'GB-Eire'],
    ['america/port_of_spain', 'America/Port_of_Spain'], ['america/argentina/comodrivadavia', 'America/Argentina/ComodRivadavia'],
    ['+02:00', null], ['-0530', null], ['UTC+2', null], ['Z', null], ['', null], [' UTC', null], ['PST', null], ['Factory', null],
    ['Mars/Olympus', null], ['Europe/Berlin\u0000', null], ['../../etc/passwd', null],
  ];
  for (const [given, kept] of names) t.is(zoneName(given), kept, given);
  for (const zone of zones) {
    t.is(zoneName(zone), zone);
    t.is(zoneName(zone.toLowerCase()), zone);
  }
});

test('the spans of a year are those of a clock that is read every day', (t) => {
  // Beyond 2037 as well, where the time zone files of many systems end.
  const years = soak ? [...Array.from({ length: 68 }, (_, index) => 1970 + index), 2090, 2400] : [1993, 2011, 2026];
  const tried = soak ? zones : zones.filter((_, index) => index % 16 === 0);
  let changes = 0;
  for (const zone of tried) {
    const clock = wallClock(zone);
    for (const year of years) {
      const spans = spansOf(zone, year);
      const [first, last] = [spans[0], spans.at(-1)];
      if (first === undefined || last === undefined) throw new Error(`${zone} has no spans in ${year}`);
      t.is(first.offset, clock(first.from) - first.from, `${zone} ${year}`);
      const steps = spans.slice(1).map((span, index) => ({ at: span.from, by: span.offset - (spans[index]?.offset ?? Number.NaN) }));
      t.deepEqual(steps, wallClockChanges(zone, first.from, last.until - 1000), `${zone} ${year}`);
      changes += steps.length;
    }
  }
  t.log(`${changes} clock changes in ${tried.length} zones of ${zones.length}`);
  t.true(changes > 50);
});

test('spans follow each other without holes and reach three days beyond their year', (t) => {
  for (const zone of ['UTC', 'Europe/Berlin', 'Africa/Casablanca', 'Pacific/Apia']) {
    const spans = spansOf(zone, 2011);
    t.is(spans[0]?.from, Date.UTC(2010, 11, 29));
    t.is(spans.at(-1)?.until, Date.UTC(2012, 0, 4));
    for (const [index, { from, until }] of spans.entries()) {
      t.true(from < until);
      t.is(spans[index + 1]?.from ?? until, until);
    }
  }
});

test('calm days are those whose every local time is its instant plus one offset', (t) => {
  for (const zone of ['Europe/Berlin', 'Pacific/Apia', 'Australia/Lord_Howe', 'America/St_Johns', 'Pacific/Kiritimati', 'Etc/GMT+12']) {
    let calm = 0;
    for (let day = Date.UTC(2011, 0, 1) / DAY_MS; day < Date.UTC(2012, 0, 1) / DAY_MS; day += 1) {
      const days = calmDaysAround(zone, day);
      if (days === null) continue;
      calm += 1;
      t.true(days.firstDay <= day && day <= days.lastDay);
      for (const time of [0, DAY_MS / 2, DAY_MS - 60_000]) {
        const local = day * DAY_MS + time;
        t.is(instantOf(zone, local, 'first'), local - days.offset);
        t.is(instantOf(zone, local, 'second'), local - days.offset);
        t.is(offsetAt(zone, local - days.offset), days.offset);
      }
    }
    t.true(calm > 340, `${zone}: ${calm}`);
  }
});

test('a local day begins with its first instant, and one that was left out is empty', (t) => {
  const startOf = (zone: string, date: string): string => new Date(startOfLocalDay(zone, Date.parse(date) / DAY_MS)).toISOString();
  t.is(startOf('Europe/Berlin', '2026-03-29'), '2026-03-28T23:00:00.000Z');
  t.is(startOf('Africa/Cairo', '2026-04-24'), '2026-04-23T22:00:00.000Z', 'there is no 00:00');
  t.is(startOf('America/St_Johns', '2006-10-29'), '2006-10-29T02:30:00.000Z', '00:00 comes twice');
  t.is(startOf('Pacific/Apia', '2011-12-30'), startOf('Pacific/Apia', '2011-12-31'));
});

test('clock changes are found with the offsets around them', (t) => {
  t.deepEqual(clockChangesBetween('Europe/Berlin', Date.UTC(2026, 2, 28, 23), Date.UTC(2026, 2, 29, 22)), [{ at: Date.UTC(2026, 2, 29, 1), before: 3_600_000, after: 7_200_000 }]);
  t.deepEqual(clockChangesBetween('Europe/Berlin', Date.UTC(2026, 2, 29, 1, 0, 1), Date.UTC(2026, 2, 30)), []);
});
