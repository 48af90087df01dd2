import { DELIVERY_OUTCOMES, DELIVERY_STATES } from '../../domain/webhooks/webhook-delivery.ts';
import { PING, WEBHOOK_EVENTS } from '../../domain/webhooks/webhook-event.ts';
import { MOST_HEADERS, MOST_ROTATION_HOURS, ROTATION_HOURS, WEBHOOK_STATUSES } from '../../domain/webhooks/webhook.ts';
import { errorRecord, flag, idOf, instant, searchText } from '../shared/fields.ts';
import { pageFields } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

const name = z.string().trim().min(1).max(200);
const url = z.string().max(2000).openapi({ description: 'https, of a public address unless the operator allows others.', example: 'https://hooks.example.org/orrery' });
const events = z.array(z.enum(WEBHOOK_EVENTS)).min(1).max(WEBHOOK_EVENTS.length);
const headers = z
  .record(z.string().max(128), z.string().max(4000))
  .refine((given) => Object.keys(given).length <= MOST_HEADERS, { error: `must not be more than ${MOST_HEADERS}` })
  .openapi({ description: 'Sent with each message. Values are never shown again.', example: { Authorization: 'Bearer …' } });

export const webhookInput = z
  .strictObject({
    name,
    url,
    environment_id: idOf('environment').nullable().default(null).openapi({ description: 'Events of this environment alone; of all when null.' }),
    events,
    headers: headers.default({}),
    enabled: z.boolean().default(true),
  })
  .openapi('CreateWebhook');

export const webhookEdit = z
  .strictObject({
    name: name.optional(),
    url: url.optional(),
    events: events.optional(),
    headers: headers.optional().openapi({ description: 'All of them anew.' }),
    enabled: z.boolean().optional(),
  })
  .openapi('EditWebhook');

export const rotateInput = z
  .strictObject({
    previous_valid_hours: z.int().min(0).max(MOST_ROTATION_HOURS).default(ROTATION_HOURS).openapi({ description: 'For how long the old secret signs beside the new one; 0 for not at all.' }),
  })
  .openapi('RotateWebhookSecret');

export const webhookBody = z
  .strictObject({
    id: z.string(),
    organization_id: z.string(),
    environment_id: z.string().nullable(),
    name: z.string(),
    url: z.string(),
    events: z.array(z.enum(WEBHOOK_EVENTS)),
    header_names: z.array(z.string()),
    status: z.enum(WEBHOOK_STATUSES),
    enabled: z.boolean(),
    disabled_because: z.enum(['person', 'gone']).nullable(),
    failing_since: instant.nullable(),
    last_success_at: instant.nullable(),
    last_failure: z.strictObject({ at: instant, code: z.string(), message: z.string() }).nullable(),
    previous_secret_until: instant.nullable(),
    version: z.int(),
    created_at: instant,
  })
  .openapi('Webhook');

/** The secret is shown this once. */
export const webhookWithSecret = z.strictObject({ webhook: webhookBody, secret: z.string() }).openapi('WebhookWithSecret');

export const deliveryBody = z
  .strictObject({
    id: z.string(),
    organization_id: z.string(),
    webhook_id: z.string(),
    message_id: z.string(),
    replay_of: z.string().nullable(),
    event: z.enum([...WEBHOOK_EVENTS, PING]),
    state: z.enum(DELIVERY_STATES),
    outcome: z.enum(DELIVERY_OUTCOMES).nullable(),
    attempts: z.int(),
    next_attempt_at: instant.nullable(),
    created_at: instant,
    ended_at: instant.nullable(),
  })
  .openapi('WebhookDelivery');

export const deliveryWithLog = z
  .strictObject({
    delivery: deliveryBody,
    payload: z.string().openapi({ description: 'The body, byte for byte.' }),
    log: z.array(
      z.strictObject({
        number: z.int(),
        at: instant,
        duration_ms: z.int(),
        status: z.int().nullable(),
        answer: z.string().nullable().openapi({ description: 'Its first 4 KB; what we sent in confidence is masked.' }),
        error: errorRecord.nullable(),
      }),
    ),
  })
  .openapi('WebhookDeliveryWithLog');

export const listQuery = z.strictObject({ ...pageFields, search: searchText.optional(), environment_id: idOf('environment').optional(), enabled: flag.optional() });
export const deliveriesQuery = z.strictObject({ ...pageFields, state: z.enum(DELIVERY_STATES).optional(), event: z.enum([...WEBHOOK_EVENTS, PING]).optional() });
