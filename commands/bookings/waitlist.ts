import { getBooking, openBookingsOf } from '../../db/bookings/booking-store.ts';
import { keyForBooking } from '../../db/bookings/booking-keys.ts';
import { getWaitlistEntry, insertWaitlistEntry, saveWaitlistEntry } from '../../db/bookings/waitlist-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { violatedConstraint } from '../../db/shared/transaction.ts';
import { acceptOffer, endBooking, refuseEmptyPeriod, type Booking, type BookingPeriod } from '../../domain/bookings/booking.ts';
import { refuseBooking, type Booker, type BookingWish } from '../../domain/bookings/booking-rules.ts';
import { isPast, offerable, refuseDone, type WaitlistEntry } from '../../domain/bookings/waitlist.ts';
import { recordLedgerEntries } from '../../db/audit/ledger-store.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { DomainError, invalidField, notFound } from '../../domain/shared/errors.ts';
import { laterOf, type Instant } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { lockEnvironment } from '../environments/port.ts';
import { decide } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { settleOverdue } from './book-environment.ts';
import { bookingEntity } from './booking-entity.ts';
import { standingOf } from './standing.ts';

export interface WaitlistDecision {
  at: Instant;
  by: Actor;
  booker: Booker;
}

/** Waits for a period of an environment that is taken. Refuses one that is free: it can be booked. */
export async function joinWaitlist(
  tx: Transaction,
  request: { organizationId: string; environmentId: string } & BookingPeriod,
  { at, by, booker }: WaitlistDecision,
): Promise<WaitlistEntry> {
  const { organizationId, environmentId, since, until } = request;
  refuseEmptyPeriod(request);
  const environment = await lockEnvironment(tx, organizationId, environmentId);
  if (environment === null) throw notFound('environment', environmentId);
  await settleOverdue(tx, organizationId, environmentId, at);
  const holderRole = await standingOf(tx, organizationId, booker.userId, booker);
  // A key is asked for when the offer is accepted.
  refuseBooking({ since: laterOf(since, at), until, holderUserId: booker.userId, holderRole, environment: { ...environment, sshRequired: false }, sshKeyId: null }, booker, at);
  if (isPast(request, at)) throw invalidField('bookings.end-in-past', 'until', `${until} is over, or nearly; give a later end`);
  if (offerable(request, await openBookingsOf(tx, organizationId, environmentId), at) !== null) {
    throw new DomainError({ kind: 'conflict', code: 'bookings.is-free', message: `${environment.name} is free in this period. Book it.` });
  }
  const id = newId('waitlist-entry');
  const entry: WaitlistEntry = { id, organizationId, environmentId, userId: booker.userId, since, until, state: 'waiting', offeredBookingId: null, createdAt: at, lastAt: at };
  await insertWaitlistEntry(tx, entry).catch(refuseSecond);
  await recordLedgerEntries(tx, [{ id: newId('ledger-entry'), organizationId, at, subject: id, action: 'bookings.join-waitlist', by, before: null, after: { environmentId, since, until } }]);
  return entry;
}

function refuseSecond(error: unknown): never {
  if (violatedConstraint(error) !== 'waitlist_entries_once') throw error;
  throw new DomainError({ kind: 'conflict', code: 'bookings.waits-already', message: 'You are on the waitlist of this environment already. Leave it first to wait for another period.' });
}

/** Takes what is offered: the period is booked, by the rules of any booking. Refuses who is not asked, and an offer that has expired. */
export async function acceptEntry(tx: Transaction, ref: EntityRef, decision: WaitlistDecision): Promise<Booking> {
  const entry = await entryOf(tx, ref, decision.booker);
  const environment = await lockEnvironment(tx, ref.organizationId, entry.environmentId);
  if (environment === null) throw notFound('environment', entry.environmentId);
  await settleOverdue(tx, ref.organizationId, entry.environmentId, decision.at);
  const current = await entryOf(tx, ref, decision.booker);
  if (current.offeredBookingId === null) {
    throw new DomainError({ kind: 'conflict', code: 'bookings.no-offer', message: 'Nothing is offered to you yet. You are told by mail when it is.' });
  }
  const bookingRef = { organizationId: ref.organizationId, id: current.offeredBookingId };
  const key = await keyForBooking(tx, { holderUserId: entry.userId, keyId: null, forColleague: false });
  await refuseAcceptance(tx, bookingRef, { environment, sshKeyId: key?.id ?? null }, decision);
  if (key !== null) await tx('bookings').where({ organization_id: ref.organizationId, id: bookingRef.id, state: 'offered' }).update({ ssh_key_id: key.id, ssh_public_key: key.publicKey });
  return await decide(tx, bookingEntity, bookingRef, decision, acceptOffer);
}

/** What was allowed when the offer was made need not be any more: roles change, environments go out of service. */
async function refuseAcceptance(tx: Transaction, ref: EntityRef, given: Pick<BookingWish, 'environment' | 'sshKeyId'>, { at, booker }: WaitlistDecision): Promise<void> {
  const offer = await getBooking(tx, ref.organizationId, ref.id);
  if (offer === null) throw notFound('booking', ref.id);
  const { holderUserId, since, until } = offer;
  const holderRole = await standingOf(tx, ref.organizationId, holderUserId, booker);
  // An offer that has not been taken yet begins with its acceptance.
  refuseBooking({ ...given, since: laterOf(since, at), until, holderUserId, holderRole }, booker, at);
}

/** Leaves the waitlist; an open offer is declined and goes to the next in line. */
export async function leaveWaitlist(tx: Transaction, ref: EntityRef, decision: WaitlistDecision): Promise<WaitlistEntry> {
  const entry = await entryOf(tx, ref, decision.booker);
  await lockEnvironment(tx, ref.organizationId, entry.environmentId);
  await settleOverdue(tx, ref.organizationId, entry.environmentId, decision.at);
  const current = await entryOf(tx, ref, decision.booker);
  refuseDone(current);
  if (current.state === 'offered' && current.offeredBookingId !== null) {
    const bookingRef = { organizationId: ref.organizationId, id: current.offeredBookingId };
    await decide(tx, bookingEntity, bookingRef, decision, (booking, at) => endBooking(booking, 'declined', at));
  } else {
    await saveWaitlistEntry(tx, ref.organizationId, ref.id, { state: 'left', at: decision.at });
  }
  return await entryOf(tx, ref, decision.booker);
}

/** An entry is its person's; managers may see it and take it off. */
async function entryOf(tx: Transaction, ref: EntityRef, booker: Booker): Promise<WaitlistEntry> {
  const entry = await getWaitlistEntry(tx, ref.organizationId, ref.id);
  if (entry === null || (entry.userId !== booker.userId && booker.role !== 'manager')) throw notFound('waitlist-entry', ref.id);
  return entry;
}
