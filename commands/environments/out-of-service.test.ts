import test from 'ava';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Booker } from '../../domain/bookings/booking-rules.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { at, bookingSite, decisionOf, type BookingSite } from '../../tests/helpers/booking-site.ts';
import { book, insertPerson } from '../../tests/helpers/bookings.ts';
import { editBooking, releaseBooking } from '../bookings/change-booking.ts';
import { requestFromCalendar } from '../bookings/request-from-calendar.ts';
import { acceptEntry, joinWaitlist } from '../bookings/waitlist.ts';
import { deactivateEnvironment, deleteEnvironment, reactivateEnvironment } from './edit-environment.ts';

/** Two people wait for a taken environment, which is released at nine: the first of them holds an offer of it. */
async function offered(t: { teardown(end: () => Promise<void>): void }) {
  const site = await bookingSite(t);
  const { db, organizationId, engineer, other, manager } = site;
  const environmentId = await site.environment();
  const taken = await book(db, { organizationId, environmentId, booker: manager, at: at(8), since: at(8), until: at(18) });
  const join = (booker: Booker) => inTransaction(db, (tx) => joinWaitlist(tx, { organizationId, environmentId, since: at(8, 30), until: at(17) }, decisionOf(booker, at(8, 30))));
  const [first, second] = [await join(engineer), await join(other)];
  await inTransaction(db, (tx) => releaseBooking(tx, { organizationId, id: taken.id }, decisionOf(manager, at(9))));
  const accept = (when: Instant, booker = engineer) => inTransaction(db, (tx) => acceptEntry(tx, { organizationId, id: first.id }, decisionOf(booker, when)));
  return { ...site, environmentId, first, second, accept };
}

const decisionBy = ({ manager }: BookingSite, when: Instant) => ({ at: when, by: decisionOf(manager, when).by });

test('an environment that goes out of service takes its offer back, and asks the same person again when it is back', async (t) => {
  const site = await offered(t);
  const { db, organizationId, environmentId, engineer, accept, first, second } = site;
  const ref = { organizationId, id: environmentId };
  await inTransaction(db, (tx) => deactivateEnvironment(tx, ref, decisionBy(site, at(9, 10))));
  t.like(await t.throwsAsync(accept(at(9, 11))), { code: 'bookings.no-offer' });
  t.deepEqual(await db('waitlist_entries').orderBy('id').select('id', 'state', 'offered_booking_id'), [
    { id: first.id, state: 'waiting', offered_booking_id: null },
    { id: second.id, state: 'waiting', offered_booking_id: null },
  ]);
  t.deepEqual(await db('bookings').whereNotNull('waitlist_entry_id').select('state', 'end_reason'), [{ state: 'expired', end_reason: 'environment-inactive' }]);
  t.true((await db('mails').where('subject', 'like', '%is out of service').pluck('user_id')).includes(engineer.userId));
  await inTransaction(db, (tx) => reactivateEnvironment(tx, ref, decisionBy(site, at(12))));
  t.like(await db('bookings').where('state', 'offered').first(), { waitlist_entry_id: first.id, since: at(12), until: at(17), offer_expires_at: at(12, 30) });
  t.like(await accept(at(12, 20)), { state: 'active', holderUserId: engineer.userId });
});

test('an offer is accepted by the rules of any booking: not out of service, not by who may not book any more, not in the past', async (t) => {
  const { db, organizationId, environmentId, engineer, accept } = await offered(t);
  // As a row that was written before offers were taken back.
  await db('environments').where({ id: environmentId }).update({ is_active: false });
  t.like(await t.throwsAsync(accept(at(9, 5))), { code: 'bookings.environment-inactive' });
  await db('environments').where({ id: environmentId }).update({ is_active: true });
  t.like(await t.throwsAsync(accept(at(9, 5), { ...engineer, role: 'member' })), { code: 'bookings.role' });
  await db('environments').where({ id: environmentId }).update({ ssh_required: true });
  t.like(await t.throwsAsync(accept(at(9, 5))), { code: 'bookings.ssh-key-missing' });
  await db('environments').where({ id: environmentId }).update({ ssh_required: false });
  // The offer began twenty minutes ago: that is no booking of the past.
  t.like(await accept(at(9, 20)), { state: 'active', since: at(9) });
  t.is((await db('bookings').where({ organization_id: organizationId, state: 'active' })).length, 1);
});

test('a booking of an environment out of service gives time back and takes none, by whichever way', async (t) => {
  const site = await bookingSite(t);
  const { db, organizationId, manager } = site;
  const booker = await insertPerson(db, organizationId, 'manager', at(0));
  const environmentId = await site.environment();
  const { id } = await book(db, { organizationId, environmentId, booker, at: at(8), since: at(10), until: at(12) });
  const ref = { organizationId, id };
  await inTransaction(db, (tx) => deactivateEnvironment(tx, { organizationId, id: environmentId }, { at: at(9), by: decisionOf(manager, at(9)).by }));
  const edit = (changes: { since?: Instant; until?: Instant | null; note?: string }) => inTransaction(db, (tx) => editBooking(tx, ref, changes, decisionOf(booker, at(9, 5))));
  const more = [{ until: at(13) }, { until: null }, { since: at(9, 30) }, { since: at(11), until: at(13) }];
  for (const changes of more) t.like(await t.throwsAsync(edit(changes)), { code: 'bookings.environment-inactive' });
  const change = { kind: 'move' as const, since: at(10), until: at(13) };
  const byCalendar = await inTransaction(db, (tx) => requestFromCalendar(tx, { organizationId, bookingId: id, change, stands: () => Promise.resolve(true) }, { at: at(9, 6), workflowId: 'calendar/test' }));
  t.true(byCalendar instanceof DomainError && byCalendar.code === 'bookings.environment-inactive');
  t.like(await edit({ since: at(10, 30), until: at(11, 30), note: 'shorter' }), { since: at(10, 30), until: at(11, 30) });
});

test('who waits for an environment that is deleted, and who is offered it, is told that their waiting has ended', async (t) => {
  const site = await offered(t);
  const { db, organizationId, environmentId, engineer, other } = site;
  await inTransaction(db, (tx) => deleteEnvironment(tx, { organizationId, id: environmentId }, decisionBy(site, at(9, 10))));
  t.deepEqual(await db('waitlist_entries').pluck('state'), ['expired', 'expired']);
  const letters = await db('mails').whereLike('subject', '%is no longer shared').select<{ user_id: string; kind: string; body: string }[]>('user_id', 'kind', 'body');
  t.deepEqual(letters.map(({ user_id: userId }) => userId).toSorted(), [engineer.userId, other.userId].toSorted());
  for (const { kind, body } of letters) {
    t.is(kind, 'waitlist-offer');
    t.regex(body, /^You waited for .* your waiting has ended\.$/);
  }
});
