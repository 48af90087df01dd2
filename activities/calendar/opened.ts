import { recordFailure } from '../../commands/calendar/record-sync.ts';
import type { Decision } from '../../commands/shared/entity-commands.ts';
import { getCalendar } from '../../db/calendar/calendar-store.ts';
import { readCalendarKey } from '../../db/calendar/credentials-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { allowsWork, type Calendar } from '../../domain/calendar/calendar.ts';
import { calendarProblemOf } from '../../domain/calendar/calendar-errors.ts';
import type { OpenCalendar } from '../../domain/calendar/ports.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { laterOf, type Clock } from '../../domain/shared/time.ts';
import type { CalendarAct } from '../../workflows/calendar/messages.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { actingActivity, longAttempt } from '../shared/attempt.ts';
import type { CalendarActivityDependencies } from './dependencies.ts';
import { keyOf } from './probe.ts';

/** What an act works with. */
export interface Opened {
  deps: CalendarActivityDependencies;
  ref: EntityRef;
  calendar: Calendar;
  open: OpenCalendar;
  /** The later of the plan's instant and ours. */
  clock: Clock;
  signal: AbortSignal;
  /** For what the act comes to: recorded once under its key, where it is news. */
  decision(): Decision;
}

const WORK = { 'sync-events': 'sync', 'look-at-calendar': 'look', 'remove-events': 'remove' } as const;

/**
 * Opens the calendar with its key, which lives only as long as the attempt, and runs an act with it. What the
 * calendar fails with is recorded on its row: that is no failure of the activity. Does nothing for one that was switched off, or
 * began to take leave, since the act was planned. Answers with what came of it.
 */
export async function withCalendar(deps: CalendarActivityDependencies, ref: EntityRef, act: CalendarAct, work: (opened: Opened) => Promise<string>): Promise<string> {
  const clock: Clock = { now: () => laterOf(act.at, deps.clock.now()) };
  const decision = (): Decision => ({ at: clock.now(), outcomeKey: act.key, by: actingActivity('calendar') });
  return await longAttempt(async ({ signal }) => {
    const calendar = await getCalendar(deps.db, ref.organizationId, ref.id);
    if (calendar === null) return 'its row is gone';
    if (!allowsWork(calendar, WORK[act.name])) return 'no longer wanted';
    try {
      const sealed = await readCalendarKey(deps.db, ref.organizationId, ref.id);
      const key = keyOf(sealed === null ? null : deps.vault.open(sealed, ref.id));
      const place = { organizationId: ref.organizationId, calendarId: calendar.calendarId };
      return await work({ deps, ref, calendar, open: deps.calendars[calendar.provider].open(place, key), clock, signal, decision });
    } catch (error) {
      const problem = calendarProblemOf(error);
      if (problem === null || !(error instanceof DomainError)) throw error;
      await inTransaction(deps.db, (tx) => recordFailure(tx, ref, problem, error, decision()));
      return error.code;
    }
  });
}
