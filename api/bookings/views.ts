import type { ListedBooking } from '../../db/bookings/booking-list.ts';
import type { WaitlistEntry } from '../../domain/bookings/waitlist.ts';
import { BOOKING } from '../../workflows/bookings/messages.ts';
import { entityWorkflowId } from '../../workflows/messages.ts';
import type { z } from '../shared/zod.ts';
import type { bookingBody, waitlistEntryBody } from './schemas.ts';

export function bookingView({ booking, environmentName, holderName }: ListedBooking): z.input<typeof bookingBody> {
  return {
    id: booking.id,
    organization_id: booking.organizationId,
    environment_id: booking.environmentId,
    environment_name: environmentName,
    holder_user_id: booking.holderUserId,
    holder_name: holderName,
    booked_by: booking.bookedBy.name,
    state: booking.state,
    since: booking.since,
    until: booking.until,
    note: booking.note,
    ssh_key_id: booking.sshKeyId,
    ssh_public_key: booking.sshPublicKey,
    project_id: booking.projectId,
    series_id: booking.seriesId,
    waitlist_entry_id: booking.waitlistEntryId,
    offer_expires_at: booking.offerExpiresAt,
    ended_at: booking.endedAt,
    end_reason: booking.endReason,
    workflow_id: entityWorkflowId(BOOKING, booking.id),
    version: booking.version,
    created_at: booking.createdAt,
  };
}

export function waitlistEntryView(entry: WaitlistEntry): z.input<typeof waitlistEntryBody> {
  const { id, environmentId, userId, since, until, state, offeredBookingId, createdAt } = entry;
  return { id, environment_id: environmentId, user_id: userId, since, until, state, offered_booking_id: offeredBookingId, created_at: createdAt };
}
