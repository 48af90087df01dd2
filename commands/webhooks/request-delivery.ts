import type { Transaction } from '../../db/shared/connection.ts';
import { getDelivery } from '../../db/webhooks/delivery-store.ts';
import { lockWebhook } from '../../db/webhooks/webhook-store.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import { newDelivery, type WebhookDelivery } from '../../domain/webhooks/webhook-delivery.ts';
import { PING } from '../../domain/webhooks/webhook-event.ts';
import type { Webhook } from '../../domain/webhooks/webhook.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { createEntity, type Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { webhookDeliveryEntity } from './delivery-entity.ts';
import { payloadOf } from './port.ts';

/** Sends a webhook a message to try it out: one attempt, whose outcome is in the delivery. */
export async function pingWebhook(tx: Transaction, ref: EntityRef, decision: Decision): Promise<WebhookDelivery> {
  const webhook = await requireEnabled(tx, ref);
  const { organizationId, environmentId } = webhook;
  const id = newId('webhook-delivery');
  const payload = payloadOf(id, { organizationId, environmentId, type: PING, data: { webhook_id: webhook.id, name: webhook.name }, at: decision.at });
  const delivery = newDelivery({ id, organizationId, webhookId: webhook.id, messageId: id, replayOf: null, eventType: PING, payload }, decision.at);
  return await createEntity(tx, webhookDeliveryEntity, delivery, 'webhooks.ping', decision);
}

/** Sends what a delivery sent once more, under the same message id and to where its webhook points now. */
export async function replayDelivery(tx: Transaction, ref: EntityRef, decision: Decision): Promise<WebhookDelivery> {
  const original = await getDelivery(tx, ref.organizationId, ref.id);
  if (original === null) throw notFound('webhook-delivery', ref.id);
  if (original.state === 'pending') {
    throw new DomainError({
      kind: 'conflict',
      code: 'webhooks.delivery-under-way',
      message: `This delivery is still on its way; its next attempt is at ${original.nextDueAt}. Wait for its end before you replay it.`,
    });
  }
  await requireEnabled(tx, { organizationId: ref.organizationId, id: original.webhookId });
  const { organizationId, webhookId, messageId, eventType, payload } = original;
  const delivery = newDelivery({ id: newId('webhook-delivery'), organizationId, webhookId, messageId, replayOf: original.id, eventType, payload }, decision.at);
  return await createEntity(tx, webhookDeliveryEntity, delivery, 'webhooks.replay', decision);
}

async function requireEnabled(tx: Transaction, ref: EntityRef): Promise<Webhook> {
  const webhook = await lockWebhook(tx, ref.organizationId, ref.id);
  if (webhook === null) throw new DomainError({ kind: 'conflict', code: 'webhooks.deleted', message: 'The webhook of this delivery was deleted.' });
  if (!webhook.enabled) throw new DomainError({ kind: 'conflict', code: 'webhooks.disabled', message: 'This webhook is switched off. Enable it first.' });
  return webhook;
}
