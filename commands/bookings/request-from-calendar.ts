import { lockBooking } from '../../db/bookings/booking-store.ts';
import { findMembershipRole } from '../../db/organizations/membership-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { RequestedChange } from '../../domain/calendar/booking-event.ts';
import type { Booker } from '../../domain/bookings/booking-rules.ts';
import { TAKING, type Booking } from '../../domain/bookings/booking.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { editBooking, releaseBooking, requireItsProject } from './change-booking.ts';

/** What somebody asks for by changing a booking's event in a calendar. */
export interface CalendarRequest {
  organizationId: string;
  bookingId: string;
  change: RequestedChange;
  /** Whether the event is still what its booking wanted when the change was seen; asked while nobody else can decide on the booking. */
  stands(tx: Transaction): Promise<boolean>;
}

/**
 * Does what a change in a calendar asks for, with the rights of the booking's holder and by the rules that bind
 * them; whoever changed the event is not known here. Null when it is done, `overtaken` when it does not stand any
 * more. A refusal is answered, and then nothing is written: the caller's transaction goes on.
 */
export async function requestFromCalendar(tx: Transaction, request: CalendarRequest, decision: { at: Instant; workflowId: string }): Promise<DomainError | 'overtaken' | null> {
  const unusable = await refusalOfProject(tx, request, decision.at);
  const booking = await lockBooking(tx, request.organizationId, request.bookingId);
  if (!(await request.stands(tx))) return 'overtaken';
  if (unusable !== null) return unusable;
  try {
    await tx.transaction(async (inner) => await carryOut(inner, booking, request, decision));
    return null;
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
}

/** Why the booking's project keeps it from taking other time, if it does. */
async function refusalOfProject(tx: Transaction, { organizationId, bookingId, change }: CalendarRequest, at: Instant): Promise<DomainError | null> {
  if (change.kind === 'end') return null;
  try {
    await requireItsProject(tx, { organizationId, id: bookingId }, { since: change.since, until: change.until }, at);
    return null;
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
}

async function carryOut(tx: Transaction, booking: Booking | null, { organizationId, bookingId, change }: CalendarRequest, { at, workflowId }: { at: Instant; workflowId: string }): Promise<void> {
  if (booking === null) throw refused('bookings.gone', 'The booking no longer exists.');
  if (!TAKING.includes(booking.state)) throw refused('bookings.ended', `The booking is ${booking.state} and cannot be changed any more. Book anew.`);
  const role = await findMembershipRole(tx, organizationId, booking.holderUserId);
  if (role === null || role === 'member') throw refused('bookings.role', 'Its holder may not change bookings any more. Ask a manager of the organization.');
  const booker: Booker = { userId: booking.holderUserId, role };
  const by: Actor = { kind: 'system', id: null, name: 'calendar', workflowId };
  const ref = { organizationId, id: bookingId };
  if (change.kind === 'end') {
    await releaseBooking(tx, ref, { at, by, booker });
    return;
  }
  await editBooking(tx, ref, { since: change.since, until: change.until }, { at, by, booker });
}

function refused(code: string, message: string): DomainError {
  return new DomainError({ kind: 'conflict', code, message });
}
