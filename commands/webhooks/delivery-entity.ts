import { insertDeliveries, lockDelivery, saveDelivery } from '../../db/webhooks/delivery-store.ts';
import { unchanged } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { WebhookDelivery } from '../../domain/webhooks/webhook-delivery.ts';
import { WEBHOOK_DELIVERY, type DeliverAct } from '../../workflows/webhooks/messages.ts';
import type { EntityDefinition } from '../shared/entity-commands.ts';

/** The delivery as an entity: see domain/webhooks/webhook-delivery.ts for its rules. */
export const webhookDeliveryEntity: EntityDefinition<WebhookDelivery, DeliverAct> = {
  kind: WEBHOOK_DELIVERY,
  workflowType: 'webhookDelivery',
  yields: true,
  table: 'webhook_deliveries',
  openCondition: `state = 'pending'`,
  lock: lockDelivery,
  insert: (tx, delivery) => insertDeliveries(tx, [delivery]),
  save: (tx, _before, after) => saveDelivery(tx, after),
  settle: unchanged,
  acts,
  isDone: (delivery) => delivery.state !== 'pending',
  describe,
  status: (delivery) => delivery.outcome ?? delivery.state,
  // The payload may name people, and the delivery log has it.
  forLedger: ({ id, webhookId, messageId, replayOf, eventType, state, outcome, attempts, createdAt, endedAt }) => ({
    id,
    webhook_id: webhookId,
    message_id: messageId,
    replay_of: replayOf,
    event_type: eventType,
    state,
    outcome,
    attempts,
    created_at: createdAt,
    ended_at: endedAt,
  }),
};

function acts({ id, state, attempts, nextDueAt }: WebhookDelivery, at: Instant): DeliverAct[] {
  if (state !== 'pending' || nextDueAt === null || nextDueAt > at) return [];
  const attempt = attempts + 1;
  return [{ name: 'deliver', key: `${id}/deliver/${attempt}`, summary: `attempt ${attempt}`, attempt, at }];
}

function describe({ eventType, webhookId, state, outcome, attempts, nextDueAt }: WebhookDelivery): string {
  const tried = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return [`**${eventType}** to ${webhookId}: ${outcome ?? state}, ${tried}`, ...(nextDueAt === null ? [] : [`Next attempt at ${nextDueAt}`])].join('\n\n');
}
