import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Sealed } from '../../domain/shared/vault.ts';
import type { WebhookEventType } from '../../domain/webhooks/webhook-event.ts';
import type { Webhook } from '../../domain/webhooks/webhook.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { escapeLike } from '../shared/like.ts';
import { prepared } from '../shared/prepared.ts';

type Row = Record<string, unknown>;

export async function insertWebhook(tx: Transaction, webhook: Webhook, sealed: Sealed): Promise<void> {
  await tx('webhooks').insert({
    id: webhook.id,
    organization_id: webhook.organizationId,
    environment_id: webhook.environmentId,
    created_by: JSON.stringify(webhook.createdBy),
    created_at: webhook.createdAt,
    ...toColumns(webhook),
    ...toSealedColumns(sealed),
  });
}

/** Writes what may change; secrets only when they are given. */
export async function saveWebhook(tx: Transaction, webhook: Webhook, sealed: Sealed | null): Promise<void> {
  await tx('webhooks')
    .where({ organization_id: webhook.organizationId, id: webhook.id })
    .update({ ...toColumns(webhook), ...(sealed !== null && toSealedColumns(sealed)) });
}

/** Reads and locks a webhook that was not deleted until the transaction ends. */
export async function lockWebhook(tx: Transaction, organizationId: string, id: string): Promise<Webhook | null> {
  const row = await tx('webhooks').where({ organization_id: organizationId, id }).whereNull('deleted_at').forUpdate().first<Row | undefined>();
  return row === undefined ? null : toWebhook(row);
}

export async function getWebhook(db: Database | Transaction, organizationId: string, id: string): Promise<Webhook | null> {
  const row = await db('webhooks').where({ organization_id: organizationId, id }).whereNull('deleted_at').first<Row | undefined>();
  return row === undefined ? null : toWebhook(row);
}

/** The sealed secrets of a webhook, also of a deleted one. */
export async function getWebhookSecrets(db: Database | Transaction, organizationId: string, id: string): Promise<Sealed | null> {
  const row = await db('webhooks').where({ organization_id: organizationId, id }).first<{ sealed: Uint8Array; key_id: string } | undefined>('sealed', 'key_id');
  return row === undefined ? null : { bytes: row.sealed, keyId: row.key_id };
}

export async function organizationOfWebhook(db: Database, id: string): Promise<string | null> {
  const row = await db('webhooks').where({ id }).whereNull('deleted_at').first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

export async function countWebhooks(tx: Transaction, organizationId: string): Promise<number> {
  const [counted] = await tx('webhooks').where({ organization_id: organizationId }).whereNull('deleted_at').count<{ count: number }[]>('* as count');
  return counted?.count ?? 0;
}

/** Ids of the webhooks that are told of an event: subscribed to it, switched on, of the organization or of this environment. */
export async function webhooksFor(tx: Transaction, event: { organizationId: string; environmentId: string | null; type: WebhookEventType }): Promise<string[]> {
  const { organizationId, environmentId, type } = event;
  const query = tx.raw<{ rows: { id: string }[] }>(
    `select id from webhooks
     where organization_id = :organizationId and enabled and deleted_at is null and :type = any(events)
       and (environment_id is null or environment_id = :environmentId)
     order by id`,
    { organizationId, type, environmentId: environmentId as never },
  );
  return (await prepared(query)).rows.map(({ id }) => id);
}

/** Webhooks of an organization by id, that is, by creation; `after` is the last one of the page before. */
export async function listWebhooks(
  db: Database,
  organizationId: string,
  filter: { search?: string | undefined; environmentId?: string | undefined; enabled?: boolean | undefined },
  page: { limit: number; after: string | null },
): Promise<{ rows: Webhook[]; total: number }> {
  const matching = db('webhooks').where('organization_id', organizationId).whereNull('deleted_at');
  const { search } = filter;
  if (search !== undefined) {
    const pattern = `%${escapeLike(search)}%`;
    void matching.where((either) => void either.whereILike('name', pattern).orWhereILike('url', pattern));
  }
  if (filter.environmentId !== undefined) void matching.where('environment_id', filter.environmentId);
  if (filter.enabled !== undefined) void matching.where('enabled', filter.enabled);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.after !== null) void matching.where('id', '>', page.after);
  const rows = await matching.orderBy('id').limit(page.limit).select<Row[]>('*');
  return { rows: rows.map(toWebhook), total: counted?.count ?? 0 };
}

/** Locks up to `limit` webhooks whose secrets are sealed under another key than `keyId`. */
export async function lockWebhooksOfOtherKeys(tx: Transaction, keyId: string, limit: number): Promise<{ organizationId: string; id: string; sealed: Sealed }[]> {
  const rows = await tx('webhooks')
    .whereNot('key_id', keyId)
    .orderBy('id')
    .limit(limit)
    .forUpdate()
    .select<{ organization_id: string; id: string; sealed: Uint8Array; key_id: string }[]>('organization_id', 'id', 'sealed', 'key_id');
  return rows.map((row) => ({ organizationId: row.organization_id, id: row.id, sealed: { bytes: row.sealed, keyId: row.key_id } }));
}

export async function saveWebhookSecrets(tx: Transaction, organizationId: string, id: string, sealed: Sealed): Promise<void> {
  await tx('webhooks').where({ organization_id: organizationId, id }).update(toSealedColumns(sealed));
}

function toSealedColumns(sealed: Sealed): Row {
  return { sealed: Buffer.from(sealed.bytes), key_id: sealed.keyId };
}

function toColumns(webhook: Webhook): Row {
  return {
    name: webhook.name,
    url: webhook.url,
    events: webhook.events,
    header_names: webhook.headerNames,
    previous_secret_until: webhook.previousSecretUntil,
    enabled: webhook.enabled,
    disabled_because: webhook.disabledBecause,
    failing_since: webhook.failingSince,
    last_success_at: webhook.lastSuccessAt,
    last_failure: webhook.lastFailure === null ? null : JSON.stringify(webhook.lastFailure),
    version: webhook.version,
    last_at: webhook.lastAt,
    deleted_at: webhook.deletedAt,
  };
}

function toWebhook(row: Row): Webhook {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    environmentId: row.environment_id as string | null,
    name: row.name as string,
    url: row.url as string,
    events: row.events as WebhookEventType[],
    headerNames: row.header_names as string[],
    previousSecretUntil: row.previous_secret_until as Instant | null,
    enabled: row.enabled as boolean,
    disabledBecause: row.disabled_because as Webhook['disabledBecause'],
    failingSince: row.failing_since as Instant | null,
    lastSuccessAt: row.last_success_at as Instant | null,
    lastFailure: row.last_failure as Webhook['lastFailure'],
    createdBy: row.created_by as Actor,
    version: row.version as number,
    createdAt: row.created_at as Instant,
    lastAt: row.last_at as Instant,
    deletedAt: row.deleted_at as Instant | null,
  };
}
