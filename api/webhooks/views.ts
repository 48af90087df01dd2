import type { KeptAttempt } from '../../db/webhooks/delivery-store.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { WebhookDelivery } from '../../domain/webhooks/webhook-delivery.ts';
import { webhookStatus, type Webhook } from '../../domain/webhooks/webhook.ts';
import type { z } from '../shared/zod.ts';
import type { deliveryBody, deliveryWithLog, webhookBody } from './schemas.ts';

/** A webhook as it is at an instant, without its secrets. */
export function webhookView(webhook: Webhook, at: Instant): z.input<typeof webhookBody> {
  return {
    id: webhook.id,
    organization_id: webhook.organizationId,
    environment_id: webhook.environmentId,
    name: webhook.name,
    url: webhook.url,
    events: webhook.events,
    header_names: webhook.headerNames,
    status: webhookStatus(webhook, at),
    enabled: webhook.enabled,
    disabled_because: webhook.disabledBecause,
    failing_since: webhook.failingSince,
    last_success_at: webhook.lastSuccessAt,
    last_failure: webhook.lastFailure,
    previous_secret_until: webhook.previousSecretUntil !== null && webhook.previousSecretUntil > at ? webhook.previousSecretUntil : null,
    version: webhook.version,
    created_at: webhook.createdAt,
  };
}

export function deliveryView(delivery: WebhookDelivery): z.input<typeof deliveryBody> {
  return {
    id: delivery.id,
    organization_id: delivery.organizationId,
    webhook_id: delivery.webhookId,
    message_id: delivery.messageId,
    replay_of: delivery.replayOf,
    event: delivery.eventType,
    state: delivery.state,
    outcome: delivery.outcome,
    attempts: delivery.attempts,
    next_attempt_at: delivery.nextDueAt,
    created_at: delivery.createdAt,
    ended_at: delivery.endedAt,
  };
}

export function deliveryLogView(delivery: WebhookDelivery, log: readonly KeptAttempt[]): z.input<typeof deliveryWithLog> {
  return {
    delivery: deliveryView(delivery),
    payload: delivery.payload,
    log: log.map(({ number, at, durationMs, status, answer, error }) => ({ number, at, duration_ms: durationMs, status, answer, error })),
  };
}
