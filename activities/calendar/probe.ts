import type { CalendarWish } from '../../domain/calendar/calendar-wish.ts';
import { calendarProblemOf } from '../../domain/calendar/calendar-errors.ts';
import { MARKS } from '../../domain/calendar/booking-event.ts';
import { probeIdOf } from '../../domain/calendar/event-id.ts';
import type { CalendarProviders, EventContent } from '../../domain/calendar/ports.ts';
import type { GcpServiceAccountKey } from '../../domain/data-sources/cloud-credentials.ts';

/** Past, short and free: nobody's day is changed by it in the second that it is there. */
const PERIOD = { start: '2000-01-01T00:00:00.000Z', end: '2000-01-01T00:00:01.000Z' };

/**
 * Proves that a key may change a calendar's events, by making one and deleting it. Its id comes from the
 * check, so that an attempt after a lost answer meets the same event. Fails as the calendar does.
 */
export async function probeCalendar(
  providers: CalendarProviders,
  check: { id: string; organizationId: string; request: CalendarWish },
  secret: string | null,
  signal: AbortSignal,
): Promise<void> {
  const { organizationId, request } = check;
  const open = providers[request.provider].open({ organizationId, calendarId: request.calendarId }, keyOf(secret));
  const id = probeIdOf(check.id);
  const content: EventContent = {
    ...PERIOD,
    summary: 'Orrery tries whether it may write here',
    description: 'This event is deleted at once.',
    marks: { [MARKS.organization]: organizationId, [MARKS.probe]: check.id },
  };
  try {
    await open.insert(id, content, signal);
  } catch (error) {
    // An earlier attempt made it.
    if (calendarProblemOf(error) !== 'event-exists') throw error;
  }
  await open.remove(id, signal);
}

/** Reads a key back from the text that was sealed: written by us from checked input, and authenticated by the vault. */
export function keyOf(text: string | null): GcpServiceAccountKey | null {
  return text === null ? null : (JSON.parse(text) as GcpServiceAccountKey);
}
