import { calendarProblemOf } from '../../domain/calendar/calendar-errors.ts';
import type { CalendarChannels, Channel } from '../../domain/calendar/ports.ts';

/**
 * Closes a channel that is not wanted any more. One that the calendar does not close, as that of an account that was
 * exchanged, ends by itself within days, and what it tells until then does no harm: nothing is held up by it.
 */
export async function letChannelGo(channels: CalendarChannels, channel: Channel, signal: AbortSignal): Promise<void> {
  try {
    await channels.close(channel, signal);
  } catch (error) {
    if (calendarProblemOf(error) === null) throw error;
  }
}
