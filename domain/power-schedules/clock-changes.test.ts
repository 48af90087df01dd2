import test from 'ava';
import { firesBetween, lastFireAtOrBefore, newestFire, nextFire, previewFires, supersededBy } from './recurrence.ts';
import type { Fire } from './recurrence.ts';
import { parseRule } from './schedule-rule.ts';
import type { RuleInput, ScheduleRule } from './schedule-rule.ts';

/** `HH:MM on` or `HH:MM off`, every day. */
function ruleOf(zone: string, triggers: string[], more: Partial<RuleInput> = {}): ScheduleRule {
  return parseRule({
    time_zone: zone,
    triggers: triggers.map((trigger) => ({ time: trigger.slice(0, 5), action: `power_${trigger.slice(6)}` })),
    ...more,
  }, '1970-01-01T00:00:00.000Z');
}

/** `instant action localTime`, with `moved` and the superseding local time behind it. */
function line({ at, action, localTime, moved, supersededBy }: Fire): string {
  const notes = [...(moved === null ? [] : ['moved']), ...(supersededBy === null ? [] : [`superseded by ${supersededBy}`])];
  return [at.slice(0, 16), action.slice(6), localTime, ...notes].join(' ');
}

function lines(rule: ScheduleRule, after: string, upTo: string): string[] {
  return firesBetween(rule, `${after}:00.000Z`, `${upTo}:00.000Z`, { limit: 100, withSuperseded: true }).map(line);
}

const cases: { title: string; rule: ScheduleRule; after: string; upTo: string; expected: string[] }[] = [
  {
    title: 'local times inside a gap fall on its end, and the latest of them acts',
    rule: ruleOf('Europe/Berlin', ['02:00 on', '02:30 off', '04:00 on']), after: '2026-03-28T12:00', upTo: '2026-03-29T12:00',
    expected: ['2026-03-29T01:00 on 2026-03-29T02:00 moved superseded by 2026-03-29T02:30', '2026-03-29T01:00 off 2026-03-29T02:30 moved', '2026-03-29T02:00 on 2026-03-29T04:00'],
  },
  {
    title: 'a trigger whose own time is the gap\'s end is the latest and acts',
    rule: ruleOf('Europe/Berlin', ['02:30 off', '03:00 on']), after: '2026-03-28T12:00', upTo: '2026-03-29T12:00',
    expected: ['2026-03-29T01:00 off 2026-03-29T02:30 moved superseded by 2026-03-29T03:00', '2026-03-29T01:00 on 2026-03-29T03:00'],
  },
  {
    title: 'skip leaves out the local times of a gap and only these',
    rule: ruleOf('Europe/Berlin', ['01:59 on', '02:00 off', '02:59 on', '03:00 off'], { gap_policy: 'skip' }), after: '2026-03-28T12:00', upTo: '2026-03-29T12:00',
    expected: ['2026-03-29T00:59 on 2026-03-29T01:59', '2026-03-29T01:00 off 2026-03-29T03:00'],
  },
  {
    title: 'a repeated local time acts at its first pass',
    rule: ruleOf('Europe/Berlin', ['02:00 on', '02:30 off', '03:00 on']), after: '2026-10-24T12:00', upTo: '2026-10-25T12:00',
    expected: ['2026-10-25T00:00 on 2026-10-25T02:00', '2026-10-25T00:30 off 2026-10-25T02:30', '2026-10-25T02:00 on 2026-10-25T03:00'],
  },
  {
    title: 'a repeated local time acts at its second pass when that is wanted',
    rule: ruleOf('Europe/Berlin', ['02:00 on', '02:30 off', '03:00 on'], { overlap_policy: 'second' }), after: '2026-10-24T12:00', upTo: '2026-10-25T12:00',
    expected: ['2026-10-25T01:00 on 2026-10-25T02:00', '2026-10-25T01:30 off 2026-10-25T02:30', '2026-10-25T02:00 on 2026-10-25T03:00'],
  },
  {
    title: 'a gap at midnight moves 00:00 and 00:30 to 01:00 of the same date',
    rule: ruleOf('Africa/Cairo', ['00:00 on', '00:30 off']), after: '2026-04-23T12:00', upTo: '2026-04-24T12:00',
    expected: ['2026-04-23T22:00 on 2026-04-24T00:00 moved superseded by 2026-04-24T00:30', '2026-04-23T22:00 off 2026-04-24T00:30 moved'],
  },
  {
    title: 'a gap up to midnight moves to the next date, whose 00:00 supersedes',
    rule: ruleOf('America/Nuuk', ['23:00 on', '23:30 off', '00:00 on']), after: '2026-03-28T12:00', upTo: '2026-03-29T12:00',
    expected: [
      '2026-03-29T01:00 on 2026-03-28T23:00 moved superseded by 2026-03-29T00:00', '2026-03-29T01:00 off 2026-03-28T23:30 moved superseded by 2026-03-29T00:00',
      '2026-03-29T01:00 on 2026-03-29T00:00',
    ],
  },
  {
    title: 'a skipped date is the trigger\'s own, though its fire would be moved to the next one',
    rule: ruleOf('America/Nuuk', ['23:30 off', '00:30 on'], { skip_dates: ['2026-03-28'] }), after: '2026-03-28T02:30', upTo: '2026-03-29T12:00',
    expected: ['2026-03-29T01:30 on 2026-03-29T00:30'],
  },
  {
    title: 'an overlap before midnight repeats the evening at its first pass',
    rule: ruleOf('Africa/Cairo', ['23:30 off', '00:00 on']), after: '2026-10-29T12:00', upTo: '2026-10-30T12:00',
    expected: ['2026-10-29T20:30 off 2026-10-29T23:30', '2026-10-29T22:00 on 2026-10-30T00:00'],
  },
  {
    title: 'an overlap across midnight goes back to the day before and stays in order, first pass',
    rule: ruleOf('America/St_Johns', ['23:01 on', '23:30 off', '00:00 on', '00:01 off']), after: '2006-10-28T12:00', upTo: '2006-10-29T12:00',
    expected: ['2006-10-29T01:31 on 2006-10-28T23:01', '2006-10-29T02:00 off 2006-10-28T23:30', '2006-10-29T02:30 on 2006-10-29T00:00', '2006-10-29T03:31 off 2006-10-29T00:01'],
  },
  {
    title: 'an overlap across midnight goes back to the day before and stays in order, second pass',
    rule: ruleOf('America/St_Johns', ['23:01 on', '23:30 off', '00:00 on', '00:01 off'], { overlap_policy: 'second' }), after: '2006-10-28T12:00', upTo: '2006-10-29T12:00',
    expected: ['2006-10-29T02:31 on 2006-10-28T23:01', '2006-10-29T03:00 off 2006-10-28T23:30', '2006-10-29T03:30 on 2006-10-29T00:00', '2006-10-29T03:31 off 2006-10-29T00:01'],
  },
  {
    title: 'a date that a zone left out falls on the next midnight as a whole',
    rule: ruleOf('Pacific/Apia', ['08:00 on', '20:00 off']), after: '2011-12-30T00:00', upTo: '2011-12-31T12:00',
    expected: [
      '2011-12-30T06:00 off 2011-12-29T20:00', '2011-12-30T10:00 on 2011-12-30T08:00 moved superseded by 2011-12-30T20:00',
      '2011-12-30T10:00 off 2011-12-30T20:00 moved', '2011-12-30T18:00 on 2011-12-31T08:00', '2011-12-31T06:00 off 2011-12-31T20:00',
    ],
  },
  {
    title: 'a midnight behind a date that was left out supersedes all of it',
    rule: ruleOf('Pacific/Apia', ['00:00 on', '20:00 off']), after: '2011-12-30T08:00', upTo: '2011-12-30T12:00',
    expected: [
      '2011-12-30T10:00 on 2011-12-30T00:00 moved superseded by 2011-12-31T00:00', '2011-12-30T10:00 off 2011-12-30T20:00 moved superseded by 2011-12-31T00:00',
      '2011-12-30T10:00 on 2011-12-31T00:00',
    ],
  },
  {
    title: 'a date that was left out is left out of the schedule when gaps are skipped',
    rule: ruleOf('Pacific/Kwajalein', ['08:00 on', '20:00 off'], { gap_policy: 'skip' }), after: '1993-08-21T00:00', upTo: '1993-08-22T12:00',
    expected: ['1993-08-21T08:00 off 1993-08-20T20:00', '1993-08-21T20:00 on 1993-08-22T08:00', '1993-08-22T08:00 off 1993-08-22T20:00'],
  },
  {
    title: 'a date left out of Kwajalein falls on its next midnight',
    rule: ruleOf('Pacific/Kwajalein', ['08:00 on', '20:00 off']), after: '1993-08-21T09:00', upTo: '1993-08-21T21:00',
    expected: ['1993-08-21T12:00 on 1993-08-21T08:00 moved superseded by 1993-08-21T20:00', '1993-08-21T12:00 off 1993-08-21T20:00 moved', '1993-08-21T20:00 on 1993-08-22T08:00'],
  },
  {
    title: 'half an hour left out at Lord Howe',
    rule: ruleOf('Australia/Lord_Howe', ['02:00 on', '02:29 off', '02:30 on', '02:31 off']), after: '2026-10-03T12:00', upTo: '2026-10-03T16:00',
    expected: [
      '2026-10-03T15:30 on 2026-10-04T02:00 moved superseded by 2026-10-04T02:30', '2026-10-03T15:30 off 2026-10-04T02:29 moved superseded by 2026-10-04T02:30',
      '2026-10-03T15:30 on 2026-10-04T02:30', '2026-10-03T15:31 off 2026-10-04T02:31',
    ],
  },
  {
    title: 'half an hour repeated at Lord Howe, second pass',
    rule: ruleOf('Australia/Lord_Howe', ['01:29 on', '01:30 off', '01:59 on', '02:00 off'], { overlap_policy: 'second' }), after: '2026-04-04T12:00', upTo: '2026-04-04T16:00',
    expected: ['2026-04-04T14:29 on 2026-04-05T01:29', '2026-04-04T15:00 off 2026-04-05T01:30', '2026-04-04T15:29 on 2026-04-05T01:59', '2026-04-04T15:30 off 2026-04-05T02:00'],
  },
  {
    title: 'two hours left out at Troll',
    rule: ruleOf('Antarctica/Troll', ['01:00 on', '02:59 off', '03:00 on']), after: '2026-03-28T12:00', upTo: '2026-03-29T12:00',
    expected: [
      '2026-03-29T01:00 on 2026-03-29T01:00 moved superseded by 2026-03-29T03:00', '2026-03-29T01:00 off 2026-03-29T02:59 moved superseded by 2026-03-29T03:00',
      '2026-03-29T01:00 on 2026-03-29T03:00',
    ],
  },
  {
    title: 'two hours repeated at Troll',
    rule: ruleOf('Antarctica/Troll', ['01:00 on', '02:59 off', '03:00 on']), after: '2026-10-24T12:00', upTo: '2026-10-25T12:00',
    expected: ['2026-10-24T23:00 on 2026-10-25T01:00', '2026-10-25T00:59 off 2026-10-25T02:59', '2026-10-25T03:00 on 2026-10-25T03:00'],
  },
  {
    title: 'nearly a whole day repeated at Kwajalein, second pass',
    rule: ruleOf('Pacific/Kwajalein', ['00:30 off', '12:00 on'], { overlap_policy: 'second' }), after: '1969-09-29T18:00', upTo: '1969-10-01T18:00',
    expected: ['1969-10-01T00:00 on 1969-09-30T12:00', '1969-10-01T12:30 off 1969-10-01T00:30'],
  },
  {
    title: 'days of the week are those of the local date',
    rule: parseRule({ time_zone: 'Pacific/Auckland', triggers: [{ time: '00:30', days: ['monday'], action: 'power_on' }] }, '2026-01-01T00:00:00.000Z'),
    after: '2026-06-01T00:00', upTo: '2026-06-15T00:00',
    expected: ['2026-06-07T12:30 on 2026-06-08T00:30', '2026-06-14T12:30 on 2026-06-15T00:30'],
  },
  {
    title: 'a fire at the start of validity counts, one at its end does not',
    rule: ruleOf('UTC', ['08:00 on', '20:00 off'], { valid_from: '2026-05-01T08:00:00Z', valid_until: '2026-05-02T20:00:00Z' }), after: '2026-04-01T00:00', upTo: '2026-06-01T00:00',
    expected: ['2026-05-01T08:00 on 2026-05-01T08:00', '2026-05-01T20:00 off 2026-05-01T20:00', '2026-05-02T08:00 on 2026-05-02T08:00'],
  },
  {
    title: 'local start and end dates are both inclusive, also on days that change the clock',
    rule: ruleOf('Africa/Cairo', ['00:00 on', '23:59 off'], { start_date: '2026-04-24', end_date: '2026-04-24' }), after: '2026-04-01T00:00', upTo: '2026-05-01T00:00',
    expected: ['2026-04-23T22:00 on 2026-04-24T00:00 moved', '2026-04-24T20:59 off 2026-04-24T23:59'],
  },
];

for (const { title, rule, after, upTo, expected } of cases) {
  test(title, (t) => {
    t.deepEqual(lines(rule, after, upTo), expected);
    const acting = expected.filter((text) => !text.includes('superseded'));
    const walked: string[] = [];
    for (let fire = nextFire(rule, `${after}:00.000Z`); fire !== null && fire.at <= `${upTo}:00.000Z`; fire = nextFire(rule, fire.at)) walked.push(line(fire));
    t.deepEqual(walked, acting, 'one after the other');
    const back: string[] = [];
    for (let fire = newestFire(rule, `${after}:00.000Z`, `${upTo}:00.000Z`); fire !== null;) {
      back.unshift(line(fire));
      fire = newestFire(rule, `${after}:00.000Z`, new Date(Date.parse(fire.at) - 1).toISOString());
    }
    t.deepEqual(back, acting, 'from the newest backwards');
  });
}

test('after an outage the newest missed fire is found, however long it lasted', (t) => {
  const rule = ruleOf('Europe/Berlin', ['08:00 on', '12:00 off', '13:00 on'], { valid_until: '2026-07-02T11:30:00Z' });
  t.is(newestFire(rule, '2026-07-01T08:00:00.000Z', '2026-07-01T11:30:00.000Z')?.localTime, '2026-07-01T13:00');
  t.is(newestFire(rule, '2026-07-01T11:00:00.000Z', '2026-07-01T11:30:00.000Z'), null, 'the one at `after` was done before');
  t.is(newestFire(rule, '2020-01-01T00:00:00.000Z', '2026-07-01T22:10:00.000Z')?.localTime, '2026-07-01T13:00', 'over midnight');
  t.is(newestFire(rule, '2026-07-02T10:30:00.000Z', '2027-01-01T00:00:00.000Z')?.localTime, '2026-07-02T13:00', 'over the end of validity');
});

test('inside an overlap across midnight, what is still to come and what is over are known', (t) => {
  const times = ['23:30 off', '00:00 on'];
  // In St. John's 00:00 to 00:01 came first, then clocks went back to 23:01 of the day before.
  const second = ruleOf('America/St_Johns', times, { overlap_policy: 'second' });
  t.is(nextFire(second, '2006-10-29T02:30:30.000Z')?.localTime, '2006-10-28T23:30', 'at 00:00:30 the evening is yet to come again');
  const first = ruleOf('America/St_Johns', times);
  t.is(lastFireAtOrBefore(first, '2006-10-29T02:45:00.000Z')?.localTime, '2006-10-29T00:00', 'at 23:15 again midnight is over');
  t.is(newestFire(first, '2006-10-29T02:30:00.000Z', '2006-10-29T04:00:00.000Z'), null, 'and does not come again');
});

test('the order in which triggers are kept does not matter', (t) => {
  const rule = ruleOf('Europe/Berlin', ['02:00 on', '02:30 off', '03:00 on', '20:00 off']);
  const turned = { ...rule, triggers: rule.triggers.toReversed() };
  t.deepEqual(previewFires(turned, '2026-03-27T12:00:00.000Z', 20), previewFires(rule, '2026-03-27T12:00:00.000Z', 20));
});

test('what a schedule says at an instant holds within its validity only', (t) => {
  const rule = ruleOf('UTC', ['08:00 on', '20:00 off'], { valid_from: '2026-05-01T00:00:00Z', valid_until: '2026-05-03T00:00:00Z' });
  t.is(lastFireAtOrBefore(rule, '2026-05-01T07:59:59.999Z'), null, 'the evening before was not its own');
  t.is(lastFireAtOrBefore(rule, '2026-05-01T08:00:00.000Z')?.action, 'power_on');
  t.is(lastFireAtOrBefore(rule, '2026-05-02T23:59:59.999Z')?.localTime, '2026-05-02T20:00');
  t.is(lastFireAtOrBefore(rule, '2026-05-03T00:00:00.000Z'), null);
});

test('a rule that never acts again has no next fire and an empty preview', (t) => {
  const over = ruleOf('UTC', ['08:00 on'], { valid_until: '2026-05-03T00:00:00Z' });
  t.is(nextFire(over, '2026-05-02T08:00:00.000Z'), null);
  t.deepEqual(previewFires(over, '2026-05-02T08:00:00.000Z', 10), []);
  const allSkipped = ruleOf('UTC', ['08:00 on'], { start_date: '2026-05-01', end_date: '2026-05-02', skip_dates: ['2026-05-01', '2026-05-02'] });
  t.is(nextFire(allSkipped, '2020-01-01T00:00:00.000Z'), null);
  t.is(newestFire(allSkipped, '2020-01-01T00:00:00.000Z', '2030-01-01T00:00:00.000Z'), null);
});

test('a thousand skipped Mondays in a row are passed over, forwards and backwards', (t) => {
  const mondays = Array.from({ length: 1000 }, (_, week) => new Date(Date.UTC(2026, 0, 5 + week * 7)).toISOString().slice(0, 10));
  const rule = parseRule({ time_zone: 'Europe/Berlin', triggers: [{ time: '08:00', days: ['monday'], action: 'power_on' }], skip_dates: mondays }, '2026-01-01T00:00:00.000Z');
  t.is(nextFire(rule, '2026-01-01T00:00:00.000Z')?.localTime, '2045-03-06T08:00');
  t.is(newestFire(rule, '2000-01-01T00:00:00.000Z', '2045-03-01T00:00:00.000Z')?.localTime, '2025-12-29T08:00');
});

test('a validity far in the future is reached at once', (t) => {
  t.is(nextFire(ruleOf('Europe/Berlin', ['08:00 on'], { valid_from: '9999-01-01T00:00:00Z' }), '2026-01-01T00:00:00.000Z')?.at, '9999-01-01T07:00:00.000Z');
  t.is(nextFire(ruleOf('Europe/Berlin', ['08:00 on']), '9999-12-30T12:00:00.000Z'), null, 'later instants do not compare as strings');
});

test('a preview counts what acts and shows what is superseded in front of it', (t) => {
  const rule = ruleOf('Europe/Berlin', ['02:00 on', '02:30 off']);
  t.deepEqual(previewFires(rule, '2026-03-28T12:00:00.000Z', 2).map(line), [
    '2026-03-29T01:00 on 2026-03-29T02:00 moved superseded by 2026-03-29T02:30', '2026-03-29T01:00 off 2026-03-29T02:30 moved', '2026-03-30T00:00 on 2026-03-30T02:00',
  ]);
  t.is(previewFires(rule, '2026-03-28T12:00:00.000Z', 1000).filter(({ supersededBy }) => supersededBy === null).length, 1000);
  for (const count of [0, 1001, 1.5, Number.NaN]) t.throws(() => previewFires(rule, '2026-03-28T12:00:00.000Z', count), { code: 'power-schedules.preview-count' });
});

test('fires between two instants come in pages that leave nothing out', (t) => {
  const rule = ruleOf('Europe/Berlin', ['02:00 on', '02:30 off', '03:00 on']);
  const [after, upTo] = ['2026-03-01T00:00:00.000Z', '2026-03-31T23:59:59.999Z'];
  const whole = firesBetween(rule, after, upTo, { limit: 1000, withSuperseded: false });
  const paged: Fire[] = [];
  for (let page = firesBetween(rule, after, upTo, { limit: 7, withSuperseded: false }); page.length > 0;) {
    paged.push(...page);
    page = firesBetween(rule, (page.at(-1) as Fire).at, upTo, { limit: 7, withSuperseded: false });
  }
  t.is(whole.length, 31 * 3 - 2);
  t.deepEqual(paged, whole);
});

test('a fire tells in whose place it acts: those of its gap, also when its own time is the gap’s end', (t) => {
  const rule = ruleOf('Europe/Berlin', ['02:15 on', '02:45 off', '05:00 on']);
  const inGap = newestFire(rule, '2035-03-24T23:00:00.000Z', '2035-03-25T02:00:00.000Z') as Fire;
  t.deepEqual(supersededBy(rule, inGap).map(line), ['2035-03-25T01:00 on 2035-03-25T02:15 moved superseded by 2035-03-25T02:45']);
  t.deepEqual(supersededBy(rule, nextFire(rule, inGap.at) as Fire), []);
  const atItsEnd = ruleOf('Europe/Berlin', ['02:30 on', '03:00 off']);
  const end = newestFire(atItsEnd, '2035-03-24T23:00:00.000Z', '2035-03-25T02:00:00.000Z') as Fire;
  t.is(end.moved, null);
  t.deepEqual(supersededBy(atItsEnd, end).map(line), ['2035-03-25T01:00 on 2035-03-25T02:30 moved superseded by 2035-03-25T03:00']);
  t.deepEqual(supersededBy({ ...atItsEnd, gapPolicy: 'skip' }, end), []);
});
