import test from 'ava';
import { newId } from '../shared/new-id.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Booker } from '../../domain/bookings/booking-rules.ts';
import { system } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { at, bookingSite as site, decisionOf, type BookingSite as Site } from '../../tests/helpers/booking-site.ts';
import { book, insertPerson } from '../../tests/helpers/bookings.ts';
import { insertInstances, insertSandbox } from '../../tests/helpers/power.ts';
import { bookEnvironment } from './book-environment.ts';
import { cancelBooking, editBooking, releaseBooking } from './change-booking.ts';
import { endBookingsOf } from './port.ts';
import { acceptEntry, joinWaitlist, leaveWaitlist } from './waitlist.ts';

test('of many who book the same time at once one wins, and the others are told who', async (t) => {
  const { db, organizationId, engineer, environment } = await site(t);
  const environmentId = await environment();
  const wish = { organizationId, environmentId, booker: engineer, at: at(8), since: at(9), until: at(10) };
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => book(db, wish)));
  const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
  t.is(won.length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue;
    t.like(outcome.reason, { code: 'bookings.taken', details: { collisions: [{ booking_id: won[0]?.value.id, holder_user_id: engineer.userId }] } });
  }
  t.is((await db('bookings')).length, 1);
  t.deepEqual(await db('wake_ups').where('kind', 'booking').pluck('entity_id'), [won[0]?.value.id]);
});

test('the database itself refuses an overlap that the code would let through', async (t) => {
  const { db, organizationId, engineer, environment } = await site(t);
  const environmentId = await environment();
  const { id } = await book(db, { organizationId, environmentId, booker: engineer, at: at(8), since: at(9), until: null });
  const row = await db('bookings').where({ id }).first();
  const copy = { ...row, id: newId('booking'), since: at(20), until: at(21), booked_by: JSON.stringify(row.booked_by) };
  t.like(await t.throwsAsync(db('bookings').insert(copy)), { constraint: 'bookings_no_overlap' });
  await db('bookings').insert({ ...copy, since: at(8), until: at(9) });
});

test('touching bookings are legal, also with what is settled late', async (t) => {
  const { db, organizationId, engineer, other, environment } = await site(t);
  const environmentId = await environment();
  const first = await book(db, { organizationId, environmentId, booker: engineer, at: at(8), since: at(8), until: at(9) });
  t.is(first.state, 'active');
  await book(db, { organizationId, environmentId, booker: other, at: at(8), since: at(9), until: at(10) });
  // Nobody advanced the first: whoever books settles what is due before.
  await book(db, { organizationId, environmentId, booker: engineer, at: at(12), since: at(12), until: null });
  t.deepEqual(await db('bookings').orderBy('since').pluck('state'), ['released', 'released', 'active']);
});

test('who asked while a booking went on does not get its time, though it has ended while they waited', async (t) => {
  const { db, organizationId, engineer, other, environment, advance } = await site(t);
  const wish = { organizationId, environmentId: await environment(), since: at(8, 57), until: at(9) };
  const first = await book(db, { ...wish, booker: engineer, at: at(8, 57) });
  await advance(first.id, at(9));
  const late = await t.throwsAsync(book(db, { ...wish, booker: other, at: at(8, 59) }));
  t.like(late, { code: 'bookings.taken', details: { collisions: [{ booking_id: first.id, state: 'released' }] } });
  t.is((await book(db, { ...wish, booker: other, at: at(9), since: at(8, 58), until: at(10) })).state, 'active', 'who asks after that may name its beginning');
});

const refusals: [string, string, (given: Site) => Promise<unknown>][] = [
  ['a member books nothing', 'bookings.role', async ({ db, organizationId, environment }) =>
    book(db, { organizationId, environmentId: await environment(), booker: await insertPerson(db, organizationId, 'member', at(0)), at: at(8), since: at(9), until: at(10) })],
  ['an engineer does not book for a colleague', 'bookings.for-colleague', async ({ db, organizationId, environment, engineer, other }) =>
    book(db, { organizationId, environmentId: await environment(), booker: engineer, holderUserId: other.userId, at: at(8), since: at(9), until: at(10) })],
  ['nobody books for somebody who may not book here', 'bookings.holder-may-not-book', async ({ db, organizationId, environment, manager }) => {
    const elsewhere = newId('organization');
    await db('organizations').insert({ id: elsewhere, name: 'Other', created_at: at(0), last_at: at(0) });
    const { userId } = await insertPerson(db, elsewhere, 'manager', at(0));
    return await book(db, { organizationId, environmentId: await environment(), booker: manager, holderUserId: userId, at: at(8), since: at(9), until: at(10) });
  }],
  ['what is out of service is not booked', 'bookings.environment-inactive', async ({ db, organizationId, environment, engineer }) =>
    book(db, { organizationId, environmentId: await environment({ isActive: false }), booker: engineer, at: at(8), since: at(9), until: at(10) })],
  ['an engineer does not book the past', 'bookings.since-in-past', async ({ db, organizationId, environment, engineer }) =>
    book(db, { organizationId, environmentId: await environment(), booker: engineer, at: at(12), since: at(9), until: at(14) })],
  ['what is reached by SSH asks for a key', 'bookings.ssh-key-missing', async ({ db, organizationId, environment, engineer }) =>
    book(db, { organizationId, environmentId: await environment({ sshRequired: true }), booker: engineer, at: at(8), since: at(9), until: at(10) })],
  ['an environment of another organization does not exist', 'environment.not-found', async ({ db, organizationId, engineer }) =>
    book(db, { organizationId, environmentId: newId('environment'), booker: engineer, at: at(8), since: at(9), until: at(10) })],
];
for (const [title, code, attempt] of refusals) {
  test(title, async (t) => {
    const given = await site(t);
    t.like(await t.throwsAsync(attempt(given)), { code });
    t.deepEqual([await given.db('bookings'), await given.db('wake_ups')], [[], []]);
  });
}

test('a manager books for a colleague and in the past, with the colleague’s default key', async (t) => {
  const { db, organizationId, engineer, manager, environment } = await site(t);
  const keyId = newId('ssh-key');
  await db('ssh_keys').insert({ id: keyId, user_id: engineer.userId, name: 'laptop', public_key: 'ssh-ed25519 AAAA', fingerprint: 'SHA256:x', is_default: true, created_at: at(0) });
  const environmentId = await environment({ sshRequired: true });
  const made = await book(db, { organizationId, environmentId, booker: manager, holderUserId: engineer.userId, at: at(12), since: at(9), until: at(14) });
  t.like(made, { holderUserId: engineer.userId, sshKeyId: keyId, sshPublicKey: 'ssh-ed25519 AAAA', state: 'active' });
  const wish = { organizationId, environmentId, booker: manager, holderUserId: engineer.userId, at: at(12), since: at(15), until: at(16), sshKeyId: keyId };
  t.like(await t.throwsAsync(book(db, wish)), { code: 'bookings.colleagues-key' });
});

test('a recurring booking is accepted whole or not at all, with every collision', async (t) => {
  const { db, organizationId, engineer, other, environment } = await site(t);
  const environmentId = await environment();
  const week = (n: number) => ({ since: `2026-12-0${n}T09:00:00.000Z`, until: `2026-12-0${n}T10:00:00.000Z` });
  const taken = await book(db, { organizationId, environmentId, booker: other, at: at(8), ...week(3) });
  const request = { organizationId, environmentId, holderUserId: engineer.userId, note: '', sshKeyId: null, projectId: null };
  const attempt = (days: number[]) => inTransaction(db, (tx) => bookEnvironment(tx, { ...request, periods: days.map(week) }, decisionOf(engineer, at(8))));
  t.like(await t.throwsAsync(attempt([1, 2, 3, 4])), { code: 'bookings.taken', details: { collisions: [{ period: 2, booking_id: taken.id }] } });
  t.is((await db('bookings')).length, 1);
  const made = await attempt([1, 2, 4]);
  t.is(new Set(made.map((one) => one.seriesId)).size, 1);
});

test('extending over the next booking is refused, up to it is not', async (t) => {
  const { db, organizationId, engineer, other, environment } = await site(t);
  const environmentId = await environment();
  const mine = await book(db, { organizationId, environmentId, booker: engineer, at: at(8), since: at(9), until: at(10) });
  await book(db, { organizationId, environmentId, booker: other, at: at(8), since: at(12), until: at(13) });
  const extend = (until: Instant | null) => inTransaction(db, (tx) => editBooking(tx, { organizationId, id: mine.id }, { until }, decisionOf(engineer, at(9, 30))));
  t.like(await t.throwsAsync(extend(at(12, 30))), { code: 'bookings.taken' });
  t.like(await t.throwsAsync(extend(null)), { code: 'bookings.taken' });
  t.like(await extend(at(12)), { until: at(12), state: 'active' });
  const meddling = inTransaction(db, (tx) => releaseBooking(tx, { organizationId, id: mine.id }, decisionOf(other, at(9, 40))));
  t.like(await t.throwsAsync(meddling), { code: 'bookings.not-yours' });
});

test('a beginning is moved into the past by managers alone', async (t) => {
  const { db, organizationId, engineer, manager, environment } = await site(t);
  const { id } = await book(db, { organizationId, environmentId: await environment(), booker: engineer, at: at(8), since: at(15), until: at(16) });
  const move = (booker: Booker) => inTransaction(db, (tx) => editBooking(tx, { organizationId, id }, { since: at(9) }, decisionOf(booker, at(12))));
  t.like(await t.throwsAsync(move(engineer)), { code: 'bookings.since-in-past' });
  t.like(await move(manager), { since: at(9), state: 'active' });
});

test('release frees the slot at once; taking back is for what has not begun', async (t) => {
  const { db, organizationId, engineer, other, environment } = await site(t);
  const environmentId = await environment();
  const mine = await book(db, { organizationId, environmentId, booker: engineer, at: at(8), since: at(8), until: null });
  const ref = { organizationId, id: mine.id };
  t.like(await t.throwsAsync(inTransaction(db, (tx) => cancelBooking(tx, ref, decisionOf(engineer, at(9))))), { code: 'bookings.has-begun' });
  await inTransaction(db, (tx) => releaseBooking(tx, ref, decisionOf(engineer, at(9))));
  await book(db, { organizationId, environmentId, booker: other, at: at(9), since: at(9), until: at(10) });
  t.like(await db('bookings').where({ id: mine.id }).first(), { state: 'released', until: at(9), end_reason: 'released' });
});

test('a freed slot is offered in order, held meanwhile, and goes on when it is not taken', async (t) => {
  const { db, organizationId, engineer, other, manager, environment, advance } = await site(t);
  const environmentId = await environment();
  const mine = await book(db, { organizationId, environmentId, booker: manager, at: at(8), since: at(8), until: at(18) });
  const join = (booker: Booker) => inTransaction(db, (tx) => joinWaitlist(tx, { organizationId, environmentId, since: at(10), until: at(17) }, decisionOf(booker, at(8, 30))));
  const [first, second] = [await join(engineer), await join(other)];
  t.like(await t.throwsAsync(join(engineer)), { code: 'bookings.waits-already' });
  await inTransaction(db, (tx) => releaseBooking(tx, { organizationId, id: mine.id }, decisionOf(manager, at(11))));
  const [offer] = await db('bookings').where({ state: 'offered' });
  t.like(offer, { holder_user_id: engineer.userId, since: at(11), until: at(17), offer_expires_at: at(11, 30) });
  const past = book(db, { organizationId, environmentId, booker: manager, at: at(11, 5), since: at(12), until: at(13) });
  t.like(await t.throwsAsync(past), { code: 'bookings.taken' }, 'nobody books past an offer');
  await advance(offer.id, at(11, 30));
  await advance(offer.id, at(11, 31));
  const open = await db('bookings').where({ state: 'offered' });
  t.is(open.length, 1);
  t.like(open[0], { holder_user_id: other.userId, since: at(11, 30) });
  t.like(await t.throwsAsync(inTransaction(db, (tx) => acceptEntry(tx, { organizationId, id: first.id }, decisionOf(engineer, at(11, 40))))), { code: 'bookings.no-offer' });
  const taken = await inTransaction(db, (tx) => acceptEntry(tx, { organizationId, id: second.id }, decisionOf(other, at(11, 40))));
  t.like(taken, { state: 'active', holderUserId: other.userId });
  t.deepEqual(await db('waitlist_entries').orderBy('id').pluck('state'), ['expired', 'accepted']);
});

test('who leaves the waitlist gives the offer to the next, and what is free is booked, not waited for', async (t) => {
  const { db, organizationId, engineer, other, manager, environment } = await site(t);
  const environmentId = await environment();
  const join = (booker: Booker) => inTransaction(db, (tx) => joinWaitlist(tx, { organizationId, environmentId, since: at(10), until: at(17) }, decisionOf(booker, at(8, 30))));
  t.like(await t.throwsAsync(join(engineer)), { code: 'bookings.is-free' });
  const mine = await book(db, { organizationId, environmentId, booker: manager, at: at(8), since: at(8), until: at(18) });
  const first = await join(engineer);
  await join(other);
  await inTransaction(db, (tx) => releaseBooking(tx, { organizationId, id: mine.id }, decisionOf(manager, at(9))));
  await inTransaction(db, (tx) => leaveWaitlist(tx, { organizationId, id: first.id }, decisionOf(engineer, at(9, 5))));
  t.like(await db('bookings').where({ state: 'offered' }).first(), { holder_user_id: other.userId });
});

test('bookings of an environment that goes are ended, and their holders told', async (t) => {
  const { db, organizationId, engineer, other, environment } = await site(t);
  const environmentId = await environment();
  await book(db, { organizationId, environmentId, booker: engineer, at: at(8), since: at(8), until: at(10) });
  await book(db, { organizationId, environmentId, booker: other, at: at(8), since: at(12), until: at(13) });
  await inTransaction(db, async (tx) => {
    await tx('environments').where({ id: environmentId }).update({ deleted_at: at(9) });
    await endBookingsOf(tx, organizationId, environmentId, { at: at(9), by: system('test') });
  });
  t.deepEqual(await db('bookings').orderBy('since').select('state', 'end_reason'), [
    { state: 'released', end_reason: 'environment-gone' },
    { state: 'cancelled', end_reason: 'environment-gone' },
  ]);
  const told = await db('mails').where('subject', 'like', '%is free again').pluck('user_id');
  t.true([engineer, other].every(({ userId }) => told.includes(userId)));
});

test('bookings claim the machine: on from its boot time before, through adjacent ones, off after the last', async (t) => {
  const { db, organizationId, engineer, other, environment, advance } = await site(t);
  const dataSourceId = await insertSandbox(db, organizationId);
  const [resourceId = ''] = await insertInstances(db, { organizationId, dataSourceId }, [{ state: 'stopped' }], at(0));
  const environmentId = await environment({ resourceId, powerOnBefore: true, powerOffAfter: true });
  const first = await book(db, { organizationId, environmentId, booker: engineer, at: at(8), since: at(9), until: at(10) });
  await book(db, { organizationId, environmentId, booker: other, at: at(8), since: at(10), until: at(11) });
  const claims = () => db('power_claims').orderBy(['from_at', 'wanted']).select('wanted', 'from_at', 'until_at');
  t.deepEqual(await claims(), [
    { wanted: 'on', from_at: at(8, 55), until_at: at(10) },
    { wanted: 'on', from_at: at(9, 55), until_at: at(11) },
    { wanted: 'off', from_at: at(10), until_at: '2026-11-22T10:00:00.000Z' },
    { wanted: 'off', from_at: at(11), until_at: '2026-11-22T11:00:00.000Z' },
  ]);
  await advance(first.id, at(9));
  await advance(first.id, at(10));
  t.like(await db('power_states').where({ resource_id: resourceId }).first(), { wanted: 'on', decided_by: 'booking' });
});
