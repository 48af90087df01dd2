import test, { type ExecutionContext } from 'ava';
import { calendarEntity } from '../../commands/calendar/calendar-entity.ts';
import { createToken } from '../../commands/identity/create-token.ts';
import { createEntity } from '../../commands/shared/entity-commands.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { MARKS } from '../../domain/calendar/booking-event.ts';
import { newCalendar } from '../../domain/calendar/calendar.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import type { WebhookEventType } from '../../domain/webhooks/webhook-event.ts';
import { freePort } from '../../tools/start/ports.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { book, insertEnvironment, insertPerson } from '../helpers/bookings.ts';
import { anOrganization, tester } from '../helpers/connect.ts';
import { soak } from '../helpers/environment.ts';
import { ownServers, type OwnServers } from '../helpers/own-servers.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';
import { randomOf } from '../helpers/random.ts';
import { receiver, type Receiver } from '../helpers/receiver.ts';
import { aWebhook } from '../helpers/webhook-site.ts';
import { startWorkerProcess, type WorkerProcess } from '../helpers/worker-process.ts';

const REQUESTS = soak ? 10_000 : 1_000;
const CONNECTIONS = 32;
const ENVIRONMENTS = 50;
const SLOTS = 20;
const SLOT_MS = 1_500;
/** Time for the requests before the first slot begins; those who come later book what has begun, or are told that it has ended. */
const LEAD_MS = soak ? 180_000 : 25_000;
const KILLS = soak ? 60 : 8;
/** Codes of a refusal that is an answer: taken, or asked for when it was over. */
const TAKEN = 'bookings.taken';
const OVER = 'bookings.end-in-past';

let servers: OwnServers;
let hooks: Receiver;
let site: Platform;
test.before(async () => {
  servers = await ownServers();
  hooks = await receiver();
  const port = await freePort();
  site = await platform((config) => ({ ...config, http: { host: '127.0.0.1', port, publicUrl: `http://127.0.0.1:${port}` } }), servers);
});
test.after.always(async () => {
  await site?.end();
  await hooks?.stop();
  await servers?.stop();
});

interface World {
  organizationId: string;
  environments: string[];
  people: string[];
  /** The only one who wants mail. */
  mailed: string;
  token: string;
  /** Is told of the bookings of the first two environments. */
  webhooks: string[];
}

async function aWorld(): Promise<World> {
  const at = systemClock.now();
  const organizationId = await anOrganization(site, 'Racers');
  const environments: string[] = [];
  for (let index = 0; index < ENVIRONMENTS; index += 1) environments.push(await insertEnvironment(site.db, organizationId, { name: `Bench ${index}` }, at));
  const people: string[] = [];
  for (let index = 0; index < 8; index += 1) people.push((await insertPerson(site.db, organizationId, 'engineer', at)).userId);
  const { userId } = await insertPerson(site.db, organizationId, 'manager', at);
  const [mailed = '', ...others] = people;
  const switches = [...others, userId].flatMap((id) => (['booking', 'booking-release'] as const).map((kind) => ({ user_id: id, kind, email: false })));
  await site.db('notification_switches').insert(switches);
  const events: WebhookEventType[] = ['booking.created', 'booking.started', 'booking.released'];
  const told = environments.slice(0, 2).map((environmentId) => aWebhook(site, systemClock, { organizationId, environmentId, events, url: hooks.url }));
  const webhooks = (await Promise.all(told)).map(({ id }) => id);
  const calendar = { id: newId('calendar'), organizationId, provider: 'sandbox' as const, calendarId: 'racers', account: null, twoWay: false, createdBy: tester };
  await inTransaction(site.db, (tx) => createEntity(tx, calendarEntity, newCalendar(calendar, at), 'calendar.connect', { at, by: tester }));
  const request = { userId, name: 'racer', scopes: ['admin' as const], organizationId: null, expiresAt: null, parent: null };
  const { secret: token } = await inTransaction(site.db, (tx) => createToken(tx, request, { at, by: tester }));
  return { organizationId, environments, people, mailed, token, webhooks };
}

/** Two processes of workers with their relays and one of the API; whichever is killed is started anew. */
async function keepProcesses(): Promise<{ killOne(random: number): Promise<void>; stop(): Promise<void> }> {
  const parts = ['workers', 'workers', 'api'] as const;
  const alive: WorkerProcess[] = parts.map((part) => startWorkerProcess(site.config, part));
  const ready = async (): Promise<void> => {
    await Promise.all(alive.map((process) => process.ready));
  };
  await ready();
  return {
    async killOne(random) {
      const index = Math.floor(random * alive.length);
      await alive[index]?.kill();
      alive[index] = startWorkerProcess(site.config, parts[index]);
      await ready();
    },
    async stop() {
      await Promise.all(alive.map((process) => process.kill()));
    },
  };
}

interface Answer {
  key: string;
  slot: string;
  environmentId: string;
  holder: string;
  bookingId: string | null;
  code: string | null;
}

/** Asks for a random slot of a random environment, again under the same key until it is answered. */
async function request({ organizationId, environments, people, token }: World, index: number, first: string, random: () => number): Promise<Answer> {
  const pick = <T>(some: readonly T[]): T => some[Math.floor(random() * some.length)] as T;
  const since = plusMilliseconds(first, Math.floor(random() * SLOTS) * SLOT_MS);
  const [environmentId, holder, key] = [pick(environments), pick(people), `race-${index}`];
  const body = JSON.stringify({ environment_id: environmentId, holder_user_id: holder, since, until: plusMilliseconds(since, SLOT_MS) });
  const asked = { key, slot: `${environmentId} ${since}`, environmentId, holder };
  for (;;) {
    const answer = await fetch(`${site.config.http.publicUrl}/v1/organizations/${organizationId}/bookings`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
      body,
    })
      .then(async (response) => ({ status: response.status, body: (await response.json()) as { items?: { id: string }[]; code?: string } }))
      .catch(() => null);
    const [booking] = answer?.body.items ?? [];
    if (answer?.status === 201 && booking !== undefined) return { ...asked, bookingId: booking.id, code: null };
    const code = answer?.body.code ?? '';
    if (code === TAKEN || code === OVER) return { ...asked, bookingId: null, code };
    // The killed call's connection still holds the key's lock for a moment, or the database's connections are being taken up.
    const passing = answer === null || answer.status === 503 || code === 'request.idempotency-key-in-use';
    if (!passing) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
    await new Promise((resolve) => setTimeout(resolve, 20 + random() * 80));
  }
}

async function race(world: World, first: string): Promise<Answer[]> {
  const answers: Answer[] = [];
  const connection = async (number: number): Promise<void> => {
    const random = randomOf(number + 1);
    for (let index = number; index < REQUESTS; index += CONNECTIONS) answers.push(await request(world, index, first, random));
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, number) => connection(number)));
  return answers;
}

test.serial('of racing requests one a slot is booked, though workers, relay and API are killed, and each booking begins and ends once', async (t) => {
  t.timeout(soak ? 1_800_000 : 300_000);
  const world = await aWorld();
  const processes = await keepProcesses();
  const random = randomOf(11);
  try {
    const racing = race(world, plusMilliseconds(systemClock.now(), LEAD_MS));
    racing.catch(() => undefined);
    // Some kills meet requests, some the starts and ends.
    for (let kill = 0; kill < KILLS; kill += 1) {
      await new Promise((resolve) => setTimeout(resolve, random() * 4_000));
      await processes.killOne(random());
    }
    const answers = await racing;
    const own = { organization_id: world.organizationId };
    await eventually(
      async () => (await site.db('bookings').where(own).whereNot('state', 'released')).length === 0 && (await site.db('wake_ups')).length === 0,
      'every booking to end',
      soak ? 900 : 200,
    );
    await eventually(async () => (await goingOut(own)) === 0, 'the calendar, mails and webhooks to be through', 100);
    await eventually(async () => (await workflowIds('Running')).size === 0, 'the workflows to end', 200);
    const accepted = answers.flatMap(({ bookingId }) => bookingId ?? []);
    t.is(answers.length, REQUESTS);
    t.true(accepted.length > 0 && answers.some(({ code }) => code === TAKEN), `${accepted.length} were booked, and some raced`);
    expectOneASlot(t, answers);
    const { rows: overlaps } = await site.db.raw(
      `select a.id from bookings a join bookings b on b.environment_id = a.environment_id and b.id > a.id
         and tstzrange(a.since, a.until) && tstzrange(b.since, b.until)`,
    );
    t.deepEqual(overlaps, []);
    t.deepEqual(await site.db('bookings').where(own).orderBy('id').pluck<string[]>('id'), accepted.toSorted(), 'the refused left no booking');
    // One that is booked when it has begun is active from the first: to the ledger that is one step.
    const begun = new Set(await site.db('bookings').where(own).whereRaw('since <= created_at').pluck<string[]>('id'));
    t.deepEqual(await eventsOf(world), { 'bookings.book': accepted.length, 'bookings.start': accepted.length - begun.size, 'bookings.end': accepted.length });
    t.deepEqual([...(await workflowIds('Completed'))].toSorted(), accepted.map((id) => `booking/${id}`).toSorted());
    await expectNothingElse(t, world, answers);
  } finally {
    await processes.stop();
  }
});

/** How many events of the calendar, mails and deliveries are on their way: what was being sent when its worker was killed is tried again. */
async function goingOut(own: { organization_id: string }): Promise<number> {
  const waiting = [site.db('calendar_events').where(own).whereNotNull('waiting_since'), site.db('mails').where({ ...own, state: 'pending' }), site.db('webhook_deliveries').where({ ...own, state: 'pending' })];
  return (await Promise.all(waiting)).flat().length;
}

/** Of all who asked for a slot one got it; none only where it was over for everybody. */
function expectOneASlot(t: ExecutionContext, answers: readonly Answer[]): void {
  const slots = Map.groupBy(answers, ({ slot }) => slot);
  for (const [slot, asked] of slots) {
    const got = asked.filter(({ bookingId }) => bookingId !== null).length;
    const refused = asked.some(({ code }) => code === TAKEN);
    if (got > 1 || (got === 0 && refused)) t.fail(`${slot} was given to ${got} of ${asked.length}: ${asked.map(({ code }) => code ?? 'booked').join()}`);
  }
}

/** Only accepted requests are remembered under their keys, told to webhooks, written to people and shown in the calendar, each once. */
async function expectNothingElse(t: ExecutionContext, { organizationId, webhooks, environments, mailed }: World, answers: readonly Answer[]): Promise<void> {
  const accepted = answers.filter(({ bookingId }) => bookingId !== null);
  const keys = await site.db('idempotency_records').whereLike('key', 'race-%').pluck<string[]>('key');
  t.deepEqual(keys.toSorted(), accepted.map(({ key }) => key).toSorted(), 'keys of refused requests are free');
  for (const [index, webhookId] of webhooks.entries()) {
    const told = await site.db('webhook_deliveries').where('webhook_id', webhookId).select<{ told: string }[]>(site.db.raw(`event_type || ' ' || (payload::jsonb #>> '{data,booking,id}') as told`));
    const there = accepted.filter(({ environmentId }) => environmentId === environments[index]);
    const expected = there.flatMap(({ bookingId }) => ['created', 'started', 'released'].map((step) => `booking.${step} ${bookingId}`));
    t.deepEqual(told.map((one) => one.told).toSorted(), expected.toSorted());
    t.is((await site.db('webhook_deliveries').where({ webhook_id: webhookId, state: 'delivered' })).length, expected.length);
  }
  // What has ended is shown as it was, so each has one event, of whatever id.
  const shown = await site.db('sandbox_calendar_events').where({ organization_id: organizationId, status: 'confirmed' }).pluck<Record<string, string>[]>('marks');
  t.deepEqual(shown.map((marks) => marks[MARKS.booking] ?? '').toSorted(), accepted.map(({ bookingId }) => bookingId ?? '').toSorted());
  const mails = accepted.filter(({ holder }) => holder === mailed).length;
  const written = await site.db('mails').where({ user_id: mailed, state: 'sent' }).groupBy('kind').select<{ kind: string; count: number }[]>('kind', site.db.raw('count(*) as count'));
  t.deepEqual(Object.fromEntries(written.map(({ kind, count }) => [kind, count])), { booking: mails, 'booking-release': mails });
  t.is((await site.db('mails')).length, 2 * mails, 'nobody else is written to');
}

/** How many entries of each kind the ledger has of bookings; twice for one booking is an error. */
async function eventsOf({ organizationId }: World): Promise<Record<string, number>> {
  const rows = await site.db('ledger').where('organization_id', organizationId).whereLike('action', 'bookings.%').select<{ action: string; subject: string }[]>('action', 'subject');
  const counts: Record<string, number> = {};
  const seen = new Set<string>();
  for (const { action, subject } of rows) {
    if (seen.has(`${action} ${subject}`)) throw new Error(`${subject} has two entries ${action}`);
    seen.add(`${action} ${subject}`);
    counts[action] = (counts[action] ?? 0) + 1;
  }
  return counts;
}

async function workflowIds(status: 'Running' | 'Completed'): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const { workflowId } of site.client.workflow.list({ query: `WorkflowType = 'booking' and ExecutionStatus = '${status}'` })) ids.add(workflowId);
  return ids;
}

test.serial('Temporal loses its database while bookings are open: they go on, each with a workflow, and end once', async (t) => {
  t.timeout(240_000);
  const organizationId = await anOrganization(site, 'Survivors');
  const at = systemClock.now();
  const booker = await insertPerson(site.db, organizationId, 'engineer', at);
  const booked = async (since: string, until: string | null): Promise<string> => {
    const environmentId = await insertEnvironment(site.db, organizationId, {}, at);
    return (await book(site.db, { organizationId, environmentId, booker, at, since, until })).id;
  };
  const ending = await booked(at, plusMilliseconds(at, 20_000));
  const rest = [await booked(at, null), await booked(plusMilliseconds(at, 3_600_000), null)];
  const running = async (): Promise<boolean> => {
    const ids = await workflowIds('Running');
    return rest.every((id) => ids.has(`booking/${id}`));
  };
  let workers = startWorkerProcess(site.config);
  try {
    await eventually(running, 'the workflows');
    await workers.kill();
    await servers.crashTemporal({ forget: true });
    workers = startWorkerProcess(site.config);
    await eventually(running, 'the workflows anew', 120);
    await eventually(async () => (await site.db('bookings').where({ id: ending, state: 'released' })).length === 1, 'the end', 90);
    t.deepEqual(await site.db('bookings').whereIn('id', rest).orderBy('id').pluck('state'), ['active', 'reserved']);
    t.is((await site.db('ledger').where({ subject: ending, action: 'bookings.end' })).length, 1);
    t.is((await site.db('ledger').where('organization_id', organizationId).whereLike('action', 'bookings.%')).length, 4, 'three bookings and an end');
  } finally {
    await workers.kill();
  }
});
