import { activitiesOn, runEntity } from '../activity-proxies.ts';
import type { EntityRef } from '../messages.ts';
import { CALENDAR, type CalendarAct, type CalendarActivities } from './messages.ts';

/**
 * Keeps an organization's calendar in line with its bookings: writes events, looks at what people changed
 * there, takes them out when it is disconnected. Id: calendar/<id>. Lives as long as the row.
 */
export async function calendar(ref: EntityRef): Promise<string> {
  // Distances between tries of the calendar are the row's; those here are for a worker or a database that is lost.
  const outbound = activitiesOn<CalendarActivities>('outbound', {
    startToCloseTimeout: '10 min',
    scheduleToCloseTimeout: '30 min',
    heartbeatTimeout: '20 s',
    retry: { initialInterval: '1 s', maximumInterval: '30 s' },
  });
  return await runEntity<CalendarAct>(CALENDAR, ref, async (ref, act) => {
    const { summary } = act;
    switch (act.name) {
      case 'sync-events':
        return await outbound.syncEvents.executeWithOptions({ summary }, [ref, act]);
      case 'look-at-calendar':
        return await outbound.lookAtCalendar.executeWithOptions({ summary }, [ref, act]);
      case 'remove-events':
        return await outbound.removeEvents.executeWithOptions({ summary }, [ref, act]);
    }
  });
}
