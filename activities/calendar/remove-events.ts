import { recordCalendar } from '../../commands/calendar/record-sync.ts';
import { forgetEvent, someEvents } from '../../db/calendar/event-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { MARKS } from '../../domain/calendar/booking-event.ts';
import { disconnected, succeeded } from '../../domain/calendar/calendar.ts';
import { eventIdOf } from '../../domain/calendar/event-id.ts';
import { letChannelGo } from './let-channel-go.ts';
import type { Opened } from './opened.ts';

/** Events an act removes. */
const BATCH = 50;

/**
 * Takes a step of ours out of the calendar: the events we know of, and once there are none, whatever else
 * carries our mark; then the row goes.
 */
export async function removeEvents(opened: Opened): Promise<string> {
  const { deps, ref, calendar, open, signal, decision } = opened;
  const batch = await someEvents(deps.db, ref, BATCH);
  for (const { bookingId, incarnation } of batch) {
    await open.remove(eventIdOf({ bookingId, generation: calendar.generation, incarnation }), signal);
    await forgetEvent(deps.db, ref, bookingId);
  }
  if (batch.length === BATCH) {
    await inTransaction(deps.db, (tx) => recordCalendar(tx, ref, decision(), succeeded));
    return `${batch.length} removed`;
  }
  if (calendar.channel !== null && open.channels !== null) await letChannelGo(open.channels, calendar.channel, signal);
  const strays = await removeStrays(opened);
  await inTransaction(deps.db, (tx) => recordCalendar(tx, ref, decision(), disconnected));
  return `${batch.length} removed and ${strays} strays; nothing of ours is left`;
}

async function removeStrays({ ref, open, signal }: Opened): Promise<number> {
  let removed = 0;
  for (let pageToken: string | null = null; ; ) {
    const page = await open.list({ syncToken: null, pageToken }, signal);
    for (const event of page.events) {
      if (event.status === 'cancelled' || event.marks[MARKS.organization] !== ref.organizationId) continue;
      await open.remove(event.id, signal);
      removed += 1;
    }
    if (page.nextPageToken === null) return removed;
    pageToken = page.nextPageToken;
  }
}
