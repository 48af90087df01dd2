import test from 'ava';
import fc from 'fast-check';
import { freePeriods } from './free-periods.ts';

const hour = (value: number): string => new Date(Date.UTC(2026, 10, 21) + value * 3_600_000).toISOString();
const window = { from: hour(0), to: hour(24) };

test('what bookings leave free has both its ends within the window, and touching bookings leave nothing', (t) => {
  const taken = [
    { since: hour(-2), until: hour(1) },
    { since: hour(3), until: hour(5) },
    { since: hour(5), until: hour(6) },
    { since: hour(20), until: null },
  ];
  t.deepEqual(freePeriods(taken, window), {
    free: [
      { from: hour(1), to: hour(3) },
      { from: hour(6), to: hour(20) },
    ],
    freeSeconds: 16 * 3600,
    bookedSeconds: 8 * 3600,
  });
  t.deepEqual(freePeriods([], window), { free: [window], freeSeconds: 86_400, bookedSeconds: 0 });
});

test('what is free is counted to the millisecond, whatever the day', (t) => {
  const instant = fc.date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true }).map((date) => date.toISOString());
  fc.assert(
    fc.property(instant, instant, (a, b) => {
      const [from, to] = a < b ? [a, b] : [b, a];
      return freePeriods([], { from, to }).freeSeconds === (Date.parse(to) - Date.parse(from)) / 1000;
    }),
    { seed: 7, numRuns: 500 },
  );
  t.pass();
});

test('an hour is free exactly when no booking takes it', (t) => {
  const booking = fc.record({ start: fc.integer({ min: -5, max: 28 }), length: fc.option(fc.integer({ min: 1, max: 12 }), { nil: null }) });
  fc.assert(
    fc.property(fc.array(booking, { maxLength: 8 }), (wishes) => {
      const taken = wishes
        .map(({ start, length }) => ({ since: hour(start), until: length === null ? null : hour(start + length) }))
        .toSorted((a, b) => (a.since < b.since ? -1 : 1));
      const { free, freeSeconds, bookedSeconds } = freePeriods(taken, window);
      let freeHours = 0;
      for (let at = 0; at < 24; at += 1) {
        const isTaken = taken.some(({ since, until }) => since <= hour(at) && (until === null || until > hour(at)));
        const isFree = free.some(({ from, to }) => from <= hour(at) && to >= hour(at + 1));
        if (isTaken === isFree) return false;
        if (isFree) freeHours += 1;
      }
      return freeSeconds === freeHours * 3600 && bookedSeconds === (24 - freeHours) * 3600 && free.every(({ from, to }) => from < to);
    }),
    { seed: 7, numRuns: 300 },
  );
  t.pass();
});
