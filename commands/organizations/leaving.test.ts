import test from 'ava';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Booker } from '../../domain/bookings/booking-rules.ts';
import { at, bookingSite, decisionOf } from '../../tests/helpers/booking-site.ts';
import { book } from '../../tests/helpers/bookings.ts';
import { bookEnvironment } from '../bookings/book-environment.ts';
import { releaseBooking } from '../bookings/change-booking.ts';
import { joinWaitlist } from '../bookings/waitlist.ts';
import { deactivateEnvironment } from '../environments/edit-environment.ts';
import { removeMember } from './remove-member.ts';

async function site(t: { teardown(end: () => Promise<void>): void }) {
  const given = await bookingSite(t);
  const { db, organizationId, manager } = given;
  return {
    ...given,
    wait: (environmentId: string, booker: Booker) => inTransaction(db, (tx) => joinWaitlist(tx, { organizationId, environmentId, since: at(8), until: at(20) }, decisionOf(booker, at(8, 5)))),
    remove: ({ userId }: Booker) => inTransaction(db, (tx) => removeMember(tx, { organizationId, userId }, decisionOf(manager, at(9)))),
    told: async (kind: string) => await db('mails').where({ kind }).where('created_at', at(9)).select<{ user_id: string; subject: string; body: string }[]>('user_id', 'subject', 'body'),
  };
}

test('whoever leaves the organization has no booking, no offer and no place on a waitlist any more, and managers are told', async (t) => {
  const { db, organizationId, engineer, other, manager, environment, wait, remove, told } = await site(t);
  const [held, offered, taken] = [await environment(), await environment(), await environment()];
  await book(db, { organizationId, environmentId: held, booker: engineer, at: at(8), since: at(8), until: at(12) });
  await book(db, { organizationId, environmentId: held, booker: engineer, at: at(8), since: at(14), until: at(15) });
  const next = await wait(held, other);
  const before = await book(db, { organizationId, environmentId: offered, booker: manager, at: at(8), since: at(8), until: null });
  const [first, second] = [await wait(offered, engineer), await wait(offered, other)];
  await inTransaction(db, (tx) => releaseBooking(tx, { organizationId, id: before.id }, decisionOf(manager, at(8, 50))));
  await book(db, { organizationId, environmentId: taken, booker: other, at: at(8), since: at(8), until: at(12) });
  const waiting = await wait(taken, engineer);

  await remove(engineer);
  t.deepEqual(await db('bookings').where('holder_user_id', engineer.userId).orderBy('since').select('state', 'end_reason', 'ended_at'), [
    { state: 'released', end_reason: 'holder-left', ended_at: at(9) },
    { state: 'expired', end_reason: 'holder-left', ended_at: at(9) },
    { state: 'cancelled', end_reason: 'holder-left', ended_at: at(9) },
  ]);
  const states = new Map((await db('waitlist_entries').select<{ id: string; state: string }[]>('id', 'state')).map(({ id, state }) => [id, state]));
  t.deepEqual([first, waiting, second, next].map(({ id }) => states.get(id)), ['left', 'left', 'offered', 'offered'], 'what they held is offered to those who wait');
  const letters = await told('booking-release');
  t.deepEqual(letters.map(({ user_id: userId }) => userId), [manager.userId, manager.userId]);
  t.regex(letters[0]?.body ?? '', /^A booking of .* was ended, because whoever held it has left the organization, at /);
  t.deepEqual((await told('waitlist-offer')).map(({ user_id: userId }) => userId), [other.userId, other.userId]);
});

test('somebody who books while they are removed is refused, or their booking ends with their membership', async (t) => {
  const { db, organizationId, engineer, other, manager, environment, remove } = await site(t);
  const environmentId = await environment();
  const request = { organizationId, environmentId, holderUserId: engineer.userId, periods: [{ since: at(10), until: at(11) }], note: '', sshKeyId: null, projectId: null };
  // Booked first, and not yet committed: the removal waits for it, and ends it.
  const leaving: Promise<void>[] = [];
  await db.transaction(async (tx) => {
    await bookEnvironment(tx, request, decisionOf(engineer, at(8)));
    leaving.push(remove(engineer));
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    while ((await db.raw(waiting)).rows.length === 0);
  });
  await leaving[0];
  t.like(await db('bookings').first(), { state: 'cancelled', end_reason: 'holder-left' });
  // Removed first, and not yet committed: nobody waits, and nothing is booked.
  await db.transaction(async (tx) => {
    await removeMember(tx, { organizationId, userId: other.userId }, decisionOf(manager, at(9)));
    const booking = db.transaction((inner) => bookEnvironment(inner, { ...request, holderUserId: other.userId }, decisionOf(other, at(9))));
    t.like(await t.throwsAsync(booking), { code: 'bookings.role' });
    const waiting = db.transaction((inner) => joinWaitlist(inner, { organizationId, environmentId, since: at(10), until: at(11) }, decisionOf(other, at(9))));
    t.like(await t.throwsAsync(waiting), { code: 'bookings.role' });
  });
  t.is((await db('bookings')).length, 1);
});

test('an owner who has left gets no mail of an environment, and a platform administrator books without being a member', async (t) => {
  const { db, organizationId, engineer, other, manager, environment, remove, told } = await site(t);
  const environmentId = await environment();
  await db('environments').where('id', environmentId).update({ owner_user_id: engineer.userId });
  await remove(engineer);
  await inTransaction(db, (tx) => deactivateEnvironment(tx, { organizationId, id: environmentId }, { at: at(9), by: decisionOf(manager, at(9)).by }));
  t.deepEqual((await told('environment')).map(({ user_id: userId }) => userId), [manager.userId]);
  await remove(other);
  await db('users').where('id', other.userId).update({ platform_administrator: true });
  const administrator: Booker = { userId: other.userId, role: 'manager' };
  t.like(await book(db, { organizationId, environmentId: await environment(), booker: administrator, at: at(9), since: at(9), until: at(10) }), { state: 'active' });
  t.true((await told('booking')).some(({ user_id: userId }) => userId === other.userId));
});
