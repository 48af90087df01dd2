import { insertDeliveries } from '../../db/webhooks/delivery-store.ts';
import { webhooksFor } from '../../db/webhooks/webhook-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { requestWakeUps } from '../../db/shared/wake-up-store.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { WebhookEventType } from '../../domain/webhooks/webhook-event.ts';
import { newDelivery } from '../../domain/webhooks/webhook-delivery.ts';
import { WEBHOOK_DELIVERY } from '../../workflows/webhooks/messages.ts';
import { newId } from '../shared/new-id.ts';

/** What happened, for those who asked to be told. */
export interface PublishedEvent {
  organizationId: string;
  /** Null for what concerns no environment; only webhooks of the whole organization are told. */
  environmentId: string | null;
  type: WebhookEventType;
  /** JSON; becomes `data` of the payload as it is. Receivers are outside: no secrets. */
  data: Record<string, unknown>;
  at: Instant;
}

/**
 * Tells every webhook that asked for this event, in the caller's transaction: one delivery row each
 * and a wake-up. What happens on the way to the receiver never comes back here. Costs one read where
 * nobody listens.
 */
export async function publishEvent(tx: Transaction, event: PublishedEvent): Promise<void> {
  const { organizationId, environmentId, type, data, at } = event;
  const webhookIds = await webhooksFor(tx, event);
  if (webhookIds.length === 0) return;
  const payload = payloadOf({ organizationId, environmentId, type, data, at });
  const deliveries = webhookIds.map((webhookId) => {
    const id = newId('webhook-delivery');
    return newDelivery({ id, organizationId, webhookId, messageId: id, replayOf: null, eventType: type, payload }, at);
  });
  await insertDeliveries(tx, deliveries);
  await requestWakeUps(tx, { kind: WEBHOOK_DELIVERY, organizationId, entityIds: deliveries.map(({ id }) => id) }, at);
}

/** The body of a message, with the members that Standard Webhooks recommends and where it comes from. */
export function payloadOf(event: Omit<PublishedEvent, 'type'> & { type: string }): string {
  return JSON.stringify({
    type: event.type,
    timestamp: event.at,
    organization_id: event.organizationId,
    environment_id: event.environmentId,
    data: event.data,
  });
}
