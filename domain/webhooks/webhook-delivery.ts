import { routineStep, step, unchanged, type EntityRow, type Settled } from '../shared/entity.ts';
import type { ErrorRecord } from '../shared/errors.ts';
import { plusMilliseconds, type Instant } from '../shared/time.ts';
import { PING, type DeliveredEventType } from './webhook-event.ts';

/** How a delivery ends; `gone` is the receiver's 410. */
export const DELIVERY_OUTCOMES = ['delivered', 'given-up', 'gone', 'webhook-disabled', 'webhook-deleted'] as const;
export type DeliveryOutcome = (typeof DELIVERY_OUTCOMES)[number];

export const DELIVERY_STATES = ['pending', 'delivered', 'failed', 'cancelled'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** One event on its way to one webhook. */
export interface WebhookDelivery extends EntityRow {
  webhookId: string;
  /** What the receiver knows it by: the same for all attempts and replays. */
  messageId: string;
  /** The delivery that this one repeats. */
  replayOf: string | null;
  eventType: DeliveredEventType;
  /** The bytes that are signed and sent. */
  payload: string;
  state: DeliveryState;
  outcome: DeliveryOutcome | null;
  attempts: number;
  createdAt: Instant;
  endedAt: Instant | null;
}

/** What one attempt came to. */
export interface Attempt {
  at: Instant;
  durationMs: number;
  /** HTTP status; null when there was no answer. */
  status: number | null;
  /** The first 4 KB of the answer, secrets masked; null when there was none. */
  answer: string | null;
  /** Null for a success. */
  error: ErrorRecord | null;
  /** Seconds the receiver asked for by Retry-After. */
  retryAfterSeconds: number | null;
}

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];

/**
 * How long after each failed attempt the next one follows: a good 27 hours in all.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#deliverability-and-reliability
 */
export const RETRY_AFTER_MS: readonly number[] = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR];
/** No receiver can put an event off further. */
const LONGEST_RETRY_AFTER_MS = 24 * HOUR;
const GONE = 410;

/** A delivery that is due at once. */
export function newDelivery(
  fields: Pick<WebhookDelivery, 'id' | 'organizationId' | 'webhookId' | 'messageId' | 'replayOf' | 'eventType' | 'payload'>,
  at: Instant,
): WebhookDelivery {
  return { ...fields, state: 'pending', outcome: null, attempts: 0, version: 1, createdAt: at, lastAt: at, nextDueAt: at, endedAt: null };
}

/**
 * The outcome of attempt `number`. One that has been recorded, or that came after the end, changes
 * nothing. A failure is followed by the next attempt until those of `RETRY_AFTER_MS` are used up; a
 * ping has a single one.
 */
export function afterAttempt(delivery: WebhookDelivery, number: number, attempt: Attempt): Settled<WebhookDelivery> {
  if (delivery.state !== 'pending' || number !== delivery.attempts + 1) return unchanged(delivery);
  const tried = { ...delivery, attempts: number };
  if (attempt.error === null) return ended(delivery, tried, 'delivered', attempt.at);
  if (attempt.status === GONE) return ended(delivery, tried, 'gone', attempt.at);
  const wait = delivery.eventType === PING ? undefined : RETRY_AFTER_MS[number - 1];
  if (wait === undefined) return ended(delivery, tried, 'given-up', attempt.at);
  const asked = Math.min((attempt.retryAfterSeconds ?? 0) * SECOND, LONGEST_RETRY_AFTER_MS);
  const nextDueAt = plusMilliseconds(plusMilliseconds(attempt.at, attempt.durationMs), Math.max(wait, asked));
  return routineStep(delivery, { ...tried, nextDueAt }, 'webhooks.retry-delivery');
}

/** Its webhook is no more, or takes nothing any more. */
export function cancelDelivery(delivery: WebhookDelivery, outcome: 'webhook-disabled' | 'webhook-deleted', at: Instant): Settled<WebhookDelivery> {
  return delivery.state === 'pending' ? ended(delivery, delivery, outcome, at) : unchanged(delivery);
}

const STATE_OF: Record<DeliveryOutcome, DeliveryState> = {
  delivered: 'delivered',
  'given-up': 'failed',
  gone: 'failed',
  'webhook-disabled': 'cancelled',
  'webhook-deleted': 'cancelled',
};

function ended(before: WebhookDelivery, after: WebhookDelivery, outcome: DeliveryOutcome, at: Instant): Settled<WebhookDelivery> {
  return step(before, { ...after, outcome, state: STATE_OF[outcome], nextDueAt: null, endedAt: at }, `webhooks.delivery-${STATE_OF[outcome]}`);
}
