import { BOOKING_STATES, END_REASONS } from '../../domain/bookings/booking.ts';
import { WAITLIST_STATES } from '../../domain/bookings/waitlist.ts';
import { calendarDate } from '../shared/cost-fields.ts';
import { idOf, instant, instantInput } from '../shared/fields.ts';
import { pageFields } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

const until = instantInput.nullable().openapi({ description: 'Not included; null for an open end.' });
const note = z.string().trim().max(2000);

export const bookInput = z
  .strictObject({
    environment_id: idOf('environment'),
    holder_user_id: idOf('user').optional().openapi({ description: 'A colleague; only managers book for others.' }),
    since: instantInput.optional().openapi({ description: 'Now when left out.' }),
    until: until.default(null),
    note: note.default(''),
    ssh_key_id: idOf('ssh-key').nullable().default(null).openapi({ description: 'The holder’s default key when left out.' }),
    project_id: z.string().min(1).max(100).nullable().optional().openapi({ description: 'The header Orrery-Project names it too; none where neither does.' }),
    recurrence: z
      .strictObject({ time_zone: z.string().max(64), until_date: calendarDate.openapi({ description: 'The last local date on which it may begin.' }) })
      .optional()
      .openapi({ description: 'The same local times each week: all weeks are booked, or none.' }),
  })
  .openapi('BookEnvironment');

export const bookingEdit = z.strictObject({ since: instantInput.optional(), until: until.optional(), note: note.optional() }).openapi('EditBooking');

export const bookingBody = z
  .strictObject({
    id: z.string(),
    organization_id: z.string(),
    environment_id: z.string(),
    environment_name: z.string(),
    holder_user_id: z.string(),
    holder_name: z.string(),
    booked_by: z.string(),
    state: z.enum(BOOKING_STATES),
    since: instant,
    until: instant.nullable(),
    note: z.string(),
    ssh_key_id: z.string().nullable(),
    ssh_public_key: z.string().nullable(),
    project_id: z.string().nullable(),
    series_id: z.string().nullable(),
    waitlist_entry_id: z.string().nullable(),
    offer_expires_at: instant.nullable(),
    ended_at: instant.nullable(),
    end_reason: z.enum(END_REASONS).nullable(),
    workflow_id: z.string(),
    version: z.int(),
    created_at: instant,
  })
  .openapi('Booking');

export const bookedBody = z.strictObject({ items: z.array(bookingBody), series_id: z.string().nullable() }).openapi('BookedPeriods');

export const bookingsQuery = z.strictObject({
  ...pageFields,
  environment_id: idOf('environment').optional(),
  holder_user_id: idOf('user').optional(),
  series_id: idOf('booking-series').optional(),
  state: z.array(z.enum(BOOKING_STATES)).max(6).optional(),
  from: instantInput.optional().openapi({ description: 'Bookings that share an instant with [from, to).' }),
  to: instantInput.optional(),
});

export const joinInput = z.strictObject({ since: instantInput.optional(), until: until.default(null) }).openapi('JoinWaitlist');

export const waitlistEntryBody = z
  .strictObject({
    id: z.string(),
    environment_id: z.string(),
    user_id: z.string(),
    since: instant,
    until: instant.nullable(),
    state: z.enum(WAITLIST_STATES),
    offered_booking_id: z.string().nullable(),
    created_at: instant,
  })
  .openapi('WaitlistEntry');
