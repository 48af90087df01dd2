import { randomBytes } from 'node:crypto';
import test from 'ava';
import { recordSending } from '../notifications/record-sending.ts';
import { notify } from '../notifications/port.ts';
import { sweepMails } from '../notifications/sweep-mails.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { cancelDeliveriesOf } from '../../db/webhooks/delivery-store.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { createSecretVault } from '../../providers/local/secret-vault.ts';
import { startTestApi } from '../../tests/helpers/api.ts';
import { itemMakers } from '../../tests/helpers/foreign-items.ts';
import { tester } from '../../tests/helpers/connect.ts';
import { createWebhook, openWebhookSecrets } from './edit-webhook.ts';
import { rotateWebhookKeys } from './rotate-webhook-keys.ts';
import { sweepDeliveries } from './sweep-deliveries.ts';

const DAY_MS = 86_400_000;

test('secrets of webhooks are sealed anew under the new key, and the old one can go', async (t) => {
  const api = await startTestApi();
  t.teardown(() => api.end());
  const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
  const organizationId = await api.organization();
  const wish = { organizationId, environmentId: null, name: 'a', url: 'https://hooks.example.org', events: ['booking.created' as const], headers: { A: 'value' }, enabled: true };
  const before = createSecretVault({ current: oldKey, previous: [] });
  const { webhook, secret } = await inTransaction(api.db, (tx) => createWebhook(tx, before, wish, { at: api.clock.now(), by: tester }));
  t.is(await rotateWebhookKeys(api.db, createSecretVault({ current: newKey, previous: [oldKey] })), 1);
  const ref = { organizationId, id: webhook.id };
  t.deepEqual(await openWebhookSecrets(api.db, createSecretVault({ current: newKey, previous: [] }), ref), { current: secret, previous: null, headers: { A: 'value' } });
  await t.throwsAsync(openWebhookSecrets(api.db, before, ref), { code: 'vault.unknown-key' });
});

test('what ended long ago is forgotten, what is under way never', async (t) => {
  const api = await startTestApi();
  t.teardown(() => api.end());
  const organizationId = await api.organization();
  const make = itemMakers['webhook-deliveries'];
  await make?.(api, organizationId);
  await make?.(api, organizationId);
  const pending = await api.db('webhook_deliveries').orderBy('id').first<{ id: string; webhook_id: string }>('id', 'webhook_id');
  await api.db('webhook_deliveries').where({ id: pending?.id }).update({ state: 'pending', outcome: null, ended_at: null, next_due_at: api.clock.now() });
  const at = api.clock.now();
  t.is(await sweepDeliveries(api.db, plusMilliseconds(at, 29 * DAY_MS)), 0);
  t.is(await sweepDeliveries(api.db, plusMilliseconds(at, 31 * DAY_MS)), 1);
  t.deepEqual(await api.db('webhook_deliveries').pluck('id'), [pending?.id]);
  await inTransaction(api.db, (tx) => cancelDeliveriesOf(tx, organizationId, pending?.webhook_id ?? '', 'webhook-deleted', at));
  t.is(await sweepDeliveries(api.db, plusMilliseconds(at, 31 * DAY_MS)), 1);
  const { id: userId } = await api.member(organizationId, 'member');
  for (const key of ['1', '2']) await inTransaction(api.db, (tx) => notify(tx, { organizationId, kind: 'booking', key, to: { userIds: [userId], managers: false }, subject: key, text: key, at }));
  const [sent, kept] = await api.db('mails').orderBy('id').pluck<string[]>('id');
  await inTransaction(api.db, (tx) => recordSending(tx, { organizationId, id: sent ?? '' }, 1, { kind: 'sent', receipt: '250' }, { at, by: tester }));
  t.is(await sweepMails(api.db, plusMilliseconds(at, 89 * DAY_MS)), 0);
  t.is(await sweepMails(api.db, plusMilliseconds(at, 91 * DAY_MS)), 1);
  t.deepEqual(await api.db('mails').pluck('id'), [kept]);
});
