import test from 'ava';
import { insertEnvironment, insertPerson } from '../helpers/bookings.ts';
import { clockedApi } from '../helpers/clocked-api.ts';
import { powerSite } from '../helpers/power-site.ts';

const day = (time: string): string => `2035-03-05T${time}:00.000Z`;

test('an offer that expires while everything is down goes to the next in line, who accepts it; each has one workflow and each step one entry', async (t) => {
  const power = await powerSite(t, day('08:00'));
  const { clock, site } = power;
  const { db, client } = site;
  const { organizationId } = power.sandbox;
  const environmentId = await insertEnvironment(db, organizationId, {}, clock.now());
  const person = async (role: 'manager' | 'engineer') => (await insertPerson(db, organizationId, role, clock.now())).userId;
  const [manager, first, second] = [await person('manager'), await person('engineer'), await person('engineer')];
  const api = await clockedApi(site, clock);
  t.teardown(() => api.stop());
  const post = async (userId: string, path: string, body: unknown = {}) => {
    const answer = await api.call(userId, 'POST', path, body);
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const booked = await post(manager, `/v1/organizations/${organizationId}/bookings`, { environment_id: environmentId, until: day('18:00') });
  const taken = booked.items[0].id as string;
  const entries: string[] = [];
  for (const userId of [first, second]) entries.push((await post(userId, `/v1/environments/${environmentId}/waitlist`, { until: day('17:00') })).id as string);
  await power.travelTo(day('09:00'));
  await post(manager, `/v1/bookings/${taken}:release`);
  await power.travelTo(day('09:10'));
  const states = () => db('waitlist_entries').orderBy('id').select('id', 'state');
  t.deepEqual(await states(), [{ id: entries[0], state: 'offered' }, { id: entries[1], state: 'waiting' }]);

  await power.halt();
  clock.set(day('10:00'));
  await power.begin();
  t.deepEqual(await states(), [{ id: entries[0], state: 'expired' }, { id: entries[1], state: 'offered' }]);
  t.like(await api.call(first, 'POST', `/v1/waitlist-entries/${entries[0]}:accept`, {}), { status: 409, body: { code: 'bookings.no-offer' } });
  const accepted = await post(second, `/v1/waitlist-entries/${entries[1]}:accept`);
  t.like(accepted, { state: 'active', holder_user_id: second, since: day('10:00'), until: day('17:00'), waitlist_entry_id: entries[1] });
  t.deepEqual(await states(), [{ id: entries[0], state: 'expired' }, { id: entries[1], state: 'accepted' }]);
  await power.travelTo(day('17:05'));

  const bookings = await db('bookings').orderBy('id').select<{ id: string; state: string }[]>('id', 'state');
  t.deepEqual(bookings.map(({ state }) => state), ['released', 'expired', 'released']);
  const runs = await Array.fromAsync(client.workflow.list({ query: `WorkflowType = 'booking'` }), ({ workflowId, status }) => `${workflowId} ${status.name}`);
  t.deepEqual(runs.toSorted(), bookings.map(({ id }) => `booking/${id} COMPLETED`));
  const ledger = await db('ledger').where({ organization_id: organizationId }).whereLike('action', 'bookings.%').orderBy('id').select<{ subject: string; action: string; due_at: string | null }[]>('subject', 'action', 'due_at');
  const steps = (subject: string) => ledger.filter((entry) => entry.subject === subject).map(({ action, due_at: due }) => (due === null ? action : `${action} ${due.slice(11, 16)}`));
  const [, expired = '', taker = ''] = bookings.map(({ id }) => id);
  t.deepEqual([taken, expired, taker].map(steps), [
    ['bookings.book', 'bookings.release'],
    ['bookings.offer', 'bookings.expire-offer 09:30'],
    ['bookings.offer', 'bookings.accept-offer', 'bookings.start 10:00', 'bookings.end 17:00'],
  ]);
  t.deepEqual(entries.map(steps), [['bookings.join-waitlist'], ['bookings.join-waitlist']]);
  t.deepEqual(await db('mails').where('kind', 'waitlist-offer').orderBy('id').pluck('user_id'), [first, second]);
});
