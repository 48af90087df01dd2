import type { Instant } from '../../domain/shared/time.ts';
import type { ErrorRecord } from '../../domain/shared/errors.ts';
import type { DeliveredEventType } from '../../domain/webhooks/webhook-event.ts';
import type { Attempt, DeliveryOutcome, DeliveryState, WebhookDelivery } from '../../domain/webhooks/webhook-delivery.ts';
import type { Database, Transaction } from '../shared/connection.ts';

type Row = Record<string, unknown>;

export async function insertDeliveries(tx: Transaction, deliveries: readonly WebhookDelivery[]): Promise<void> {
  if (deliveries.length > 0) await tx('webhook_deliveries').insert(deliveries.map(toRow));
}

/** Reads and locks a delivery until the transaction ends. */
export async function lockDelivery(tx: Transaction, organizationId: string, id: string): Promise<WebhookDelivery | null> {
  const row = await tx('webhook_deliveries').where({ organization_id: organizationId, id }).forUpdate().first<Row | undefined>();
  return row === undefined ? null : toDelivery(row);
}

export async function getDelivery(db: Database | Transaction, organizationId: string, id: string): Promise<WebhookDelivery | null> {
  const row = await db('webhook_deliveries').where({ organization_id: organizationId, id }).first<Row | undefined>();
  return row === undefined ? null : toDelivery(row);
}

export async function organizationOfDelivery(db: Database, id: string): Promise<string | null> {
  const row = await db('webhook_deliveries').where({ id }).first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

export async function saveDelivery(tx: Transaction, delivery: WebhookDelivery): Promise<void> {
  await tx('webhook_deliveries').where({ organization_id: delivery.organizationId, id: delivery.id }).update(toColumns(delivery));
}

/** Ends every delivery of a webhook that is still on its way; answers with their ids, so that their workflows can be told. */
export async function cancelDeliveriesOf(
  tx: Transaction,
  organizationId: string,
  webhookId: string,
  outcome: 'webhook-disabled' | 'webhook-deleted',
  at: Instant,
): Promise<string[]> {
  const result = await tx.raw<{ rows: { id: string }[] }>(
    `update webhook_deliveries set state = 'cancelled', outcome = ?, next_due_at = null, ended_at = ?, last_at = greatest(last_at, ?), version = version + 1
     where organization_id = ? and webhook_id = ? and state = 'pending' returning id`,
    [outcome, at, at, organizationId, webhookId],
  );
  return result.rows.map(({ id }) => id);
}

/** Keeps what an attempt came to. A second word on the same attempt is not kept. */
export async function insertAttempt(tx: Transaction, delivery: Pick<WebhookDelivery, 'organizationId' | 'id'>, number: number, attempt: Attempt): Promise<void> {
  await tx('webhook_attempts')
    .insert({
      delivery_id: delivery.id,
      number,
      organization_id: delivery.organizationId,
      at: attempt.at,
      duration_ms: attempt.durationMs,
      status: attempt.status,
      answer: attempt.answer,
      error: attempt.error === null ? null : JSON.stringify(attempt.error),
    })
    .onConflict(['delivery_id', 'number'])
    .ignore();
}

/** An attempt as it is kept. */
export type KeptAttempt = Omit<Attempt, 'retryAfterSeconds'> & { number: number };

export async function attemptsOf(db: Database | Transaction, organizationId: string, deliveryId: string): Promise<KeptAttempt[]> {
  const rows = await db('webhook_attempts').where({ organization_id: organizationId, delivery_id: deliveryId }).orderBy('number').select<Row[]>('*');
  return rows.map((row) => ({
    number: row.number as number,
    at: row.at as Instant,
    durationMs: row.duration_ms as number,
    status: row.status as number | null,
    answer: row.answer as string | null,
    error: row.error as ErrorRecord | null,
  }));
}

/** Deliveries of a webhook, newest first; `before` is the last one of the page before. */
export async function listDeliveries(
  db: Database,
  organizationId: string,
  webhookId: string,
  filter: { state?: DeliveryState | undefined; eventType?: string | undefined },
  page: { limit: number; before: string | null },
): Promise<{ rows: WebhookDelivery[]; total: number }> {
  const matching = db('webhook_deliveries').where({ organization_id: organizationId, webhook_id: webhookId });
  if (filter.state !== undefined) void matching.where('state', filter.state);
  if (filter.eventType !== undefined) void matching.where('event_type', filter.eventType);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.before !== null) void matching.where('id', '<', page.before);
  const rows = await matching.orderBy('id', 'desc').limit(page.limit).select<Row[]>('*');
  return { rows: rows.map(toDelivery), total: counted?.count ?? 0 };
}

/** Deletes up to `limit` deliveries that ended before `before`, with their attempts; answers how many. */
export async function deleteEndedDeliveries(db: Database, before: Instant, limit: number): Promise<number> {
  return await db('webhook_deliveries')
    .whereIn('id', db('webhook_deliveries').select('id').where('ended_at', '<', before).limit(limit))
    .delete();
}

function toRow(delivery: WebhookDelivery): Row {
  return {
    id: delivery.id,
    organization_id: delivery.organizationId,
    webhook_id: delivery.webhookId,
    message_id: delivery.messageId,
    replay_of: delivery.replayOf,
    event_type: delivery.eventType,
    payload: delivery.payload,
    created_at: delivery.createdAt,
    ...toColumns(delivery),
  };
}

function toColumns(delivery: WebhookDelivery): Row {
  return {
    state: delivery.state,
    outcome: delivery.outcome,
    attempts: delivery.attempts,
    next_due_at: delivery.nextDueAt,
    version: delivery.version,
    last_at: delivery.lastAt,
    ended_at: delivery.endedAt,
  };
}

function toDelivery(row: Row): WebhookDelivery {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    webhookId: row.webhook_id as string,
    messageId: row.message_id as string,
    replayOf: row.replay_of as string | null,
    eventType: row.event_type as DeliveredEventType,
    payload: row.payload as string,
    state: row.state as DeliveryState,
    outcome: row.outcome as DeliveryOutcome | null,
    attempts: row.attempts as number,
    nextDueAt: row.next_due_at as Instant | null,
    version: row.version as number,
    createdAt: row.created_at as Instant,
    lastAt: row.last_at as Instant,
    endedAt: row.ended_at as Instant | null,
  };
}
