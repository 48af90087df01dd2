/** What a webhook can be told of. Later domains add theirs. */
export const WEBHOOK_EVENTS = [
  'booking.created',
  'booking.started',
  'booking.changed',
  'booking.released',
  'booking.cancelled',
  'environment.state_changed',
  'application.created',
  'application.decided',
] as const;
export type WebhookEventType = (typeof WEBHOOK_EVENTS)[number];

/** Sent on request to try a webhook out; nobody subscribes to it. */
export const PING = 'webhook.ping';
export type DeliveredEventType = WebhookEventType | typeof PING;
