import test from 'ava';
import { dayTimeline } from './recurrence.ts';
import { parseRule } from './schedule-rule.ts';
import type { RuleInput, ScheduleRule } from './schedule-rule.ts';

function ruleOf(zone: string, triggers: string[], more: Partial<RuleInput> = {}): ScheduleRule {
  return parseRule({
    time_zone: zone, triggers: triggers.map((trigger) => ({ time: trigger.slice(0, 5), action: `power_${trigger.slice(6)}` })), ...more,
  }, '1970-01-01T00:00:00.000Z');
}

/** `state localFrom–localUntil hours`. */
function intervals(rule: ScheduleRule, date: string): string[] {
  return dayTimeline(rule, date).intervals.map(({ state, from, until, localFrom, localUntil }) => (
    `${state} ${localFrom.slice(11)}–${localUntil.slice(11)} ${(Date.parse(until) - Date.parse(from)) / 3_600_000}`
  ));
}

test('a day is on and off between its triggers, and begins as the day before ended', (t) => {
  const rule = ruleOf('Europe/Berlin', ['08:00 on', '20:00 off']);
  const day = dayTimeline(rule, '2026-07-01');
  t.deepEqual(day.intervals, [
    { state: 'off', from: '2026-06-30T22:00:00.000Z', until: '2026-07-01T06:00:00.000Z', localFrom: '2026-07-01T00:00', localUntil: '2026-07-01T08:00' },
    { state: 'on', from: '2026-07-01T06:00:00.000Z', until: '2026-07-01T18:00:00.000Z', localFrom: '2026-07-01T08:00', localUntil: '2026-07-01T20:00' },
    { state: 'off', from: '2026-07-01T18:00:00.000Z', until: '2026-07-01T22:00:00.000Z', localFrom: '2026-07-01T20:00', localUntil: '2026-07-02T00:00' },
  ]);
  t.is(day.seconds, 86_400);
  t.deepEqual(day.fires.map(({ localTime }) => localTime), ['2026-07-01T08:00', '2026-07-01T20:00']);
  t.deepEqual(day.clockChanges, []);
});

test('a day without triggers keeps the state of days ago', (t) => {
  const rule = parseRule({
    time_zone: 'UTC', triggers: [{ time: '08:00', days: ['monday'], action: 'power_on' }, { time: '18:00', days: ['friday'], action: 'power_off' }],
  }, '2026-01-01T00:00:00.000Z');
  t.deepEqual(intervals(rule, '2026-07-01'), ['on 00:00–00:00 24'], 'a Wednesday');
  t.deepEqual(intervals(rule, '2026-07-05'), ['off 00:00–00:00 24'], 'a Sunday');
});

test('a day of 23 hours shows the gap, and what was superseded', (t) => {
  const rule = ruleOf('Europe/Berlin', ['02:00 on', '02:30 off', '20:00 on']);
  const day = dayTimeline(rule, '2026-03-29');
  t.is(day.seconds, 23 * 3600);
  t.deepEqual(day.clockChanges, [{ at: '2026-03-29T01:00:00.000Z', localBefore: '2026-03-29T02:00', localAfter: '2026-03-29T03:00' }]);
  t.deepEqual(intervals(rule, '2026-03-29'), ['on 00:00–03:00 2', 'off 03:00–20:00 17', 'on 20:00–00:00 4']);
  t.deepEqual(day.fires.map(({ supersededBy }) => supersededBy), ['2026-03-29T02:30', null, null]);
});

test('a day of 25 hours counts the repeated hour', (t) => {
  t.deepEqual(intervals(ruleOf('Europe/Berlin', ['02:30 on', '20:00 off']), '2026-10-25'), ['off 00:00–02:30 2.5', 'on 02:30–20:00 18.5', 'off 20:00–00:00 4']);
  t.deepEqual(intervals(ruleOf('Europe/Berlin', ['02:30 on', '20:00 off'], { overlap_policy: 'second' }), '2026-10-25'), ['off 00:00–02:30 3.5', 'on 02:30–20:00 17.5', 'off 20:00–00:00 4']);
});

test('a day that begins at 01:00 begins there', (t) => {
  t.deepEqual(intervals(ruleOf('Africa/Cairo', ['00:30 on', '20:00 off']), '2026-04-24'), ['on 01:00–20:00 19', 'off 20:00–00:00 4']);
});

test('a date that the zone left out has no hours', (t) => {
  const day = dayTimeline(ruleOf('Pacific/Apia', ['08:00 on', '20:00 off']), '2011-12-30');
  t.deepEqual([day.seconds, day.intervals, day.fires], [0, [], []]);
  t.deepEqual(intervals(ruleOf('Pacific/Apia', ['08:00 on']), '2011-12-31'), ['on 00:00–00:00 24']);
});

test('outside validity, and before the first fire, the state is unknown', (t) => {
  const rule = ruleOf('UTC', ['08:00 on', '20:00 off'], { valid_from: '2026-05-01T06:00:00Z', valid_until: '2026-05-02T12:00:00Z' });
  t.deepEqual(intervals(rule, '2026-04-30'), ['unknown 00:00–00:00 24']);
  t.deepEqual(intervals(rule, '2026-05-01'), ['unknown 00:00–08:00 8', 'on 08:00–20:00 12', 'off 20:00–00:00 4']);
  t.deepEqual(intervals(rule, '2026-05-02'), ['off 00:00–08:00 8', 'on 08:00–12:00 4', 'unknown 12:00–00:00 12']);
  t.deepEqual(intervals(rule, '2026-05-03'), ['unknown 00:00–00:00 24']);
});

test('triggers that say what is so already make no new interval', (t) => {
  t.deepEqual(intervals(ruleOf('UTC', ['08:00 on', '09:00 on', '20:00 off']), '2026-05-01'), ['off 00:00–08:00 8', 'on 08:00–20:00 12', 'off 20:00–00:00 4']);
});

test('midnight belongs to the day that it begins', (t) => {
  t.deepEqual(intervals(ruleOf('UTC', ['00:00 on', '12:00 off']), '2026-05-01'), ['on 00:00–12:00 12', 'off 12:00–00:00 12']);
});

test('intervals of a year of days fill it without holes', (t) => {
  const rule = ruleOf('America/St_Johns', ['00:00 on', '00:30 off', '23:30 on'], { valid_from: '2006-03-04T05:06:07Z', valid_until: '2006-11-12T13:14:15Z' });
  let end = dayTimeline(rule, '2005-12-31').until;
  for (let day = Date.UTC(2006, 0, 1); day < Date.UTC(2007, 0, 1); day += 86_400_000) {
    const { from, until, intervals } = dayTimeline(rule, new Date(day).toISOString().slice(0, 10));
    t.is(from, end);
    t.deepEqual(intervals.map((interval) => interval.from), [from, ...intervals.slice(0, -1).map((interval) => interval.until)]);
    t.is(intervals.at(-1)?.until, until);
    end = until;
  }
  t.is(end, '2007-01-01T03:30:00.000Z');
});

test('what is no date is refused', (t) => {
  for (const date of ['2026-02-30', 'today', '']) t.throws(() => dayTimeline(ruleOf('UTC', ['08:00 on']), date), { code: 'power-schedules.no-such-date' });
});
