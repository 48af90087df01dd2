import test from 'ava';
import { DomainError } from '../shared/errors.ts';
import { MOST_SKIP_DATES, MOST_TRIGGERS, parseRule } from './schedule-rule.ts';
import type { RuleInput } from './schedule-rule.ts';

const AT = '2026-11-21T07:00:00.000Z';
const working: RuleInput = { time_zone: 'Europe/Berlin', triggers: [{ time: '8:00', action: 'power_on' }, { time: '20:00', action: 'power_off' }] };

function refusal(input: Partial<RuleInput>): DomainError {
  try {
    parseRule({ ...working, ...input }, AT);
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(input)} was taken`);
}

test('a rule is put in its one form', (t) => {
  const rule = parseRule({
    time_zone: 'europe/berlin',
    triggers: [
      { time: '20:00', days: ['friday', 'monday'], action: 'power_off' },
      { time: '8:05', action: 'power_on' },
      { time: '20:00', days: ['sunday'], action: 'power_on' },
    ],
    skip_dates: ['2026-12-25', '2026-12-24'],
  }, AT);
  t.deepEqual(rule, {
    timeZone: 'Europe/Berlin',
    triggers: [
      { time: '08:05', days: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'], action: 'power_on' },
      { time: '20:00', days: ['monday', 'friday'], action: 'power_off' },
      { time: '20:00', days: ['sunday'], action: 'power_on' },
    ],
    skipDates: ['2026-12-24', '2026-12-25'], validFrom: null, validUntil: null, gapPolicy: 'gap_end', overlapPolicy: 'first',
  });
});

test('absent and null mean the same', (t) => {
  const nulls: Partial<RuleInput> = { skip_dates: null, valid_from: null, valid_until: null, start_date: null, end_date: null, gap_policy: null, overlap_policy: null };
  t.deepEqual(parseRule({ ...working, ...nulls }, AT), parseRule(working, AT));
});

test('a validity is kept as instants, whichever way it was given', (t) => {
  const validity = (input: Partial<RuleInput>): (string | null)[] => {
    const { validFrom, validUntil } = parseRule({ ...working, ...input }, AT);
    return [validFrom, validUntil];
  };
  t.deepEqual(validity({ start_date: '2026-12-01', end_date: '2027-03-28' }), ['2026-11-30T23:00:00.000Z', '2027-03-28T22:00:00.000Z'], 'a day of 23 hours');
  t.deepEqual(validity({ start_date: '2026-12-01', end_date: '2026-12-01' }), ['2026-11-30T23:00:00.000Z', '2026-12-01T23:00:00.000Z'], 'a single day');
  t.deepEqual(validity({ valid_from: '2026-12-01T08:00:00+01:00', valid_until: '2027-01-01T00:00:00.123456Z' }), ['2026-12-01T07:00:00.000Z', '2027-01-01T00:00:00.123Z']);
  t.deepEqual(validity({ start_date: '2020-01-01', valid_until: '2027-01-01T00:00:00Z' }), ['2019-12-31T23:00:00.000Z', '2027-01-01T00:00:00.000Z'], 'mixed, and begun already');
  t.deepEqual(validity({ time_zone: 'Africa/Cairo', start_date: '2027-04-30' }), ['2027-04-29T22:00:00.000Z', null], 'a date without 00:00');
});

test('the end is refused from the instant on at which it is reached', (t) => {
  t.is(parseRule({ ...working, valid_until: '2026-11-21T07:00:00.001Z' }, AT).validUntil, '2026-11-21T07:00:00.001Z');
  t.is(refusal({ valid_until: AT }).code, 'power-schedules.end-in-the-past');
  t.is(parseRule({ ...working, end_date: '2026-11-21' }, AT).validUntil, '2026-11-21T23:00:00.000Z', 'today is not over');
});

const on = (time: string, days?: string[]): RuleInput['triggers'][number] => ({ time, action: 'power_on', ...(days && { days }) });
const off = (time: string, days?: string[]): RuleInput['triggers'][number] => ({ time, action: 'power_off', ...(days && { days }) });

const refused: { input: Partial<RuleInput>; code: string; fields: string[]; says: RegExp }[] = [
  { input: { time_zone: 'Mars/Olympus' }, code: 'unknown-time-zone', fields: ['time_zone'], says: /"Mars\/Olympus".*America\/New_York/ },
  { input: { time_zone: '' }, code: 'unknown-time-zone', fields: ['time_zone'], says: /""/ },
  { input: { time_zone: 'PST' }, code: 'unknown-time-zone', fields: ['time_zone'], says: /"PST"/ },
  { input: { time_zone: '+02:00' }, code: 'fixed-offset', fields: ['time_zone'], says: /"\+02:00" is a fixed offset.*Europe\/Berlin/ },
  { input: { time_zone: 'UTC+2' }, code: 'fixed-offset', fields: ['time_zone'], says: /"UTC\+2" is a fixed offset/ },
  { input: { triggers: [] }, code: 'no-triggers', fields: ['triggers'], says: /is empty; give at least one/ },
  { input: { triggers: Array.from({ length: MOST_TRIGGERS + 1 }, (_, minute) => on(`${Math.floor(minute / 60)}:${String(minute % 60).padStart(2, '0')}`)) }, code: 'too-many-triggers', fields: ['triggers'], says: /holds 101, and 100 is the most/ },
  { input: { triggers: [on('24:00')] }, code: 'invalid-time', fields: ['triggers.0.time'], says: /"24:00".*write 00:00, and the following day/ },
  ...['8', '8:0', '08:60', '25:00', '24:01', '08:00:00', '-1:00', ' 8:00', '8.00', '', '８:00'].map((time) => (
    { input: { triggers: [on('07:00'), on(time)] }, code: 'invalid-time', fields: ['triggers.1.time'], says: /is no time of day; write hours and minutes from 00:00 to 23:59/ }
  )),
  { input: { triggers: [on('08:00', [])] }, code: 'no-days', fields: ['triggers.0.days'], says: /never act/ },
  { input: { triggers: [on('08:00', ['monday', 'Mon'])] }, code: 'unknown-day', fields: ['triggers.0.days.1'], says: /"Mon" is not known; give one of monday, tuesday/ },
  { input: { triggers: [on('08:00', ['monday', 'monday'])] }, code: 'duplicate-day', fields: ['triggers.0.days'], says: /names monday twice/ },
  { input: { triggers: [{ time: '08:00', action: 'reboot' }] }, code: 'unknown-action', fields: ['triggers.0.action'], says: /"reboot" is not known; give one of power_on, power_off/ },
  {
    input: { triggers: [on('8:00'), off('20:00'), on('08:00', ['friday'])] }, code: 'duplicate-triggers', fields: ['triggers.0', 'triggers.2'],
    says: /^triggers\.0 \(8:00 power_on\) and triggers\.2 \(08:00 power_on\) do the same at 08:00 on friday; remove one/,
  },
  {
    input: { triggers: [on('8:00', ['monday', 'friday']), off('08:00', ['friday', 'sunday'])] }, code: 'contradicting-triggers', fields: ['triggers.0', 'triggers.1'],
    says: /^triggers\.0 \(8:00 power_on\) and triggers\.1 \(08:00 power_off\) want on and off at 08:00 on friday; keep one/,
  },
  { input: { skip_dates: ['2026-12-24', '2026-02-29'] }, code: 'no-such-date', fields: ['skip_dates.1'], says: /"2026-02-29" is no date of the calendar/ },
  { input: { skip_dates: ['24.12.2026'] }, code: 'no-such-date', fields: ['skip_dates.0'], says: /write one as 2026-02-28/ },
  { input: { skip_dates: ['2026-12-24', '2026-12-25', '2026-12-24'] }, code: 'duplicate-skip-date', fields: ['skip_dates.2'], says: /2026-12-24 is there twice/ },
  { input: { skip_dates: Array.from({ length: MOST_SKIP_DATES + 1 }, (_, day) => new Date(day * 86_400_000).toISOString().slice(0, 10)) }, code: 'too-many-skip-dates', fields: ['skip_dates'], says: /holds 1001, and 1000 is the most/ },
  { input: { start_date: '2026-02-30' }, code: 'no-such-date', fields: ['start_date'], says: /"2026-02-30"/ },
  { input: { time_zone: 'Pacific/Apia', start_date: '2011-12-30' }, code: 'no-such-date', fields: ['start_date'], says: /2011-12-30 was left out in Pacific\/Apia/ },
  { input: { start_date: '1969-12-31' }, code: 'date-out-of-range', fields: ['start_date'], says: /from 1970/ },
  { input: { end_date: '9999-12-31' }, code: 'date-out-of-range', fields: ['end_date'], says: /to 9999-12-30/ },
  { input: { valid_from: '2026-12-01', }, code: 'invalid-instant', fields: ['valid_from'], says: /"2026-12-01" is no instant; write one as/ },
  { input: { valid_from: '2026-12-01T08:00:00' }, code: 'invalid-instant', fields: ['valid_from'], says: /with an offset/ },
  { input: { valid_from: '2026-02-30T08:00:00Z' }, code: 'no-such-date', fields: ['valid_from'], says: /"2026-02-30"/ },
  { input: { valid_until: '9999-12-31T23:59:59-14:00' }, code: 'date-out-of-range', fields: ['valid_until'], says: /9999-12-30/ },
  { input: { valid_from: '2026-12-01T00:00:00Z', start_date: '2026-12-01' }, code: 'validity-given-twice', fields: ['valid_from', 'start_date'], says: /not both/ },
  { input: { valid_until: '2026-12-01T00:00:00Z', end_date: '2026-12-01' }, code: 'validity-given-twice', fields: ['valid_until', 'end_date'], says: /not both/ },
  { input: { start_date: '2026-12-02', end_date: '2026-12-01' }, code: 'end-before-start', fields: ['end_date'], says: /2026-12-01 leaves no time after start_date, 2026-12-02/ },
  { input: { valid_from: '2026-12-02T00:00:00Z', valid_until: '2026-12-02T00:00:00Z' }, code: 'end-before-start', fields: ['valid_until'], says: /give a later end or an earlier start/ },
  { input: { end_date: '2026-11-20' }, code: 'end-in-the-past', fields: ['end_date'], says: /2026-11-20 is over, as it is 2026-11-21T07:00:00.000Z now/ },
  { input: { gap_policy: 'later' }, code: 'unknown-policy', fields: ['gap_policy'], says: /"later" is not known; give one of gap_end, skip/ },
  { input: { overlap_policy: 'both' }, code: 'unknown-policy', fields: ['overlap_policy'], says: /give one of first, second/ },
];

for (const [index, { input, code, fields, says }] of refused.entries()) {
  test(`${code} is refused by name, case ${index + 1}`, (t) => {
    const error = refusal(input);
    t.is(error.code, `power-schedules.${code}`);
    t.is(error.kind, 'invalid-input');
    t.deepEqual(error.fields.map(({ field }) => field), fields);
    t.regex(error.message, says);
  });
}

test('the same time on other days is no contradiction', (t) => {
  t.is(parseRule({ ...working, triggers: [on('08:00', ['monday']), off('08:00', ['tuesday'])] }, AT).triggers.length, 2);
});

test('a hundred triggers and a thousand dates to skip are taken', (t) => {
  const rule = parseRule({
    ...working,
    triggers: Array.from({ length: MOST_TRIGGERS }, (_, minute) => on(`${Math.floor(minute / 60)}:${String(minute % 60).padStart(2, '0')}`)),
    skip_dates: Array.from({ length: MOST_SKIP_DATES }, (_, day) => new Date(day * 86_400_000).toISOString().slice(0, 10)),
  }, AT);
  t.is(rule.triggers.length, MOST_TRIGGERS);
  t.is(rule.skipDates.length, MOST_SKIP_DATES);
});

test('what a caller sent is quoted in part only', (t) => {
  t.true(refusal({ time_zone: 'x'.repeat(100_000) }).message.length < 400);
});
