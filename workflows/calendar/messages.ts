import type { EntityAct, EntityRef, Performed } from '../messages.ts';

/** Kind of the workflow that keeps an organization's calendar in line with its bookings; its id is `calendar/<calendar id>`. */
export const CALENDAR = 'calendar';

/** Something to do with the calendar, in one bounded step. */
export interface CalendarAct extends EntityAct {
  /** Write events that are due; look at what changed there; take our events out. */
  name: 'sync-events' | 'look-at-calendar' | 'remove-events';
  /** The plan's instant. What was due then is due for this act, also where a worker's clock is behind Temporal's. */
  at: string;
}

/**
 * The activities behind the acts. Each may be repeated: it asks the rows what is wanted and the calendar what
 * is there. A failure of the calendar is recorded on the row and does not fail the activity.
 */
export interface CalendarActivities {
  syncEvents(ref: EntityRef, act: CalendarAct): Promise<Performed<CalendarAct>>;
  lookAtCalendar(ref: EntityRef, act: CalendarAct): Promise<Performed<CalendarAct>>;
  removeEvents(ref: EntityRef, act: CalendarAct): Promise<Performed<CalendarAct>>;
}
