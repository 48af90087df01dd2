import type { OrganizationRole } from '../organizations/role.ts';
import { DomainError, invalidField } from '../shared/errors.ts';
import type { Instant } from '../shared/time.ts';
import type { Booking, BookingPeriod } from './booking.ts';

/** Whoever asks, as the organization knows them. */
export interface Booker {
  userId: string;
  role: OrganizationRole;
}

/** A wish to book that is checked against the rules before the calendar is. */
export interface BookingWish extends BookingPeriod {
  holderUserId: string;
  /** The holder's role in this organization; null when they are no member, or leave it just now. Roles elsewhere do not count. */
  holderRole: OrganizationRole | null;
  environment: { id: string; name: string; isActive: boolean; sshRequired: boolean };
  sshKeyId: string | null;
}

/** How long ago a booking may begin that somebody makes now: clocks differ, forms take time. */
const GRACE_MS = 5 * 60_000;

/**
 * Who may book what: engineers and managers for themselves, managers for colleagues who may book too;
 * managers also in the past; nobody an environment that is not active, nor one that asks for an SSH
 * key without one.
 */
export function refuseBooking(wish: BookingWish, by: Booker, at: Instant): void {
  if (by.role === 'member') throw notAllowed('bookings.role', 'Members may look; engineers and managers book. Ask a manager of the organization.');
  if (wish.holderUserId !== by.userId) {
    if (by.role !== 'manager') throw notAllowed('bookings.for-colleague', 'Only a manager books for a colleague.');
    if (wish.holderRole === null || wish.holderRole === 'member') {
      throw invalidField('bookings.holder-may-not-book', 'holder_user_id', 'is nobody who may book in this organization: name an engineer or a manager of it');
    }
  }
  if (wish.holderRole === null) throw notAllowed('bookings.role', 'You are no member of this organization any more.');
  refuseOutOfService(wish.environment.name, wish.environment.isActive);
  if (by.role !== 'manager' && Date.parse(wish.since) < Date.parse(at) - GRACE_MS) {
    throw invalidField('bookings.since-in-past', 'since', `${wish.since} is in the past; leave it out to begin now`);
  }
  if (wish.until !== null && wish.until <= at) throw invalidField('bookings.end-in-past', 'until', `${wish.until} is in the past; give a later end`);
  if (wish.environment.sshRequired && wish.sshKeyId === null) {
    throw invalidField('bookings.ssh-key-missing', 'ssh_key_id', `${wish.environment.name} is reached by SSH only: name a key, or give the holder a default one`);
  }
}

/** Nobody gets time of an environment that is out of service. */
export function refuseOutOfService(name: string, isActive: boolean): void {
  if (isActive) return;
  throw new DomainError({ kind: 'conflict', code: 'bookings.environment-inactive', message: `${name} is out of service. Reactivate it first.` });
}

/** A beginning that is moved obeys what a new one does: it may lie in the past for managers alone. */
export function refuseMovedBeginning(since: Instant, by: Pick<Booker, 'role'>, at: Instant): void {
  if (by.role === 'manager' || Date.parse(since) >= Date.parse(at) - GRACE_MS) return;
  throw invalidField('bookings.since-in-past', 'since', `${since} is in the past; begin now or later`);
}

/** Who may change, release or cancel a booking: its holder and managers. */
export function refuseChange(booking: Pick<Booking, 'holderUserId'>, by: Booker): void {
  if (by.role === 'manager' || booking.holderUserId === by.userId) return;
  throw notAllowed('bookings.not-yours', 'Only the holder and managers of the organization change this booking.');
}

function notAllowed(code: string, message: string): DomainError {
  return new DomainError({ kind: 'not-allowed', code, message });
}
