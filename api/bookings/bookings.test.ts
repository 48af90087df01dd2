import { addDays } from '../../domain/projects/local-days.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import type { Person, TestApi } from '../../tests/helpers/api.ts';
import { insertEnvironment } from '../../tests/helpers/bookings.ts';

const test = apiTest();
const HOUR = 3_600_000;

async function site(api: TestApi) {
  const organizationId = await api.organization();
  const [manager, engineer, other] = [await api.member(organizationId, 'manager'), await api.member(organizationId, 'engineer'), await api.member(organizationId, 'engineer')];
  const environments = [await insertEnvironment(api.db, organizationId, {}, api.clock.now()), await insertEnvironment(api.db, organizationId, {}, api.clock.now())] as const;
  const path = `/v1/organizations/${organizationId}/bookings`;
  const start = api.clock.now();
  const after = (hours: number): string => plusMilliseconds(start, hours * HOUR);
  const book = async (person: Person, environmentId: string, since: number | null, until: number | null, more: object = {}) =>
    await api.call(path, { method: 'POST', token: person.token, body: { environment_id: environmentId, ...(since !== null && { since: after(since) }), until: until === null ? null : after(until), ...more } });
  const booked = async (...wish: Parameters<typeof book>): Promise<string> => (await book(...wish)).body.items[0].id;
  return { manager, engineer, other, environments, path, after, book, booked };
}

test('a booking that has begun is released, by its holder or a manager and once; one that has not is taken back', async (t) => {
  const { api } = t.context;
  const { manager, engineer, other, environments: [one], after, booked } = await site(api);
  const running = await booked(engineer, one, null, 4);
  const later = await booked(engineer, one, 4, 6);
  const release = (id: string, { token }: Person, body: object = {}) => api.call(`/v1/bookings/${id}:release`, { method: 'POST', token, body });
  const cancel = (id: string, { token }: Person, headers: Record<string, string> = { 'If-Match': '*' }) => api.call(`/v1/bookings/${id}`, { method: 'DELETE', token, headers });

  t.like(await cancel(running, engineer), { status: 409, body: { code: 'bookings.has-begun' } });
  t.like(await release(running, other), { status: 403, body: { code: 'bookings.not-yours' } });
  t.is((await release(running, engineer, { at: after(1) })).status, 400, 'unknown fields are refused');
  const released = await release(running, manager);
  t.like(released, { status: 200, body: { state: 'released', end_reason: 'released' } });
  t.is(released.headers.get('etag'), `"${released.body.version}"`);
  t.is(released.body.until, released.body.ended_at);
  t.deepEqual((await release(running, engineer)).body, released.body, 'released again it stays as it is');
  t.like(await api.call(`/v1/bookings/${running}`, { method: 'PATCH', token: engineer.token, headers: { 'If-Match': '*' }, body: { until: after(3) } }), { status: 409, body: { code: 'bookings.ended' } });

  t.is((await cancel(later, engineer, {})).status, 428);
  t.is((await cancel(later, engineer, { 'If-Match': '"7"' })).status, 412);
  t.like(await cancel(later, other), { status: 403, body: { code: 'bookings.not-yours' } });
  t.like(await cancel(later, engineer, { 'If-Match': '"1"' }), { status: 200, body: { state: 'cancelled', end_reason: 'cancelled', since: after(4), until: after(6) } });
  // Both periods are free for somebody else.
  t.is((await api.call(`/v1/bookings/${await booked(other, one, 0.5, 6)}`, { token: engineer.token })).body.state, 'reserved');
});

test('the list has bookings by their beginning, filtered, and in pages that miss and repeat none', async (t) => {
  const { api } = t.context;
  const { manager, engineer, other, environments: [one, two], path, after, booked } = await site(api);
  const late = await booked(engineer, one, 8, 9);
  const running = await booked(engineer, one, null, 2);
  const twin = await booked(other, two, 8, 9);
  const open = await booked(other, two, 20, null);
  const gone = await booked(engineer, one, 3, 4);
  await api.call(`/v1/bookings/${gone}`, { method: 'DELETE', token: engineer.token, headers: { 'If-Match': '*' } });
  const list = async (query: Record<string, string> = {}) => (await api.call(`${path}?${new URLSearchParams(query).toString()}`, { token: manager.token })).body;
  const ids = async (query: Record<string, string>): Promise<string[]> => (await list(query)).items.map(({ id }: { id: string }) => id);
  const twins = [late, twin].toSorted();

  t.deepEqual(await ids({}), [running, gone, ...twins, open]);
  t.deepEqual(await ids({ environment_id: one }), [running, gone, late]);
  t.deepEqual(await ids({ holder_user_id: other.id }), [twin, open]);
  t.deepEqual(await ids({ state: 'cancelled' }), [gone]);
  t.deepEqual(await ids({ state: 'active', holder_user_id: engineer.id }), [running]);
  // Half-open on both sides: what ends when the window begins, or begins when it ends, is not in it.
  t.deepEqual(await ids({ from: after(2), to: after(8) }), [gone]);
  t.deepEqual(await ids({ from: after(1.9), to: after(8.1) }), [running, gone, ...twins]);
  t.deepEqual(await ids({ from: after(1000) }), [open]);
  t.is((await api.call(`${path}?state=lost`, { token: manager.token })).status, 400);

  const seen: string[] = [];
  let token: string | null = null;
  do {
    const page: { items: { id: string }[]; next_page_token: string | null } = await list({ page_size: '2', ...(token !== null && { page_token: token }) });
    t.true(page.items.length <= 2);
    seen.push(...page.items.map(({ id }) => id));
    token = page.next_page_token;
  } while (token !== null);
  t.deepEqual(seen, [running, gone, ...twins, open]);
});

test('a weekly booking is a series that the list finds, or nothing with every collision named', async (t) => {
  const { api } = t.context;
  const { manager, engineer, other, environments: [one, two], path, after, book, booked } = await site(api);
  const recurrence = { time_zone: 'UTC', until_date: addDays(after(24).slice(0, 10), 21) };
  const inTheWay = [await booked(other, one, 24 + 168.5, 24 + 169), await booked(other, one, 24 + 504, 24 + 504.5)];
  const refused = await book(engineer, one, 24, 25, { recurrence });
  t.like(refused, { status: 409, body: { code: 'bookings.taken' } });
  const collisions = refused.body.details.collisions as { period: number; booking_id: string; since: string; holder_user_id: string }[];
  t.deepEqual(collisions.map(({ period, booking_id: id }) => [period, id]), [[1, inTheWay[0]], [3, inTheWay[1]]]);
  t.like(collisions[0], { since: after(24 + 168.5), holder_user_id: other.id });
  t.is((await api.call(`${path}?holder_user_id=${engineer.id}`, { token: manager.token })).body.items.length, 0, 'none of the weeks is booked');

  const made = await book(engineer, two, 24, 25, { recurrence });
  t.is(made.status, 201);
  t.is(made.headers.get('location'), null);
  t.deepEqual(made.body.items.map(({ since }: { since: string }) => since), [0, 1, 2, 3].map((week) => after(24 + 168 * week)));
  await booked(engineer, two, 30, 31);
  const series = await api.call(`${path}?series_id=${made.body.series_id}`, { token: manager.token });
  t.deepEqual(series.body.items, made.body.items);
  t.like(await book(engineer, two, 48, null, { recurrence }), { status: 400 });
});
