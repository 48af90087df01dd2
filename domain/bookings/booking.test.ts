import test from 'ava';
import { system } from '../shared/entity.ts';
import { acceptOffer, editBooking, endBooking, newBooking, newOffer, overlap, settleBooking, type Booking, type NewBooking } from './booking.ts';
import { eventsOf } from './booking-news.ts';
import { powerWishes } from './booking-power.ts';
import { weeksOf } from './recurrence.ts';
import { offerable } from './waitlist.ts';

const NOON = '2026-11-21T12:00:00.000Z';
const at = (hour: number, minute = 0): string => `2026-11-21T${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}:00.000Z`;

const wish = (given: Partial<NewBooking> = {}): NewBooking => ({
  id: 'bkg_a',
  organizationId: 'org_a',
  environmentId: 'env_a',
  environmentKey: 1,
  holderUserId: 'usr_a',
  bookedBy: system('test'),
  since: at(13),
  until: at(15),
  note: '',
  sshKeyId: null,
  sshPublicKey: null,
  projectId: null,
  seriesId: null,
  ...given,
});
const booking = (given: Partial<NewBooking> = {}): Booking => newBooking(wish(given), NOON);

test('a booking begins and ends on time, oldest step first, and repeating changes nothing', (t) => {
  t.like(booking(), { state: 'reserved', nextDueAt: at(13) });
  t.deepEqual(settleBooking(booking(), at(12, 59)).transitions, []);
  const begun = settleBooking(booking(), at(13));
  t.like(begun.entity, { state: 'active', nextDueAt: at(15) });
  t.deepEqual(settleBooking(begun.entity, at(14)).transitions, []);
  const late = settleBooking(booking(), at(20));
  t.deepEqual(late.transitions.map(({ action, dueAt }) => [action, dueAt]), [
    ['bookings.start', at(13)],
    ['bookings.end', at(15)],
  ]);
  t.like(late.entity, { state: 'released', endedAt: at(15), endReason: 'ended', nextDueAt: null });
  t.deepEqual(settleBooking(late.entity, at(21)).transitions, []);
});

test('an open end waits for its release', (t) => {
  const open = settleBooking(booking({ until: null }), at(20)).entity;
  t.like(open, { state: 'active', nextDueAt: null });
  t.like(endBooking(open, 'released', at(21)).entity, { state: 'released', until: at(21), endedAt: at(21), endReason: 'released' });
});

test('one that is released as it begins still has a length', (t) => {
  const active = settleBooking(booking(), at(13)).entity;
  t.is(endBooking(active, 'released', at(13)).entity.until, '2026-11-21T13:00:00.001Z');
});

test('one that has not begun is cancelled, one that has ended stays', (t) => {
  const cancelled = endBooking(booking(), 'cancelled', at(12, 30)).entity;
  t.like(cancelled, { state: 'cancelled', since: at(13), until: at(15), endReason: 'cancelled' });
  t.deepEqual(endBooking(cancelled, 'released', at(14)).transitions, []);
});

for (const [title, period] of [
  ['of equal instants', { since: at(13), until: at(13) }],
  ['that ends before it begins', { since: at(13), until: at(12) }],
] as const) {
  test(`a period ${title} is none`, (t) => {
    t.like(t.throws(() => booking(period)), { code: 'bookings.empty-period' });
  });
}

test('an edit moves what has not begun, and only the end of what has', (t) => {
  t.like(editBooking(booking(), { since: at(14) }, NOON).entity, { since: at(14), nextDueAt: at(14) });
  const active = settleBooking(booking(), at(13)).entity;
  t.like(editBooking(active, { until: at(18) }, at(14)).entity, { until: at(18), nextDueAt: at(18) });
  t.like(editBooking(active, { until: null }, at(14)).entity, { until: null, nextDueAt: null });
  t.like(t.throws(() => editBooking(active, { since: at(14) }, at(14))), { code: 'bookings.has-begun' });
  t.like(t.throws(() => editBooking(active, { until: at(14) }, at(14))), { code: 'bookings.end-in-past' });
  t.like(t.throws(() => editBooking(endBooking(active, 'released', at(14)).entity, { note: 'x' }, at(14))), { code: 'bookings.ended' });
  t.deepEqual(editBooking(active, { until: at(15) }, at(14)).transitions, []);
});

test('an offer expires, or is taken before', (t) => {
  const offer = newOffer({ ...wish(), waitlistEntryId: 'wle_a', offerExpiresAt: at(12, 30) }, NOON);
  t.like(offer, { state: 'offered', nextDueAt: at(12, 30) });
  t.like(settleBooking(offer, at(12, 30)).entity, { state: 'expired', endReason: 'expired', endedAt: at(12, 30) });
  t.like(acceptOffer(offer).entity, { state: 'reserved', offerExpiresAt: null, nextDueAt: at(13) });
  t.like(t.throws(() => acceptOffer(booking())), { code: 'bookings.no-offer' });
});

test('touching periods do not overlap, open ones go on for ever', (t) => {
  t.false(overlap({ since: at(1), until: at(2) }, { since: at(2), until: at(3) }));
  t.true(overlap({ since: at(1), until: at(2, 1) }, { since: at(2), until: at(3) }));
  t.true(overlap({ since: at(1), until: null }, { since: at(9), until: null }));
});

test('who waits is offered what is left of the period, once all of that is free', (t) => {
  const entry = { since: at(10), until: at(16) };
  t.deepEqual(offerable(entry, [], NOON), { since: NOON, until: at(16) });
  t.is(offerable(entry, [{ since: at(15), until: at(17) }], NOON), null);
  t.deepEqual(offerable(entry, [{ since: at(16), until: null }], NOON), { since: NOON, until: at(16) });
  t.is(offerable(entry, [], '2026-11-21T15:59:30.000Z'), null, 'less than a minute is no booking');
});

test('webhooks hear of every step, also of those that nobody saw one by one', (t) => {
  const reserved = booking();
  const active = settleBooking(reserved, at(13)).entity;
  const ended = settleBooking(reserved, at(16)).entity;
  t.deepEqual(eventsOf(null, reserved), ['booking.created']);
  t.deepEqual(eventsOf(null, active), ['booking.created', 'booking.started']);
  t.deepEqual(eventsOf(reserved, active), ['booking.started']);
  t.deepEqual(eventsOf(active, ended), ['booking.released']);
  t.deepEqual(eventsOf(reserved, ended), ['booking.started', 'booking.released']);
  t.deepEqual(eventsOf(reserved, endBooking(reserved, 'cancelled', NOON).entity), ['booking.cancelled']);
  t.deepEqual(eventsOf(reserved, editBooking(reserved, { note: 'moved' }, NOON).entity), ['booking.changed']);
  const offer = newOffer({ ...wish(), waitlistEntryId: 'wle_a', offerExpiresAt: at(12, 30) }, NOON);
  t.deepEqual(eventsOf(null, offer), []);
  t.deepEqual(eventsOf(offer, acceptOffer(offer).entity), ['booking.created']);
  t.deepEqual(eventsOf(offer, settleBooking(offer, at(13)).entity), []);
});

test('a machine is started its boot time before the booking and stopped after it', (t) => {
  const both = { powerOnBefore: true, powerOffAfter: true };
  t.deepEqual(powerWishes(booking(), both, 420), [
    { wanted: 'on', from: at(12, 53), until: at(15) },
    { wanted: 'off', from: at(15), until: '2026-11-22T15:00:00.000Z' },
  ]);
  const released = endBooking(settleBooking(booking(), at(13)).entity, 'released', at(14)).entity;
  t.deepEqual(powerWishes(released, both, 420), [{ wanted: 'off', from: at(14), until: '2026-11-22T14:00:00.000Z' }]);
  t.deepEqual(powerWishes(endBooking(booking(), 'cancelled', NOON).entity, both, 420), []);
  t.deepEqual(powerWishes(booking(), { powerOnBefore: false, powerOffAfter: false }, 420), []);
});

test('a weekly booking keeps its local times when clocks change', (t) => {
  const first = { since: '2026-10-19T07:00:00.000Z', until: '2026-10-19T15:00:00.000Z' };
  t.deepEqual(weeksOf(first, { timeZone: 'Europe/Berlin', untilDate: '2026-10-26' }), [first, { since: '2026-10-26T08:00:00.000Z', until: '2026-10-26T16:00:00.000Z' }]);
  t.like(t.throws(() => weeksOf({ ...first, until: null }, { timeZone: 'Europe/Berlin', untilDate: '2026-10-26' })), { code: 'bookings.recurring-open-end' });
  t.like(t.throws(() => weeksOf(first, { timeZone: 'Mars/Olympus', untilDate: '2026-10-26' })), { code: 'bookings.unknown-time-zone' });
  t.like(t.throws(() => weeksOf(first, { timeZone: 'UTC', untilDate: '2026-10-18' })), { code: 'bookings.recurrence-ends-early' });
  t.like(t.throws(() => weeksOf(first, { timeZone: 'UTC', untilDate: '2030-01-01' })), { code: 'bookings.too-many-weeks' });
  t.like(t.throws(() => weeksOf(first, { timeZone: 'UTC', untilDate: '2026-02-30' })), { code: 'bookings.no-such-date' });
});
