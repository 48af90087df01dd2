import { randomUUID } from 'node:crypto';
import { getSandboxEvent, insertSandboxEvent, createSandboxCalendarStore } from '../../db/calendar/sandbox-calendar-store.ts';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import type { CalendarPlace } from '../../domain/calendar/ports.ts';
import type { SandboxEvent, SandboxEventFields } from '../../domain/calendar/sandbox-calendar.ts';
import { invalidField, notFound } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { newId } from '../shared/new-id.ts';

/** Puts an event into a sandbox calendar, as a person does who has never heard of bookings. */
export async function createSandboxEvent(tx: Transaction, place: CalendarPlace, { summary, start, end }: { summary: string; start: Instant; end: Instant }): Promise<SandboxEvent> {
  refuseEmpty(start, end);
  const fields = { status: 'confirmed' as const, summary, description: null, start, end, isTransparent: false, marks: {} };
  const made = await insertSandboxEvent(tx, place, { id: newId('sandbox-calendar-event'), eventId: randomUUID().replaceAll('-', '') }, fields);
  if (made === null) throw new Error('a random id is taken');
  return made;
}

/** Changes or deletes an event in a sandbox calendar, whoever made it. The bookings' calendar hears of it as it would of Google's. */
export async function changeSandboxEvent(
  db: Database,
  { organizationId, id }: EntityRef,
  changes: { [F in 'status' | 'summary' | 'description' | 'start' | 'end']?: SandboxEventFields[F] | undefined },
): Promise<SandboxEvent> {
  const event = await getSandboxEvent(db, organizationId, id);
  if (event === null) throw notFound('sandbox-calendar-event', id);
  refuseEmpty(changes.start ?? event.start, changes.end ?? event.end);
  const store = createSandboxCalendarStore({ db, newEventId: () => newId('sandbox-calendar-event') });
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as Partial<SandboxEventFields>;
  const changed = await store.update(event, event.eventId, given);
  if (changed === null) throw notFound('sandbox-calendar-event', id);
  return changed;
}

function refuseEmpty(start: Instant, end: Instant): void {
  if (end <= start) throw invalidField('calendar.empty-period', 'end', `${end} is not after start, ${start}; give a later end`);
}
