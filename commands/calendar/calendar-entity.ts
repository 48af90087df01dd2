import { insertCalendar, lockCalendar, saveCalendar } from '../../db/calendar/calendar-store.ts';
import { calendarStatus, dueWork, settleCalendar, type Calendar } from '../../domain/calendar/calendar.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { CALENDAR, type CalendarAct } from '../../workflows/calendar/messages.ts';
import type { EntityDefinition } from '../shared/entity-commands.ts';

/** The calendar as an entity: see domain/calendar/calendar.ts for its rules. */
export const calendarEntity: EntityDefinition<Calendar, CalendarAct> = {
  kind: CALENDAR,
  workflowType: 'calendar',
  table: 'calendars',
  openCondition: 'true',
  lock: lockCalendar,
  insert: insertCalendar,
  save: (tx, _before, after) => saveCalendar(tx, after),
  settle: settleCalendar,
  acts,
  isDone: (calendar) => calendar.state === 'disconnected',
  describe,
  status: calendarStatus,
  forLedger: ({ id, provider, calendarId, account, twoWay, enabled, state, problem, createdAt }) => ({
    id,
    provider,
    calendar_id: calendarId,
    account,
    two_way: twoWay,
    enabled,
    state,
    problem: problem?.code ?? null,
    created_at: createdAt,
  }),
};

const ACTS = {
  sync: { name: 'sync-events', summary: 'write events that are due' },
  look: { name: 'look-at-calendar', summary: 'look at what changed in the calendar' },
  remove: { name: 'remove-events', summary: 'take our events out of the calendar' },
} as const;

function acts(calendar: Calendar, at: Instant): CalendarAct[] {
  const work = dueWork(calendar, at);
  return work === null ? [] : [{ ...ACTS[work], key: `${calendar.id}/${ACTS[work].name}/${at}`, at }];
}

function describe(calendar: Calendar): string {
  const { provider, backlog, problem, retryAt, nextDueAt, lastReconciledAt } = calendar;
  return [
    `**Calendar** (${provider}): ${calendarStatus(calendar)}`,
    ...(backlog.count === 0 ? [] : [`${backlog.count} events wait, the oldest since ${backlog.oldestAt ?? 'now'}`]),
    ...(problem === null ? [] : [`Last problem: ${problem.code}`]),
    ...(retryAt === null ? [] : [`Tried again at ${retryAt}`]),
    ...(lastReconciledAt === null ? [] : [`Last compared at ${lastReconciledAt}`]),
    ...(nextDueAt === null ? [] : [`Next work at ${nextDueAt}`]),
  ].join('\n\n');
}
