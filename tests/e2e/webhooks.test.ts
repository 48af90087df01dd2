import test, { type ExecutionContext } from 'ava';
import { CloudEvent, HTTP, type Message } from 'cloudevents';
import { Webhook } from 'standardwebhooks';
import { deleteWebhook, editWebhook } from '../../commands/webhooks/edit-webhook.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { getWebhook } from '../../db/webhooks/webhook-store.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { RETRY_AFTER_MS } from '../../domain/webhooks/webhook-delivery.ts';
import { webhookStatus } from '../../domain/webhooks/webhook.ts';
import { systemClock, vaultOf } from '../../workers/dependencies.ts';
import { anOrganization, tester } from '../helpers/connect.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';
import { receiver, status, type Receiver } from '../helpers/receiver.ts';
import { testClock } from '../helpers/test-clock.ts';
import { travel, untilQuiet } from '../helpers/travel.ts';
import { aWebhook, deliveriesOf, logOf, publish } from '../helpers/webhook-site.ts';

async function start(t: ExecutionContext): Promise<{ site: Platform; hooks: Receiver }> {
  const hooks = await receiver();
  const site = await platform();
  t.teardown(async () => {
    await hooks.stop();
    await site.end();
  });
  return { site, hooks };
}

test('an event is signed and delivered once to each webhook that asked for it, and the workflows end', async (t) => {
  const { site, hooks } = await start(t);
  const workers = await site.startWorkers();
  t.teardown(() => workers.stop());
  const organizationId = await anOrganization(site);
  const first = await aWebhook(site, systemClock, { organizationId, url: hooks.url, headers: { Authorization: 'Bearer s3cret' } });
  const second = await aWebhook(site, systemClock, { organizationId, url: hooks.url, events: ['booking.created'] });
  const deaf = await aWebhook(site, systemClock, { organizationId, url: hooks.url, events: ['booking.cancelled'] });
  await aWebhook(site, systemClock, { organizationId: await anOrganization(site, 'Other'), url: hooks.url });
  await publish(site, systemClock, organizationId, { booking_id: 'bkg_1' });
  await eventually(async () => (await site.db('webhook_deliveries').where({ state: 'delivered' })).length === 2, 'both deliveries', 150);
  t.is(hooks.messages.length, 2);
  for (const { secret } of [first, second]) {
    const signed = hooks.messages.filter(({ headers, body }) => verifies(secret, body, headers as Record<string, string>));
    t.is(signed.length, 1);
    // Read as any CloudEvents receiver reads it, which refuses what the specification does.
    const [event] = [HTTP.toEvent<Record<string, unknown>>(signed[0] as Message)].flat();
    t.true(new CloudEvent({ ...event }).validate());
    t.is(event?.id, String(signed[0]?.headers['webhook-id']));
    t.like(event, { source: `/v1/organizations/${organizationId}`, type: 'booking.created', timestamp: event?.time, data: { organization_id: organizationId, environment_id: null, booking_id: 'bkg_1' } });
  }
  t.deepEqual(hooks.messages.map(({ headers }) => String(headers.authorization)).sort(), ['Bearer s3cret', 'undefined']);
  t.deepEqual(await deliveriesOf(site, deaf.id), []);
  for (const delivery of await site.db('webhook_deliveries').select<{ id: string; message_id: string }[]>('*')) {
    const handle = site.client.workflow.getHandle(`webhook-delivery/${delivery.id}`);
    await eventually(async () => (await handle.describe()).status.name === 'COMPLETED', 'its end');
    t.is((await handle.describe()).historyLength > 0, true);
    t.notRegex(JSON.stringify(await handle.fetchHistory()), /s3cret|whsec_|bkg_1/);
  }
  const stored = await site.db('webhooks').where({ id: first.id }).first<Record<string, unknown>>();
  t.notRegex(Buffer.from(stored.sealed as Uint8Array).toString('latin1'), /s3cret|whsec_/);
  t.notRegex(JSON.stringify(await site.db('ledger')), /s3cret|whsec_|\/hook/);
});

function verifies(secret: string, body: string, headers: Record<string, string>): boolean {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

test('a receiver that fails for a day is tried at growing distances, shows as failing, and is given up by name', async (t) => {
  const { site, hooks } = await start(t);
  const clock = testClock('2035-06-01T08:00:00.000Z');
  const workers = await site.startWorkers(clock);
  t.teardown(() => workers.stop());
  const organizationId = await anOrganization(site);
  hooks.answers.push(...Array.from({ length: RETRY_AFTER_MS.length + 1 }, () => status(500, 'down for maintenance')));
  const { id } = await aWebhook(site, clock, { organizationId, url: hooks.url });
  await publish(site, clock, organizationId);
  const beganAt = clock.now();
  await travel(site, clock, plusMilliseconds(beganAt, 10_000));
  t.is(hooks.messages.length, 2);
  const shown = async (): Promise<string> => {
    const webhook = await getWebhook(site.db, organizationId, id);
    return webhook === null ? 'gone' : webhookStatus(webhook, clock.now());
  };
  t.is(await shown(), 'active');
  await travel(site, clock, plusMilliseconds(beganAt, 30 * 3_600_000));
  t.like((await deliveriesOf(site, id))[0], { state: 'failed', outcome: 'given-up', attempts: RETRY_AFTER_MS.length + 1 });
  t.is(await shown(), 'failing');
  const log = await logOf(site, id);
  t.deepEqual(new Set(log.map(({ status, answer, error }) => `${status} ${answer} ${error?.code}`)), new Set(['500 down for maintenance webhooks.answered-error']));
  const distances = log.slice(1).map(({ at }, index) => Date.parse(at) - Date.parse(log[index]?.at ?? ''));
  for (const [index, distance] of distances.entries()) t.true(Math.abs(distance - (RETRY_AFTER_MS[index] ?? 0)) < 5_000, `${distance}`);
  t.is(new Set(hooks.messages.map(({ headers }) => headers['webhook-id'])).size, 1);
  await publish(site, clock, organizationId);
  await untilQuiet(site, clock.now());
  t.is(await shown(), 'active');
});

test('410 switches a webhook off and ends what is on its way; so do deleting it and switching it off', async (t) => {
  const { site, hooks } = await start(t);
  const clock = testClock('2035-06-01T08:00:00.000Z');
  const workers = await site.startWorkers(clock);
  t.teardown(() => workers.stop());
  const organizationId = await anOrganization(site);
  const outcomes = async (id: string): Promise<(string | null)[]> => (await deliveriesOf(site, id)).map(({ outcome }) => outcome);
  const waiting = async (): Promise<string> => {
    hooks.answers.push(status(503));
    const { id } = await aWebhook(site, clock, { organizationId, url: hooks.url });
    await publish(site, clock, organizationId);
    await untilQuiet(site, clock.now());
    t.deepEqual(await outcomes(id), [null]);
    return id;
  };
  const gone = await waiting();
  hooks.answers.push(status(410));
  await publish(site, clock, organizationId);
  await untilQuiet(site, clock.now());
  t.deepEqual(await outcomes(gone), ['webhook-disabled', 'gone']);
  t.like(await getWebhook(site.db, organizationId, gone), { enabled: false, disabledBecause: 'gone' });
  const deleted = await waiting();
  await inTransaction(site.db, (tx) => deleteWebhook(tx, vaultOf(site.config), { organizationId, id: deleted }, { at: clock.now(), by: tester }));
  await untilQuiet(site, clock.now());
  t.deepEqual(await outcomes(deleted), ['webhook-deleted']);
  const off = await waiting();
  await inTransaction(site.db, (tx) => editWebhook(tx, vaultOf(site.config), { organizationId, id: off }, { enabled: false }, { at: clock.now(), by: tester }));
  await untilQuiet(site, clock.now());
  t.deepEqual(await outcomes(off), ['webhook-disabled']);
  const received = hooks.messages.length;
  await publish(site, clock, organizationId);
  await travel(site, clock, plusMilliseconds(clock.now(), 3_600_000));
  t.is(hooks.messages.length, received);
  t.deepEqual(await site.db('webhook_deliveries').where({ state: 'pending' }), []);
});
