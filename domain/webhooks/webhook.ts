import type { Actor } from '../shared/entity.ts';
import { invalidField } from '../shared/errors.ts';
import { laterOf, plusMilliseconds, type Instant } from '../shared/time.ts';
import type { WebhookEventType } from './webhook-event.ts';

/** Where an organization, or one of its environments, has its events sent. */
export interface Webhook {
  id: string;
  organizationId: string;
  /** Null: events of every environment. */
  environmentId: string | null;
  name: string;
  url: string;
  events: WebhookEventType[];
  /** Names of the headers it adds; their values are secret. */
  headerNames: string[];
  /** Until when the secret before the current one signs beside it. */
  previousSecretUntil: Instant | null;
  enabled: boolean;
  /** A person switched it off, or the receiver answered 410 Gone. */
  disabledBecause: 'person' | 'gone' | null;
  /** The first failure after the last success. */
  failingSince: Instant | null;
  lastSuccessAt: Instant | null;
  lastFailure: { at: Instant; code: string; message: string } | null;
  createdBy: Actor;
  version: number;
  createdAt: Instant;
  lastAt: Instant;
  deletedAt: Instant | null;
}

/** What is sealed with a webhook. */
export interface WebhookSecrets {
  /** `whsec_` and the key in base64. */
  current: string;
  /** The one before, which signs until `previousSecretUntil`. */
  previous: string | null;
  /** Header values by name. */
  headers: Record<string, string>;
}

export const WEBHOOK_STATUSES = ['active', 'failing', 'disabled'] as const;
export type WebhookStatus = (typeof WEBHOOK_STATUSES)[number];

const DAY_MS = 86_400_000;
/** A receiver that takes nothing for this long is failing; before, it may be a deployment. */
const FAILING_AFTER_MS = DAY_MS;
/** How long the old secret signs beside the new one, unless said otherwise. */
export const ROTATION_HOURS = 24;
export const MOST_ROTATION_HOURS = 24 * 7;
export const MOST_HEADERS = 20;
export const MOST_WEBHOOKS = 100;

/** What people see of it at an instant. */
export function webhookStatus(webhook: Webhook, at: Instant): WebhookStatus {
  if (!webhook.enabled) return 'disabled';
  return webhook.failingSince !== null && plusMilliseconds(webhook.failingSince, FAILING_AFTER_MS) <= at ? 'failing' : 'active';
}

/** Switched on again, it starts with a clean slate. */
export function enabledWebhook(webhook: Webhook): Webhook {
  return { ...webhook, enabled: true, disabledBecause: null, failingSince: null };
}

export function disabledWebhook(webhook: Webhook, because: 'person' | 'gone'): Webhook {
  return webhook.enabled ? { ...webhook, enabled: false, disabledBecause: because } : webhook;
}

/** What a success or a failure at `at` tells of the receiver. An older word does not overrule a newer one. */
export function heardFrom(webhook: Webhook, at: Instant, failure: { code: string; message: string } | null): Webhook {
  if (failure === null) {
    const recovered = webhook.lastFailure === null || webhook.lastFailure.at <= at;
    return { ...webhook, lastSuccessAt: laterOf(at, webhook.lastSuccessAt), failingSince: recovered ? null : webhook.failingSince };
  }
  if (webhook.lastFailure !== null && webhook.lastFailure.at > at) return webhook;
  const succeededSince = webhook.lastSuccessAt !== null && webhook.lastSuccessAt > at;
  return { ...webhook, lastFailure: { at, ...failure }, failingSince: succeededSince ? webhook.failingSince : (webhook.failingSince ?? at) };
}

/** The secrets that sign at an instant, the current one first. */
export function signingSecrets(webhook: Pick<Webhook, 'previousSecretUntil'>, secrets: WebhookSecrets, at: Instant): string[] {
  const { previousSecretUntil: until } = webhook;
  return secrets.previous !== null && until !== null && at < until ? [secrets.current, secrets.previous] : [secrets.current];
}

/** RFC 9110: a field name is a token. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
/** Visible characters, with spaces and tabs between them. */
const HEADER_VALUE = /^[\x21-\x7E](?:[\x20-\x7E\t]*[\x21-\x7E])?$/;
/** What HTTP itself or the signature needs. */
const RESERVED = new Set([
  'connection', 'content-length', 'content-type', 'content-encoding', 'expect', 'host', 'keep-alive', 'proxy-connection', 'te', 'trailer',
  'transfer-encoding', 'upgrade', 'user-agent', 'webhook-id', 'webhook-signature', 'webhook-timestamp',
]);

/** Refuses headers that HTTP does not allow or that are ours to set. */
export function requireUsableHeaders(headers: Record<string, string>): void {
  const names = Object.keys(headers);
  const refuse = (name: string, problem: string): never => {
    throw invalidField('webhooks.header-refused', `headers.${name}`, problem);
  };
  for (const name of names) {
    if (!HEADER_NAME.test(name)) refuse(name, 'is no header name; use letters, digits and hyphens');
    if (RESERVED.has(name.toLowerCase())) refuse(name, 'is set by HTTP or the signature; leave it out');
    if (names.some((other) => other !== name && other.toLowerCase() === name.toLowerCase())) refuse(name, 'is given twice; header names know no case');
    if (!HEADER_VALUE.test(headers[name] ?? '')) refuse(name, 'must have a value of printable ASCII characters, without spaces around it');
  }
}

/** A URL with nothing that a log would have to hide: scheme, host and port. */
export function originOf(url: string): string {
  return /^[a-z]+:\/\/[^/?#]*/i.exec(url)?.[0] ?? '';
}
