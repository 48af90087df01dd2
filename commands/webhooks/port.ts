import { insertDeliveries } from '../../db/webhooks/delivery-store.ts';
import { webhooksFor } from '../../db/webhooks/webhook-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { requestWakeUps } from '../../db/shared/wake-up-store.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { WebhookEventType } from '../../domain/webhooks/webhook-event.ts';
import { newDelivery, type WebhookDelivery } from '../../domain/webhooks/webhook-delivery.ts';
import { WEBHOOK_DELIVERY } from '../../workflows/webhooks/messages.ts';
import { newId } from '../shared/new-id.ts';

/** What happened, for those who asked to be told. */
export interface PublishedEvent {
  organizationId: string;
  /** Null for what concerns no environment; only webhooks of the whole organization are told. */
  environmentId: string | null;
  type: WebhookEventType;
  /** JSON; becomes `data` of the payload, with where it happened. Receivers are outside: no secrets. */
  data: Record<string, unknown>;
  at: Instant;
}

/**
 * Tells every webhook that asked for this event, in the caller's transaction: one delivery row each
 * and a wake-up. What happens on the way to the receiver never comes back here. Costs one read where
 * nobody listens.
 */
export async function publishEvent(tx: Transaction, event: PublishedEvent): Promise<void> {
  await publishEvents(tx, [event]);
}

/** `publishEvent` for many events of one organization, in their order: a read for each environment and type, and two statements. */
export async function publishEvents(tx: Transaction, events: readonly PublishedEvent[]): Promise<void> {
  const [first] = events;
  if (first === undefined) return;
  const listening = new Map<string, string[]>();
  const deliveries: WebhookDelivery[] = [];
  for (const event of events) {
    const { organizationId, environmentId, type, at } = event;
    const key = `${environmentId} ${type}`;
    const webhookIds = listening.get(key) ?? (await webhooksFor(tx, event));
    listening.set(key, webhookIds);
    if (webhookIds.length === 0) continue;
    for (const webhookId of webhookIds) {
      const id = newId('webhook-delivery');
      const payload = payloadOf(id, event);
      deliveries.push(newDelivery({ id, organizationId, webhookId, messageId: id, replayOf: null, eventType: type, payload }, at));
    }
  }
  if (deliveries.length === 0) return;
  await insertDeliveries(tx, deliveries);
  await requestWakeUps(tx, { kind: WEBHOOK_DELIVERY, organizationId: first.organizationId, entityIds: deliveries.map(({ id }) => id) }, first.at);
}

/**
 * The body of a message: a CloudEvent 1.0 in structured JSON, under the message's id. `timestamp` is there beside `time` for readers
 * that follow Standard Webhooks, and is a legal extension attribute.
 */
export function payloadOf(messageId: string, { organizationId, environmentId, type, data, at }: Omit<PublishedEvent, 'type'> & { type: string }): string {
  return JSON.stringify({
    specversion: '1.0',
    id: messageId,
    source: `/v1/organizations/${organizationId}`,
    type,
    time: at,
    timestamp: at,
    // Never an empty one, which CloudEvents forbids.
    ...(environmentId !== null && { subject: environmentId }),
    datacontenttype: 'application/json',
    data: { ...data, organization_id: organizationId, environment_id: environmentId },
  });
}
