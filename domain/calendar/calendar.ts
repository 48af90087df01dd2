import { routineStep, step, unchanged, type Actor, type EntityRow, type Settled } from '../shared/entity.ts';
import { DomainError, type ErrorRecord } from '../shared/errors.ts';
import { laterOf, plusMilliseconds, type Instant } from '../shared/time.ts';
import { needsPeople, type CalendarProblem } from './calendar-errors.ts';
import type { CalendarProviderName, Channel } from './ports.ts';

/** `broken`: somebody has to do something outside. `disconnecting`: its events are being removed, then the row. */
export const CALENDAR_STATES = ['connected', 'broken', 'disconnecting', 'disconnected'] as const;
export type CalendarState = (typeof CALENDAR_STATES)[number];

/** What people see of a calendar. */
export const CALENDAR_STATUSES = ['connected', 'syncing', 'paused', 'broken', 'disconnecting'] as const;
export type CalendarStatus = (typeof CALENDAR_STATUSES)[number];

/** Events that are not yet as their bookings want them. */
export interface Backlog {
  count: number;
  /** Since when the oldest of them waits. */
  oldestAt: Instant | null;
  /** When the first event, of these or one that is to be extended, is due. */
  dueAt: Instant | null;
}

/** An organization's calendar, which mirrors its bookings. `calendar/<id>` keeps it in line. */
export interface Calendar extends EntityRow {
  provider: CalendarProviderName;
  /** The provider's own id of it. */
  calendarId: string;
  /** Address of the service account; null where none is needed. */
  account: string | null;
  /** The second in which it was connected: part of the ids of its events, so that those of an earlier connection are others. */
  generation: number;
  /** Changes made in the calendar are asked for here; else they are undone. */
  twoWay: boolean;
  enabled: boolean;
  state: CalendarState;
  /** What went wrong last, until something succeeds. */
  problem: ErrorRecord | null;
  brokenSince: Instant | null;
  /** Failures in a row. */
  attempts: number;
  /** Nothing is called before. */
  retryAt: Instant | null;
  syncToken: string | null;
  /** When changes are looked at next, and when everything is compared. */
  lookAt: Instant;
  fullAt: Instant;
  lastSyncedAt: Instant | null;
  lastReconciledAt: Instant | null;
  /** Through which the provider tells of changes, where it can. */
  channel: Channel | null;
  createdBy: Actor;
  createdAt: Instant;
  /** Of its events; read with the row, not part of it. */
  backlog: Backlog;
}

const [SECOND_MS, MINUTE_MS, HOUR_MS] = [1_000, 60_000, 3_600_000];
/** Changes are looked at hourly; each minute where people may make them. */
const LOOK_EVERY_MS = HOUR_MS;
const TWO_WAY_LOOK_EVERY_MS = MINUTE_MS;
const FULL_EVERY_MS = 24 * HOUR_MS;
const BROKEN_RETRY_MS = HOUR_MS;
const FIRST_BACK_OFF_MS = 5 * SECOND_MS;
const LONGEST_BACK_OFF_MS = 10 * MINUTE_MS;
/** A used-up quota passes in minutes, not in seconds. */
const QUOTA_BACK_OFF_MS = 2 * MINUTE_MS;
/** No answer puts the next try off further. */
const LONGEST_ASKED_MS = 6 * HOUR_MS;
/** A channel is renewed this long before it ends. */
const RENEW_BEFORE_MS = 12 * HOUR_MS;

export type NewCalendar = Pick<Calendar, 'id' | 'organizationId' | 'provider' | 'calendarId' | 'account' | 'twoWay' | 'createdBy'>;

/** A calendar whose access has been proven: everything is to be written and compared at once. */
export function newCalendar(fields: NewCalendar, at: Instant): Calendar {
  return {
    ...fields,
    generation: Math.floor(Date.parse(at) / SECOND_MS),
    enabled: true,
    state: 'connected',
    problem: null,
    brokenSince: null,
    attempts: 0,
    retryAt: null,
    syncToken: null,
    lookAt: at,
    fullAt: at,
    lastSyncedAt: null,
    lastReconciledAt: null,
    channel: null,
    createdAt: at,
    backlog: { count: 0, oldestAt: null, dueAt: null },
    version: 1,
    lastAt: at,
    nextDueAt: at,
  };
}

/** Keeps the deadline in step with what is due next. Repeating it changes nothing. */
export function settleCalendar(calendar: Calendar): Settled<Calendar> {
  const nextDueAt = deadlineOf(calendar);
  return nextDueAt === calendar.nextDueAt ? unchanged(calendar) : routineStep(calendar, { ...calendar, nextDueAt }, 'calendar.settle');
}

function deadlineOf({ state, enabled, retryAt, lookAt, lastAt, backlog }: Calendar): Instant | null {
  if (state === 'disconnected') return null;
  if (state === 'disconnecting') return retryAt ?? lastAt;
  if (!enabled) return null;
  const first = backlog.dueAt !== null && backlog.dueAt < lookAt ? backlog.dueAt : lookAt;
  return laterOf(first, retryAt);
}

/** What is to be done with the calendar at an instant; null when nothing is due. */
export function dueWork(calendar: Calendar, at: Instant): 'remove' | 'sync' | 'look' | null {
  const { state, enabled, retryAt, lookAt, backlog } = calendar;
  if (state === 'disconnected' || (retryAt !== null && retryAt > at)) return null;
  if (state === 'disconnecting') return 'remove';
  if (!enabled) return null;
  if (backlog.dueAt !== null && backlog.dueAt <= at) return 'sync';
  return lookAt <= at ? 'look' : null;
}

/** Whether work that was planned may still be done: the calendar may have been switched off, or begun to take leave. */
export function allowsWork({ state, enabled }: Calendar, work: 'remove' | 'sync' | 'look'): boolean {
  if (work === 'remove') return state === 'disconnecting';
  return enabled && (state === 'connected' || state === 'broken');
}

/** Whether everything is to be listed, and not only what changed. */
export function listsEverything(calendar: Calendar, at: Instant): boolean {
  return calendar.syncToken === null || calendar.fullAt <= at;
}

/** Whether a channel for notifications is to be opened, the old one being absent or near its end. */
export function wantsChannel({ twoWay, enabled, channel }: Calendar, at: Instant): boolean {
  return twoWay && enabled && (channel === null || channel.expiresAt <= plusMilliseconds(at, RENEW_BEFORE_MS));
}

export function calendarStatus({ state, enabled, backlog }: Calendar): CalendarStatus {
  if (state === 'disconnecting' || state === 'disconnected') return 'disconnecting';
  if (!enabled) return 'paused';
  if (state === 'broken') return 'broken';
  return backlog.count > 0 ? 'syncing' : 'connected';
}

/** Calls succeeded: what was broken is whole. */
export function succeeded(calendar: Calendar, at: Instant, found: Partial<Pick<Calendar, 'lastReconciledAt' | 'syncToken' | 'lookAt' | 'fullAt' | 'channel'>> = {}): Settled<Calendar> {
  const after: Calendar = { ...calendar, ...found, attempts: 0, retryAt: null, problem: null, brokenSince: null, lastSyncedAt: at };
  if (calendar.state === 'broken') return step(calendar, { ...after, state: 'connected' }, 'calendar.recover');
  return routineStep(calendar, after, 'calendar.sync');
}

/** A look at changes ended well at `at`: when the next ones follow. */
export function looked(calendar: Calendar, at: Instant, seen: { syncToken: string | null; everything: boolean; channel: Channel | null }): Settled<Calendar> {
  return succeeded(calendar, at, {
    lastReconciledAt: at,
    syncToken: seen.syncToken,
    lookAt: plusMilliseconds(at, calendar.twoWay ? TWO_WAY_LOOK_EVERY_MS : LOOK_EVERY_MS),
    channel: seen.channel,
    ...(seen.everything && { fullAt: plusMilliseconds(at, FULL_EVERY_MS) }),
  });
}

/**
 * Calls failed. What passes by itself is tried again at growing distances; what people must solve breaks the
 * calendar, and is tried again each hour.
 */
export function failed(calendar: Calendar, problem: CalendarProblem, error: ErrorRecord & { retryAfterSeconds?: number | undefined }, at: Instant): Settled<Calendar> {
  const { retryAfterSeconds, ...record } = error;
  const attempts = calendar.attempts + 1;
  const retryAt = plusMilliseconds(at, distance(problem, attempts, retryAfterSeconds));
  const after: Calendar = { ...calendar, attempts, retryAt, problem: record };
  if (!needsPeople(problem)) return routineStep(calendar, after, 'calendar.postpone');
  const broken: Calendar = { ...after, brokenSince: calendar.brokenSince ?? at };
  if (calendar.state === 'disconnecting') return routineStep(calendar, broken, 'calendar.postpone');
  if (calendar.state === 'broken' && calendar.problem?.code === record.code) return routineStep(calendar, broken, 'calendar.postpone');
  return step(calendar, { ...broken, state: 'broken' }, 'calendar.break');
}

function distance(problem: CalendarProblem, attempts: number, asked: number | undefined): number {
  if (needsPeople(problem)) return BROKEN_RETRY_MS;
  const grown = Math.min(FIRST_BACK_OFF_MS * 2 ** Math.min(attempts - 1, 20), LONGEST_BACK_OFF_MS);
  const least = problem === 'quota-exceeded' ? Math.max(grown, QUOTA_BACK_OFF_MS) : grown;
  return Math.max(least, Math.min((asked ?? 0) * SECOND_MS, LONGEST_ASKED_MS));
}

/** The sync token is no longer good: the next look lists everything. */
export function lostPlace(calendar: Calendar, at: Instant): Settled<Calendar> {
  return routineStep(calendar, { ...calendar, syncToken: null, lookAt: at }, 'calendar.list-anew');
}

/** Something may have changed in the calendar: look now. */
export function lookNow(calendar: Calendar, at: Instant): Settled<Calendar> {
  if (calendar.state === 'disconnecting' || calendar.lookAt <= at) return unchanged(calendar);
  return routineStep(calendar, { ...calendar, lookAt: at }, 'calendar.look');
}

export interface CalendarEdit {
  twoWay?: boolean | undefined;
  enabled?: boolean | undefined;
}

/** Changes what a person may. Everything is compared at once. */
export function editCalendar(calendar: Calendar, changes: CalendarEdit, at: Instant): Settled<Calendar> {
  refuseLeaving(calendar);
  const after: Calendar = { ...calendar, twoWay: changes.twoWay ?? calendar.twoWay, enabled: changes.enabled ?? calendar.enabled };
  if (after.twoWay === calendar.twoWay && after.enabled === calendar.enabled) return unchanged(calendar);
  return step(calendar, { ...after, lookAt: at, fullAt: at }, 'calendar.edit');
}

/** Tries again now what waits. */
export function retryCalendar(calendar: Calendar, at: Instant): Settled<Calendar> {
  return step(calendar, { ...calendar, retryAt: null, attempts: 0, lookAt: at }, 'calendar.retry');
}

/** Another key was proven. */
export function reconnectCalendar(calendar: Calendar, account: string | null, at: Instant): Settled<Calendar> {
  refuseLeaving(calendar);
  return step(calendar, { ...calendar, account, state: 'connected', problem: null, brokenSince: null, attempts: 0, retryAt: null, lookAt: at }, 'calendar.reconnect');
}

/** Begins to take leave: the events go first, then the row. With `leaveEvents` the row goes at once. */
export function disconnectCalendar(calendar: Calendar, leaveEvents: boolean): Settled<Calendar> {
  if (leaveEvents) return disconnected(calendar);
  if (calendar.state === 'disconnecting') return unchanged(calendar);
  return step(calendar, { ...calendar, state: 'disconnecting', problem: null, brokenSince: null, attempts: 0, retryAt: null }, 'calendar.disconnect');
}

/** Nothing of ours is left in it. */
export function disconnected(calendar: Calendar): Settled<Calendar> {
  return step(calendar, { ...calendar, state: 'disconnected', nextDueAt: null }, 'calendar.disconnected');
}

function refuseLeaving(calendar: Calendar): void {
  if (calendar.state !== 'disconnecting' && calendar.state !== 'disconnected') return;
  throw new DomainError({ kind: 'conflict', code: 'calendar.disconnecting', message: 'The calendar is being disconnected. Connect it anew when that is done.' });
}

/** The organization has a calendar already. */
export function alreadyConnected(calendar: Pick<Calendar, 'id' | 'calendarId' | 'state'>): DomainError {
  const remedy = calendar.state === 'disconnecting' ? 'It is being disconnected; wait for that.' : 'Disconnect it first, or reconnect it with other credentials.';
  return new DomainError({
    kind: 'conflict',
    code: 'calendar.already-connected',
    message: `The organization is connected to calendar ${calendar.calendarId} (${calendar.id}), and has one at most. ${remedy}`,
    details: { calendar: calendar.id, calendar_id: calendar.calendarId },
  });
}
