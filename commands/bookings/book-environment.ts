import { overdueBookingsOf, takenIn } from '../../db/bookings/booking-store.ts';
import { keyForBooking } from '../../db/bookings/booking-keys.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { violatedConstraint } from '../../db/shared/transaction.ts';
import { newBooking, refuseEmptyPeriod, settleBooking, type Booking, type BookingPeriod } from '../../domain/bookings/booking.ts';
import { refuseBooking, type Booker } from '../../domain/bookings/booking-rules.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { DomainError, invalidField, notFound } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { lockEnvironment, type LockedEnvironment } from '../environments/port.ts';
import { requireActiveMember } from '../projects/port.ts';
import { advanceEntity, createEntity } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { bookingEntity, bookingEntityIn } from './booking-entity.ts';
import { standingOf } from './standing.ts';

export interface BookRequest {
  organizationId: string;
  environmentId: string;
  holderUserId: string;
  /** One period, or the weeks of a recurring booking: all of them or none. */
  periods: readonly BookingPeriod[];
  note: string;
  sshKeyId: string | null;
  projectId: string | null;
}

export interface BookDecision {
  at: Instant;
  by: Actor;
  /** Who asks, with their role in this organization. */
  booker: Booker;
}

/**
 * Books an environment for every period or for none. Locks its project, then the environment, lets what is due on it
 * happen first, then checks rules and periods; the database's constraint is the last word. Refusals:
 * `environment.not-found`, `bookings.*`; `bookings.taken` names every booking in the way.
 */
export async function bookEnvironment(tx: Transaction, request: BookRequest, decision: BookDecision): Promise<Booking[]> {
  const { organizationId, environmentId, holderUserId, projectId } = request;
  const { at, booker } = decision;
  // A project is locked before its environments.
  if (projectId !== null) await requireActiveMember(tx, organizationId, projectId, holderUserId, at);
  const environment = await lockEnvironment(tx, organizationId, environmentId);
  if (environment === null) throw notFound('environment', environmentId);
  await settleOverdue(tx, organizationId, environmentId, at);
  const key = await keyForBooking(tx, { holderUserId, keyId: request.sshKeyId, forColleague: holderUserId !== booker.userId });
  const holderRole = await standingOf(tx, organizationId, holderUserId, booker);
  for (const period of request.periods) {
    refuseEmptyPeriod(period);
    refuseBooking({ ...period, holderUserId, holderRole, environment, sshKeyId: key?.id ?? null }, booker, at);
  }
  await refuseTaken(tx, organizationId, environment, request.periods, at);
  const seriesId = request.periods.length > 1 ? newId('booking-series') : null;
  const entity = bookingEntityIn({ ...environment, isBookable: environment.isActive });
  const bookings: Booking[] = [];
  for (const { since, until } of request.periods) {
    const made = newBooking(
      {
        id: newId('booking'), organizationId, environmentId, environmentKey: environment.key, holderUserId, bookedBy: decision.by,
        since, until, note: request.note, sshKeyId: key?.id ?? null, sshPublicKey: key?.publicKey ?? null, projectId, seriesId,
      },
      at,
    );
    bookings.push(await createEntity(tx, entity, settleBooking(made, at).entity, 'bookings.book', decision).catch(refuseOverlap));
  }
  return bookings;
}

/** Lets time happen to an environment's bookings before anybody decides on them. The environment is locked. */
export async function settleOverdue(tx: Transaction, organizationId: string, environmentId: string, at: Instant): Promise<void> {
  for (const id of await overdueBookingsOf(tx, organizationId, environmentId, at)) {
    await advanceEntity(tx, bookingEntity, { organizationId, id }, at);
  }
}

/** Refuses periods that others have, or that overlap each other, naming every collision. */
export async function refuseTaken(
  tx: Transaction,
  organizationId: string,
  environment: Pick<LockedEnvironment, 'id' | 'name'>,
  periods: readonly BookingPeriod[],
  at: Instant,
  except: string | null = null,
): Promise<void> {
  const collisions: Record<string, unknown>[] = [];
  for (const [index, period] of periods.entries()) {
    for (const { id, since, until, holderUserId, state } of await takenIn(tx, organizationId, environment.id, period, at, except)) {
      collisions.push({ period: index, booking_id: id, since, until, holder_user_id: holderUserId, state });
    }
  }
  if (collisions.length > 0) throw taken(environment.name, collisions);
}

function taken(name: string, collisions: Record<string, unknown>[]): DomainError {
  const first = collisions[0] as { since: string; until: string | null; booking_id: string };
  return new DomainError({
    kind: 'conflict',
    code: 'bookings.taken',
    message: `${name} is booked from ${first.since} to ${first.until ?? 'an open end'} (${first.booking_id})${collisions.length > 1 ? `, and ${collisions.length - 1} more collide` : ''}. Choose another period, or join the waitlist.`,
    details: { collisions },
  });
}

/** The backstop spoke: two of the wished periods overlap each other, or the code above has a hole. */
export function refuseOverlap(error: unknown): never {
  if (violatedConstraint(error) !== 'bookings_no_overlap') throw error;
  throw invalidField('bookings.periods-overlap', 'until', 'lets two of the wished periods overlap; shorten them, or book them apart');
}
