import { calendarEntity } from '../../commands/calendar/calendar-entity.ts';
import { advanceEntity } from '../../commands/shared/entity-commands.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { laterOf } from '../../domain/shared/time.ts';
import type { CalendarAct, CalendarActivities } from '../../workflows/calendar/messages.ts';
import type { EntityRef, Performed } from '../../workflows/messages.ts';
import type { CalendarActivityDependencies } from './dependencies.ts';
import { lookAtCalendar } from './look-at-calendar.ts';
import { withCalendar, type Opened } from './opened.ts';
import { removeEvents } from './remove-events.ts';
import { syncEvents } from './sync-events.ts';

/** The activities behind the acts of a calendar; see their interface for what they guarantee. */
export function createCalendarActivities(deps: CalendarActivityDependencies): CalendarActivities {
  const act = (work: (opened: Opened) => Promise<string>) => async (ref: EntityRef, wanted: CalendarAct): Promise<Performed<CalendarAct>> => {
    const outcome = await withCalendar(deps, ref, wanted, work);
    const plan = await inTransaction(deps.db, (tx) => advanceEntity(tx, calendarEntity, ref, laterOf(wanted.at, deps.clock.now())));
    return { outcome, plan };
  };
  return { syncEvents: act(syncEvents), lookAtCalendar: act(lookAtCalendar), removeEvents: act(removeEvents) };
}
