import test from 'ava';
import { daysOf, firstWholeDate, minimumExtension, nextPeriod, requireUsableExtension, requireUsablePeriod } from './application-dates.ts';

test('seven days after the 23rd end on the 30th: N days move the end by N calendar days', (t) => {
  const next = nextPeriod('2023-07-23', 7);
  t.deepEqual(next, { nextStartDate: '2023-07-24', nextEndDate: '2023-07-30' });
  t.is(daysOf(next.nextStartDate, next.nextEndDate), 7);
});

const minimums: [string, string, string, string, number][] = [
  ['long before the end one day will do', '2026-12-23', 'Europe/Berlin', '2026-12-01T12:00:00.000Z', 1],
  ['on the last day too', '2026-12-23', 'Europe/Berlin', '2026-12-23T22:59:59.999Z', 1],
  ['in the first moment after it', '2026-12-23', 'Europe/Berlin', '2026-12-23T23:00:00.000Z', 1],
  ['a day later two are needed', '2026-12-23', 'Europe/Berlin', '2026-12-24T23:00:00.000Z', 2],
  ['by the zone of the project', '2026-12-23', 'Pacific/Kiritimati', '2026-12-24T10:00:00.000Z', 2],
  ['across a change of clocks', '2026-03-27', 'Europe/Berlin', '2026-03-29T22:00:00.000Z', 3],
];

for (const [title, end, zone, at, expected] of minimums) {
  test(`the fewest days of an extension: ${title}`, (t) => {
    t.is(minimumExtension(end, zone, at), expected);
    t.notThrows(() => requireUsableExtension(expected, end, zone, at));
    if (expected > 1) t.like(t.throws(() => requireUsableExtension(expected - 1, end, zone, at)), { code: 'projects.extension-too-short', details: { minimum_days: expected } });
  });
}

for (const days of [0, -7, 1.5, 3654, Number.NaN]) {
  test(`${days} days are no extension`, (t) => {
    t.like(t.throws(() => requireUsableExtension(days, '2026-12-23', 'UTC', '2026-12-01T00:00:00.000Z')), { fields: [{ field: 'days' }] });
  });
}

const periods: [string, { startDate: string; endDate: string; timeZone: string }, string | null][] = [
  ['one day is a period', { startDate: '2026-12-01', endDate: '2026-12-01', timeZone: 'UTC' }, null],
  ['where it is still yesterday', { startDate: '2026-11-30', endDate: '2026-12-01', timeZone: 'America/New_York' }, null],
  ['a start that is over', { startDate: '2026-11-30', endDate: '2026-12-01', timeZone: 'UTC' }, 'applications.start-in-past'],
  ['an end before the start', { startDate: '2026-12-02', endDate: '2026-12-01', timeZone: 'UTC' }, 'projects.end-before-start'],
  ['an absurd length', { startDate: '2026-12-02', endDate: '2046-12-01', timeZone: 'UTC' }, 'projects.too-long'],
  ['an absurd start', { startDate: '2056-12-02', endDate: '2056-12-03', timeZone: 'UTC' }, 'applications.start-too-far'],
  ['a distance from UTC is no zone', { startDate: '2026-12-02', endDate: '2026-12-03', timeZone: '+08:00' }, 'projects.unknown-time-zone'],
  ['no such zone', { startDate: '2026-12-02', endDate: '2026-12-03', timeZone: 'Europe/Atlantis' }, 'projects.unknown-time-zone'],
];

for (const [title, period, code] of periods) {
  test(`a period to apply for: ${title}`, (t) => {
    const check = () => requireUsablePeriod(period, '2026-12-01T00:00:00.000Z');
    if (code === null) t.notThrows(check);
    else t.like(t.throws(check), { code });
  });
}

test('a plan begins on the first date that is whole', (t) => {
  t.is(firstWholeDate('2026-12-01T23:00:00.000Z', 'Europe/Berlin'), '2026-12-02');
  t.is(firstWholeDate('2026-12-01T23:00:00.001Z', 'Europe/Berlin'), '2026-12-03');
});
