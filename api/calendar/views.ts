import { MARKS } from '../../domain/calendar/booking-event.ts';
import { calendarStatus, type Calendar } from '../../domain/calendar/calendar.ts';
import { eventIdOf } from '../../domain/calendar/event-id.ts';
import type { EventRow } from '../../domain/calendar/event-row.ts';
import type { SandboxEvent } from '../../domain/calendar/sandbox-calendar.ts';
import { CALENDAR } from '../../workflows/calendar/messages.ts';
import { entityWorkflowId } from '../../workflows/messages.ts';
import type { z } from '../shared/zod.ts';
import type { calendarBody, eventBody, sandboxEventBody } from './schemas.ts';

/** A calendar on the wire, without its key. */
export function calendarView(calendar: Calendar): z.input<typeof calendarBody> {
  return {
    id: calendar.id,
    organization_id: calendar.organizationId,
    provider: calendar.provider,
    calendar_id: calendar.calendarId,
    account: calendar.account,
    status: calendarStatus(calendar),
    two_way: calendar.twoWay,
    enabled: calendar.enabled,
    waiting_events: calendar.backlog.count,
    oldest_waiting_since: calendar.backlog.oldestAt,
    problem: calendar.problem,
    broken_since: calendar.brokenSince,
    next_attempt_at: calendar.retryAt,
    last_synced_at: calendar.lastSyncedAt,
    last_reconciled_at: calendar.lastReconciledAt,
    notified: calendar.channel !== null,
    workflow_id: entityWorkflowId(CALENDAR, calendar.id),
    version: calendar.version,
    created_at: calendar.createdAt,
  };
}

/** How a booking's event stands. */
export function eventView({ generation }: Pick<Calendar, 'generation'>, row: EventRow): z.input<typeof eventBody> {
  const { booked, incarnation, waitingSince, attempts, dueAt, lastError, note } = row;
  return {
    booking_id: booked.bookingId,
    environment_id: booked.environmentId,
    environment_name: booked.environmentName,
    booking_state: booked.state,
    event_id: eventIdOf({ bookingId: booked.bookingId, generation, incarnation }),
    state: lastError !== null ? 'refused' : waitingSince !== null ? 'waiting' : 'in-line',
    since: booked.since,
    until: booked.until,
    waiting_since: waitingSince,
    attempts,
    next_attempt_at: waitingSince === null ? null : dueAt,
    last_error: lastError,
    note,
  };
}

export function sandboxEventView({ id, calendarId, eventId, status, summary, description, start, end, marks }: SandboxEvent): z.input<typeof sandboxEventBody> {
  return { id, calendar_id: calendarId, event_id: eventId, status, summary, description, start, end, booking_id: marks[MARKS.booking] ?? null };
}
