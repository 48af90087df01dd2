import { randomBytes } from 'node:crypto';
import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { requestWakeUps } from '../../db/shared/wake-up-store.ts';
import { cancelDeliveriesOf } from '../../db/webhooks/delivery-store.ts';
import { countWebhooks, getWebhookSecrets, insertWebhook, lockWebhook } from '../../db/webhooks/webhook-store.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { DomainError, invalidField, notFound } from '../../domain/shared/errors.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import type { Vault } from '../../domain/shared/vault.ts';
import type { WebhookEventType } from '../../domain/webhooks/webhook-event.ts';
import { disabledWebhook, enabledWebhook, MOST_WEBHOOKS, requireUsableHeaders, type Webhook, type WebhookSecrets } from '../../domain/webhooks/webhook.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { WEBHOOK_DELIVERY } from '../../workflows/webhooks/messages.ts';
import { lockEnvironment } from '../environments/port.ts';
import { newId } from '../shared/new-id.ts';
import { recordWebhookStep, webhookForLedger } from './record-webhook-step.ts';

export interface WebhookDecision {
  at: Instant;
  by: Actor;
  /** Refuses to decide on a row that changed since the caller read it. */
  check?: ((version: number) => void) | undefined;
}

export interface WebhookWish {
  organizationId: string;
  environmentId: string | null;
  name: string;
  /** Checked by the caller against what the configuration allows. */
  url: string;
  events: readonly WebhookEventType[];
  headers: Record<string, string>;
  enabled: boolean;
}

const HOUR_MS = 3_600_000;

/** Creates a webhook. Its signing secret is in the answer and, sealed, in the row; nowhere else. */
export async function createWebhook(tx: Transaction, vault: Vault, wish: WebhookWish, { at, by }: WebhookDecision): Promise<{ webhook: Webhook; secret: string }> {
  requireUsableHeaders(wish.headers);
  const { organizationId, environmentId } = wish;
  if (environmentId !== null && (await lockEnvironment(tx, organizationId, environmentId)) === null) {
    throw invalidField('webhooks.no-such-environment', 'environment_id', 'is no environment of the organization');
  }
  if ((await countWebhooks(tx, organizationId)) >= MOST_WEBHOOKS) {
    throw new DomainError({ kind: 'limit-exceeded', code: 'webhooks.too-many', message: `An organization has at most ${MOST_WEBHOOKS} webhooks. Delete one that is not needed.` });
  }
  const secret = newSecret();
  const webhook: Webhook = {
    id: newId('webhook'),
    organizationId,
    environmentId,
    name: wish.name,
    url: wish.url,
    events: [...new Set(wish.events)],
    headerNames: Object.keys(wish.headers).toSorted(),
    previousSecretUntil: null,
    enabled: wish.enabled,
    disabledBecause: wish.enabled ? null : 'person',
    failingSince: null,
    lastSuccessAt: null,
    lastFailure: null,
    createdBy: by,
    version: 1,
    createdAt: at,
    lastAt: at,
    deletedAt: null,
  };
  await insertWebhook(tx, webhook, sealSecrets(vault, webhook.id, { current: secret, previous: null, headers: wish.headers }));
  const entry = { id: newId('ledger-entry'), organizationId, at, subject: webhook.id, action: 'webhooks.create', by };
  await recordLedgerEntry(tx, { ...entry, before: null, after: webhookForLedger(webhook) });
  return { webhook, secret };
}

export interface WebhookEdit {
  name?: string | undefined;
  url?: string | undefined;
  events?: readonly WebhookEventType[] | undefined;
  /** All of them anew; the old ones are forgotten. */
  headers?: Record<string, string> | undefined;
  enabled?: boolean | undefined;
}

/** Changes a webhook. Switched off, what is on its way to it ends; later events are not kept for it. */
export async function editWebhook(tx: Transaction, vault: Vault, ref: EntityRef, edit: WebhookEdit, decision: WebhookDecision): Promise<Webhook> {
  const before = await lockKnown(tx, ref, decision);
  let after: Webhook = { ...before, name: edit.name ?? before.name, url: edit.url ?? before.url, events: [...new Set(edit.events ?? before.events)] };
  let sealed = null;
  if (edit.headers !== undefined) {
    requireUsableHeaders(edit.headers);
    after.headerNames = Object.keys(edit.headers).toSorted();
    sealed = sealSecrets(vault, ref.id, { ...(await openWebhookSecrets(tx, vault, ref)), headers: edit.headers });
  }
  if (edit.enabled === true && !before.enabled) after = enabledWebhook(after);
  if (edit.enabled === false) after = disabledWebhook(after, 'person');
  const written = await recordWebhookStep(tx, { before, after, sealed }, 'webhooks.edit', decision);
  if (before.enabled && !written.enabled) await endDeliveries(tx, ref, 'webhook-disabled', decision.at);
  return written;
}

/** Gives a webhook a new secret, which the answer shows; the old one signs beside it for `hours`, 0 for not at all. */
export async function rotateSecret(tx: Transaction, vault: Vault, ref: EntityRef, hours: number, decision: WebhookDecision): Promise<{ webhook: Webhook; secret: string }> {
  const before = await lockKnown(tx, ref, decision);
  const secrets = await openWebhookSecrets(tx, vault, ref);
  const secret = newSecret();
  const sealed = sealSecrets(vault, ref.id, { ...secrets, current: secret, previous: hours === 0 ? null : secrets.current });
  const after = { ...before, previousSecretUntil: hours === 0 ? null : plusMilliseconds(decision.at, hours * HOUR_MS) };
  return { webhook: await recordWebhookStep(tx, { before, after, sealed }, 'webhooks.rotate-secret', decision), secret };
}

/** Deletes a webhook: nothing is sent to it any more, what was on its way ends, its secrets are forgotten. */
export async function deleteWebhook(tx: Transaction, vault: Vault, ref: EntityRef, decision: WebhookDecision): Promise<void> {
  const before = await lockKnown(tx, ref, decision);
  const sealed = sealSecrets(vault, ref.id, { current: '', previous: null, headers: {} });
  await recordWebhookStep(tx, { before, after: { ...before, headerNames: [], deletedAt: decision.at }, sealed }, 'webhooks.delete', decision);
  await endDeliveries(tx, ref, 'webhook-deleted', decision.at);
}

/** Opens a webhook's secrets. Fails as the vault does. */
export async function openWebhookSecrets(tx: Parameters<typeof getWebhookSecrets>[0], vault: Vault, ref: EntityRef): Promise<WebhookSecrets> {
  const sealed = await getWebhookSecrets(tx, ref.organizationId, ref.id);
  if (sealed === null) throw notFound('webhook', ref.id);
  return JSON.parse(vault.open(sealed, ref.id)) as WebhookSecrets;
}

async function lockKnown(tx: Transaction, ref: EntityRef, { check }: WebhookDecision): Promise<Webhook> {
  const webhook = await lockWebhook(tx, ref.organizationId, ref.id);
  if (webhook === null) throw notFound('webhook', ref.id);
  check?.(webhook.version);
  return webhook;
}

async function endDeliveries(tx: Transaction, { organizationId, id }: EntityRef, outcome: 'webhook-disabled' | 'webhook-deleted', at: Instant): Promise<void> {
  const entityIds = await cancelDeliveriesOf(tx, organizationId, id, outcome, at);
  await requestWakeUps(tx, { kind: WEBHOOK_DELIVERY, organizationId, entityIds }, at);
}

/** In the form of Standard Webhooks, with 256 random bits. */
function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

function sealSecrets(vault: Vault, id: string, secrets: WebhookSecrets) {
  return vault.seal(JSON.stringify(secrets), id);
}
