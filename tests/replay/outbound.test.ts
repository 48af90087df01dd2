import test from 'ava';
import { notify } from '../../commands/notifications/port.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { anOrganization } from '../helpers/connect.ts';
import { actionsOf, recordHistory, replay, type History } from '../helpers/histories.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';
import { receiver, status } from '../helpers/receiver.ts';
import { aMember, aWebhook, deliveriesOf, publish } from '../helpers/webhook-site.ts';

/** The history of a workflow that has ended; it replays. Recorded as in replay.test.ts with ORRERY_RECORD_HISTORIES=1. */
async function ended(site: Platform, workflowId: string, name: string): Promise<History> {
  const handle = site.client.workflow.getHandle(workflowId);
  await eventually(async () => (await handle.describe()).status.name === 'COMPLETED', `${workflowId} to end`);
  const history = await handle.fetchHistory();
  await replay(history, workflowId);
  recordHistory(name, history);
  return history;
}

test('a delivery and a mail take five actions, a failed attempt four more, and their histories replay', async (t) => {
  const hooks = await receiver();
  const site = await platform();
  const workers = await site.startWorkers();
  t.teardown(async () => {
    await workers.stop();
    await hooks.stop();
    await site.end();
  });
  const organizationId = await anOrganization(site);
  hooks.answers.push(status(500));
  const { id } = await aWebhook(site, systemClock, { organizationId, url: hooks.url });
  await publish(site, systemClock, organizationId);
  await eventually(async () => (await deliveriesOf(site, id))[0]?.attempts === 1, 'the first attempt');
  await publish(site, systemClock, organizationId);
  await eventually(async () => (await deliveriesOf(site, id)).every(({ state }) => state === 'delivered'), 'both deliveries');
  const [retried, direct] = await deliveriesOf(site, id);
  const straight = await ended(site, `webhook-delivery/${direct?.id}`, 'webhook-delivery');
  t.true(actionsOf(straight) <= 5, `${actionsOf(straight)}`);
  const waited = await ended(site, `webhook-delivery/${retried?.id}`, 'webhook-delivery.retried');
  // The failed attempt, its timer, the look after it, and the status it rested with.
  t.true(actionsOf(waited) <= 9, `${actionsOf(waited)}`);

  const to = { userIds: [await aMember(site, systemClock, organizationId, 'holder')], managers: false };
  await inTransaction(site.db, (tx) => notify(tx, { organizationId, kind: 'booking', key: '1', to, subject: 'Booked', text: '.', at: systemClock.now() }));
  await eventually(async () => (await site.db('mails').where({ state: 'sent' })).length === 1, 'the mail');
  const mail = await ended(site, `mail/${(await site.db('mails').first<{ id: string }>('id'))?.id}`, 'mail');
  t.true(actionsOf(mail) <= 5, `${actionsOf(mail)}`);
});
