import ICAL from 'ical.js';
import { apiTest } from '../../tests/helpers/api-test.ts';
import { PUBLIC_URL, type Person, type TestApi } from '../../tests/helpers/api.ts';
import { book, insertEnvironment } from '../../tests/helpers/bookings.ts';

const test = apiTest();
const DAY = 86_400_000;

async function place(api: TestApi) {
  const organizationId = await api.organization();
  const engineer = await api.member(organizationId, 'engineer');
  const at = api.clock.now();
  const time = (days: number): string => new Date(Date.parse(at) + days * DAY).toISOString();
  const [one, two] = [await insertEnvironment(api.db, organizationId, { name: 'One; two, three' }, at), await insertEnvironment(api.db, organizationId, { name: 'Two' }, at)];
  const booked = (environmentId: string, since: number, until: number | null) =>
    book(api.db, { organizationId, environmentId, booker: { userId: engineer.id, role: 'engineer' }, at, since: time(since), until: until === null ? null : time(until) });
  const get = (name: string, from: number, to: number, more = '') =>
    api.call(`/v1/organizations/${organizationId}/environment-${name}?from=${time(from)}&to=${time(to)}${more}`, { token: engineer.token });
  return { organizationId, engineer, time, one, two, booked, get };
}

test('the calendar has every booking that shares time with the window, open-ended ones too', async (t) => {
  const here = await place(t.context.api);
  const before = await here.booked(here.one, 0, 1);
  const within = await here.booked(here.one, 2, 3);
  const open = await here.booked(here.two, 5, null);
  const ids = (reply: { body: { bookings: { id: string }[] } }) => reply.body.bookings.map(({ id }) => id);
  t.deepEqual(ids(await here.get('calendar', 0, 10)), [before.id, within.id, open.id]);
  // Half-open on both sides: what ends where the window begins is not in it.
  t.deepEqual(ids(await here.get('calendar', 1, 5)), [within.id]);
  t.deepEqual(ids(await here.get('calendar', 20, 30)), [open.id]);
  t.deepEqual(ids(await here.get('calendar', 0, 10, `&environment_id=${here.two}`)), [open.id]);
  const { body } = await here.get('calendar', 0, 10);
  t.deepEqual(body.environments.map(({ name }: { name: string }) => name), ['One; two, three', 'Two']);
  t.is(body.bookings[2].until, null);
  t.is(body.bookings[2].holder.id, here.engineer.id);
  t.is((await here.get('calendar', 5, 5)).body.code, 'environments.empty-window');
  t.is((await here.get('calendar', 0, 367)).body.code, 'environments.window-too-long');
});

test('availability is what bookings leave; out of service nothing is free', async (t) => {
  const { api } = t.context;
  const here = await place(api);
  await here.booked(here.one, 1, 2);
  await here.booked(here.one, 2, 3);
  await api.db('environments').where('id', here.two).update({ is_active: false });
  const { body } = await here.get('availability', 0, 4);
  t.deepEqual(
    body.environments.map(({ id, free, free_seconds, booked_seconds }: Record<string, unknown>) => [id, free, free_seconds, booked_seconds]),
    [
      [here.one, [{ from: here.time(0), to: here.time(1) }, { from: here.time(3), to: here.time(4) }], 172_800, 172_800],
      [here.two, [], 0, 0],
    ],
  );
});

async function feedOf(api: TestApi, organizationId: string, { token }: Person): Promise<{ id: string; path: string }> {
  const { body } = await api.call(`/v1/organizations/${organizationId}/calendar-feeds`, { method: 'POST', token });
  return { id: body.calendar_feed.id, path: (body.url as string).replace(PUBLIC_URL, '') };
}

test('a feed is a calendar that programs can read, with names and nothing else of people', async (t) => {
  const { api } = t.context;
  const here = await place(api);
  await api.db('organizations').where('id', here.organizationId).update({ name: 'Roe, Doe; Co\\ops' });
  await api.db('users').where('id', here.engineer.id).update({ display_name: 'Zoë "Z" O’Neill\nTwo' });
  const one = await here.booked(here.one, 1, 2);
  const open = await here.booked(here.two, 3, null);
  const { path } = await feedOf(api, here.organizationId, here.engineer);
  const reply = await api.call(path);
  t.deepEqual([reply.status, reply.headers.get('content-type')], [200, 'text/calendar; charset=utf-8']);
  // RFC 5545, section 3.1: lines end in CRLF and have at most 75 octets.
  const lines = (reply.body as string).split('\r\n');
  t.true(lines.every((line) => !line.includes('\n') && Buffer.byteLength(line) <= 75));
  const calendar = new ICAL.Component(ICAL.parse(reply.body as string) as unknown[]);
  for (const name of ['name', 'x-wr-calname']) t.true(calendar.getFirstProperty(name)?.toICALString().endsWith(':Roe\\, Doe\\; Co\\\\ops: environments'), name);
  const events = calendar.getAllSubcomponents('vevent').map((component) => new ICAL.Event(component));
  t.deepEqual(events.map(({ uid }) => uid), [one, open].map(({ id }) => `${id}@orrery.test`));
  t.is(events[0]?.summary, 'One; two, three: booked by Zoë "Z" O’Neill\nTwo');
  t.is(events[0]?.startDate.toJSDate().getTime(), Math.floor(Date.parse(one.since) / 1000) * 1000);
  t.true((events[1]?.endDate.toJSDate().getTime() ?? 0) > Date.parse(here.time(300)));
  t.false((reply.body as string).includes(here.engineer.email));
  t.false((reply.body as string).includes(here.engineer.id));
});

test('of more bookings than a feed holds it has the nearest, and says that there are more', async (t) => {
  const { api } = t.context;
  const here = await place(api);
  const { path } = await feedOf(api, here.organizationId, here.engineer);
  const few = (await api.call(path)).body as string;
  t.false(few.includes('X-WR-CALDESC'));
  // From 29 days ago to less than that ahead: the first four are the farthest from now.
  await api.db.raw(
    `insert into bookings (id, organization_id, environment_id, environment_key, holder_user_id, booked_by, state, since, until, created_at, last_at)
     select 'bkg_' || lpad(n::text, 5, '0'), e.organization_id, e.id, e.key, :holder, '{}', 'released', begins, begins + interval '250 seconds', :at, :at
     from environments e, generate_series(0, 20003) n, lateral (select cast(:at as timestamptz) - interval '29 days' + n * interval '250 seconds' as begins) slot
     where e.id = :environmentId`,
    { holder: here.engineer.id, environmentId: here.one, at: here.time(0) },
  );
  const text = ((await api.call(path)).body as string).replaceAll('\r\n ', '');
  const ids = [...text.matchAll(/^UID:bkg_(\d+)@/gm)].map(([, id]) => Number(id));
  t.deepEqual([ids.length, ids[0], ids.at(-1)], [20_000, 4, 20_003]);
  t.regex(text, /^X-WR-CALDESC:There are more bookings than this calendar holds: it has the 20000 nearest to \d{4}-\d\d-\d\d \d\d:\d\d UTC\.\r$/m);
});

test('a link ends when it is revoked, when its person leaves, and for a wrong secret it never was', async (t) => {
  const { api } = t.context;
  const here = await place(api);
  const [mine, kept] = [await feedOf(api, here.organizationId, here.engineer), await feedOf(api, here.organizationId, here.engineer)];
  const other = await api.member(here.organizationId, 'engineer');
  const revoke = (id: string, who: Person) => api.call(`/v1/calendar-feeds/${id}`, { method: 'DELETE', token: who.token });
  t.is((await revoke(mine.id, other)).status, 404);
  t.is((await api.call(mine.path)).status, 200);
  t.is((await revoke(mine.id, here.engineer)).status, 204);
  t.is((await revoke(mine.id, here.engineer)).status, 204);
  t.is((await revoke(kept.id, await api.member(here.organizationId, 'manager'))).status, 204);
  const left = await feedOf(api, here.organizationId, other);
  await api.db('memberships').where('user_id', other.id).delete();
  const answers = await Promise.all([mine.path, kept.path, left.path, `/v1/feeds/${'x'.repeat(43)}.ics`].map((path) => api.call(path)));
  const seen = answers.map(({ status, body: { request_id: _id, ...body } }) => JSON.stringify([status, body]));
  t.is(new Set(seen).size, 1);
  t.is(answers[0]?.status, 404);
  const list = await api.call(`/v1/organizations/${here.organizationId}/calendar-feeds`, { token: here.engineer.token });
  t.is(list.body.total, 0);
  const secret = mine.path.split('/').at(-1)?.replace('.ics', '') ?? '';
  t.false(api.logged.some((line) => line.includes(secret)));
});
