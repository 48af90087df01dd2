import { randomUUID } from 'node:crypto';
import { recordCalendar } from '../../commands/calendar/record-sync.ts';
import { eventsInLine, eventsOf, wantMissing, writeAgain } from '../../db/calendar/event-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { listsEverything, looked, lostPlace, wantsChannel } from '../../domain/calendar/calendar.ts';
import { calendarProblemOf } from '../../domain/calendar/calendar-errors.ts';
import { eventIdOf } from '../../domain/calendar/event-id.ts';
import { CHANNEL_SECONDS, NOTIFICATIONS_PATH } from '../../domain/calendar/notifications.ts';
import type { Channel } from '../../domain/calendar/ports.ts';
import { channelToken } from '../../commands/calendar/channel-token.ts';
import { bringBack, compareEvents, type Compared } from './compare-events.ts';
import { letChannelGo } from './let-channel-go.ts';
import type { Opened } from './opened.ts';

const BATCH = 500;

/**
 * Looks at what changed in the calendar since the last look, or at everything, page by page, and compares it
 * with the bookings. Where to go on is kept only after the last page, so an attempt that dies is repeated whole.
 */
export async function lookAtCalendar(opened: Opened): Promise<string> {
  const { deps, ref, calendar, clock, decision } = opened;
  const everything = listsEverything(calendar, clock.now());
  const at = clock.now();
  await wantMissing(deps.db, ref, at);
  const compared: Compared = { seen: new Set(), counts: { restored: 0, strays: 0, left: 0, accepted: 0, refused: 0 } };
  const listed = await listAll(opened, everything ? null : calendar.syncToken, compared);
  if (listed === 'lost') {
    await inTransaction(deps.db, (tx) => recordCalendar(tx, ref, decision(), lostPlace));
    return 'the list of changes has lost its place: everything is listed next';
  }
  if (everything) await restoreAbsent(opened, compared);
  const channel = await renewChannel(opened, everything);
  await inTransaction(deps.db, (tx) => recordCalendar(tx, ref, decision(), (current, now) => looked(current, now, { syncToken: listed.syncToken, everything, channel })));
  return [everything ? 'everything' : 'changes', ...Object.entries(compared.counts).map(([what, count]) => `${count} ${what}`)].join(', ');
}

async function listAll(opened: Opened, syncToken: string | null, compared: Compared): Promise<{ syncToken: string | null } | 'lost'> {
  for (let pageToken: string | null = null; ; ) {
    try {
      const page = await opened.open.list({ syncToken, pageToken }, opened.signal);
      await compareEvents(opened, page.events, compared);
      if (page.nextPageToken === null) return { syncToken: page.syncToken };
      pageToken = page.nextPageToken;
    } catch (error) {
      if (calendarProblemOf(error) === 'sync-token-lost' && syncToken !== null) return 'lost';
      throw error;
    }
  }
}

/** Events that ought to be there and were not listed. Each is asked for by itself: it may have been deleted, or made while we listed. */
async function restoreAbsent(opened: Opened, { seen, counts }: Compared): Promise<void> {
  const { deps, ref, calendar, open, clock, signal } = opened;
  for (let after = ''; ; ) {
    const batch = await eventsInLine(deps.db, ref, after, BATCH);
    const absent = batch.filter(({ bookingId }) => !seen.has(bookingId));
    const rows = await eventsOf(deps.db, ref, absent.map(({ bookingId }) => bookingId));
    for (const { bookingId, incarnation } of absent) {
      const row = rows.get(bookingId);
      if (row === undefined || row.waitingSince !== null) continue;
      const event = await open.get(eventIdOf({ bookingId, generation: calendar.generation, incarnation }), signal);
      const outcome = event === null ? 'differs' : await bringBack(opened, row, event);
      if (outcome === 'differs') {
        await writeAgain(deps.db, ref, [bookingId], clock.now());
        counts.restored += 1;
      } else if (outcome !== 'equal') counts[outcome] += 1;
    }
    const last = batch.at(-1);
    if (last === undefined || batch.length < BATCH) return;
    after = last.bookingId;
  }
}

/**
 * Opens a channel where notifications are wanted and the old one is absent or near its end, and closes the
 * old one. A provider that refuses it, for it cannot reach us or does not trust the address, is polled all the
 * same, and asked again with the next look at everything.
 */
async function renewChannel({ deps, calendar, open, clock, signal }: Opened, everything: boolean): Promise<Channel | null> {
  const { channels } = deps;
  if (channels === null || open.channels === null) return null;
  if (!wantsChannel(calendar, clock.now())) {
    if (calendar.twoWay || calendar.channel === null) return calendar.channel;
    await letChannelGo(open.channels, calendar.channel, signal);
    return null;
  }
  if (calendar.channel === null && !everything) return null;
  const id = randomUUID();
  const wish = { id, address: `${channels.publicUrl}${NOTIFICATIONS_PATH}`, token: channelToken(channels.secret, calendar), seconds: CHANNEL_SECONDS };
  try {
    const channel = await open.channels.open(wish, signal);
    if (calendar.channel !== null) await letChannelGo(open.channels, calendar.channel, signal);
    return channel;
  } catch (error) {
    if (calendarProblemOf(error) === null) throw error;
    return calendar.channel !== null && calendar.channel.expiresAt > clock.now() ? calendar.channel : null;
  }
}
