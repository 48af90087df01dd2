import test from 'ava';
import { system } from '../shared/entity.ts';
import { plusMilliseconds } from '../shared/time.ts';
import { eventOf, extendAt, isAsWanted, openEnd, requestedChange, showsOtherwise, type BookedTime } from './booking-event.ts';
import { calendarStatus, disconnectCalendar, dueWork, editCalendar, failed, looked, newCalendar, settleCalendar, succeeded, wantsChannel, type Calendar } from './calendar.ts';
import { eventIdOf, partsOfEventId, probeIdOf } from './event-id.ts';
import { nextAttemptAt } from './event-row.ts';
import type { CalendarEvent } from './ports.ts';

const NOON = '2026-11-21T12:00:00.000Z';
const after = (seconds: number): string => plusMilliseconds(NOON, seconds * 1000);
const BOOKING = 'bkg_01kacfhz8gf7xsm4vq2p9tjw3e';

const calendar = (given: Partial<Calendar> = {}): Calendar => ({
  ...newCalendar({ id: 'cal_a', organizationId: 'org_a', provider: 'google', calendarId: 'c', account: null, twoWay: false, createdBy: system('test') }, NOON),
  ...given,
});
const error = (problem: string, retryAfterSeconds?: number) => ({ code: `calendar.${problem}`, kind: 'unavailable' as const, message: '', retryAfterSeconds });

const booked = (given: Partial<BookedTime> = {}): BookedTime => ({
  bookingId: BOOKING, organizationId: 'org_a', environmentId: 'env_a', state: 'reserved', since: NOON, until: after(3600), environmentName: 'Bench', holderName: 'Ada', ...given,
});
const shownAs = { openUntil: null, note: null, publicUrl: 'https://orrery.example.org' };
const asEvent = (given: Partial<CalendarEvent> = {}): CalendarEvent => {
  const wanted = eventOf(booked(), shownAs);
  if (wanted === null) throw new Error('it shows');
  return { ...wanted, id: 'x', status: 'confirmed', isTransparent: true, isRecurring: false, ...given };
};

test('an event’s id says its booking, connection and incarnation, in letters that Google takes', (t) => {
  const parts = { bookingId: BOOKING, generation: 1_795_262_400, incarnation: 3 };
  const id = eventIdOf(parts);
  t.regex(id, /^[a-v0-9]{5,1024}$/);
  t.deepEqual(partsOfEventId(id), parts);
  t.not(id, eventIdOf({ ...parts, generation: parts.generation + 1 }));
  for (const other of ['', 'bkg', `${id}w`, id.slice(0, 30), `x${id.slice(1)}`, 'c0r6ap9i6gs3cb9o6hgm4b9kc4q68b9g']) t.is(partsOfEventId(other), null, other);
  t.regex(probeIdOf('chk_01kacfhz8gf7xsm4vq2p9tjw3e'), /^prb[a-v0-9]{26}$/);
});

test('offers and what never began do not show; a released booking ends where it ended', (t) => {
  for (const state of ['offered', 'cancelled', 'expired'] as const) t.is(eventOf(booked({ state }), shownAs), null);
  t.like(eventOf(booked({ state: 'released', until: after(600.2) }), shownAs), { start: NOON, end: after(601), summary: 'Bench is booked by Ada' });
  t.like(eventOf(booked({ since: after(0.4), until: after(0.6) }), shownAs), { start: NOON, end: after(1) });
  t.regex(eventOf(booked(), { ...shownAs, note: 'taken' })?.description ?? '', /^Not changed: taken\n/);
});

test('a step is followed when the calendar would show it', (t) => {
  t.true(showsOtherwise(null, booked()));
  t.false(showsOtherwise(null, booked({ state: 'offered' })));
  t.true(showsOtherwise(booked({ state: 'offered' }), booked()));
  t.false(showsOtherwise(booked(), booked({ state: 'active' })));
  t.true(showsOtherwise(booked({ state: 'active' }), booked({ state: 'released', until: after(60) })));
  t.true(showsOtherwise(booked(), booked({ state: 'cancelled' })));
  t.false(showsOtherwise(booked({ state: 'offered' }), booked({ state: 'expired' })));
});

test('an open end is a year ahead, and stays as it is while half of that is left', (t) => {
  const open = booked({ until: null });
  const end = openEnd(open, null, NOON) ?? '';
  t.is(end, after(365 * 86_400));
  t.is(extendAt(end), after(185 * 86_400));
  t.is(openEnd(open, end, after(184 * 86_400)), end);
  t.is(openEnd(open, end, after(185 * 86_400)), after(550 * 86_400));
  t.is(openEnd(booked(), end, NOON), null);
});

test('a change in the calendar asks to move or to end, or is only undone', (t) => {
  const wanted = eventOf(booked(), shownAs);
  if (wanted === null) return t.fail('it shows');
  t.true(isAsWanted(asEvent(), wanted));
  t.is(requestedChange(asEvent({ summary: 'Mine' }), wanted), null);
  t.deepEqual(requestedChange(asEvent({ status: 'cancelled', start: null }), wanted), { kind: 'end' });
  t.deepEqual(requestedChange(asEvent({ end: after(7200) }), wanted), { kind: 'move', until: after(7200) });
  t.deepEqual(requestedChange(asEvent({ start: after(60), end: after(7200) }), wanted), { kind: 'move', since: after(60), until: after(7200) });
  t.is(requestedChange(asEvent({ start: null, end: null }), wanted), null);
  t.is(requestedChange(asEvent({ isRecurring: true, end: after(60) }), wanted), null);
  for (const changed of [{ status: 'tentative' as const }, { description: 'x' }, { isTransparent: false }, { isRecurring: true }, { marks: {} }]) t.false(isAsWanted(asEvent(changed), wanted));
});

test('what waits comes before what is to be looked at, and nothing before its time', (t) => {
  t.is(dueWork(calendar(), NOON), 'look');
  const later = calendar({ lookAt: after(3600) });
  t.is(dueWork(later, NOON), null);
  const waiting = calendar({ backlog: { count: 1, oldestAt: NOON, dueAt: NOON } });
  t.is(dueWork(waiting, NOON), 'sync');
  t.is(dueWork({ ...waiting, retryAt: after(5) }, NOON), null);
  t.is(dueWork({ ...waiting, enabled: false }, NOON), null);
  t.is(dueWork({ ...waiting, state: 'disconnecting', enabled: false }, NOON), 'remove');
  t.is(settleCalendar({ ...later, backlog: { count: 1, oldestAt: NOON, dueAt: after(60) } }).entity.nextDueAt, after(60));
  t.is(settleCalendar({ ...waiting, retryAt: after(5) }).entity.nextDueAt, after(5));
  t.is(settleCalendar({ ...later, enabled: false }).entity.nextDueAt, null);
  t.deepEqual(settleCalendar(settleCalendar(later).entity).transitions, []);
});

test('failures that pass are waited for at growing distances, or as long as was asked', (t) => {
  let current = calendar();
  const distances: number[] = [];
  for (let count = 0; count < 9; count += 1) {
    current = failed(current, 'unavailable', error('unavailable'), NOON).entity;
    distances.push((Date.parse(current.retryAt ?? '') - Date.parse(NOON)) / 1000);
  }
  t.deepEqual(distances, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
  t.is(current.state, 'connected');
  t.is(failed(calendar(), 'throttled', error('throttled', 90), NOON).entity.retryAt, after(90));
  t.is(failed(calendar(), 'throttled', error('throttled', 9_999_999), NOON).entity.retryAt, after(6 * 3600));
  t.is(failed(calendar(), 'quota-exceeded', error('quota-exceeded'), NOON).entity.retryAt, after(120));
  t.like(succeeded(current, after(700)).entity, { attempts: 0, retryAt: null, problem: null, lastSyncedAt: after(700) });
  t.is(nextAttemptAt(0, NOON), after(60));
  t.is(nextAttemptAt(50, NOON), after(6 * 3600));
});

test('what people must put right breaks a calendar once, and it recovers by name', (t) => {
  const broken = failed(calendar(), 'not-allowed', error('not-allowed'), NOON);
  t.deepEqual(broken.transitions.map(({ action, routine }) => [action, routine]), [['calendar.break', undefined]]);
  t.like(broken.entity, { state: 'broken', brokenSince: NOON, retryAt: after(3600) });
  t.is(calendarStatus(broken.entity), 'broken');
  const again = failed(broken.entity, 'not-allowed', error('not-allowed'), after(3600));
  t.true(again.transitions[0]?.routine);
  t.is(again.entity.brokenSince, NOON);
  t.is(failed(again.entity, 'unavailable', error('unavailable'), after(7200)).entity.state, 'broken');
  t.deepEqual(succeeded(again.entity, after(7200)).transitions.map(({ action }) => action), ['calendar.recover']);
  const leaving = disconnectCalendar(calendar(), false).entity;
  t.is(failed(leaving, 'not-shared', error('not-shared'), NOON).entity.state, 'disconnecting');
  t.is(disconnectCalendar(leaving, true).entity.state, 'disconnected');
  t.like(t.throws(() => editCalendar(leaving, { twoWay: true }, NOON)), { code: 'calendar.disconnecting' });
});

test('with two ways it looks each minute and wants a channel', (t) => {
  const seen = { syncToken: '7', everything: true, channel: null };
  t.like(looked(calendar(), NOON, seen).entity, { lookAt: after(3600), fullAt: after(86_400), syncToken: '7' });
  t.like(looked(calendar({ twoWay: true, fullAt: after(5) }), NOON, { ...seen, everything: false }).entity, { lookAt: after(60), fullAt: after(5) });
  t.false(wantsChannel(calendar(), NOON));
  t.true(wantsChannel(calendar({ twoWay: true }), NOON));
  const channel = { id: 'a', resourceId: 'b', expiresAt: after(86_400) };
  t.false(wantsChannel(calendar({ twoWay: true, channel }), NOON));
  t.true(wantsChannel(calendar({ twoWay: true, channel }), after(43_200)));
});
