import { getBooking, lockBooking } from '../../db/bookings/booking-store.ts';
import { environmentOfBooking } from '../../db/environments/environment-of-booking.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { editBooking as edit, endBooking, takesMore, type Booking, type BookingEdit } from '../../domain/bookings/booking.ts';
import { refuseChange, refuseMovedBeginning, refuseOutOfService, type Booker } from '../../domain/bookings/booking-rules.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { requireActiveMember } from '../projects/port.ts';
import { decide, type Decision } from '../shared/entity-commands.ts';
import { bookingEntity } from './booking-entity.ts';
import { refuseOverlap, refuseTaken, settleOverdue } from './book-environment.ts';

export interface BookingDecision extends Decision {
  booker: Booker;
}

/**
 * Moves, extends, shortens or annotates a booking. The period it comes to must be free. More time is taken only of an environment
 * in service (`bookings.environment-inactive`), and a project's booking takes it only while the project may be used by its holder.
 */
export async function editBooking(tx: Transaction, ref: EntityRef, changes: BookingEdit, decision: BookingDecision): Promise<Booking> {
  await requireItsProject(tx, ref, changes, decision.at);
  const known = await lockForChange(tx, ref, decision);
  const after = { since: changes.since ?? known.since, until: changes.until === undefined ? known.until : changes.until };
  if (after.since !== known.since && known.state === 'reserved') refuseMovedBeginning(after.since, decision.booker, decision.at);
  if (after.since !== known.since || after.until !== known.until) {
    const environment = await environmentOfBooking(tx, ref.organizationId, known.environmentId);
    if (takesMore(known, changes)) refuseOutOfService(environment.name, environment.isBookable);
    // A malformed period is the edit's own refusal, below.
    if (after.until === null || after.until > after.since) await refuseTaken(tx, ref.organizationId, environment, [after], decision.at, ref.id);
  }
  return await decide(tx, bookingEntity, ref, decision, (booking, at) => edit(booking, changes, at)).catch(refuseOverlap);
}

/**
 * Refuses as `requireActiveMember` does where `changes` take time for a project that may not be used, or whose holder has
 * left it; giving time back is always allowed. To be called before the booking is locked: projects come before environments.
 */
export async function requireItsProject(tx: Transaction, { organizationId, id }: EntityRef, changes: BookingEdit, at: Instant): Promise<void> {
  const booking = await getBooking(tx, organizationId, id);
  if (booking === null || booking.projectId === null) return;
  if (!takesMore(booking, changes)) return;
  await requireActiveMember(tx, organizationId, booking.projectId, booking.holderUserId, at);
}

/** Ends a booking now: the environment is free at once. One that has not begun is cancelled. One that has ended stays as it is. */
export async function releaseBooking(tx: Transaction, ref: EntityRef, decision: BookingDecision): Promise<Booking> {
  await lockForChange(tx, ref, decision);
  return await decide(tx, bookingEntity, ref, decision, (booking, at) => endBooking(booking, booking.state === 'active' ? 'released' : 'cancelled', at));
}

/** Takes back a booking that has not begun. An active one is refused: it is released. */
export async function cancelBooking(tx: Transaction, ref: EntityRef, decision: BookingDecision): Promise<Booking> {
  await lockForChange(tx, ref, decision);
  return await decide(tx, bookingEntity, ref, decision, (booking, at) => {
    if (booking.state === 'active') {
      throw new DomainError({ kind: 'conflict', code: 'bookings.has-begun', message: `Booking ${booking.id} has begun. Release it to end it now.` });
    }
    return endBooking(booking, 'cancelled', at);
  });
}

/** Locks the booking with its environment, lets what is due there happen, and refuses who may not change it. */
async function lockForChange(tx: Transaction, ref: EntityRef, { at, booker }: BookingDecision): Promise<Booking> {
  const locked = await lockBooking(tx, ref.organizationId, ref.id);
  if (locked === null) throw notFound('booking', ref.id);
  refuseChange(locked, booker);
  await settleOverdue(tx, ref.organizationId, locked.environmentId, at);
  const booking = await getBooking(tx, ref.organizationId, ref.id);
  if (booking === null) throw notFound('booking', ref.id);
  return booking;
}
