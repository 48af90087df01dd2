import test from 'ava';
import { Big } from 'big.js';
import fc from 'fast-check';
import { parseRule } from './schedule-rule.ts';
import type { RuleInput, ScheduleRule } from './schedule-rule.ts';
import { simulate } from './simulate.ts';
import type { SimulatedCourse } from './simulate.ts';

function ruleOf(triggers: string[], more: Partial<RuleInput> = {}): ScheduleRule {
  return parseRule({
    time_zone: 'Europe/Berlin', triggers: triggers.map((trigger) => ({ time: trigger.slice(0, 5), action: `power_${trigger.slice(6)}` })), ...more,
  }, '1970-01-01T00:00:00.000Z');
}

const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'];
const office = parseRule({
  time_zone: 'Europe/Berlin', triggers: [{ time: '08:00', days: weekdays, action: 'power_on' }, { time: '20:00', days: weekdays, action: 'power_off' }],
}, '2026-01-01T00:00:00.000Z');

const figures = ({ fires, powerOns, powerOffs, secondsOn, secondsOff, cost }: SimulatedCourse): unknown[] => [fires, powerOns, powerOffs, secondsOn / 3600, secondsOff / 3600, cost];

test('a month of office hours beside always on', (t) => {
  // June 2026 has 22 working days; in Berlin it begins and ends at 22:00 UTC.
  const result = simulate({
    proposed: office, today: null, from: '2026-05-31T22:00:00.000Z', until: '2026-06-30T22:00:00.000Z', initialState: 'off',
    rate: { amount: '0.0416', currency: 'USD' },
  });
  t.deepEqual(figures(result.proposed), [44, 22, 22, 264, 456, '10.9824']);
  t.deepEqual(figures(result.today), [0, 0, 0, 720, 0, '29.952']);
  t.is(result.secondsSaved, 456 * 3600);
  t.is(result.saving, '18.9696');
  t.is(result.currency, 'USD');
});

test('a change to a schedule is compared with the schedule, both from the same state', (t) => {
  const result = simulate({
    proposed: ruleOf(['08:00 on', '19:00 off']), today: ruleOf(['08:00 on', '20:00 off']),
    from: '2026-06-01T00:00:00.000Z', until: '2026-06-02T00:00:00.000Z', initialState: 'on', rate: { amount: '1.2', currency: 'EUR' },
  });
  t.deepEqual(figures(result.today), [2, 0, 1, 18, 6, '21.6'], 'on from the start: nobody asks to switch it on at 08:00');
  t.deepEqual(figures(result.proposed), [2, 0, 1, 17, 7, '20.4']);
  t.is(result.saving, '1.2');
});

test('longer hours are a negative saving', (t) => {
  const result = simulate({
    proposed: ruleOf(['08:00 on', '22:00 off']), today: ruleOf(['08:00 on', '20:00 off']),
    from: '2026-06-01T00:00:00.000Z', until: '2026-06-03T00:00:00.000Z', initialState: 'off', rate: { amount: '0.5', currency: 'EUR' },
  });
  t.is(result.secondsSaved, -4 * 3600);
  t.is(result.saving, '-2');
});

test('days of 23 and 25 hours count as long as they are', (t) => {
  const nights = ruleOf(['22:00 on', '06:00 off']);
  const night = (from: string, until: string): number => simulate({ proposed: nights, today: null, from, until, initialState: 'off', rate: null }).proposed.secondsOn / 3600;
  t.is(night('2026-03-28T12:00:00.000Z', '2026-03-29T12:00:00.000Z'), 7);
  t.is(night('2026-10-24T12:00:00.000Z', '2026-10-25T12:00:00.000Z'), 9);
  t.is(night('2026-06-24T12:00:00.000Z', '2026-06-25T12:00:00.000Z'), 8);
});

test('the period holds a fire at its first instant and none at its end', (t) => {
  const rule = ruleOf(['08:00 on', '20:00 off'], { time_zone: 'UTC' });
  const { proposed } = simulate({ proposed: rule, today: null, from: '2026-06-01T08:00:00.000Z', until: '2026-06-01T20:00:00.000Z', initialState: 'off', rate: null });
  t.deepEqual(figures(proposed), [1, 1, 0, 12, 0, null]);
  t.deepEqual(proposed.intervals, [{ state: 'on', from: '2026-06-01T08:00:00.000Z', until: '2026-06-01T20:00:00.000Z' }]);
});

test('a state holds after the schedule has ended, and before it begins', (t) => {
  const rule = ruleOf(['08:00 on', '20:00 off'], { time_zone: 'UTC', valid_from: '2026-06-02T00:00:00Z', valid_until: '2026-06-02T12:00:00Z' });
  const { proposed } = simulate({ proposed: rule, today: null, from: '2026-06-01T00:00:00.000Z', until: '2026-06-04T00:00:00.000Z', initialState: 'off', rate: null });
  t.deepEqual(proposed.intervals, [
    { state: 'off', from: '2026-06-01T00:00:00.000Z', until: '2026-06-02T08:00:00.000Z' }, { state: 'on', from: '2026-06-02T08:00:00.000Z', until: '2026-06-04T00:00:00.000Z' },
  ]);
});

test('costs are rounded once, half up, to ten places, and the saving is the difference of what is shown', (t) => {
  const rule = ruleOf(['08:00 on', '08:20 off'], { time_zone: 'UTC' });
  const of = (amount: string): ReturnType<typeof simulate> => simulate({
    proposed: rule, today: null, from: '2026-06-01T00:00:00.000Z', until: '2026-06-02T00:00:00.000Z', initialState: 'off', rate: { amount, currency: 'USD' },
  });
  const third = of('1');
  t.is(third.proposed.cost, '0.3333333333');
  t.is(third.saving, '23.6666666667');
  t.is(of('0.00000000015').proposed.cost, '0.0000000001', '0.00000000005 is rounded up');
  t.is(of('0.00000000014').proposed.cost, '0');
  t.is(of('12345678.123456789').today.cost, '296296274.962962936');
  t.is(of('0').saving, '0');
});

test('hours on and off fill the period to the millisecond, whatever the rule', (t) => {
  const times = fc.uniqueArray(fc.integer({ min: 0, max: 1439 }), { minLength: 1, maxLength: 8 });
  fc.assert(fc.property(times, fc.integer({ min: 1, max: 366 * 86_400_000 }), fc.boolean(), fc.constantFrom('Europe/Berlin', 'Australia/Lord_Howe', 'Africa/Cairo'), (minutes, length, isOn, time_zone) => {
    const from = '2026-01-15T10:11:12.345Z';
    const until = new Date(Date.parse(from) + length).toISOString();
    const triggers = minutes.map((minute, index) => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')} ${index % 2 === 0 ? 'on' : 'off'}`);
    const { proposed, saving, today } = simulate({ proposed: ruleOf(triggers, { time_zone }), today: null, from, until, initialState: isOn ? 'on' : 'off', rate: { amount: '3.6', currency: 'USD' } });
    t.is(Math.round((proposed.secondsOn + proposed.secondsOff) * 1000), length);
    t.is(proposed.cost, new Big(proposed.secondsOn).div(1000).toFixed(), 'at 3.6 an hour, a thousandth of the seconds');
    t.is(saving, new Big(today.cost ?? '').minus(proposed.cost ?? '').toFixed());
    t.true(Math.abs(proposed.powerOns - proposed.powerOffs) <= 1);
    t.is(proposed.intervals.length - proposed.powerOns - proposed.powerOffs, 1);
  }), { seed: 7, numRuns: 40 });
});

test('empty and too long periods are refused, and rates that are none', (t) => {
  const of = (more: object): (() => unknown) => () => simulate({ proposed: office, today: null, from: '2026-01-01T00:00:00.000Z', until: '2027-01-02T00:00:00.000Z', initialState: 'on', rate: null, ...more });
  t.notThrows(of({}), '366 days');
  t.throws(of({ until: '2027-01-02T00:00:00.001Z' }), { code: 'power-schedules.period-too-long' });
  t.throws(of({ until: '2026-01-01T00:00:00.000Z' }), { code: 'power-schedules.empty-period' });
  for (const amount of ['-1', 'free', '', '1,5', '1e99999']) t.throws(of({ rate: { amount, currency: 'USD' } }), { code: 'power-schedules.invalid-rate' }, amount);
});
