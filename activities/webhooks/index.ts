import { abandonDelivery, recordAttempt } from '../../commands/webhooks/record-attempt.ts';
import { webhookDeliveryEntity } from '../../commands/webhooks/delivery-entity.ts';
import { openWebhookSecrets } from '../../commands/webhooks/edit-webhook.ts';
import { advanceEntity, type Decision } from '../../commands/shared/entity-commands.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { getDelivery } from '../../db/webhooks/delivery-store.ts';
import { getWebhook } from '../../db/webhooks/webhook-store.ts';
import { laterOf, type Clock } from '../../domain/shared/time.ts';
import type { Vault } from '../../domain/shared/vault.ts';
import type { WebhookSender } from '../../domain/webhooks/ports.ts';
import { signingSecrets } from '../../domain/webhooks/webhook.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import type { DeliverAct, WebhookActivities } from '../../workflows/webhooks/messages.ts';
import { actingActivity, longAttempt } from '../shared/attempt.ts';

export interface WebhookActivityDependencies {
  db: Database;
  clock: Clock;
  vault: Vault;
  webhooks: WebhookSender;
}

/** The activity behind the act of a delivery; see its interface for what it guarantees. */
export function createWebhookActivities(deps: WebhookActivityDependencies): WebhookActivities {
  return {
    async deliver(ref, act) {
      const clock: Clock = { now: () => laterOf(act.at, deps.clock.now()) };
      const outcome = await longAttempt(({ signal }) => deliver({ ...deps, clock }, ref, act, signal));
      const plan = await inTransaction(deps.db, (tx) => advanceEntity(tx, webhookDeliveryEntity, ref, clock.now()));
      return { outcome, plan };
    },
  };
}

/** Sends to where the webhook points now, with the secrets of now; whoever changed it since the event meant it. */
async function deliver({ db, clock, vault, webhooks }: WebhookActivityDependencies, ref: EntityRef, act: DeliverAct, signal: AbortSignal): Promise<string> {
  const delivery = await getDelivery(db, ref.organizationId, ref.id);
  if (delivery === null || delivery.state !== 'pending' || delivery.attempts + 1 !== act.attempt) return 'no longer wanted';
  const decision = (): Decision => ({ at: clock.now(), outcomeKey: act.key, by: actingActivity('webhooks') });
  const target = { organizationId: ref.organizationId, id: delivery.webhookId };
  const webhook = await getWebhook(db, target.organizationId, target.id);
  if (webhook === null || !webhook.enabled) {
    const outcome = webhook === null ? 'webhook-deleted' : 'webhook-disabled';
    await inTransaction(db, (tx) => abandonDelivery(tx, ref, outcome, decision()));
    return outcome;
  }
  const secrets = await openWebhookSecrets(db, vault, target);
  const at = clock.now();
  const message = { url: webhook.url, messageId: delivery.messageId, payload: delivery.payload, at, secrets: signingSecrets(webhook, secrets, at), headers: secrets.headers };
  const attempt = await webhooks.send(message, signal);
  const recorded = await inTransaction(db, (tx) => recordAttempt(tx, { ...ref, webhookId: delivery.webhookId }, act.attempt, attempt, decision()));
  return recorded.outcome ?? `${attempt.error?.code ?? 'received'}; next attempt at ${recorded.nextDueAt}`;
}
