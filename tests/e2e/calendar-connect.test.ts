import { randomBytes } from 'node:crypto';
import test from 'ava';
import pino from 'pino';
import { startApi, type RunningApi } from '../../api/main.ts';
import { bootstrapAdministrator } from '../../commands/identity/bootstrap.ts';
import { rotateCalendarKeys } from '../../commands/calendar/rotate-calendar-keys.ts';
import { newId } from '../../commands/shared/new-id.ts';
import type { GcpServiceAccountKey } from '../../domain/data-sources/cloud-credentials.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { createSecretVault } from '../../providers/local/secret-vault.ts';
import { systemClock, vaultOf } from '../../workers/dependencies.ts';
import { startWorkers } from '../../workers/main.ts';
import { readCalendarKey } from '../../db/calendar/credentials-store.ts';
import { book, insertEnvironment, insertPerson } from '../helpers/bookings.ts';
import { testEnvironment } from '../helpers/environment.ts';
import { startCalendarStandIn, type CalendarStandIn } from '../helpers/peers/google-calendar/stand-in.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';
import { databaseText, formsOf, historyText } from '../helpers/secret-places.ts';

let google: CalendarStandIn;
let site: Platform;
let api: RunningApi;
let workers: { stop(): Promise<void> };
let token: string;
let organizationId: string;
let key: GcpServiceAccountKey;
const written: string[] = [];

test.before(async () => {
  google = await startCalendarStandIn();
  key = google.accounts.create('bookings');
  site = await platform((config) => ({
    ...config,
    http: { ...config.http, publicUrl: 'https://orrery.example.org' },
    gcpEndpoints: { ...config.gcpEndpoints, token: google.tokenUrl },
    calendar: { endpoint: google.url, watch: true },
  }));
  const log = pino({ level: 'trace' }, { write: (line) => void written.push(line) });
  workers = await startWorkers(site.config, log, { workflowBundle: { codePath: testEnvironment('ORRERY_TEST_BUNDLE') } });
  api = await startApi(site.config, log);
  token = (await bootstrapAdministrator(site.db, systemClock, { withSample: false })).token ?? '';
  const { items } = (await call('GET', '/v1/organizations')).body as { items: [{ id: string }] };
  organizationId = items[0].id;
});
test.after.always(async () => {
  await api?.stop();
  await workers?.stop();
  await site?.end();
  await google?.stop();
});

interface Reply {
  status: number;
  body: Record<string, unknown>;
}

async function call(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Reply> {
  const answer = await fetch(`${api.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

const fileOf = ({ client_email, private_key }: GcpServiceAccountKey): string => JSON.stringify({ type: 'service_account', project_id: 'acme', private_key_id: 'k1', client_email, private_key });
const connect = (wish: object, headers?: Record<string, string>): Promise<Reply> => call('POST', `/v1/organizations/${organizationId}/calendars`, wish, headers);

test.serial('what cannot be a calendar or a key is refused by field, before Google is asked', async (t) => {
  const file = fileOf(key);
  for (const [wish, code] of [
    [{ calendar_id: 'Bookings', key: file }, 'calendar.malformed-id'],
    [{ calendar_id: google.calendarId }, 'calendar.no-key'],
    [{ calendar_id: google.calendarId, key: 'not json' }, 'calendar.malformed-key'],
    [{ calendar_id: google.calendarId, key: { type: 'authorized_user' } }, 'calendar.malformed-key'],
    [{ provider: 'sandbox', calendar_id: 'sandbox', key: file }, 'calendar.takes-no-key'],
  ] as const) {
    const { status, body } = await connect(wish);
    t.is(status, 400);
    t.is(body.code, code, JSON.stringify(body));
  }
  t.is(google.calls.length, 0);
  const { body: setup } = await call('GET', `/v1/organizations/${organizationId}/calendars:setup`);
  t.is(setup.right, 'Make changes to events');
  t.is((setup.steps as string[]).length, 4);
});

test.serial('access is proven by a probe before anything is saved, and the key is in no table, history, log or record', async (t) => {
  const wish = { calendar_id: google.calendarId, key: fileOf(key), two_way: true };
  t.like((await connect(wish)).body, { code: 'calendar.not-shared' });
  google.share(key.client_email, 'reader');
  t.like((await connect(wish)).body, { code: 'calendar.not-allowed' });
  t.deepEqual(await site.db('calendars'), []);
  google.share(key.client_email, 'writer');
  const connected = await connect(wish, { 'Idempotency-Key': 'once' });
  t.is(connected.status, 201, JSON.stringify(connected.body));
  t.like(connected.body, { calendar_id: google.calendarId, account: key.client_email, two_way: true });
  t.deepEqual((await connect(wish, { 'Idempotency-Key': 'once' })).body.id, connected.body.id);
  const second = await connect({ provider: 'sandbox', calendar_id: 'sandbox' });
  t.is(second.status, 409);
  t.like(second.body, { code: 'calendar.already-connected' });
  t.deepEqual(google.state.shown(), [], 'the probe is gone');

  const renewed = await call('POST', `/v1/calendars/${connected.body.id as string}:reconnect`, { key: JSON.parse(fileOf(key)) as object });
  t.is(renewed.status, 200);
  t.deepEqual(await site.db('pending_secrets'), []);
  const places = { database: await databaseText(site), histories: await historyText(site), logs: written.join('\n') };
  const secret = key.private_key.split('\n')[3] ?? '';
  t.true(secret.length > 50);
  for (const [place, text] of Object.entries(places)) {
    t.true(text.includes(organizationId), `${place} is the right one`);
    for (const form of [...formsOf(secret), 'ya29.']) t.false(text.includes(form), `${place} holds a secret`);
  }
  const nextKey = randomBytes(32);
  const next = createSecretVault({ current: nextKey, previous: [site.config.secretKeys.current] });
  t.is(await rotateCalendarKeys(site.db, next, systemClock), 1);
  t.is(await rotateCalendarKeys(site.db, next, systemClock), 0);
  // And back, for the workers that run have the old one.
  t.is(await rotateCalendarKeys(site.db, createSecretVault({ current: site.config.secretKeys.current, previous: [nextKey] }), systemClock), 1);
  const sealed = await readCalendarKey(site.db, organizationId, connected.body.id as string);
  t.true(sealed !== null && vaultOf(site.config).open(sealed, connected.body.id as string).includes(secret));
});

test.serial('Google tells of a change, and the booking follows at once; a forged notification is refused', async (t) => {
  const at = systemClock.now();
  const booker = await insertPerson(site.db, organizationId, 'engineer', at);
  const environmentId = await insertEnvironment(site.db, organizationId, { name: 'Bench' }, at);
  const booking = await book(site.db, { organizationId, environmentId, booker, at, since: plusMilliseconds(at, 3_600_000), until: plusMilliseconds(at, 7_200_000) });
  const channel = await eventually(() => Promise.resolve([...google.channels.values()][0]), 'a channel', 90);
  t.is(channel.address, 'https://orrery.example.org/v1/calendar-notifications');
  const event = await eventually(() => Promise.resolve(google.state.shown()[0]), 'the event');
  await eventually(async () => (await site.db('calendar_events').whereNotNull('waiting_since')).length === 0, 'nothing to wait');
  const { id } = await site.db('calendars').first<{ id: string }>('id');
  const notify = async (given: string, state = 'exists'): Promise<number> =>
    (await fetch(`${api.url}/v1/calendar-notifications`, { method: 'POST', headers: { 'x-goog-channel-token': given, 'x-goog-resource-state': state } })).status;
  t.is(await notify(channel.token, 'sync'), 204);
  t.is(await notify(`${channel.token.slice(0, -2)}AA`), 401);
  t.is(await notify(channel.token.replace(id, newId('calendar'))), 401);
  t.is(await notify(''), 401);
  const beforehand = (await site.db('calendars').first<{ look_at: string }>('look_at')).look_at;
  google.state.delete(event.id);
  t.is(await notify(channel.token), 204);
  await eventually(async () => (await site.db('bookings').where({ id: booking.id }).first<{ state: string }>('state')).state === 'cancelled', 'the booking to end', 45);
  t.true(systemClock.now() < beforehand, 'before the next poll');
  t.deepEqual(google.state.shown(), []);
});

test.serial('the list says how each event stands; a calendar goes on demand with its channel', async (t) => {
  const calendar = await eventually(async () => {
    const { body } = await call('GET', `/v1/organizations/${organizationId}/calendars`);
    return (body.items as { id: string; status: string; notified: boolean }[]).find(({ status }) => status === 'connected');
  }, 'the calendar to be in line');
  t.true(calendar.notified);
  const path = `/v1/calendars/${calendar.id}`;
  t.like((await call('GET', `${path}/events`)).body, { total: 0 });
  t.like((await call('GET', `${path}/sandbox-events`)).body, { code: 'calendar.no-sandbox' });
  t.is((await call('POST', `${path}:retry`, {})).status, 202);
  const { body: now } = await call('GET', path);
  t.is((await call('DELETE', path, undefined, { 'If-Match': `"${String(now.version)}"` })).status, 202);
  await eventually(async () => (await call('GET', path)).status === 404, 'the calendar to go', 60);
  t.is(google.channels.size, 0);
});

test.serial('a sandbox calendar shows what is booked, and puts back what people move', async (t) => {
  const connected = await connect({ provider: 'sandbox', calendar_id: 'sandbox', two_way: true });
  t.is(connected.status, 201, JSON.stringify(connected.body));
  const path = `/v1/calendars/${connected.body.id as string}`;
  const at = systemClock.now();
  const booker = await insertPerson(site.db, organizationId, 'engineer', at);
  const environmentId = await insertEnvironment(site.db, organizationId, { name: 'Rig' }, at);
  const booking = await book(site.db, { organizationId, environmentId, booker, at, since: plusMilliseconds(at, 3_600_000), until: plusMilliseconds(at, 7_200_000) });
  const shown = async () => (await call('GET', `${path}/sandbox-events`)).body.items as { id: string; booking_id: string | null; summary: string; end: string }[];
  const event = await eventually(async () => (await shown()).find(({ booking_id: id }) => id === booking.id), 'the event');
  t.is(event.summary, 'Rig is booked by A engineer');
  t.is((await call('POST', `${path}/sandbox-events`, { summary: 'Lunch', start: at, end: plusMilliseconds(at, 60_000) })).status, 201);
  t.is((await call('PATCH', `/v1/sandbox-calendar-events/${event.id}`, { end: plusMilliseconds(event.end, 3_600_000) })).status, 200);
  await call('POST', `${path}:retry`, {});
  await eventually(async () => (await site.db('bookings').where({ id: booking.id }).first<{ until: string }>('until')).until === plusMilliseconds(event.end, 3_600_000), 'the booking to move');
  // What waits to be written would go over the deletion.
  await eventually(async () => (await site.db('calendar_events').whereNotNull('waiting_since')).length === 0, 'nothing to wait');
  t.is((await call('DELETE', `/v1/sandbox-calendar-events/${event.id}`)).status, 200);
  await call('POST', `${path}:retry`, {});
  await eventually(async () => (await site.db('bookings').where({ id: booking.id }).first<{ state: string }>('state')).state === 'cancelled', 'the booking to end');
  t.deepEqual((await shown()).map(({ summary }) => summary), ['Lunch']);
});
