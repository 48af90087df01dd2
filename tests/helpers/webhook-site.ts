import { insertMembership } from '../../db/organizations/membership-store.ts';
import { attemptsOf, type KeptAttempt } from '../../db/webhooks/delivery-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { createUser } from '../../commands/identity/create-user.ts';
import { createWebhook, type WebhookWish } from '../../commands/webhooks/edit-webhook.ts';
import { publishEvent } from '../../commands/webhooks/port.ts';
import type { OrganizationRole } from '../../domain/organizations/role.ts';
import type { Clock } from '../../domain/shared/time.ts';
import type { WebhookEventType } from '../../domain/webhooks/webhook-event.ts';
import { vaultOf } from '../../workers/dependencies.ts';
import { activate } from './activate.ts';
import { tester } from './connect.ts';
import type { Platform } from './platform.ts';

type Site = Pick<Platform, 'db' | 'config'>;

/** A webhook of the organization that is told of every kind the test publishes. */
export async function aWebhook(site: Site, clock: Clock, wish: Pick<WebhookWish, 'organizationId' | 'url'> & Partial<WebhookWish>): Promise<{ id: string; secret: string }> {
  const full: WebhookWish = { environmentId: null, name: 'hook', events: ['booking.created', 'booking.released'], headers: {}, enabled: true, ...wish };
  const { webhook, secret } = await inTransaction(site.db, (tx) => createWebhook(tx, vaultOf(site.config), full, { at: clock.now(), by: tester }));
  return { id: webhook.id, secret };
}

export async function publish(site: Site, clock: Clock, organizationId: string, data: Record<string, unknown> = {}, type: WebhookEventType = 'booking.created'): Promise<void> {
  await inTransaction(site.db, (tx) => publishEvent(tx, { organizationId, environmentId: null, type, data, at: clock.now() }));
}

/** What became of the deliveries of a webhook, oldest first. */
export async function deliveriesOf({ db }: Site, webhookId: string): Promise<{ id: string; organization_id: string; state: string; outcome: string | null; attempts: number }[]> {
  return await db('webhook_deliveries').where({ webhook_id: webhookId }).orderBy('id').select('id', 'organization_id', 'state', 'outcome', 'attempts');
}

/** The log of the only delivery of a webhook. */
export async function logOf(site: Site, webhookId: string): Promise<KeptAttempt[]> {
  const [delivery] = await deliveriesOf(site, webhookId);
  return delivery === undefined ? [] : await attemptsOf(site.db, delivery.organization_id, delivery.id);
}

/** Somebody in the organization. */
export async function aMember({ db }: Site, clock: Clock, organizationId: string, name: string, role: OrganizationRole = 'member'): Promise<string> {
  return await inTransaction(db, async (tx) => {
    const { id: userId } = await createUser(tx, { email: `${name}@example.net`, displayName: name, passwordHash: null, platformAdministrator: false, emailVerified: true }, { at: clock.now(), by: tester });
    await activate(tx, userId, clock.now());
    await insertMembership(tx, { organizationId, userId, role, version: 1, createdAt: clock.now() });
    return userId;
  });
}
