import type { Transaction } from '../../db/shared/connection.ts';
import { requestWakeUps } from '../../db/shared/wake-up-store.ts';
import { cancelDeliveriesOf, insertAttempt } from '../../db/webhooks/delivery-store.ts';
import { lockWebhook, saveWebhook } from '../../db/webhooks/webhook-store.ts';
import { afterAttempt, cancelDelivery, type Attempt, type WebhookDelivery } from '../../domain/webhooks/webhook-delivery.ts';
import { disabledWebhook, heardFrom } from '../../domain/webhooks/webhook.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { WEBHOOK_DELIVERY } from '../../workflows/webhooks/messages.ts';
import { decide, type Decision } from '../shared/entity-commands.ts';
import { recordWebhookStep } from './record-webhook-step.ts';
import { webhookDeliveryEntity } from './delivery-entity.ts';

/**
 * Records what attempt `number` of a delivery came to: on the delivery, in its log, and what it says of
 * the webhook. A 410 switches the webhook off and ends what else is on its way to it. The same attempt
 * is recorded once.
 */
export async function recordAttempt(tx: Transaction, ref: EntityRef & { webhookId: string }, number: number, attempt: Attempt, decision: Decision): Promise<WebhookDelivery> {
  // Before the delivery, as in every command on both.
  const webhook = await lockWebhook(tx, ref.organizationId, ref.webhookId);
  let isNews = false;
  const delivery = await decide(tx, webhookDeliveryEntity, ref, decision, (current) => {
    const settled = afterAttempt(current, number, attempt);
    isNews = settled.transitions.length > 0;
    return settled;
  });
  await insertAttempt(tx, delivery, number, attempt);
  if (!isNews || webhook === null) return delivery;
  const failure = attempt.error === null ? null : { code: attempt.error.code, message: attempt.error.message };
  const heard = heardFrom(webhook, attempt.at, failure);
  const after = delivery.outcome === 'gone' ? disabledWebhook(heard, 'gone') : heard;
  if (after.enabled === webhook.enabled) {
    // What an attempt tells is nobody's decision: no news for the ledger, and nobody's edit is refused for it.
    await saveWebhook(tx, after, null);
    return delivery;
  }
  await recordWebhookStep(tx, { before: webhook, after, sealed: null }, 'webhooks.receiver-gone', decision);
  const ended = await cancelDeliveriesOf(tx, ref.organizationId, ref.webhookId, 'webhook-disabled', decision.at);
  await requestWakeUps(tx, { kind: WEBHOOK_DELIVERY, organizationId: ref.organizationId, entityIds: ended }, decision.at);
  return delivery;
}

/** Ends a delivery whose webhook was deleted or switched off while it was being made. */
export async function abandonDelivery(tx: Transaction, ref: EntityRef, outcome: 'webhook-disabled' | 'webhook-deleted', decision: Decision): Promise<void> {
  await decide(tx, webhookDeliveryEntity, ref, decision, (current, at) => cancelDelivery(current, outcome, at));
}
